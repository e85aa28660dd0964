"""Records as the projection's own code makes them, without tables: decode, fold, who sees what, derive."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from projection import contract
from projection.domain import sharing
from projection.domain.components import Link, customers
from projection.domain.facts import Fact
from projection.domain.record import Record, canonical, derive
from projection.domain.rules import RULES
from projection.domain.streams.stream import StreamState, evolve, initial
from roadbook.events import Recorded


def facts_of(events: Iterable[Recorded]) -> list[Fact]:
    return [contract.read(event) for event in events]


def folded(facts: Iterable[Fact]) -> list[StreamState]:
    """A version that was folded changes nothing, so that repeats are harmless."""
    states: dict[str, StreamState] = {}
    for fact in facts:
        states[fact.stream] = evolve(states.get(fact.stream) or initial(fact.stream), fact)
    return list(states.values())


def records(
    states: Sequence[StreamState], links: Sequence[Link], dealer: str | None, at: datetime
) -> dict[str, Record]:
    """Customer id -> record, as the dealer (None: headquarters) sees them."""
    seen = [state for state in sharing.seen(states, dealer, at) if state.party_ref is not None]
    owner = customers({state.party_ref for state in seen if state.party_ref is not None}, links)
    groups: dict[str, list[StreamState]] = {}
    for state in seen:
        groups.setdefault(owner[state.party_ref or ""], []).append(state)
    return {customer: derive(group, links, {}, RULES, at)[0] for customer, group in groups.items()}


def as_bytes(found: dict[str, Record]) -> dict[str, bytes]:
    return {customer: canonical(record.facts) for customer, record in found.items()}
