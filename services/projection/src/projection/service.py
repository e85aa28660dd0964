"""Reading the record for a viewer: wiring of tables, contract and domain."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from projection import contract
from projection.contract import SearchKey, StoredFact
from projection.domain import sharing
from projection.domain.components import Link, component_of
from projection.domain.facts import Fact
from projection.domain.personal import PersonalData
from projection.domain.record import Record, derive
from projection.domain.rules import RULES
from projection.domain.streams.stream import StreamState, evolve, initial, summary
from projection.views import positions, search, shares
from projection.views import records as views
from projection.views.records import StateRow, TimelineFilter
from projection.views.search import HEADQUARTERS
from projection.views.shares import Viewer
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
    connection: Connection, refs: Collection[str], dealer: str | None, at: datetime
) -> tuple[list[StreamState], list[Link]]:
    """The streams of all that is linked with `refs`, as `dealer` sees them at that time, and the links among their
    references. The table finds what may be seen; the states have the last word."""
    rows = await views.customer_states(connection, sorted(refs), dealer, at, KNOWN)
    states = sharing.seen(await current(connection, rows), dealer, at)
    links = await views.links_among(connection, {state.party_ref for state in states if state.party_ref is not None})
    return states, links


async def personal(
    connection: Connection, states: Sequence[StreamState], dealer: str | None, at: datetime
) -> PersonalData:
    """The personal values that `dealer` may read of the streams it sees."""
    refs = sorted({state.party_ref for state in states if state.party_ref is not None})
    return await views.personal_of(connection, refs, sharing.with_person(states, dealer, at))


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
async def own_streams(connection: Connection, ref: str, viewer: Viewer) -> tuple[list[StreamState], list[Link]]:
    """The streams of the customer that `ref` leads to, as the viewer sees it; what it sees through shares is on the
    audit when this returns. Raises `NotFound`: nothing visible."""
    states, links = await reach(connection, [ref], viewer.dealer, viewer.at)
    refs = component_of(ref, {state.party_ref for state in states if state.party_ref is not None}, links)
    own = [state for state in states if state.party_ref in refs]
    if not own:
        raise NotFound
    await shares.note(connection, viewer, _shared(own, viewer))
    return own, [link for link in links if link.smaller in refs]


def _shared(states: Sequence[StreamState], viewer: Viewer) -> list[tuple[str, str]]:
    given = ((state.stream, sharing.grant_to(state, viewer.dealer, viewer.at)) for state in states)
    return [(stream, grant.scope) for stream, grant in given if grant is not None]


async def read_record(pool: Pool, ref: str, viewer: Viewer) -> Record:
    async with acquire(pool) as connection:
        states, links = await own_streams(connection, ref, viewer)
        data = await personal(connection, states, viewer.dealer, viewer.at)
    return derive(states, links, data, RULES, viewer.at)[0]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline: the stored row, and what it says in plain words."""

    row: asyncpg.Record
    known: bool
    summary: str


async def read_timeline(
    pool: Pool,
    ref: str,
    viewer: Viewer,
    wanted: TimelineFilter,
    stream: str | None,
    after: tuple[datetime, str, int] | None,
    size: int,
) -> list[Entry]:
    """Raises `NotFound` when no stream of the customer is visible; a foreign `stream` gives an empty page."""
    async with acquire(pool) as connection:
        states, _ = await own_streams(connection, ref, viewer)
        streams = sorted(state.stream for state in states if stream in (None, state.stream))
        rows = await views.timeline(connection, streams, wanted, after, size)
    return [_entry(row) for row in rows]


def _entry(row: asyncpg.Record) -> Entry:
    fact = _read_leniently(row)
    known = fact is not None and fact.event is not None
    words = summary(fact.event) if fact is not None else None
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


async def find(pool: Pool, key: SearchKey, viewer: Viewer, after: str, size: int) -> tuple[list[Found], bool]:
    """Up to `size` customers by key in the order of their ids, and whether there are more; a name is looked up by its
    beginning, all else exactly. What is found through shares is on the audit when this returns."""
    async with acquire(pool) as connection:
        rows = await search.find(
            connection,
            scope_of(viewer),
            key.kind,
            key.key,
            viewer.at,
            prefix=key.kind == "name",
            after=after,
            size=size + 1,
        )
        more, rows = len(rows) > size, rows[:size]
        refs = [ref for row in rows for ref in row["party_refs"]]
        names = await views.names_of(connection, refs, viewer.dealer, viewer.at)
        shared = {pair for row in rows for pair in zip(row["granted"], row["granted_scopes"], strict=True)}
        shared |= {(name.shared, sharing.CONTACT) for name in names if name.shared is not None}
        await shares.note(connection, viewer, shared)
    return [
        Found(row, sorted({each.name for each in names if each.party_ref in row["party_refs"]})) for row in rows
    ], more


def scope_of(viewer: Viewer) -> str:
    return HEADQUARTERS if viewer.dealer is None else viewer.dealer


async def read_shared_reads(pool: Pool, stream: str, viewer: Viewer, after: int, size: int) -> list[asyncpg.Record]:
    """Who read the stream through a share. Raises `NotFound` unless the viewer's dealer holds it."""
    async with acquire(pool) as connection:
        if not await shares.holds(connection, stream, viewer.dealer):
            raise NotFound
        return await shares.reads(connection, stream, after, size)


# ── Read your writes ──────────────────────────────────────────────────────────────────────────────────────────
async def wait_for(pool: Pool, wakeups: Wakeups, position: Position, viewer: Viewer) -> None:
    """Until everything `position` names is visible to the viewer; `NotYet` after 2 s. No connection is held
    meanwhile."""
    names = {stream for stream, _ in position.streams} | {value.party_ref for value in position.personal}

    async def check() -> bool:
        async with acquire(pool) as connection:
            return await positions.reached(connection, position, viewer.dealer, viewer.at)

    await _until(check, wakeups, names)


async def wait_for_composer(pool: Pool, wakeups: Wakeups, position: Position) -> None:
    """Until the composer has been past everything `position` names, which must be visible already."""
    async with acquire(pool) as connection:
        parties = await positions.parties_of(connection, position)
        mark = await positions.last_mark(connection, parties)

    async def check() -> bool:
        async with acquire(pool) as connection:
            return await positions.composed(connection, parties, mark)

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
