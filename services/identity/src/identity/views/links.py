"""Pairs of references: linked, proposed, told apart; written in the append's transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from identity.domain.link import Event, Evidence, LinkProposed, LinkRejected, PartyRefsLinked, PartyRefsUnlinked
from roadbook.database import Connection
from roadbook.events import Recorded

Pair = tuple[str, str]
ProposalKey = tuple[int, str, str]
"""Where a page of the queue ends: (score, smaller, larger)."""

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_PROPOSED = """
INSERT INTO pairs (smaller, larger, status, apart, score, evidence, matcher, proposed_at, at, version)
VALUES ($1, $2, 'proposed', false, $3, $4, $5, $6, $6, $7)
ON CONFLICT (smaller, larger) DO UPDATE SET status = 'proposed', score = excluded.score, evidence = excluded.evidence,
    matcher = excluded.matcher, proposed_at = excluded.proposed_at, at = excluded.at, version = excluded.version
"""
_LINKED = """
INSERT INTO pairs (smaller, larger, status, apart, evidence, matcher, by, at, version)
VALUES ($1, $2, 'linked', false, $3, $4, $5, $6, $7)
ON CONFLICT (smaller, larger) DO UPDATE SET status = 'linked', apart = false, evidence = excluded.evidence,
    matcher = excluded.matcher, by = excluded.by, reason = NULL, at = excluded.at, version = excluded.version
"""
_APART = """
INSERT INTO pairs (smaller, larger, status, apart, evidence, matcher, by, reason, at, version)
VALUES ($1, $2, 'distinct', true, '[]', '', $3, $4, $5, $6)
ON CONFLICT (smaller, larger) DO UPDATE SET status = 'distinct', apart = true, by = excluded.by,
    reason = excluded.reason, at = excluded.at, version = excluded.version
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    for recorded, event in told:
        a, b, version = event.smaller, event.larger, recorded.version
        match event:
            case LinkProposed(score=score, evidence=evidence, matcher=matcher, at=at):
                await connection.execute(_PROPOSED, a, b, score, _json(evidence), matcher, at, version)
            case PartyRefsLinked(evidence=evidence, matcher=matcher, by=by, at=at):
                await connection.execute(_LINKED, a, b, _json(evidence), matcher, by, at, version)
            case LinkRejected(by=by, reason=reason, at=at) | PartyRefsUnlinked(by=by, reason=reason, at=at):
                await connection.execute(_APART, a, b, by, reason, at, version)


def _json(evidence: Sequence[Evidence]) -> str:
    return orjson.dumps([asdict(each) for each in evidence]).decode()


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PairRow:
    """`by`, `reason`: of the last decision, None while it is only proposed."""

    smaller: str
    larger: str
    status: str
    apart: bool
    score: int | None
    evidence: list[dict[str, Any]]
    matcher: str
    by: str | None
    reason: str | None
    proposed_at: datetime | None
    at: datetime
    version: int


def _row(row: Any) -> PairRow:
    return PairRow(**{**dict(row), "evidence": orjson.loads(row["evidence"])})


async def lock(connection: Connection) -> None:
    """Decisions about links come one after another. The first statement of the transaction that makes one."""
    await connection.execute("UPDATE link_lock SET decisions = decisions + 1")


async def pair(connection: Connection, smaller: str, larger: str) -> PairRow | None:
    row = await connection.fetchrow("SELECT * FROM pairs WHERE smaller = $1 AND larger = $2", smaller, larger)
    return None if row is None else _row(row)


_REACHED = """
WITH RECURSIVE reached (ref) AS (
    SELECT unnest($1::text[])
    UNION
    SELECT CASE WHEN p.smaller = r.ref THEN p.larger ELSE p.smaller END
    FROM reached r JOIN pairs p ON p.status = 'linked' AND (p.smaller = r.ref OR p.larger = r.ref)
    {only}
)
SELECT ref FROM reached
"""
_HELD = (
    "JOIN party_refs h ON h.dealer = $2 AND h.party_ref = CASE WHEN p.smaller = r.ref THEN p.larger ELSE p.smaller END"
)


async def reached(connection: Connection, refs: Collection[str], dealer: str | None = None) -> set[str]:
    """Every reference that links lead to from `refs`; for a dealer only over references it holds."""
    statement = _REACHED.format(only="" if dealer is None else _HELD)
    arguments = (sorted(refs),) if dealer is None else (sorted(refs), dealer)
    return {row["ref"] for row in await connection.fetch(statement, *arguments)}


_AMONG = "SELECT * FROM pairs WHERE smaller = ANY($1::text[]) AND larger = ANY($1::text[]) AND {what}"


async def links_among(connection: Connection, refs: Collection[str]) -> list[PairRow]:
    rows = await connection.fetch(_AMONG.format(what="status = 'linked'") + " ORDER BY smaller, larger", sorted(refs))
    return [_row(row) for row in rows]


async def apart_among(connection: Connection, refs: Collection[str]) -> set[Pair]:
    rows = await connection.fetch(_AMONG.format(what="apart"), sorted(refs))
    return {(row["smaller"], row["larger"]) for row in rows}


async def proposals(connection: Connection, after: ProposalKey | None, limit: int) -> list[PairRow]:
    """The queue: the likeliest first. `after` is the last of the page before."""
    statement = "SELECT * FROM pairs WHERE status = 'proposed'"
    arguments: list[Any] = [limit]
    if after is not None:
        arguments += [-after[0], after[1], after[2]]
        statement += " AND (-score, smaller, larger) > ($2, $3, $4)"
    rows = await connection.fetch(statement + " ORDER BY -score, smaller, larger LIMIT $1", *arguments)
    return [_row(row) for row in rows]
