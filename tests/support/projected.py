"""Records as the projection's own code makes them, without tables: decode, fold, who sees what, derive."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from projection import contract
from projection.domain import ownership, sharing
from projection.domain.components import Link, customers
from projection.domain.facts import Fact
from projection.domain.record import Record, canonical, derive
from projection.domain.rules import RULES
from projection.domain.streams import vehicle
from projection.domain.streams.stream import StreamState, evolve, initial
from roadbook.events import Recorded


def facts_of(events: Iterable[Recorded]) -> list[Fact]:
    return [contract.read(event) for event in events]


def folded(facts: Iterable[Fact]) -> dict[str, StreamState]:
    """A version that was folded changes nothing, so that repeats are harmless."""
    states: dict[str, StreamState] = {}
    for fact in facts:
        states[fact.stream] = evolve(states.get(fact.stream) or initial(fact.stream), fact)
    return states


def parts_of(states: Iterable[StreamState]) -> list[StreamState]:
    """The streams of references, and of every vehicle what each of its owners has of it."""
    found: list[StreamState] = []
    for state in states:
        if state.vehicle is None:
            found += [state] if state.party_ref is not None else []
            continue
        slices = [ownership.slice_of(state, ref) for ref in vehicle.owners(state.vehicle)]
        found += [part for part in slices if part is not None]
    return found


def links_of(states: Iterable[StreamState]) -> list[Link]:
    return [
        Link(state.link.smaller, state.link.larger, state.link.linked.events[0])
        for state in states
        if state.link is not None and state.link.linked.value
    ]


def records(
    states: Iterable[StreamState], dealer: str | None, at: datetime, links: Sequence[Link] | None = None
) -> dict[str, Record]:
    """Customer id -> record, as the dealer (None: headquarters) sees them."""
    known = list(states)
    pairs = links_of(known) if links is None else links
    return _derived(sharing.seen(parts_of(known), dealer, at), pairs, at)


def _derived(seen: Sequence[StreamState], links: Sequence[Link], at: datetime) -> dict[str, Record]:
    owner = customers({state.party_ref for state in seen if state.party_ref is not None}, links)
    groups: dict[str, list[StreamState]] = {}
    for state in seen:
        groups.setdefault(owner[state.party_ref or ""], []).append(state)
    return {customer: derive(group, links, {}, RULES, at)[0] for customer, group in groups.items()}


def as_bytes(found: dict[str, Record]) -> dict[str, bytes]:
    return {customer: canonical(record.facts) for customer, record in found.items()}
