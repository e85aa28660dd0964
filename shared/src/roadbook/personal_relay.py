"""The relay of personal data: current values to the compacted topic, fenced (T17).

Compaction keeps the last offset, not the highest version. So a relay that was frozen with an old value in hand must
never publish it after a newer one: the broker fences its transactional id as soon as another relay has acquired it,
and every relay acquires *before* it reads. What it read is then newer than anything a fenced one could still commit.
"""

import asyncio
import time
from typing import Any

import orjson

from roadbook.bus import Fenced, Message, TransactionalPublisher
from roadbook.bus_metrics import RELAY_PUBLISHED, RELAY_REBUILDS
from roadbook.crashpoints import crashpoint
from roadbook.database import Connection, Pool, acquire
from roadbook.logs import get_logger
from roadbook.outbox import CHUNK, ERROR_FIRST, ERROR_LIMIT, POLL_LIMIT, POLL_TOLD
from roadbook.relay import Entry, LogBroken, check_dense, move_cursor, note_failure
from roadbook.wire import SEQUENCE_DIGITS, rfc3339
from roadbook.workers import Backoff, pause, run_until

log = get_logger(__name__)

PERSONAL_TOPIC = "roadbook.personal-data.v1"
STANDBY_SECONDS = 10.0


class PersonalRelay:
    """Publishes channel 'personal' of `service`'s database. `run` closes the publisher at its end.

    A fenced relay stands by: it takes over again only when the log has waited for `standby` seconds without the
    cursor moving, so that two relays of one service do not fence each other in turn.
    """

    def __init__(
        self,
        pool: Pool,
        publisher: TransactionalPublisher,
        service: str,
        wake: asyncio.Event,
        *,
        topic: str = PERSONAL_TOPIC,
        standby: float = STANDBY_SECONDS,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._service = service
        self._wake = wake
        self._topic = topic
        self._standby = standby

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
                moved = await self.step()
            except Fenced as error:
                note_failure("personal", error)
                await self._stand_by(stop)
                continue
            except Exception as error:
                note_failure("personal", error)
                await pause(failing.step(), stop)
                continue
            finally:
                RELAY_REBUILDS.labels("personal").set(self._publisher.rebuilds)
            failing.reset()
            if moved:
                idle.reset()
            if moved < CHUNK:  # what came after the look has woken us already
                await pause(idle.step(), self._wake, stop)

    async def step(self) -> int:
        """Publishes one chunk in one Kafka transaction; returns by how many numbers the cursor moved."""
        async with acquire(self._pool) as connection:
            cursor, head = await _ends(connection)
        if cursor == head:
            return 0
        await self._publisher.acquire()  # before the read: see the module's text
        async with acquire(self._pool) as connection:
            cursor, entries = await read_personal(connection, self._service)
        if not entries:
            return 0
        crashpoint("personal.after_read")
        messages = [entry.message for entry in entries if entry.message is not None]
        await self._publisher.send_all(self._topic, messages)
        RELAY_PUBLISHED.labels("personal").inc(len(messages))
        async with acquire(self._pool) as connection:
            await move_cursor(connection, "personal", cursor, cursor + len(entries))
        crashpoint("personal.after_mark")
        return len(entries)

    async def _stand_by(self, stop: asyncio.Event) -> None:
        seen, since = -1, time.monotonic()
        while not stop.is_set():
            try:
                async with acquire(self._pool) as connection:
                    cursor, head = await _ends(connection)
            except Exception as error:
                log.debug("relay_stands_by", error_type=type(error).__name__)
            else:
                if cursor != seen or cursor == head:
                    seen, since = cursor, time.monotonic()
                elif time.monotonic() - since >= self._standby:
                    return
            await pause(min(1.0, self._standby / 4), stop)


_ENDS = """
SELECT c.next, h.next AS head FROM relay_cursor c JOIN outbox_log_head h USING (channel) WHERE channel = 'personal'
"""


async def _ends(connection: Connection) -> tuple[int, int]:
    row = await connection.fetchrow(_ENDS)
    if row is None:
        raise LogBroken("the personal channel has no cursor")
    return row["next"], row["head"]


# Looked up one by one, as the facts are.
_READ = """
SELECT c.next, l.no, p.party_ref, p.key, p.value, p.version, p.source, p.recorded_at, p.verified_at
FROM relay_cursor c
LEFT JOIN LATERAL (
    SELECT no, position FROM outbox_log WHERE channel = 'personal' AND no >= c.next ORDER BY no LIMIT $1
) l ON true
LEFT JOIN LATERAL (SELECT * FROM personal_data WHERE version = l.position OFFSET 0) p ON true
WHERE c.channel = 'personal' ORDER BY l.no
"""


async def read_personal(connection: Connection, service: str, limit: int = CHUNK) -> tuple[int, list[Entry]]:
    """The cursor and the entries from there on. A value that was replaced meanwhile has no message: its row has a
    newer version, and that has an entry of its own further on. Raises `LogBroken`."""
    rows = await connection.fetch(_READ, limit)
    if not rows:
        raise LogBroken("the personal channel has no cursor")
    found = [row for row in rows if row["no"] is not None]
    check_dense(rows[0]["next"], [row["no"] for row in found])
    return rows[0]["next"], [
        Entry(row["no"], None if row["key"] is None else personal_message(row, service)) for row in found
    ]


def personal_message(row: Any, service: str) -> Message:
    """Key `<party_ref>/<service>/<key>`; the version stands in a header too, because a tombstone has no value."""
    value = None
    if row["value"] is not None:
        verified = row["verified_at"]
        value = b'{"value":%b,"source":%b,"recorded_at":%b,"verified_at":%b,"version":%d}' % (
            row["value"].encode(),
            orjson.dumps(row["source"]),
            orjson.dumps(rfc3339(row["recorded_at"])),
            orjson.dumps(None if verified is None else rfc3339(verified)),
            row["version"],
        )
    return Message(
        key=f"{row['party_ref']}/{service}/{row['key']}".encode(),
        value=value,
        headers=(
            ("sequence", str(row["version"]).zfill(SEQUENCE_DIGITS).encode()),
            ("partyref", row["party_ref"].encode()),
            ("source", f"urn:roadbook:{service}".encode()),
        ),
    )
