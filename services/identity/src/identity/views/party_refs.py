"""Party references and who holds them, written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from identity.domain.party_ref import (
    ContactPointAdded,
    ContactPointCorrected,
    ContactPointRetired,
    Event,
    PartyRefMoved,
    PartyRefRegistered,
)
from roadbook.database import Connection
from roadbook.events import Recorded

RefKey = tuple[datetime, str]
"""Where a page ends: (registered_at, party_ref)."""

_REGISTERED = """
INSERT INTO party_refs (party_ref, kind, dealer, source, registered_at, version) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (party_ref) DO UPDATE SET version = excluded.version
"""
_MOVED = "UPDATE party_refs SET dealer = $2, version = $3 WHERE party_ref = $1"
_TOUCHED = "UPDATE party_refs SET version = $2 WHERE party_ref = $1"
_ADOPTED = "INSERT INTO adopted (party_ref, key, origin) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_GONE = "UPDATE adopted SET gone = true WHERE party_ref = $1 AND key = $2"
_DIRTY = "INSERT INTO match_dirty (party_ref) SELECT DISTINCT unnest($1::text[])"


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """In the order of each stream. What may change who is alike marks the reference for matching."""
    dirty = set()
    for recorded, event in told:
        ref, version = recorded.stream.partition("/")[2], recorded.version
        match event:
            case PartyRefRegistered(kind=kind, dealer=dealer, source=source, at=at):
                await connection.execute(_REGISTERED, ref, kind, dealer, source, at, version)
                dirty.add(ref)
                continue
            case PartyRefMoved(dealer=dealer):
                await connection.execute(_MOVED, ref, dealer, version)
                dirty.add(ref)
                continue
            case ContactPointAdded(key=key, origin=str(origin)):
                await connection.execute(_ADOPTED, ref, key, origin)
            case ContactPointCorrected(key=key) | ContactPointRetired(key=key):
                await connection.execute(_GONE, ref, key)
                dirty.add(ref)
            case _:
                pass
        await connection.execute(_TOUCHED, ref, version)
    if dirty:
        await connection.execute(_DIRTY, sorted(dirty))


# ── Who holds it ──────────────────────────────────────────────────────────────────────────────────────────────
_HEARD = """
INSERT INTO holdings (party_ref, stream, dealer, since, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (party_ref, stream) DO UPDATE SET
    since = CASE WHEN holdings.dealer IS DISTINCT FROM excluded.dealer THEN excluded.since ELSE holdings.since END,
    dealer = excluded.dealer, version = excluded.version
WHERE holdings.version < excluded.version
"""
_HOLDER = """
SELECT dealer FROM holdings WHERE party_ref = $1 ORDER BY since DESC, stream COLLATE "C" DESC LIMIT 1
"""


async def heard(
    connection: Connection, ref: str, stream: str, dealer: str | None, at: datetime, version: int
) -> str | None:
    """Notes who holds a stream that carries `ref` as of its version, and returns who therefore holds `ref`."""
    await connection.execute(_HEARD, ref, stream, dealer, at, version)
    holder: str | None = await connection.fetchval(_HOLDER, ref)
    return holder


async def held_streams(connection: Connection, ref: str, dealer: str) -> set[str]:
    """The other services' streams of `ref` that `dealer` holds."""
    rows = await connection.fetch("SELECT stream FROM holdings WHERE party_ref = $1 AND dealer = $2", ref, dealer)
    return {row["stream"] for row in rows}


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class RefRow:
    party_ref: str
    kind: str
    dealer: str | None
    source: str
    registered_at: datetime
    version: int


async def visible(connection: Connection, refs: Sequence[str], dealer: str | None) -> dict[str, RefRow]:
    """Those of `refs` that there are and `dealer` holds (None: headquarters, which sees all)."""
    rows = await connection.fetch(
        "SELECT * FROM party_refs WHERE party_ref = ANY($1::text[]) AND ($2::text IS NULL OR dealer = $2)",
        list(refs),
        dealer,
    )
    return {row["party_ref"]: RefRow(**dict(row)) for row in rows}


async def page(connection: Connection, dealer: str | None, after: RefKey | None, limit: int) -> list[RefRow]:
    """At most `limit` references after the key, the last registered first; of `dealer`, or all of them."""
    conditions: list[str] = ["true"]
    arguments: list[object] = [limit]
    if dealer is not None:
        arguments.append(dealer)
        conditions.append(f"dealer = ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"(registered_at, party_ref) < (${len(arguments) - 1}, ${len(arguments)})")
    where = " AND ".join(conditions)
    rows = await connection.fetch(
        f"SELECT * FROM party_refs WHERE {where} ORDER BY registered_at DESC, party_ref DESC LIMIT $1", *arguments
    )
    return [RefRow(**dict(row)) for row in rows]
