"""The record for a viewer: as it is now, as it was, and as it was known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from projection.domain import ownership, sharing
from projection.domain.components import Link, component_of
from projection.domain.personal import PersonalData
from projection.domain.record import Record, derive
from projection.domain.rules import RULES
from projection.domain.streams.stream import StreamState, summary
from projection.service import travel
from projection.service.states import personal, reach, read_leniently
from projection.service.travel import NOW, When
from projection.views import records as views
from projection.views import shares
from projection.views.records import TimelineFilter
from projection.views.shares import Viewer
from roadbook.database import Connection, Pool, acquire
from roadbook.errors import NotFound


# ── What is seen ──────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class View:
    """One customer as a viewer sees it; `readable` are the streams whose personal data it may read."""

    states: list[StreamState]
    links: list[Link]
    readable: list[str]

    @property
    def events(self) -> list[str]:
        """Those of vehicles' streams that are part of it."""
        return sorted(ownership.events_of(each for state in self.states for each in state.owned))


async def own_streams(connection: Connection, ref: str, viewer: Viewer) -> tuple[list[StreamState], list[Link]]:
    """The streams of the customer that `ref` leads to, as the viewer sees it; what it sees through shares is on the
    audit when this returns. Raises `NotFound`: nothing visible."""
    states, links = await reach(connection, [ref], viewer.dealer, viewer.at)
    own, among = of_one(ref, states, links)
    await shares.note(connection, viewer, shared(own, viewer))
    return own, among


def of_one(ref: str, states: Sequence[StreamState], links: Sequence[Link]) -> tuple[list[StreamState], list[Link]]:
    """What of it is one customer with `ref`. Raises `NotFound`."""
    refs = component_of(ref, {state.party_ref for state in states if state.party_ref is not None}, links)
    own = [state for state in states if state.party_ref in refs]
    if not own:
        raise NotFound
    return own, [link for link in links if link.smaller in refs]


def shared(states: Sequence[StreamState], viewer: Viewer) -> list[tuple[str, str]]:
    """The streams among them that the viewer sees through a share, with its scope."""
    given = ((state.stream, sharing.grant_to(state, viewer.dealer, viewer.at)) for state in states)
    return [(stream, grant.scope) for stream, grant in given if grant is not None]


async def view(connection: Connection, ref: str, viewer: Viewer, when: When) -> View:
    """The same for any time. What may be seen is always what may be seen now."""
    if when == NOW:
        states, links = await own_streams(connection, ref, viewer)
        return View(states, links, sharing.with_person(states, viewer.dealer, viewer.at))
    past = await travel.reach(connection, ref, viewer, when)
    own, links = of_one(ref, past.states, past.links)
    streams = {state.stream for state in own}
    present = [state for state in past.present if state.stream in streams]
    await shares.note(connection, viewer, shared(present, viewer))
    return View(own, links, sharing.with_person(present, viewer.dealer, viewer.at))


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
async def read_record(pool: Pool, ref: str, viewer: Viewer, when: When = NOW) -> Record:
    async with acquire(pool) as connection:
        return await record_of(connection, await view(connection, ref, viewer, when), viewer, when)


async def record_of(connection: Connection, seen: View, viewer: Viewer, when: When) -> Record:
    if when == NOW:
        data = await personal(connection, seen.states, viewer.dealer, viewer.at)
    else:
        refs = sorted({state.party_ref for state in seen.states if state.party_ref is not None})
        data = _marked(await views.personal_of(connection, refs, seen.readable), when.known_at)
    return derive(seen.states, seen.links, data, RULES, when.as_of or viewer.at)[0]


def _marked(data: PersonalData, known_at: datetime | None) -> PersonalData:
    """A personal value has a present one only: what was learned after `known_at` says so."""
    if known_at is None:
        return data
    return {
        stream: {
            name: replace(value, later=value.recorded_at is not None and value.recorded_at > known_at)
            for name, value in values.items()
        }
        for stream, values in data.items()
    }


# ── The timeline ──────────────────────────────────────────────────────────────────────────────────────────────
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
        seen = await view(connection, ref, viewer, When(wanted.as_of, wanted.known_at))
        streams = sorted({state.stream for state in seen.states if stream in (None, state.stream)})
        rows = await views.timeline(connection, streams, seen.events, wanted, after, size)
    return [entry(row) for row in rows]


def entry(row: asyncpg.Record) -> Entry:
    fact = read_leniently(row)
    known = fact is not None and fact.event is not None
    words = summary(fact.event) if fact is not None else None
    return Entry(row, known, words or "An event of a type this version does not know yet")
