"""Read your writes: whether what a position token stands for can be seen already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from projection.visibility import seen
from roadbook.database import Connection
from roadbook.position import Position


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether everything `position` names is in the tables, as far as `dealer` may see it at that time."""

    position: Position
    dealer: str | None
    at: datetime


# A stream the caller may not see counts as one that never comes: how far it is must not be found out by asking. Of a
# vehicle a dealer sees as much as it did itself. Each thing is looked up by its key (OFFSET 0: as a join the planner
# might read whole tables for many readers at once).
_MISSING = f"""
SELECT w.asker FROM unnest($1::int[], $2::text[], $3::int[], $4::text[], $5::timestamptz[])
    AS w (asker, stream, version, dealer, at)
WHERE NOT EXISTS (
    SELECT FROM stream_states s WHERE s.stream = w.stream AND s.version >= w.version
      AND ({seen("w.dealer", "w.at")} OR EXISTS (
          SELECT FROM stream_refs r WHERE r.stream = w.stream AND starts_with(r.stream, 'vehicle/')
            AND r.version >= w.version AND r.dealer = w.dealer))
    OFFSET 0)
UNION ALL
SELECT w.asker FROM unnest($6::int[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::timestamptz[])
    AS w (asker, party_ref, key, version, dealer, at)
WHERE NOT EXISTS (
    SELECT FROM personal_values p
    WHERE p.party_ref = w.party_ref AND p.key = w.key AND p.version >= w.version
      AND (w.dealer IS NULL OR EXISTS (
          SELECT FROM stream_states s WHERE s.stream = p.stream AND {seen("w.dealer", "w.at", contact=True)}))
    OFFSET 0)
AND (w.dealer IS NOT NULL OR NOT EXISTS (
    SELECT FROM personal_fences f WHERE f.party_ref = w.party_ref AND f.fence >= w.version))
"""


async def reached(connection: Connection, asked: Sequence[Asked]) -> list[bool]:
    """Whether it is so, of each: in one query, however many ask."""
    streams = [
        (number, stream, version, each.dealer, each.at)
        for number, each in enumerate(asked)
        for stream, version in each.position.streams
    ]
    personal = [
        (number, value.party_ref, value.key, value.version, each.dealer, each.at)
        for number, each in enumerate(asked)
        for value in each.position.personal
    ]
    rows = await connection.fetch(_MISSING, *_columns(streams, 5), *_columns(personal, 6))
    missing = {row["asker"] for row in rows}
    return [number not in missing for number in range(len(asked))]


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


_PARTIES = """
SELECT DISTINCT party_ref FROM stream_states WHERE stream = ANY($1::text[]) AND party_ref IS NOT NULL
UNION SELECT party_ref FROM stream_refs WHERE stream = ANY($1::text[]) AND party_ref <> ''
UNION SELECT unnest($2::text[])
"""

_MARKED = "SELECT coalesce(max(id), 0) FROM dirty WHERE party_ref = ANY($1::text[])"
_UNCOMPOSED = """
SELECT DISTINCT w.asker FROM unnest($1::int[], $2::text[], $3::bigint[]) AS w (asker, party_ref, mark)
WHERE EXISTS (SELECT FROM dirty d WHERE d.party_ref = w.party_ref AND d.id <= w.mark OFFSET 0)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest mark of some parties when it was asked for."""

    parties: tuple[str, ...]
    id: int


async def parties_of(connection: Connection, position: Position) -> list[str]:
    rows = await connection.fetch(
        _PARTIES, [stream for stream, _ in position.streams], [value.party_ref for value in position.personal]
    )
    return [row["party_ref"] for row in rows]


async def last_mark(connection: Connection, parties: Sequence[str]) -> int:
    """The newest mark of these parties; 0 when all that is committed is composed."""
    return int(await connection.fetchval(_MARKED, list(parties)))


async def composed(connection: Connection, marks: Sequence[Mark]) -> list[bool]:
    """Whether the composer has been past each, in one query: a mark leaves in the transaction that writes its rows."""
    wanted = [(number, party, mark.id) for number, mark in enumerate(marks) for party in mark.parties]
    late = {row["asker"] for row in await connection.fetch(_UNCOMPOSED, *_columns(wanted, 3))}
    return [number not in late for number in range(len(marks))]
