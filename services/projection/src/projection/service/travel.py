"""The two axes: what had happened by a moment (`as_of`), as far as it was stored by another (`known_at`)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import asyncpg

from projection import contract
from projection.domain import ownership, sharing
from projection.domain.components import Link
from projection.domain.streams.stream import StreamState, evolve, initial
from projection.service import states as now
from projection.views import records as views
from projection.views import travel
from projection.views.shares import Viewer
from roadbook.database import Connection


@dataclass(frozen=True, slots=True)
class When:
    """None: without a bound. Links have no time of their own: they count from when they were stored."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    def holds(self, row: asyncpg.Record) -> bool:
        past = self.as_of is None or row["time"] <= self.as_of
        return past and (self.known_at is None or row["recorded"] <= self.known_at)


NOW: Final = When()


@dataclass(frozen=True, slots=True)
class Past:
    """`states` and `links` as of then; `present` the same streams today, which say what may be seen."""

    states: list[StreamState]
    links: list[Link]
    present: list[StreamState]


async def reach(connection: Connection, ref: str, viewer: Viewer, when: When) -> Past:
    """All that was ever linked with `ref`, and of that what the viewer may see today, folded as of then."""
    ever = await travel.ever_linked(connection, [ref])
    rows = await views.customer_states(connection, ever, viewer.dealer, viewer.at, now.KNOWN)
    current = now.sliced(await now.current(connection, list({row.stream: row for row in rows}.values())), rows)
    present = sharing.seen(current, viewer.dealer, viewer.at)
    folded = await _folded(connection, {state.stream for state in present}, when)
    states = [past for state in present if (past := _then(state, folded.get(state.stream), viewer)) is not None]
    return Past(states, await _links(connection, states, when), present)


async def _folded(connection: Connection, streams: Collection[str], when: When) -> dict[str, StreamState]:
    """In the order of versions, over those facts alone that had happened and were known."""
    rows = await views.facts_of(connection, sorted(streams))
    return fold([row for row in rows if when.holds(row)])


def fold(rows: Iterable[asyncpg.Record]) -> dict[str, StreamState]:
    """`version` counts the facts, of which some may be left out."""
    states: dict[str, StreamState] = {}
    counts: dict[str, int] = {}
    for row in rows:
        name = row["stream"]
        fact = contract.read_stored(now.stored(row))
        states[name] = evolve(states.get(name, initial(name)), fact)
        counts[name] = counts.get(name, 0) + 1
    return {name: replace(state, version=counts[name]) for name, state in states.items()}


def _then(present: StreamState, past: StreamState | None, viewer: Viewer) -> StreamState | None:
    """The stream as it was, with today's rights."""
    if past is None:
        return None
    if ownership.is_slice(present):
        part = ownership.slice_of(past, present.party_ref or "")
        return part if part is None or viewer.dealer is None else ownership.seen_by(part, viewer.dealer)
    grant = sharing.grant_to(present, viewer.dealer, viewer.at)
    return sharing.without_person(past) if grant is not None and grant.scope != sharing.CONTACT else past


async def _links(connection: Connection, states: Sequence[StreamState], when: When) -> list[Link]:
    refs = {state.party_ref for state in states if state.party_ref is not None}
    if len(refs) < 2:
        return []
    rows = await views.facts_of(connection, await travel.link_streams(connection, refs))
    known = When(known_at=when.known_at)
    linked = [state.link for state in fold([row for row in rows if known.holds(row)]).values()]
    return [
        Link(each.smaller, each.larger, each.linked.events[0])
        for each in linked
        if each is not None and each.linked.value and {each.smaller, each.larger} <= refs
    ]
