"""What a new generation takes over from the live one beside the topics: its offsets as a goal, and operators' words."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from roadbook import ops
from roadbook.bus import TopicPartition
from roadbook.database import Connection, Pool
from roadbook.version_rule import RETRY

_OFFSETS = "SELECT topic, partition, next FROM public.consumer_offsets WHERE consumer = $1"
_HOLD = """
SELECT 1 FROM public.consumer_offsets WHERE consumer = ANY($1::text[]) ORDER BY consumer, topic, partition FOR UPDATE
"""


async def live_offsets(connection: Connection, consumer: str) -> dict[TopicPartition, int]:
    rows = await connection.fetch(_OFFSETS, consumer)
    return {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}


async def hold(connection: Connection, consumers: Sequence[str]) -> None:
    """Until the transaction ends no worker commits a batch, and no operator moves anything (T11, T12)."""
    await connection.execute(_HOLD, list(consumers))


_SKIPS = """
SELECT s.stream, s.version, s.reason FROM public.consumer_skips s
WHERE s.consumer = $1
  AND EXISTS (SELECT FROM {schema}.held h WHERE h.consumer = s.consumer AND h.stream = s.stream
              AND h.version = s.version AND h.reason IS NOT NULL)
ORDER BY s.stream, s.version
"""


async def skips_to_repeat(connection: Connection, schema: str, consumer: str) -> list[asyncpg.Record]:
    """Where the live generation was told to go on without an event that this one has parked, too. What this one could
    read is not given up again."""
    return await connection.fetch(_SKIPS.format(schema=schema), consumer)


async def repeat(filling: Pool, consumer: str, skips: Sequence[asyncpg.Record]) -> int:
    """Skips them in the new generation; returns how many."""
    done = 0
    for row in skips:
        try:
            done += await ops.skip(filling, consumer, row["stream"], row["version"], row["reason"])
        except ValueError:
            continue  # something before it is missing here: the comparison tells
    return done


_DOUBLES = "DELETE FROM dirty a USING dirty b WHERE a.party_ref = b.party_ref AND a.id < b.id"


async def take_doubles(connection: Connection) -> int:
    """Leaves one mark of each reference, and returns how many there are. Nothing else writes marks at that time."""
    await connection.execute(_DOUBLES)
    return int(await connection.fetchval("SELECT count(*) FROM dirty"))


async def marked(connection: Connection) -> set[str]:
    """The references that are to be composed."""
    return {row["party_ref"] for row in await connection.fetch("SELECT party_ref FROM dirty")}


_REMOVED: Final = """
INSERT INTO {schema}.personal_values SELECT * FROM public.personal_values WHERE value IS NULL ON CONFLICT DO NOTHING
"""


async def removed_values(connection: Connection, schema: str) -> None:
    """Compaction forgets tombstones after a while, but their versions must stay: an older value could come back, and
    whoever waits for the removal would wait in vain. Those that come after this are still on the topic."""
    await connection.execute(_REMOVED.format(schema=schema))


_UNPARKED = """
UPDATE {schema}.held n SET reason = $1 FROM public.held o
WHERE o.reason = $1 AND n.reason IS NOT NULL AND n.consumer = o.consumer AND n.stream = o.stream
  AND n.version = o.version AND n.topic = o.topic AND n.partition = o.partition AND n."offset" = o."offset"
"""


async def unparked(connection: Connection, schema: str) -> None:
    """What an operator wants tried again and no worker has tried yet."""
    await connection.execute(_UNPARKED.format(schema=schema), RETRY)


_MARKS = """
SELECT setval(pg_get_serial_sequence('{schema}.dirty', 'id'), greatest(
    coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.dirty', 'id')::regclass), 1),
    coalesce(pg_sequence_last_value(pg_get_serial_sequence('{schema}.dirty', 'id')::regclass), 1)))
"""


async def number_marks_on(connection: Connection, schema: str) -> None:
    """Who waits for the composer remembers the number of a mark: later ones must be greater in every generation."""
    await connection.execute(_MARKS.format(schema=schema))


async def mark(connection: Connection, refs: Sequence[str]) -> None:
    await connection.execute("INSERT INTO public.dirty (party_ref) SELECT unnest($1::text[])", list(refs))


_EVERYBODY: Final = """
INSERT INTO public.dirty (party_ref)
SELECT party_ref FROM public.stream_states WHERE party_ref IS NOT NULL
UNION SELECT party_ref FROM public.stream_refs WHERE party_ref <> ''
"""


async def mark_everybody(connection: Connection) -> None:
    await connection.execute(_EVERYBODY)
