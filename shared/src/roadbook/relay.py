"""The relay of facts: publishes the log in order and moves its cursor over what Kafka has confirmed (T10).

Order lemma (RELIABILITY §4): a relay starts at or below the first unconfirmed log number, hands every partition one
unacknowledged batch at a time, and stops at its first failure. Then each relay's output per stream is a contiguous
run that starts at or below the confirmed prefix, and however such runs interleave, the first occurrences of a stream
on Kafka are 1, 2, 3, … Two relays at once only repeat.
"""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass

import asyncpg

from roadbook.bus import Message, Publisher, PublishFailed
from roadbook.bus_metrics import RELAY_FAILURES, RELAY_PUBLISHED, RELAY_REBUILDS
from roadbook.crashpoints import crashpoint
from roadbook.database import Connection, Pool, acquire
from roadbook.events import Labels, Recorded
from roadbook.logs import get_logger
from roadbook.outbox import CHUNK, ERROR_FIRST, ERROR_LIMIT, POLL_LIMIT, POLL_TOLD, Channel
from roadbook.telemetry import exporting, span
from roadbook.wire import to_message
from roadbook.workers import Backoff, pause, run_until

log = get_logger(__name__)


class LogBroken(Exception):
    """The log has a hole, or names an event that is not there: the database was damaged or restored in parts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A log number and its message; None when there is nothing to publish for it."""

    no: int
    message: Message | None


class Relay:
    """Publishes channel 'facts' of one service's database to `topic`. `run` closes the publisher at its end."""

    def __init__(self, pool: Pool, publisher: Publisher, topic: str, wake: asyncio.Event) -> None:
        self._pool = pool
        self._publisher = publisher
        self._topic = topic
        self._wake = wake

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then at most about 10 s more; errors are retried for ever."""
        try:
            await run_until(stop, self._loop)
        finally:
            await self._publisher.close()

    async def _loop(self, stop: asyncio.Event) -> None:
        idle, failing = Backoff(POLL_TOLD, POLL_LIMIT), Backoff(ERROR_FIRST, ERROR_LIMIT)
        while not stop.is_set():
            self._wake.clear()
            try:
                moved = await self.step(stop)
            except Exception as error:
                note_failure("facts", error)
                await pause(failing.step(), stop)
                continue
            finally:
                RELAY_REBUILDS.labels("facts").set(self._publisher.rebuilds)
            failing.reset()
            if moved:
                idle.reset()
            if moved < CHUNK:  # what came after the look has woken us already
                await pause(idle.step(), self._wake, stop)

    async def step(self, stop: asyncio.Event | None = None) -> int:
        """Publishes one chunk; returns by how many numbers the cursor moved. Raises what went wrong after having
        moved the cursor over what was confirmed before."""
        async with acquire(self._pool) as connection:
            cursor, entries = await read_facts(connection)
        if not entries:
            return 0
        crashpoint("relay.after_read")
        confirmed, failure = await self._publish(entries, stop or asyncio.Event())
        prefix = confirmed_prefix(cursor, confirmed)
        if prefix > cursor:
            crashpoint("relay.after_ack")
            async with acquire(self._pool) as connection:
                await move_cursor(connection, "facts", cursor, prefix)
            crashpoint("relay.after_mark")
        if failure is not None:
            raise failure
        return prefix - cursor

    async def _publish(self, entries: Sequence[Entry], stop: asyncio.Event) -> tuple[set[int], Exception | None]:
        """Every partition by itself and in order; the first failure lets no further batch go out anywhere."""
        by_partition: dict[int, list[Entry]] = {}
        for entry in entries:
            assert entry.message is not None
            partition = await self._publisher.partition_of(self._topic, entry.message.key)
            by_partition.setdefault(partition, []).append(entry)
        confirmed: set[int] = set()
        failures: list[Exception] = []

        async def drain(partition: int, rest: Sequence[Entry]) -> None:
            while rest and not failures and not stop.is_set():
                messages = [entry.message for entry in rest if entry.message is not None]
                try:
                    sent = await self._publisher.send(self._topic, partition, messages)
                except Exception as error:
                    failures.append(error)
                    return
                RELAY_PUBLISHED.labels("facts").inc(sent)
                confirmed.update(entry.no for entry in rest[:sent])
                trace(self._topic, messages[:sent])
                rest = rest[sent:]

        # gather, not a TaskGroup: that would cancel the other partitions inside the Kafka client.
        await asyncio.gather(*(drain(partition, rest) for partition, rest in by_partition.items()))
        return confirmed, failures[0] if failures else None


def confirmed_prefix(cursor: int, confirmed: Set[int]) -> int:
    """Up to where, from `cursor` on, every number is confirmed: the first that is not."""
    while cursor in confirmed:
        cursor += 1
    return cursor


# Looked up one by one in the keys (OFFSET 0 keeps it so): a planner takes the limit for what there is, and reads all
# events of a young store for the two or three that a step has.
_READ = """
SELECT c.next, l.no, s.key, e.stream, e.version, e.id::text AS id, e.type, e.time, e.recorded, e.data,
       e.actor, e.correlation, e.causation, e.traceparent, e.dealer, e.party_ref, e.vin
FROM relay_cursor c
LEFT JOIN LATERAL (
    SELECT no, position FROM outbox_log WHERE channel = 'facts' AND no >= c.next ORDER BY no LIMIT $1
) l ON true
LEFT JOIN LATERAL (SELECT * FROM events WHERE events.position = l.position OFFSET 0) e ON true
LEFT JOIN LATERAL (SELECT key FROM streams WHERE streams.stream = e.stream OFFSET 0) s ON true
WHERE c.channel = 'facts' ORDER BY l.no
"""


async def read_facts(connection: Connection, limit: int = CHUNK) -> tuple[int, list[Entry]]:
    """The cursor and the entries from there on. Raises `LogBroken`."""
    rows = await connection.fetch(_READ, limit)
    if not rows:
        raise LogBroken("the facts channel has no cursor")
    cursor: int = rows[0]["next"]
    found = [row for row in rows if row["no"] is not None]
    check_dense(cursor, [row["no"] for row in found])
    if any(row["key"] is None for row in found):
        raise LogBroken("the log names an event that is not in the store")
    return cursor, [Entry(row["no"], to_message(_recorded(row))) for row in found]


def check_dense(cursor: int, numbers: Sequence[int]) -> None:
    """The prefix rule stands on it: number n visible means all below n visible."""
    if list(numbers) != list(range(cursor, cursor + len(numbers))):
        raise LogBroken("the log has a hole at or after the cursor")


def _recorded(row: asyncpg.Record) -> Recorded:
    return Recorded(
        stream=row["stream"],
        version=row["version"],
        id=row["id"],
        type=row["type"],
        time=row["time"],
        recorded=row["recorded"],
        data=row["data"],
        key=row["key"],
        labels=Labels(row["dealer"], row["party_ref"], row["vin"]),
        actor=row["actor"],
        correlation=row["correlation"],
        causation=row["causation"],
        traceparent=row["traceparent"],
    )


_MOVE = "UPDATE relay_cursor SET next = $3 WHERE channel = $1 AND next = $2"


async def move_cursor(connection: Connection, channel: Channel, old: int, new: int) -> bool:
    """By compare-and-set; False when another relay or an operator moved it meanwhile: then theirs stands, and the
    next round starts from it."""
    status = await connection.execute(_MOVE, channel, old, new)
    return bool(status == "UPDATE 1")


def trace(topic: str, messages: Sequence[Message]) -> None:
    """One span per message in the trace of the command that caused it; costs nothing while traces go nowhere."""
    if not exporting():
        return
    for message in messages:
        headers = dict(message.headers)
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.operation.name": "publish",
            "cloudevents.event_type": headers.get("ce_type", b"").decode(),
            "cloudevents.event_id": headers.get("ce_id", b"").decode(),
        }
        parent = headers.get("ce_traceparent")
        with span(f"publish {topic}", "producer", attributes, parent.decode() if parent else None):
            pass


def note_failure(channel: Channel, error: Exception) -> None:
    reason = error.reason if isinstance(error, PublishFailed) else type(error).__name__
    RELAY_FAILURES.labels(channel, reason).inc()
    log.warning("relay_retries", kind=channel, reason=reason)
