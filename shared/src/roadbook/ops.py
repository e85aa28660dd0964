"""What operators do, as plain functions on a service's database; the command line calls them.

Whatever changes a consumer's place locks the offset row of the partition first, as the worker does with the first
statement of its transaction: so the two never interleave (T12).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import asyncpg

from roadbook.bus import TopicPartition
from roadbook.consumer_work import UNREADABLE
from roadbook.database import Connection, Pool, acquire
from roadbook.outbox import Channel, OutboxLag, backlog
from roadbook.version_rule import RETRY

__all__ = [
    "ConsumerLag",
    "OutboxLag",
    "ParkedStream",
    "consumer_lag",
    "outbox_lag",
    "parked",
    "rewind_consumer",
    "rewind_relay",
    "skip",
    "unpark",
]

REASON = re.compile(r"[a-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class ConsumerLag:
    """`next` is the offset to read next, `end` the topic's, both per partition; `events` = end - next (records that
    compaction removed are counted). None where Kafka was not asked."""

    consumer: str
    topic: str
    partition: int
    next: int
    end: int | None
    events: int | None


@dataclass(frozen=True)
class ParkedStream:
    """A stream that waits for an operator since `since`, at `version`; `waiting` events are held behind it. Records
    that could not be read at all stand under a stream `undecodable/<topic>/<partition>/<offset>`, version 0."""

    consumer: str
    stream: str
    version: int
    reason: str
    since: datetime
    topic: str
    partition: int
    offset: int
    waiting: int


async def outbox_lag(connection: Connection) -> list[OutboxLag]:
    return [await backlog(connection, channel) for channel in get_args(Channel)]


async def consumer_lag(connection: Connection, ends: Mapping[TopicPartition, int] | None = None) -> list[ConsumerLag]:
    """Per partition; `ends` come from `roadbook.kafka.end_offsets`."""
    rows = await connection.fetch(
        "SELECT consumer, topic, partition, next FROM consumer_offsets ORDER BY consumer, topic, partition"
    )
    lags = []
    for row in rows:
        end = (ends or {}).get(TopicPartition(row["topic"], row["partition"]))
        events = None if end is None else end - row["next"]
        lags.append(ConsumerLag(row["consumer"], row["topic"], row["partition"], row["next"], end, events))
    return lags


_PARKED = """
SELECT p.consumer, p.stream, p.version, p.reason, p.since, p.topic, p.partition, p."offset",
       (SELECT count(*) FROM held w
        WHERE w.consumer = p.consumer AND w.stream = p.stream AND w.reason IS NULL) AS waiting
FROM held p WHERE p.reason IS NOT NULL AND ($1::text IS NULL OR p.consumer = $1)
ORDER BY p.consumer, p.stream, p.version, p."offset"
"""


async def parked(connection: Connection, consumer: str | None = None) -> list[ParkedStream]:
    return [ParkedStream(**dict(row)) for row in await connection.fetch(_PARKED, consumer)]


_LOCK = """
SELECT 1 FROM consumer_offsets
WHERE consumer = $1 AND (topic, partition) IN (SELECT topic, partition FROM held WHERE consumer = $1 AND stream = $2)
ORDER BY topic, partition FOR UPDATE
"""


_UNPARK = "UPDATE held SET reason = $3 WHERE consumer = $1 AND stream = $2 AND reason IS NOT NULL"


async def unpark(pool: Pool, consumer: str, stream: str) -> int:
    """Lets the worker try the parked events again, in order and before anything that arrives later; it notices within
    a second. Returns how many rows were parked. If they fail again, the stream parks again."""
    async with acquire(pool) as connection, connection.transaction():
        await connection.execute(_LOCK, consumer, stream)
        status = await connection.execute(_UNPARK, consumer, stream, RETRY)
    return int(status.split()[1])


async def skip(pool: Pool, consumer: str, stream: str, version: int, reason: str) -> bool:
    """Gives up one parked version for ever and writes that down in `consumer_skips`; what waits behind it goes on.

    False when nothing is parked there. `reason` is a code; `ValueError` if it is not, or if the version is parked
    above a gap (then the version before it is what is missing).
    """
    if not REASON.fullmatch(reason):
        raise ValueError("a reason is a code of a-z, 0-9, _, . and -")
    async with acquire(pool) as connection, connection.transaction():
        await connection.execute(_LOCK, consumer, stream)
        rows = await connection.fetch(
            "SELECT version, reason FROM held WHERE consumer = $1 AND stream = $2 ORDER BY version", consumer, stream
        )
        if not any(row["version"] == version and row["reason"] is not None for row in rows):
            return False
        await _give_up(connection, consumer, stream, version, rows)
        await connection.execute(
            "INSERT INTO consumer_skips (consumer, stream, version, reason) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (consumer, stream, version) DO UPDATE SET reason = excluded.reason, at = now()",
            consumer,
            stream,
            version,
            reason,
        )
    return True


async def _give_up(
    connection: Connection, consumer: str, stream: str, version: int, rows: list[asyncpg.Record]
) -> None:
    """Where a rival of the given-up event is held at the same version, the rival is tried; else the stream moves
    past the version."""
    last = await connection.fetchval(
        "SELECT version FROM consumer_streams WHERE consumer = $1 AND stream = $2", consumer, stream
    )
    rival = any(row["version"] == version and row["reason"] is None for row in rows)
    expected = (last or 0) + 1
    if not stream.startswith(UNREADABLE) and not rival:
        if version > expected:
            raise ValueError(f"version {expected} is missing before it")
        if version == expected:
            await connection.execute(
                "INSERT INTO consumer_streams (consumer, stream, version) VALUES ($1, $2, $3)"
                " ON CONFLICT (consumer, stream) DO UPDATE SET version = excluded.version",
                consumer,
                stream,
                version,
            )
    await connection.execute(
        "DELETE FROM held WHERE consumer = $1 AND stream = $2 AND version = $3 AND reason IS NOT NULL",
        consumer,
        stream,
        version,
    )
    # The worker looks at a stream when something arrives or is marked: mark the first that waited.
    await connection.execute(
        "UPDATE held SET reason = $3 WHERE consumer = $1 AND stream = $2 AND reason IS NULL AND version ="
        " (SELECT min(version) FROM held WHERE consumer = $1 AND stream = $2)",
        consumer,
        stream,
        RETRY,
    )


_LOCK_CURSOR = "SELECT next FROM relay_cursor WHERE channel = $1 FOR UPDATE"
_SET_CURSOR = "UPDATE relay_cursor SET next = $2 WHERE channel = $1"


async def rewind_relay(pool: Pool, channel: Channel, to: int = 1) -> int:
    """Sets the relay's cursor back to log number `to`; everything from there is published again, byte for byte (for a
    broker that lost data). Returns the old cursor. `ValueError` outside of 1..old."""
    async with acquire(pool) as connection, connection.transaction():
        old = await connection.fetchval(_LOCK_CURSOR, channel)
        if old is None:
            raise ValueError(f"there is no channel {channel}")
        if not 1 <= to <= old:
            raise ValueError(f"a cursor is set back only: 1..{old}")
        await connection.execute(_SET_CURSOR, channel, to)
    return int(old)


_REWIND = "UPDATE consumer_offsets SET next = $2 WHERE consumer = $1 AND next > $2"


async def rewind_consumer(pool: Pool, consumer: str, to: int = 0) -> int:
    """Sets every partition's offset that is beyond `to` back to it; returns how many were. The worker notices by
    itself; what it has applied is dropped by version."""
    if to < 0:
        raise ValueError("an offset is not negative")
    async with acquire(pool) as connection:
        status: Any = await connection.execute(_REWIND, consumer, to)
    return int(status.split()[1])
