"""Any stream: what all of them have, and the fold of its own kind inside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from projection.domain.facts import Fact
from projection.domain.replacing import replace
from projection.domain.streams import (
    accessorysale,
    consent,
    contract,
    lead,
    link,
    opportunity,
    order,
    partyref,
    quote,
    test_drive,
    tradein,
    vehicle,
)
from projection.domain.streams.accessorysale import AccessoryState
from projection.domain.streams.consent import ConsentState
from projection.domain.streams.contract import ContractState
from projection.domain.streams.link import LinkState
from projection.domain.streams.opportunity import OpportunityState
from projection.domain.streams.order import OrderState
from projection.domain.streams.partyref import PartyState
from projection.domain.streams.quote import QuoteState
from projection.domain.streams.tradein import TradeInState
from projection.domain.streams.vehicle import Interval, VehicleState

# Raise it when the fold of a kind changes: states folded by older code are then folded again from the facts.
FOLDS = {
    "lead": 3,
    "testdrive": 1,
    "partyref": 3,
    "consent": 3,
    "link": 3,
    "opportunity": 3,
    "quote": 3,
    "contract": 3,
    "order": 3,
    "accessorysale": 3,
    "tradein": 3,
    "vehicle": 3,
}

# Kept as facts and no part of any record: nobody's streams, whose types are not missing when they are not known.
KEPT_ONLY = frozenset({"groupbuy", "campaign", "showroomday", "mediaspend", "commission", "salestarget", "forecast"})

# Nobody's either, but folded: a vehicle has owners, one after the other, and a link says which references are one.
SHARED_KINDS = frozenset({"vehicle", "link"})


@dataclass(frozen=True, slots=True)
class Holder:
    """`dealer` held the stream from `since` on; None = nobody."""

    dealer: str | None
    since: datetime
    event: str


@dataclass(frozen=True, slots=True)
class StreamState:
    """`body` is of a lead, `drive` of a test drive, and so on; none for a kind of stream this code does not know.
    `unknown` lists event types it could not read: code that learns one of them folds the stream again. `fold` is the
    version of the fold that made this state, `last_event` the latest time at which something happened.

    A vehicle's stream has no `party_ref` and no `dealer`; a slice of it (`domain/ownership.py`) has a `party_ref` and
    what that one `owned`.
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
    drive: test_drive.DriveState | None = None
    party: PartyState | None = None
    consent: ConsentState | None = None
    link: LinkState | None = None
    opportunity: OpportunityState | None = None
    quote: QuoteState | None = None
    contract: ContractState | None = None
    order: OrderState | None = None
    accessories: AccessoryState | None = None
    trade_in: TradeInState | None = None
    vehicle: VehicleState | None = None
    owned: tuple[Interval, ...] = ()


# kind of stream -> where its state is kept, and its fold; a lead's has more to it.
_KINDS: Final[Mapping[str, tuple[str, Callable[[Any, Fact], object]]]] = {
    "testdrive": ("drive", test_drive.evolve),
    "partyref": ("party", partyref.evolve),
    "consent": ("consent", consent.evolve),
    "link": ("link", link.evolve),
    "opportunity": ("opportunity", opportunity.evolve),
    "quote": ("quote", quote.evolve),
    "contract": ("contract", contract.evolve),
    "order": ("order", order.evolve),
    "accessorysale": ("accessories", accessorysale.evolve),
    "tradein": ("trade_in", tradein.evolve),
    "vehicle": ("vehicle", vehicle.evolve),
}


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
    shared = kind_of(state.stream) in SHARED_KINDS
    moved = not shared and bool(state.holders) and state.holders[-1].dealer != fact.dealer
    holders = state.holders
    if moved or not (holders or shared):
        holders = (*holders, Holder(fact.dealer, fact.time, fact.id))
    unknown, unknown_events = state.unknown, state.unknown_events
    if fact.event is None and kind_of(state.stream) not in KEPT_ONLY:
        unknown_events += 1
        unknown = unknown if fact.type in unknown else (*unknown, fact.type)
    return replace(
        state,
        version=fact.version,
        last_event=fact.time if state.last_event is None else max(state.last_event, fact.time),
        party_ref=state.party_ref if fact.party_ref is None or shared else fact.party_ref,
        dealer=None if shared else fact.dealer,
        holders=holders,
        unknown=unknown,
        unknown_events=unknown_events,
        body=None if state.body is None else _lead(state.body, fact, moved=moved),
        **_kind(state, fact),
    )


def _kind(state: StreamState, fact: Fact) -> dict[str, Any]:
    found = _KINDS.get(kind_of(state.stream))
    if found is None:
        return {}
    name, fold = found
    return {name: fold(getattr(state, name), fact)}


def _lead(body: lead.LeadState, fact: Fact, *, moved: bool) -> lead.LeadState:
    if moved:
        body = lead.left_holder(body, fact.id)
    return body if fact.event is None else lead.evolve(body, fact)


_WORDS: Final = (
    lead.summary,
    test_drive.summary,
    partyref.summary,
    consent.summary,
    link.summary,
    opportunity.summary,
    quote.summary,
    contract.summary,
    order.summary,
    accessorysale.summary,
    tradein.summary,
    vehicle.summary,
)


def summary(event: object) -> str | None:
    """What happened, in plain words and without personal data; None for an event nobody here knows."""
    return next((words for each in _WORDS if (words := each(event)) is not None), None)
