"""Read your writes: whether what a position token stands for can be seen already."""

from collections.abc import Sequence
from datetime import datetime

from projection.visibility import seen
from roadbook.database import Connection
from roadbook.position import Position

# A stream the caller may not see counts as one that never comes: how far it is must not be found out by asking. Of a
# vehicle a dealer sees as much as it did itself.
_REACHED_POSITION = f"""
SELECT (
    SELECT count(*) FROM unnest($1::text[], $2::int[]) AS w (stream, version)
    JOIN stream_states s ON s.stream = w.stream AND s.version >= w.version
    WHERE {seen("$6", "$7::timestamptz")} OR EXISTS (
        SELECT FROM stream_refs r WHERE r.stream = w.stream AND starts_with(r.stream, 'vehicle/')
          AND r.version >= w.version AND r.dealer = $6)
) = cardinality($1::text[]) AND (
    SELECT count(*) FROM unnest($3::text[], $4::text[], $5::bigint[]) AS w (party_ref, key, version)
    WHERE EXISTS (
        SELECT FROM personal_values p
        WHERE p.party_ref = w.party_ref AND p.key = w.key AND p.version >= w.version
          AND ($6::text IS NULL OR EXISTS (
              SELECT FROM stream_states s WHERE s.stream = p.stream AND {seen("$6", "$7::timestamptz", contact=True)}))
    ) OR EXISTS (
        SELECT FROM personal_fences f WHERE $6::text IS NULL AND f.party_ref = w.party_ref AND f.fence >= w.version
    )
) = cardinality($3::text[]) AS reached
"""


async def reached(connection: Connection, position: Position, dealer: str | None, at: datetime) -> bool:
    """Whether everything `position` names is in the tables, as far as `dealer` may see it at that time."""
    return bool(
        await connection.fetchval(
            _REACHED_POSITION,
            [stream for stream, _ in position.streams],
            [version for _, version in position.streams],
            [value.party_ref for value in position.personal],
            [value.key for value in position.personal],
            [value.version for value in position.personal],
            dealer,
            at,
        )
    )


_PARTIES = """
SELECT DISTINCT party_ref FROM stream_states WHERE stream = ANY($1::text[]) AND party_ref IS NOT NULL
UNION SELECT party_ref FROM stream_refs WHERE stream = ANY($1::text[]) AND party_ref <> ''
UNION SELECT unnest($2::text[])
"""

_MARKED = "SELECT coalesce(max(id), 0) FROM dirty WHERE party_ref = ANY($1::text[])"
_COMPOSED = "SELECT NOT EXISTS (SELECT FROM dirty WHERE party_ref = ANY($1::text[]) AND id <= $2)"


async def parties_of(connection: Connection, position: Position) -> list[str]:
    rows = await connection.fetch(
        _PARTIES, [stream for stream, _ in position.streams], [value.party_ref for value in position.personal]
    )
    return [row["party_ref"] for row in rows]


async def last_mark(connection: Connection, parties: Sequence[str]) -> int:
    """The newest mark of these parties; 0 when all that is committed is composed."""
    return int(await connection.fetchval(_MARKED, list(parties)))


async def composed(connection: Connection, parties: Sequence[str], mark: int) -> bool:
    """Whether the composer has been past `mark`: a mark leaves in the transaction that writes its rows."""
    return bool(await connection.fetchval(_COMPOSED, list(parties), mark))
