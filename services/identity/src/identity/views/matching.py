"""What matching works on: normalised keys of personal values, blocks of references that may be alike, and marks of
those that are to be matched again. Personal data, every row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from roadbook.database import Connection

Said = tuple[str, str, str]
"""(where it was said, kind, key)."""

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


# ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ValueRow:
    """The keys of one personal value as of its version; none: it was removed, or says nothing of the kind."""

    party_ref: str
    service: str
    value_key: str
    version: int
    keys: Sequence[tuple[str, str]] = field(repr=False)


_NEWER = """
INSERT INTO match_values (party_ref, service, value_key, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (party_ref, service, value_key) DO UPDATE SET version = excluded.version
WHERE match_values.version < excluded.version
RETURNING party_ref, service, value_key
"""
_FORGET = """
DELETE FROM match_keys k USING unnest($1::text[], $2::text[], $3::text[]) AS gone (party_ref, service, value_key)
WHERE k.party_ref = gone.party_ref AND k.service = gone.service AND k.value_key = gone.value_key
"""
_KEEP = """
INSERT INTO match_keys (party_ref, service, value_key, kind, key)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING
"""
_MARK = "INSERT INTO match_dirty (party_ref) SELECT unnest($1::text[])"


async def save(connection: Connection, rows: Sequence[ValueRow]) -> None:
    """Of each value the highest version counts, whatever comes last (T17). The references are marked."""
    newest: dict[tuple[str, str, str], ValueRow] = {}
    for row in rows:
        at = (row.party_ref, row.service, row.value_key)
        if at not in newest or newest[at].version < row.version:
            newest[at] = row
    ordered = [newest[at] for at in sorted(newest)]
    columns = zip(*((row.party_ref, row.service, row.value_key, row.version) for row in ordered), strict=True)
    taken = {tuple(row) for row in await connection.fetch(_NEWER, *map(list, columns))}
    kept = [row for row in ordered if (row.party_ref, row.service, row.value_key) in taken]
    if not kept:
        return
    await connection.execute(
        _FORGET, [row.party_ref for row in kept], [row.service for row in kept], [row.value_key for row in kept]
    )
    keys = [(row.party_ref, row.service, row.value_key, *key) for row in kept for key in row.keys]
    if keys:
        await connection.execute(_KEEP, *map(list, zip(*keys, strict=True)))
    await connection.execute(_MARK, sorted({row.party_ref for row in kept}))


async def add_fact(connection: Connection, ref: str, service: str, stream: str, kind: str, key: str) -> None:
    """A key that is a fact and no personal value: the VIN of a car that the party has."""
    done = await connection.execute(_KEEP, [ref], [service], [stream], [kind], [key])
    if done != "INSERT 0 0":
        await connection.execute(_MARK, [ref])


# ── The matcher ───────────────────────────────────────────────────────────────────────────────────────────────
_TAKE = """
WITH taken AS (
    DELETE FROM match_dirty
    WHERE id IN (SELECT id FROM match_dirty WHERE due <= clock_timestamp() ORDER BY id LIMIT $1)
    RETURNING party_ref, attempts
)
SELECT party_ref, max(attempts) AS attempts FROM taken GROUP BY party_ref ORDER BY party_ref
"""
_ALSO = "DELETE FROM match_dirty WHERE party_ref = ANY($1::text[])"
_AGAIN = """
INSERT INTO match_dirty (party_ref, attempts, due)
SELECT $1, $2 + 1, clock_timestamp() + least(interval '10 seconds' * power(2, least($2, 10)), interval '1 hour')
"""


async def take(connection: Connection, limit: int) -> dict[str, int]:
    """References to be matched, and how often that failed. Their marks go first and their keys are read in later
    statements: what is marked meanwhile is matched again."""
    refs = {row["party_ref"]: row["attempts"] for row in await connection.fetch(_TAKE, limit)}
    if refs:
        await connection.execute(_ALSO, [*refs])
    return refs


async def again(connection: Connection, ref: str, attempts: int) -> None:
    """Another try in 10 s, then 20 s and so on up to an hour; its next change is tried at once."""
    await connection.execute(_AGAIN, ref, attempts)


_PROFILES = """
SELECT r.party_ref, r.dealer, k.service || '/' || split_part(k.value_key, '/', 1) || '/' ||
       split_part(k.value_key, '/', 2) AS place, k.kind, k.key
FROM party_refs r LEFT JOIN match_keys k ON k.party_ref = r.party_ref
    AND NOT EXISTS (SELECT 1 FROM adopted a WHERE a.party_ref = k.party_ref AND a.origin = k.value_key AND a.gone)
WHERE r.party_ref = ANY($1::text[])
ORDER BY r.party_ref, k.service, k.value_key, k.kind, k.key
"""


async def profiles(connection: Connection, refs: Collection[str]) -> dict[str, tuple[str | None, list[Said]]]:
    """ref -> (its holder, (place, kind, key) of all that is known); one that is not registered is left out. A value
    that was corrected or retired here no longer counts."""
    found: dict[str, tuple[str | None, list[Said]]] = {}
    for row in await connection.fetch(_PROFILES, sorted(refs)):
        _, said = found.setdefault(row["party_ref"], (row["dealer"], []))
        if row["kind"] is not None:
            said.append((row["place"], row["kind"], row["key"]))
    return found


_PLACE = """
WITH wanted AS (SELECT * FROM unnest($2::text[], $3::text[]) AS w (party_ref, block)), gone AS (
    DELETE FROM match_blocks AS known WHERE party_ref = ANY($1::text[])
        AND NOT EXISTS (SELECT FROM wanted WHERE wanted.party_ref = known.party_ref AND wanted.block = known.block)
)
INSERT INTO match_blocks (block, party_ref) SELECT block, party_ref FROM wanted ON CONFLICT DO NOTHING
"""
_MEMBERS = """
SELECT b.block, m.party_ref FROM unnest($1::text[]) AS b (block)
CROSS JOIN LATERAL (SELECT party_ref FROM match_blocks WHERE block = b.block ORDER BY party_ref LIMIT $2) AS m
"""


async def place(connection: Connection, refs: Sequence[str], blocks: Sequence[tuple[str, str]]) -> None:
    """`blocks`: (reference, block), all that these references are in from now on."""
    await connection.execute(_PLACE, refs, [ref for ref, _ in blocks], [block for _, block in blocks])


async def members(connection: Connection, blocks: Sequence[str], limit: int) -> dict[str, list[str]]:
    """block -> at most `limit` of the references in it."""
    found: dict[str, list[str]] = {}
    for row in await connection.fetch(_MEMBERS, blocks, limit):
        found.setdefault(row["block"], []).append(row["party_ref"])
    return found
