"""Party references and who holds them, written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
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

# One statement for all of it: what it inserts it does not see, so the updates meet only what was there before.
_APPLY = """
WITH refs AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bool[], $7::int[])
        AS r (party_ref, kind, dealer, source, registered_at, moved, version)
), points AS (
    SELECT * FROM unnest($8::text[], $9::text[], $10::text[], $11::bool[]) AS p (party_ref, key, origin, gone)
), registered AS (
    INSERT INTO party_refs (party_ref, kind, dealer, source, registered_at, version)
        SELECT party_ref, kind, dealer, source, registered_at, version FROM refs WHERE kind IS NOT NULL
        ON CONFLICT (party_ref) DO NOTHING
), changed AS (
    UPDATE party_refs AS known
        SET version = refs.version, dealer = CASE WHEN refs.moved THEN refs.dealer ELSE known.dealer END
        FROM refs WHERE known.party_ref = refs.party_ref
), learned AS (
    INSERT INTO adopted (party_ref, key, origin, gone)
        SELECT party_ref, key, origin, gone FROM points WHERE origin IS NOT NULL ON CONFLICT DO NOTHING
), gone AS (
    UPDATE adopted AS known SET gone = true
        FROM points WHERE points.gone AND known.party_ref = points.party_ref AND known.key = points.key
)
INSERT INTO match_dirty (party_ref) SELECT unnest($12::text[])
"""


@dataclass(slots=True)
class _Ref:
    """What the events make of one reference; `kind` None: they do not register it."""

    kind: str | None = None
    dealer: str | None = None
    source: str | None = None
    registered_at: datetime | None = None
    moved: bool = False
    version: int = 0


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """In the order of each stream. What may change who is alike marks the reference for matching."""
    refs: dict[str, _Ref] = {}
    origins: dict[tuple[str, str], str] = {}
    gone, dirty = set(), set()
    for recorded, event in told:
        ref = recorded.stream.partition("/")[2]
        known = refs.setdefault(ref, _Ref())
        known.version = recorded.version
        match event:
            case PartyRefRegistered(kind=kind, dealer=dealer, source=source, at=at):
                known.kind, known.source, known.registered_at = kind, source, at
                known.dealer = known.dealer if known.moved else dealer
                dirty.add(ref)
            case PartyRefMoved(dealer=dealer):
                known.dealer, known.moved = dealer, True
                dirty.add(ref)
            case ContactPointAdded(key=key, origin=str(origin)):
                origins.setdefault((ref, key), origin)
            case ContactPointCorrected(key=key) | ContactPointRetired(key=key):
                gone.add((ref, key))
                dirty.add(ref)
            case _:
                pass
    if refs:
        rows = [(ref, *astuple(refs[ref])) for ref in sorted(refs)]
        points = [(*each, origins.get(each), each in gone) for each in sorted({*origins, *gone})]
        await connection.execute(_APPLY, *_columns(rows, 7), *_columns(points, 4), sorted(dirty))


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[n] for row in rows] for n in range(width)]


# ── Who holds it ──────────────────────────────────────────────────────────────────────────────────────────────
# One statement: the row that is noted is not seen by the select beside it, so it is put in its place.
_HEARD = """
WITH noted AS (
    INSERT INTO holdings (party_ref, stream, dealer, since, version) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (party_ref, stream) DO UPDATE SET
        since = CASE WHEN holdings.dealer IS DISTINCT FROM excluded.dealer THEN excluded.since ELSE holdings.since END,
        dealer = excluded.dealer, version = excluded.version
    WHERE holdings.version < excluded.version
    RETURNING stream, dealer, since
)
SELECT dealer FROM (
    SELECT stream, dealer, since FROM noted
    UNION ALL
    SELECT stream, dealer, since FROM holdings WHERE party_ref = $1 AND stream NOT IN (SELECT stream FROM noted)
) AS held ORDER BY since DESC, stream COLLATE "C" DESC LIMIT 1
"""


async def heard(
    connection: Connection, ref: str, stream: str, dealer: str | None, at: datetime, version: int
) -> str | None:
    """Notes who holds a stream that carries `ref` as of its version, and returns who therefore holds `ref`."""
    holder: str | None = await connection.fetchval(_HEARD, ref, stream, dealer, at, version)
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
