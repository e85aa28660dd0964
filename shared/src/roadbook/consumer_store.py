"""Where a consumer keeps its place: offsets, stream versions and held events, in the transaction of the effects (T11).

`ConsumerStore` is a port; this module has its Postgres, `roadbook.testing.memory_consumer_store` its twin.
"""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg
import orjson

from roadbook.bus import Delivered, TopicPartition
from roadbook.database import Connection, Pool, acquire
from roadbook.version_rule import RETRY, Held, StreamView


@dataclass(frozen=True, slots=True)
class HeldFigures:
    events: int
    parked_streams: int


class ConsumerTransaction(Protocol):
    @property
    def connection(self) -> Any:
        """What handlers write their effects with."""
        ...

    async def advance(self, moves: Mapping[TopicPartition, tuple[int, int]]) -> bool:
        """Moves offsets from the first to the second number, all or none. False: somebody else moved one, the
        transaction must be rolled back. Must be the first call (T11)."""
        ...

    async def views(self, streams: Sequence[str]) -> dict[str, StreamView]:
        """Every stream asked for; an unknown one is empty."""
        ...

    async def write(
        self, versions: Mapping[str, tuple[int, int]], release: Sequence[Held], hold: Sequence[Held]
    ) -> bool:
        """Deletes `release`, writes `hold` and the versions. False: a version was not what it was before."""
        ...


class ConsumerStore(Protocol):
    async def offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset to read next, per partition; a partition never read before is entered with 0."""
        ...

    async def retries(self, partitions: Sequence[TopicPartition]) -> list[str]:
        """Streams of these partitions that an operator wants tried again."""
        ...

    async def held(self) -> HeldFigures: ...

    def transaction(self) -> AbstractAsyncContextManager[ConsumerTransaction]:
        """Committed at its end, rolled back by any exception. Raises `Unavailable`."""
        ...


_ENTER = """
WITH wanted AS (SELECT * FROM unnest($2::text[], $3::int[]) AS w (topic, partition)),
entered AS (
    INSERT INTO consumer_offsets (consumer, topic, partition, next) SELECT $1, topic, partition, 0 FROM wanted
    ON CONFLICT DO NOTHING RETURNING topic, partition, next
)
SELECT topic, partition, next FROM entered
UNION
SELECT o.topic, o.partition, o.next FROM consumer_offsets o JOIN wanted USING (topic, partition) WHERE o.consumer = $1
"""
_RETRIES = """
SELECT DISTINCT h.stream FROM held h JOIN unnest($2::text[], $3::int[]) AS w (topic, partition) USING (topic, partition)
WHERE h.consumer = $1 AND h.reason IS NOT NULL AND h.reason = $4 ORDER BY h.stream
"""
_FIGURES = """
SELECT count(*) AS events, count(DISTINCT stream) FILTER (WHERE reason IS NOT NULL) AS parked
FROM held WHERE consumer = $1
"""
_ADVANCE = """
UPDATE consumer_offsets o SET next = m.after
FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS m (topic, partition, before, after)
WHERE o.consumer = $1 AND o.topic = m.topic AND o.partition = m.partition AND o.next = m.before
"""
# Looked up one by one in the keys, which also a planner does that never saw the tables filled: OFFSET 0 keeps it so.
_VIEWS = """
SELECT w.stream,
    (SELECT s.version FROM consumer_streams AS s WHERE s.consumer = $1 AND s.stream = w.stream) AS last,
    h.version, h.topic, h.partition, h."offset", h.key, h.headers, h.value, h.timestamp, h.reason
FROM unnest($2::text[]) AS w (stream)
LEFT JOIN LATERAL (SELECT * FROM held WHERE held.consumer = $1 AND held.stream = w.stream OFFSET 0) AS h ON true
ORDER BY w.stream, h.version, h.since, h."offset"
"""
_VERSIONS = """
WITH w AS (SELECT * FROM unnest($2::text[], $3::int[], $4::int[]) AS u (stream, before, after)),
entered AS (
    INSERT INTO consumer_streams (consumer, stream, version)
        SELECT $1, stream, after FROM w WHERE before = 0 ORDER BY stream ON CONFLICT DO NOTHING RETURNING 1
), moved AS (
    UPDATE consumer_streams c SET version = w.after FROM w
    WHERE c.consumer = $1 AND c.stream = w.stream AND w.before > 0 AND c.version = w.before RETURNING 1
)
SELECT (SELECT count(*) FROM entered) + (SELECT count(*) FROM moved)
"""
_RELEASE = """
DELETE FROM held h
USING unnest($2::text[], $3::int[], $4::text[], $5::int[], $6::bigint[])
    AS r (stream, version, topic, partition, "offset")
WHERE h.consumer = $1 AND h.stream = r.stream AND h.version = r.version AND h.topic = r.topic
  AND h.partition = r.partition AND h."offset" = r."offset"
"""
_HOLD = """
INSERT INTO held (consumer, stream, version, topic, partition, "offset", key, headers, value, timestamp, reason)
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::text[], $5::int[], $6::bigint[],
                         $7::bytea[], $8::json[], $9::bytea[], $10::bigint[], $11::text[])
ON CONFLICT (consumer, stream, version, topic, partition, "offset") DO UPDATE SET reason = excluded.reason
"""


class PostgresConsumerStore:
    """`ConsumerStore` in the kit's tables of the service's database, under the consumer's name."""

    def __init__(self, pool: Pool, consumer: str) -> None:
        self._pool = pool
        self._consumer = consumer

    async def offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_ENTER, self._consumer, *_columns(partitions))
            if len(rows) < len(set(partitions)):
                # Another worker entered some in the same moment: the next statement sees them.
                rows = await connection.fetch(_ENTER, self._consumer, *_columns(partitions))
        return {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}

    async def retries(self, partitions: Sequence[TopicPartition]) -> list[str]:
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_RETRIES, self._consumer, *_columns(partitions), RETRY)
        return [row["stream"] for row in rows]

    async def held(self) -> HeldFigures:
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(_FIGURES, self._consumer)
        assert row is not None  # an aggregate
        return HeldFigures(row["events"], row["parked"])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["PostgresConsumerTransaction"]:
        async with acquire(self._pool) as connection, connection.transaction():
            yield PostgresConsumerTransaction(connection, self._consumer)


class PostgresConsumerTransaction:
    def __init__(self, connection: Connection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer

    @property
    def connection(self) -> Connection:
        return self._connection

    async def advance(self, moves: Mapping[TopicPartition, tuple[int, int]]) -> bool:
        partitions = sorted(moves)
        before = [moves[each][0] for each in partitions]
        after = [moves[each][1] for each in partitions]
        status = await self._connection.execute(_ADVANCE, self._consumer, *_columns(partitions), before, after)
        return bool(status == f"UPDATE {len(moves)}")

    async def views(self, streams: Sequence[str]) -> dict[str, StreamView]:
        last: dict[str, int] = {}
        held: dict[str, list[Held]] = {}
        for row in await self._connection.fetch(_VIEWS, self._consumer, list(streams)):
            last[row["stream"]] = row["last"] or 0
            if row["version"] is not None:
                held.setdefault(row["stream"], []).append(_held(row))
        return {stream: StreamView(last[stream], tuple(held.get(stream, ()))) for stream in streams}

    async def write(
        self, versions: Mapping[str, tuple[int, int]], release: Sequence[Held], hold: Sequence[Held]
    ) -> bool:
        if release:
            await self._connection.execute(_RELEASE, self._consumer, *_places(release))
        if hold:
            await self._connection.execute(_HOLD, self._consumer, *_places(hold), *_contents(hold))
        if not versions:
            return True
        streams = sorted(versions)
        before = [versions[stream][0] for stream in streams]
        after = [versions[stream][1] for stream in streams]
        written: int = await self._connection.fetchval(_VERSIONS, self._consumer, streams, before, after)
        return written == len(streams)


def _columns(partitions: Sequence[TopicPartition]) -> tuple[list[str], list[int]]:
    return [each.topic for each in partitions], [each.partition for each in partitions]


def _places(rows: Sequence[Held]) -> tuple[list[str], list[int], list[str], list[int], list[int]]:
    return (
        [row.stream for row in rows],
        [row.version for row in rows],
        [row.record.topic for row in rows],
        [row.record.partition for row in rows],
        [row.record.offset for row in rows],
    )


def _contents(rows: Sequence[Held]) -> tuple[list[Any], ...]:
    return (
        [row.record.key for row in rows],
        [_pack(row.record.headers) for row in rows],
        [row.record.value for row in rows],
        [row.record.timestamp for row in rows],
        [row.reason for row in rows],
    )


def _pack(headers: tuple[tuple[str, bytes], ...]) -> str:
    """Header values are any bytes, names any text, also such as json columns refuse: both in base64."""
    pairs = [(base64.b64encode(name.encode()).decode(), base64.b64encode(raw).decode()) for name, raw in headers]
    return orjson.dumps(pairs).decode()


def _held(row: asyncpg.Record) -> Held:
    headers = tuple(
        (base64.b64decode(name).decode(), base64.b64decode(raw)) for name, raw in orjson.loads(row["headers"])
    )
    record = Delivered(
        row["topic"], row["partition"], row["offset"], row["key"], row["value"], headers, row["timestamp"]
    )
    return Held(
        row["stream"], row["version"], dict(headers).get("ce_id", b"").decode("utf-8", "replace"), record, row["reason"]
    )
