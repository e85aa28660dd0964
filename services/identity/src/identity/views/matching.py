"""What matching works on: normalised keys of personal values, blocks of references that may be alike, and marks of
those that are to be matched again. Personal data, every row."""

from collections.abc import Sequence

from roadbook.database import Connection

_VALUES = """
SELECT kind, key FROM match_keys
WHERE party_ref = $1 AND kind IN ('name', 'birth_date')
  AND ($2::text[] IS NULL OR split_part(value_key, '/', 1) || '/' || split_part(value_key, '/', 2) = ANY($2))
"""


async def values_of(connection: Connection, ref: str, streams: Sequence[str] | None) -> dict[str, set[str]]:
    """The different names and birth dates that these streams say (None: all of them)."""
    found: dict[str, set[str]] = {}
    for row in await connection.fetch(_VALUES, ref, streams):
        found.setdefault(row["kind"], set()).add(row["key"])
    return found
