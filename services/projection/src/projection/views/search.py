"""Summaries and search keys: what the composer writes and a search reads, each row for one viewer only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from roadbook.database import Connection

HEADQUARTERS = "*"  # the scope that sees all; no dealer's id can be this


@dataclass(frozen=True, slots=True)
class Summary:
    """`granted` are the shares it is made of: stream and scope of each."""

    scope: str
    customer_id: str
    party_refs: tuple[str, ...]
    stage: str
    stage_since: datetime | None
    open_leads: int
    overdue: int
    record_version: int
    last_event: datetime | None
    next_change_at: datetime | None
    granted: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class KeyRow:
    """`granted`: its summary is made of shares too."""

    scope: str
    kind: str
    key: str
    party_ref: str
    customer_id: str
    granted: bool = False


# ── Taking work ───────────────────────────────────────────────────────────────────────────────────────────────
_LOCK = "UPDATE composer SET rounds = rounds + 1"

# The rows are chosen and removed by a later statement than the lock's, and the states are read by a later one still:
# a mark that is taken was committed together with its states, so those are seen.
_TAKE = """
DELETE FROM dirty WHERE id = ANY(ARRAY(SELECT id FROM dirty ORDER BY id LIMIT $1)) RETURNING party_ref
"""

_DUE = """
SELECT customer_id FROM summaries WHERE next_change_at <= $1 ORDER BY next_change_at LIMIT $2
"""


async def lock(connection: Connection) -> None:
    """One composer at a time: a slower one must not overwrite newer rows. Held until the transaction ends."""
    await connection.execute(_LOCK)


async def take_marks(connection: Connection, limit: int) -> list[str]:
    """Removes the oldest marks and returns the party reference of each; one may have several."""
    return [row["party_ref"] for row in await connection.fetch(_TAKE, limit)]


async def due(connection: Connection, now: datetime, limit: int) -> set[str]:
    """References of customers that time alone has changed by `now`."""
    return {row["customer_id"] for row in await connection.fetch(_DUE, now, limit)}


# The smallest of each, from its index. Asked whether any is due, a planner that knows no time believes that a third is,
# looks for the first of them from the table's beginning, and mostly reads all of it.
_IDLE = """
SELECT (SELECT min(id) FROM dirty) IS NULL AND coalesce((SELECT min(next_change_at) FROM summaries) > $1, true)
"""


async def idle(connection: Connection, now: datetime) -> bool:
    return bool(await connection.fetchval(_IDLE, now))


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_DROP_SUMMARIES = """
DELETE FROM summaries s WHERE customer_id = ANY($1::text[]) AND NOT EXISTS (
    SELECT FROM unnest($2::text[], $3::text[]) AS u (scope, customer_id)
    WHERE u.scope = s.scope AND u.customer_id = s.customer_id)
"""

_WRITE_SUMMARIES = """
INSERT INTO summaries (scope, customer_id, party_refs, stage, stage_since, open_leads, overdue, record_version,
                       last_event, next_change_at, granted, granted_scopes)
SELECT scope, customer_id, string_to_array(refs, ' '), stage, stage_since, open_leads, overdue, record_version,
       last_event, next_change_at, ARRAY(SELECT json_array_elements_text(granted)),
       ARRAY(SELECT json_array_elements_text(granted_scopes))
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::int[], $8::bigint[],
            $9::timestamptz[], $10::timestamptz[], $11::json[], $12::json[])
     AS u (scope, customer_id, refs, stage, stage_since, open_leads, overdue, record_version, last_event,
           next_change_at, granted, granted_scopes)
ON CONFLICT (scope, customer_id) DO UPDATE SET party_refs = excluded.party_refs, stage = excluded.stage,
    stage_since = excluded.stage_since, open_leads = excluded.open_leads, overdue = excluded.overdue,
    record_version = excluded.record_version, last_event = excluded.last_event,
    next_change_at = excluded.next_change_at, granted = excluded.granted, granted_scopes = excluded.granted_scopes
"""


async def write_summaries(connection: Connection, refs: Collection[str], rows: Sequence[Summary]) -> None:
    """Replaces all summaries of customers among `refs` by `rows`, which are sorted."""
    await connection.execute(
        _DROP_SUMMARIES, sorted(refs), [row.scope for row in rows], [row.customer_id for row in rows]
    )
    await connection.execute(
        _WRITE_SUMMARIES,
        [row.scope for row in rows],
        [row.customer_id for row in rows],
        [" ".join(row.party_refs) for row in rows],
        [row.stage for row in rows],
        [row.stage_since for row in rows],
        [row.open_leads for row in rows],
        [row.overdue for row in rows],
        [row.record_version for row in rows],
        [row.last_event for row in rows],
        [row.next_change_at for row in rows],
        [orjson.dumps([stream for stream, _ in row.granted]).decode() for row in rows],
        [orjson.dumps([scope for _, scope in row.granted]).decode() for row in rows],
    )


_DROP_KEYS = """
DELETE FROM search_keys k WHERE party_ref = ANY($1::text[]) AND NOT EXISTS (
    SELECT FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[])
        AS u (scope, kind, key, party_ref, customer_id, granted)
    WHERE u.scope = k.scope AND u.kind = k.kind AND u.key = k.key AND u.party_ref = k.party_ref
      AND u.customer_id = k.customer_id AND u.granted = k.granted)
"""

_WRITE_KEYS = """
INSERT INTO search_keys (scope, kind, key, party_ref, customer_id, granted)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[])
ON CONFLICT (scope, kind, key, party_ref) DO NOTHING
"""


async def write_keys(connection: Connection, refs: Collection[str], rows: Sequence[KeyRow]) -> None:
    """Replaces all search keys of `refs` by `rows`, which are sorted; a row that stays is not touched."""
    columns = (
        [row.scope for row in rows],
        [row.kind for row in rows],
        [row.key for row in rows],
        [row.party_ref for row in rows],
        [row.customer_id for row in rows],
        [row.granted for row in rows],
    )
    await connection.execute(_DROP_KEYS, sorted(refs), *columns)
    await connection.execute(_WRITE_KEYS, *columns)


# ── Finding ───────────────────────────────────────────────────────────────────────────────────────────────────
# A summary that is made of shares is shown only while each of them still is what it was: time, a revocation or a new
# holder hides it at once, however late the composer comes.
_FIND = """
SELECT s.customer_id, s.party_refs, s.stage, s.stage_since, s.open_leads, s.overdue, s.last_event, s.granted,
       s.granted_scopes
FROM (
    SELECT DISTINCT customer_id FROM search_keys k
    WHERE scope = $1 AND kind = $2 AND key >= $3 AND key < $4 AND customer_id > $5
      AND (NOT k.granted OR EXISTS (
          SELECT FROM summaries m WHERE m.scope = $1 AND m.customer_id = k.customer_id AND NOT EXISTS (
              SELECT FROM unnest(m.granted, m.granted_scopes) AS g (stream, scope) WHERE NOT EXISTS (
                  SELECT FROM stream_grants n
                  WHERE n.stream = g.stream AND n.dealer = $1 AND n.scope = g.scope AND n.until > $7))))
    ORDER BY customer_id LIMIT $6
) found JOIN summaries s ON s.scope = $1 AND s.customer_id = found.customer_id
ORDER BY s.customer_id
"""

_FIND_EXACTLY = _FIND.replace("key >= $3 AND key < $4", "key = $3 AND $4::text IS NULL")


async def find(
    connection: Connection, scope: str, kind: str, key: str, at: datetime, *, prefix: bool, after: str, size: int
) -> list[asyncpg.Record]:
    """Customers of `scope` by key, in the order of their ids from `after` on, as they may be seen at that time."""
    query, end = (_FIND, after_prefix(key)) if prefix else (_FIND_EXACTLY, None)
    return await connection.fetch(query, scope, kind, key, end, after, size, at)


def after_prefix(prefix: str) -> str:
    """The smallest text beyond all that begin with `prefix`, in byte order of UTF-8. The surrogates are no texts."""
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return after_prefix(prefix[:-1]) if len(prefix) > 1 else prefix + "\U0010ffff"
    return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
