"""Reading the record for a viewer (a dealer, or None: headquarters): wiring of tables, contract and domain."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from projection import contract, search, views
from projection.contract import SearchKey, StoredFact
from projection.domain.components import Link, component_of
from projection.domain.facts import Fact
from projection.domain.personal import PersonalData
from projection.domain.record import Record, derive
from projection.domain.rules import RULES
from projection.domain.streams import lead
from projection.domain.streams.stream import StreamState, evolve, initial
from projection.search import HEADQUARTERS
from projection.views import StateRow, TimelineFilter
from projection.wakeups import Wakeups
from roadbook.database import Connection, Pool, acquire
from roadbook.errors import NotFound
from roadbook.position import Position

KNOWN: Final = frozenset(contract.known_types())
WAIT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.05
REFOLD_BATCH: Final = 200


class NotYet(Exception):
    """What the caller wants to see at least has not arrived in time."""


# ── States ────────────────────────────────────────────────────────────────────────────────────────────────────
async def load_states(connection: Connection, streams: Sequence[str]) -> dict[str, StreamState]:
    """States of those streams that are known, made by today's code."""
    rows = await views.states(connection, streams, KNOWN)
    return {state.stream: state for state in await current(connection, rows)}


async def current(connection: Connection, rows: Sequence[StateRow]) -> list[StreamState]:
    """States of `rows`; those that older code made are folded again from the facts, in one more query (T14)."""
    loaded = {row.stream: None if row.stale else contract.load_state(row.state) for row in rows}
    fresh = [state for state in loaded.values() if state is not None]
    stale = [stream for stream, state in loaded.items() if state is None]
    return fresh + (await refolded(connection, stale) if stale else [])


async def refolded(connection: Connection, streams: Sequence[str]) -> list[StreamState]:
    states = {stream: initial(stream) for stream in streams}
    for row in await views.facts_of(connection, streams):
        fact = contract.read_stored(_stored(row))
        states[fact.stream] = evolve(states[fact.stream], fact)
    return [state for state in states.values() if state.version]


async def refold(pool: Pool) -> int:
    """Folds again every stream whose state an upgrade made stale; returns how many. Safe beside running workers."""
    done = 0
    while True:
        async with acquire(pool) as connection:
            streams = await views.stale_streams(connection, KNOWN, REFOLD_BATCH)
            if not streams:
                return done
            states = sorted(await refolded(connection, streams), key=lambda state: state.stream)
            await views.save_refolded(connection, [(state, contract.dump_state(state)) for state in states])
            done += len(states)


async def reach(
    connection: Connection, refs: Collection[str], dealer: str | None
) -> tuple[list[StreamState], list[Link]]:
    """The streams `dealer` holds of all that is linked with `refs`, and the links among their references."""
    rows = await views.customer_states(connection, sorted(refs), dealer, KNOWN)
    links = await views.links_among(connection, {row.party_ref for row in rows if row.party_ref is not None})
    return await current(connection, rows), links


async def personal(connection: Connection, states: Sequence[StreamState]) -> PersonalData:
    refs = sorted({state.party_ref for state in states if state.party_ref is not None})
    return await views.personal_of(connection, refs, [state.stream for state in states])


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
async def own_streams(connection: Connection, ref: str, dealer: str | None) -> tuple[list[StreamState], list[Link]]:
    """The streams of the customer that `ref` leads to, as `dealer` sees it. Raises `NotFound`: nothing visible."""
    states, links = await reach(connection, [ref], dealer)
    refs = component_of(ref, {state.party_ref for state in states if state.party_ref is not None}, links)
    own = [state for state in states if state.party_ref in refs]
    if not own:
        raise NotFound
    return own, [link for link in links if link.smaller in refs]


async def read_record(pool: Pool, ref: str, dealer: str | None, at: datetime) -> Record:
    async with acquire(pool) as connection:
        states, links = await own_streams(connection, ref, dealer)
        data = await personal(connection, states)
    return derive(states, links, data, RULES, at)[0]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline: the stored row, and what it says in plain words."""

    row: asyncpg.Record
    known: bool
    summary: str


async def read_timeline(
    pool: Pool,
    ref: str,
    dealer: str | None,
    wanted: TimelineFilter,
    stream: str | None,
    after: tuple[datetime, str, int] | None,
    size: int,
) -> list[Entry]:
    """Raises `NotFound` when no stream of the customer is visible; a foreign `stream` gives an empty page."""
    async with acquire(pool) as connection:
        states, _ = await own_streams(connection, ref, dealer)
        streams = sorted(state.stream for state in states if stream in (None, state.stream))
        rows = await views.timeline(connection, streams, wanted, after, size)
    return [_entry(row) for row in rows]


def _entry(row: asyncpg.Record) -> Entry:
    fact = _read_leniently(row)
    known = fact is not None and fact.event is not None
    words = lead.summary(fact.event) if fact is not None else None
    return Entry(row, known, words or "An event of a type this version does not know yet")


def _read_leniently(row: asyncpg.Record) -> Fact | None:
    """A newer process may have stored what this one cannot read: it shows it as unknown."""
    try:
        return contract.read_stored(_stored(row))
    except Exception:
        return None


def _stored(row: asyncpg.Record) -> StoredFact:
    return StoredFact(**{name: row[name] for name in StoredFact.__slots__})


# ── Search ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Found:
    """`names` are the full names in the streams the viewer may see."""

    row: asyncpg.Record
    names: list[str]


async def find(pool: Pool, key: SearchKey, dealer: str | None, after: str, size: int) -> list[Found]:
    """Customers by key in the order of their ids; a name is looked up by its beginning, all else exactly."""
    scope = HEADQUARTERS if dealer is None else dealer
    async with acquire(pool) as connection:
        rows = await search.find(
            connection, scope, key.kind, key.key, prefix=key.kind == "name", after=after, size=size
        )
        names = await views.names_of(connection, [ref for row in rows for ref in row["party_refs"]], dealer)
    return [Found(row, sorted({name for ref in row["party_refs"] for name in names.get(ref, ())})) for row in rows]


# ── Read your writes ──────────────────────────────────────────────────────────────────────────────────────────
async def wait_for(pool: Pool, wakeups: Wakeups, position: Position, dealer: str | None) -> None:
    """Until everything `position` names is visible to `dealer`; `NotYet` after 2 s. No connection is held meanwhile."""
    names = {stream for stream, _ in position.streams} | {value.party_ref for value in position.personal}

    async def check() -> bool:
        async with acquire(pool) as connection:
            return await views.reached(connection, position, dealer)

    await _until(check, wakeups, names)


async def wait_for_composer(pool: Pool, wakeups: Wakeups, position: Position) -> None:
    """Until the composer has been past everything `position` names, which must be visible already."""
    async with acquire(pool) as connection:
        parties = await views.parties_of(connection, position)
        mark = await views.last_mark(connection, parties)

    async def check() -> bool:
        async with acquire(pool) as connection:
            return await views.composed(connection, parties, mark)

    if mark:
        await _until(check, wakeups, set(parties))


async def _until(check: Callable[[], Awaitable[bool]], wakeups: Wakeups, names: Collection[str]) -> None:
    """Real time, not business time. A wake makes it quick; the poll serves where another process writes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    with wakeups.waiting(names) as woken:
        while not await check():
            left = deadline - loop.time()
            if left <= 0:
                raise NotYet
            try:
                async with asyncio.timeout(min(POLL_SECONDS, left)):
                    await woken.wait()
            except TimeoutError:
                continue
            woken.clear()
