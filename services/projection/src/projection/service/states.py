"""Folded streams: stored ones where they are of today's code, and what a viewer sees of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from projection import contract
from projection.contract import StoredFact
from projection.domain import ownership, sharing
from projection.domain.components import Link
from projection.domain.facts import Fact
from projection.domain.personal import PersonalData
from projection.domain.streams.stream import StreamState, evolve, initial
from projection.views import links
from projection.views import records as views
from projection.views.records import StateRow
from roadbook.database import Connection, Pool, acquire

KNOWN: Final = frozenset(contract.known_types())
REFOLD_BATCH: Final = 200


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
        fact = contract.read_stored(stored(row))
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
            async with connection.transaction():
                await views.save_refolded(connection, [(state, contract.dump_state(state)) for state in states])
                await _relink(connection, [state.stream for state in states if state.link is not None])
            done += len(states)


async def _relink(connection: Connection, streams: Sequence[str]) -> None:
    """The map again, out of what is stored once nobody else can change it."""
    if streams:
        await links.lock(connection)
        states = await load_states(connection, streams)
        await links.apply(connection, [state.link for state in states.values() if state.link is not None])


async def reach(
    connection: Connection, refs: Collection[str], dealer: str | None, at: datetime
) -> tuple[list[StreamState], list[Link]]:
    """The streams of all that is linked with `refs`, as `dealer` sees them at that time, and the links among their
    references. The table finds what may be seen; the states have the last word."""
    rows = await views.customer_states(connection, sorted(refs), dealer, at, KNOWN)
    states = sharing.seen(sliced(await current(connection, _once(rows)), rows), dealer, at)
    among = await links.among(connection, {state.party_ref for state in states if state.party_ref is not None})
    return states, among


def _once(rows: Sequence[StateRow]) -> list[StateRow]:
    return list({row.stream: row for row in rows}.values())


def sliced(states: Sequence[StreamState], rows: Sequence[StateRow]) -> list[StreamState]:
    """Of a vehicle's stream a slice for each owner that `rows` name it for."""
    found: list[StreamState] = []
    for state in states:
        owners = [row.party_ref for row in rows if row.stream == state.stream] if ownership.is_slice(state) else []
        slices = [ownership.slice_of(state, owner) for owner in owners if owner is not None]
        found += [each for each in slices if each is not None] if ownership.is_slice(state) else [state]
    return found


async def personal(
    connection: Connection, states: Sequence[StreamState], dealer: str | None, at: datetime
) -> PersonalData:
    """The personal values that `dealer` may read of the streams it sees."""
    refs = sorted({state.party_ref for state in states if state.party_ref is not None})
    return await views.personal_of(connection, refs, sharing.with_person(states, dealer, at))


# ── Facts ─────────────────────────────────────────────────────────────────────────────────────────────────────
def stored(row: asyncpg.Record) -> StoredFact:
    return StoredFact(**{name: row[name] for name in StoredFact.__slots__})


def read_leniently(row: asyncpg.Record) -> Fact | None:
    """A newer process may have stored what this one cannot read: it shows it as unknown."""
    try:
        return contract.read_stored(stored(row))
    except Exception:
        return None
