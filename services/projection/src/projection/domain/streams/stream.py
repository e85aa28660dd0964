"""Any stream: what all of them have, and the fold of its own kind inside."""

from dataclasses import dataclass, replace
from datetime import datetime

from projection.domain.facts import Fact
from projection.domain.streams import lead

# Raise it when the fold of a kind changes: states folded by older code are then folded again from the facts.
FOLDS = {"lead": 1}


@dataclass(frozen=True, slots=True)
class Holder:
    """`dealer` held the stream from `since` on; None = nobody."""

    dealer: str | None
    since: datetime
    event: str


@dataclass(frozen=True, slots=True)
class StreamState:
    """`body` is None for a kind of stream this code does not know. `unknown` lists event types it could not read:
    code that learns one of them folds the stream again. `fold` is the version of the fold that made this state,
    `last_event` the latest time at which something happened.
    """

    stream: str
    fold: int
    version: int = 0
    last_event: datetime | None = None
    party_ref: str | None = None
    dealer: str | None = None
    holders: tuple[Holder, ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_events: int = 0
    body: lead.LeadState | None = None


def kind_of(stream: str) -> str:
    """`lead/0199…` -> `lead`."""
    return stream.partition("/")[0]


def fold_version(stream: str) -> int:
    """0 for a kind of stream this code does not know."""
    return FOLDS.get(kind_of(stream), 0)


def initial(stream: str) -> StreamState:
    body = lead.LeadState() if kind_of(stream) == "lead" else None
    return StreamState(stream, fold_version(stream), body=body)


def evolve(state: StreamState, fact: Fact) -> StreamState:
    """Total. A version that was folded already changes nothing, whatever it holds."""
    if fact.version <= state.version or fact.stream != state.stream:
        return state
    holders = state.holders
    if not holders or holders[-1].dealer != fact.dealer:
        holders = (*holders, Holder(fact.dealer, fact.time, fact.id))
    unknown, unknown_events = state.unknown, state.unknown_events
    if fact.event is None:
        unknown_events += 1
        unknown = unknown if fact.type in unknown else (*unknown, fact.type)
    body = state.body
    if body is not None and fact.event is not None:
        body = lead.evolve(body, fact)
    return replace(
        state,
        version=fact.version,
        last_event=fact.time if state.last_event is None else max(state.last_event, fact.time),
        party_ref=state.party_ref if fact.party_ref is None else fact.party_ref,
        dealer=fact.dealer,
        holders=holders,
        unknown=unknown,
        unknown_events=unknown_events,
        body=body,
    )
