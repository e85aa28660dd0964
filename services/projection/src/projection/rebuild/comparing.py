"""Whether two generations say the same: hashes of every customer's record at one date, and the rows beneath them.

The record is a pure function, so where the folded streams and links are equal to the byte their hashes are. Only the
others are derived, in both generations.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from projection import service
from projection.domain.components import customers
from projection.domain.record import derive, hash_of, values
from projection.domain.rules import RULES
from roadbook.database import Connection

PAGE: Final = 200
LISTED: Final = 100
KEPT: Final = 10_000  # customers that differ: beyond, the others are counted and not known by name
PATHS: Final = 10
NOTHING: Final[tuple[None, None]] = (None, None)
# Table -> the columns that must be equal. A removed value may be gone from a compacted topic; the switch carries it.
_ROWS: Final = {
    "facts": ("stream, version, id, type, time, recorded, party_ref, dealer, data", ""),
    "links": ("smaller, larger, event", ""),
    "stream_states": ("stream, version, party_ref, dealer", ""),
    "stream_refs": ("stream, version, party_ref, dealer", ""),
    "customer_map": ("party_ref, customer_id", ""),
    "stream_grants": ("stream, dealer, scope, until", ""),
    "personal_values": ("party_ref, service, key, version, value::text", "WHERE value IS NOT NULL"),
}


@dataclass(frozen=True, slots=True)
class Different:
    """A customer whose record is another one; None: there is none in that generation. `paths` are JSON Pointers of
    facts that differ, the first few."""

    customer_id: str
    live: str | None
    rebuilt: str | None
    paths: tuple[str, ...] = ()


@dataclass(slots=True)
class Comparison:
    """`records` are the customers whose records differ, the first few of them `listed`. Where very many do, `more`
    counts those that are not kept: memory must not grow with the references. `rows` counts the rows of each table that
    only one of the two has."""

    customers: int = 0
    derived: int = 0
    records: set[str] = field(default_factory=set)
    more: int = 0
    listed: dict[str, Different] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        return not self.records and not self.more and not any(self.rows.values())

    def note(self, found: Different) -> None:
        """What was noted of it before is out of date; whoever was only counted stays so."""
        self.records.discard(found.customer_id)
        self.listed.pop(found.customer_id, None)
        if found.live == found.rebuilt:
            return
        if len(self.records) >= KEPT:
            self.more += 1
            return
        self.records.add(found.customer_id)
        if len(self.listed) < LISTED:
            self.listed[found.customer_id] = found

    def shown(self) -> dict[str, Any]:
        listed = sorted(self.listed.values(), key=lambda each: each.customer_id)
        return {
            "customers": self.customers,
            "derived": self.derived,
            "different_records": len(self.records) + self.more,
            "different_rows": self.rows,
            "listed": [asdict(each) for each in listed],
        }


async def compare(connection: Connection, schema: str, at: datetime) -> Comparison:
    """Everything, in one snapshot: the caller's transaction is repeatable read and began at equal offsets."""
    done = Comparison(customers=await connection.fetchval(_CUSTOMERS))
    for table in _ROWS:
        done.rows[table] = await connection.fetchval(_other_rows(table, schema))
    await _records(connection, schema, None, at, done)
    return done


async def compare_again(
    connection: Connection, schema: str, refs: Collection[str], at: datetime, done: Comparison
) -> None:
    """What has changed since: the records of `refs`, into `done`."""
    if refs:
        await _records(connection, schema, sorted(refs), at, done)


_CUSTOMERS = "SELECT count(DISTINCT party_ref) FROM public.stream_states"


def _other_rows(table: str, schema: str) -> str:
    columns, where = _ROWS[table]
    live = f"SELECT {columns} FROM public.{table} {where}"
    rebuilt = f"SELECT {columns} FROM {schema}.{table} {where}"
    one, other = f"({live} EXCEPT ALL {rebuilt})", f"({rebuilt} EXCEPT ALL {live})"
    return f"SELECT count(*) FROM ({one} UNION ALL {other}) AS d"


# A stream of several references (a vehicle's, a link's) is named by what `stream_refs` says in either generation.
_OWN = """
    SELECT * FROM {schema}.stream_states s WHERE $1::text[] IS NULL OR party_ref = ANY($1)
        OR stream = ANY(ARRAY(SELECT stream FROM {schema}.stream_refs WHERE party_ref = ANY($1)))
"""
_SUSPECTS = f"""
WITH streams AS (
    SELECT stream, unnest(ARRAY[a.party_ref, b.party_ref]) AS party_ref
    FROM ({_OWN.replace("{schema}", "public")}) a FULL JOIN ({_OWN}) b USING (stream)
    WHERE a.stream IS NULL OR b.stream IS NULL OR a.version <> b.version OR a.fold <> b.fold
       OR a.party_ref IS DISTINCT FROM b.party_ref OR a.state::text <> b.state::text
)
SELECT party_ref FROM (
    SELECT party_ref FROM streams
    UNION SELECT party_ref FROM public.stream_refs WHERE stream IN (SELECT stream FROM streams)
    UNION SELECT party_ref FROM {{schema}}.stream_refs WHERE stream IN (SELECT stream FROM streams)
    UNION
    SELECT unnest(ARRAY[coalesce(a.smaller, b.smaller), coalesce(a.larger, b.larger)])
    FROM (SELECT * FROM public.links WHERE $1::text[] IS NULL OR smaller = ANY($1) OR larger = ANY($1)) a
    FULL JOIN (SELECT * FROM {{schema}}.links WHERE $1::text[] IS NULL OR smaller = ANY($1) OR larger = ANY($1)) b
        USING (smaller, larger)
    WHERE a.smaller IS NULL OR b.smaller IS NULL
) d WHERE party_ref IS NOT NULL AND party_ref <> '' ORDER BY party_ref
"""


async def _doubtful(connection: Connection, schema: str, refs: Sequence[str] | None) -> AsyncIterator[list[str]]:
    """References whose streams or links are not equal to the byte, page by page: they may be all there are."""
    cursor = await connection.cursor(_SUSPECTS.format(schema=schema), refs)
    while rows := await cursor.fetch(PAGE):
        yield [row["party_ref"] for row in rows]


async def _records(
    connection: Connection, schema: str, refs: Sequence[str] | None, at: datetime, done: Comparison
) -> None:
    async for page in _doubtful(connection, schema, refs):
        live = await _records_in(connection, "public", page, at)
        rebuilt = await _records_in(connection, f"{schema}, public", page, at)
        done.derived += len(live | rebuilt)
        for customer in live | rebuilt:
            (hash_, facts), (other, others) = live.get(customer, NOTHING), rebuilt.get(customer, NOTHING)
            paths = tuple(_paths(facts, others))[:PATHS] if hash_ != other else ()
            done.note(Different(customer, hash_, other, paths))
    await connection.execute("SET LOCAL search_path = public")


async def _records_in(
    connection: Connection, path: str, refs: Sequence[str], at: datetime
) -> dict[str, tuple[str | None, object]]:
    """customer id -> hash and facts of its record for headquarters, by the tables that `path` finds first."""
    await connection.execute(f"SET LOCAL search_path = {path}")
    states, links = await service.reach(connection, refs, None, at)
    owner = customers({state.party_ref for state in states if state.party_ref is not None}, links)
    found: dict[str, tuple[str | None, object]] = {}
    for customer in sorted(set(owner.values())):
        own = [state for state in states if state.party_ref is not None and owner[state.party_ref] == customer]
        try:
            facts = derive(own, links, {}, RULES, at)[0].facts
            plain = values(facts)
            found[customer] = hash_of(plain), plain
        except Exception as error:
            found[customer] = f"not derived: {type(error).__name__}", None
    return found


def _paths(one: object, other: object, pointer: str = "") -> Iterator[str]:
    """Where two trees of JSON values differ, without the values."""
    match one, other:
        case dict(), dict():
            for key in sorted({*one, *other}):
                yield from _paths(one.get(key), other.get(key), f"{pointer}/{key}")
        case list(), list() if len(one) == len(other):
            for index, pair in enumerate(zip(one, other, strict=True)):
                yield from _paths(*pair, f"{pointer}/{index}")
        case _ if one != other:
            yield pointer
