"""After a restore: puts back what Kafka still has and the store has not (docs/how-to/restore.md, ADR 0007).

Consumers have seen versions that a restored store has forgotten; a service that simply went on would write other
events under them. So, with the service stopped, every event of its topic that the store lacks returns under the
same id, version, times and bytes, and personal data under their versions; the position sequence is set past all of
them. Running it twice, or interrupting it, is harmless: each batch is one transaction and finds what is there.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from roadbook.bus import Delivered, Subscription
from roadbook.commands import Aggregate
from roadbook.database import Connection, Pool, acquire
from roadbook.events import Recorded
from roadbook.personal_relay import PERSONAL_TOPIC
from roadbook.store.port import Views
from roadbook.store.postgres import read_events
from roadbook.wire import Undecodable, from_message, parse_rfc3339

BATCH = 500
POLL_SECONDS = 1.0


class Diverged(Exception):
    """The store and the topic hold different events under the same version: the service has run since the restore.
    Restore again and recover before it starts."""


class Incomplete(Exception):
    """The topic lacks a version between what the store has and what the topic goes on with: it was truncated."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many events and personal values were put back, and how many records of both topics were read."""

    events: int
    personal: int
    read: int


async def recover(
    pool: Pool,
    subscription: Subscription,
    *,
    service: str,
    topic: str,
    aggregates: Mapping[str, Aggregate[Any, Any, Any]],
    views: Views,
) -> Recovered:
    """`pool` connects as the owner role; `aggregates` by the name before the `/` of a stream.

    Raises `Diverged` or `Incomplete`, having changed nothing from the batch in question on.
    """
    events = personal = read = 0
    async for batch in _whole(subscription, PERSONAL_TOPIC):
        read += len(batch)
        async with acquire(pool) as connection, connection.transaction():
            personal += await _put_back_personal(connection, service, batch)
    async for batch in _whole(subscription, topic):
        read += len(batch)
        async with acquire(pool) as connection, connection.transaction():
            missing = await _missing(connection, _decoded(batch))
            await _put_back(connection, missing)
            if missing:
                await views(connection, missing)
            await _set_timers(connection, aggregates, sorted({event.stream for event in missing}))
            events += len(missing)
    return Recovered(events, personal, read)


async def _whole(subscription: Subscription, topic: str) -> AsyncIterator[list[Delivered]]:
    """Everything from offset 0 to what is the end now, in offset order per partition."""
    partitions = await subscription.partitions(topic)
    await subscription.assign(dict.fromkeys(partitions, 0))
    ends = await subscription.end_offsets(partitions)
    while any(subscription.position(each) < end for each, end in ends.items()):
        polled = await subscription.poll(max_records=BATCH, timeout=POLL_SECONDS)
        batch = [record for records in polled.values() for record in records]
        if batch:
            yield batch


def _decoded(batch: Sequence[Delivered]) -> list[Recorded]:
    events = []
    for record in batch:
        try:
            events.append(from_message(record))
        except Undecodable:
            continue  # not ours: no event of this service was ever like that
    return events


async def _missing(connection: Connection, events: Sequence[Recorded]) -> list[Recorded]:
    """First occurrences beyond the store's versions, in order; what is known must be the same event."""
    streams = sorted({event.stream for event in events})
    rows = await connection.fetch("SELECT stream, version FROM streams WHERE stream = ANY($1)", streams)
    versions = {row["stream"]: row["version"] for row in rows}
    known = await connection.fetch(
        "SELECT stream, version, id::text AS id FROM events"
        " WHERE (stream, version) IN (SELECT * FROM unnest($1::text[], $2::int[]))",
        [event.stream for event in events],
        [event.version for event in events],
    )
    ids = {(row["stream"], row["version"]): row["id"] for row in known}
    missing = []
    for event in events:
        last = versions.get(event.stream, 0)
        if event.version == last + 1:
            missing.append(event)
            versions[event.stream] = event.version
            ids[event.stream, event.version] = event.id
        elif event.version > last:
            raise Incomplete(event.stream)
        elif ids[event.stream, event.version] != event.id:
            raise Diverged(event.stream)
    return missing


_PUT_STREAMS = """
INSERT INTO streams (stream, version, key, last_recorded)
SELECT stream, max(version), min(key), max(recorded) FROM unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[])
    AS u (stream, version, key, recorded)
GROUP BY stream ORDER BY stream
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, last_recorded = excluded.last_recorded
"""

# To the outbox as well: they are published once more, byte for byte the same, and a later rewind finds them in the log.
_PUT_EVENTS = """
WITH stored AS (
    INSERT INTO events (stream, version, position, id, type, time, recorded, data,
                        actor, correlation, causation, traceparent, dealer, party_ref, vin)
    SELECT stream, version, nextval('outbox_position'), id, type, time, recorded, data,
           actor, correlation, causation, traceparent, dealer, party_ref, vin
    FROM (SELECT * FROM unnest($1::text[], $2::int[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[],
              $7::json[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
          WITH ORDINALITY AS u (stream, version, id, type, time, recorded, data, actor, correlation, causation,
              traceparent, dealer, party_ref, vin, ord) ORDER BY ord) AS e
    RETURNING position
)
INSERT INTO outbox (channel, position) SELECT 'facts', position FROM stored
"""


async def _put_back(connection: Connection, events: Sequence[Recorded]) -> None:
    if not events:
        return
    streams, versions = [e.stream for e in events], [e.version for e in events]
    await connection.execute(_PUT_STREAMS, streams, versions, [e.key for e in events], [e.recorded for e in events])
    await connection.execute(
        _PUT_EVENTS,
        streams,
        versions,
        [e.id for e in events],
        [e.type for e in events],
        [e.time for e in events],
        [e.recorded for e in events],
        [e.data for e in events],
        [e.actor for e in events],
        [e.correlation for e in events],
        [e.causation for e in events],
        [e.traceparent for e in events],
        [e.labels.dealer for e in events],
        [e.labels.party_ref for e in events],
        [e.labels.vin for e in events],
    )


_SET_TIMER = """
INSERT INTO timers (id, stream, kind, due) VALUES ($1::text || '/' || $2, $1, $2, $3)
ON CONFLICT (id) DO UPDATE SET due = excluded.due, claimed = NULL
"""


async def _set_timers(
    connection: Connection, aggregates: Mapping[str, Aggregate[Any, Any, Any]], streams: Sequence[str]
) -> None:
    for stream in streams:
        aggregate = aggregates[stream.partition("/")[0]]
        for timer in aggregate.timers(aggregate.fold(await read_events(connection, stream))):
            if timer.due is None:
                await connection.execute("DELETE FROM timers WHERE id = $1", f"{stream}/{timer.kind}")
            else:
                await connection.execute(_SET_TIMER, stream, timer.kind, timer.due)


_PUT_PERSONAL = """
WITH put AS (
    INSERT INTO personal_data (party_ref, key, value, version, source, recorded_at, verified_at)
    SELECT DISTINCT ON (party_ref, key) * FROM unnest($1::text[], $2::text[], $3::json[], $4::bigint[], $5::text[],
        $6::timestamptz[], $7::timestamptz[]) AS u (party_ref, key, value, version, source, recorded_at, verified_at)
    ORDER BY party_ref, key, version DESC
    ON CONFLICT (party_ref, key) DO UPDATE SET value = excluded.value, version = excluded.version,
        source = excluded.source, recorded_at = excluded.recorded_at, verified_at = excluded.verified_at
    WHERE personal_data.version < excluded.version
    RETURNING version
)
SELECT count(*) FROM put
"""

_RAISE_POSITION = """
SELECT setval('outbox_position', greatest($1::bigint, (SELECT last_value FROM outbox_position)))
"""


async def _put_back_personal(connection: Connection, service: str, batch: Sequence[Delivered]) -> int:
    rows = [row for record in batch if (row := _personal_row(record, service)) is not None]
    if not rows:
        return 0
    await connection.execute(_RAISE_POSITION, max(row[3] for row in rows))
    return int(await connection.fetchval(_PUT_PERSONAL, *map(list, zip(*rows, strict=True))))


def _personal_row(record: Delivered, service: str) -> tuple[Any, ...] | None:
    """(party_ref, key, value, version, source, recorded_at, verified_at); None if it is another service's."""
    party_ref, owner, key = (record.key or b"").decode().split("/", 2)
    if owner != service:
        return None
    version = int(dict(record.headers)["sequence"])
    if record.value is None:
        removed_at = parse_rfc3339("1970-01-01T00:00:00Z")  # when it was learned went with the value
        return party_ref, key, None, version, "", removed_at, None
    said = orjson.loads(record.value)
    verified = said["verified_at"]
    return (
        party_ref,
        key,
        orjson.dumps(said["value"]).decode(),
        version,
        said["source"],
        parse_rfc3339(said["recorded_at"]),
        None if verified is None else parse_rfc3339(verified),
    )
