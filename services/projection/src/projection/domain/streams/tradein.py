"""The sales service's trade-ins as the record reads them: a vehicle that a party gives away."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace
from projection.domain.streams.quote import money


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TradeInAppraised:
    """The offer holds until `valid_until`."""

    at: datetime
    vin: str
    amount: int
    currency: str
    valid_until: datetime
    dealer: str | None = None
    model: str | None = None
    odometer_km: int | None = None
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class TradeInAgreed:
    at: datetime
    amount: int
    currency: str
    order: str | None = None


@dataclass(frozen=True, slots=True)
class TradeInReceived:
    at: datetime
    odometer_km: int | None = None


@dataclass(frozen=True, slots=True)
class TradeInDeclined:
    at: datetime
    reason: str | None = None


Event = TradeInAppraised | TradeInAgreed | TradeInReceived | TradeInDeclined


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Offer:
    """`agreed_at` and `order` only once it was agreed."""

    amount: int
    currency: str
    agreed_at: datetime | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TradeInState:
    """`status`: appraised, agreed, received or declined."""

    appraised: TradeInAppraised
    event: str
    status: Leaf[str]
    offer: Leaf[Offer]
    odometer_km: Leaf[int | None]
    received_at: Leaf[datetime | None]
    declined: Leaf[Declined]

    def state_at(self, at: datetime) -> str:
        """An offer that nobody took runs out."""
        over = self.status.value == "appraised" and self.appraised.valid_until <= at
        return "expired" if over else self.status.value


def evolve(trade_in: TradeInState | None, fact: Fact) -> TradeInState | None:
    """Total. Before TradeInAppraised nothing else counts; a new appraisal begins anew."""
    event, by = fact.event, (fact.id,)
    if isinstance(event, TradeInAppraised):
        return _appraised(event, fact.id)
    if trade_in is None:
        return None
    match event:
        case TradeInAgreed(amount=amount, currency=currency, order=order, at=at):
            return replace(trade_in, status=Leaf("agreed", by), offer=Leaf(Offer(amount, currency, at, order), by))
        case TradeInReceived(odometer_km=km, at=at):
            read = trade_in.odometer_km if km is None else Leaf(km, by)
            return replace(trade_in, status=Leaf("received", by), received_at=Leaf(at, by), odometer_km=read)
        case TradeInDeclined(reason=reason, at=at):
            return replace(trade_in, status=Leaf("declined", by), declined=Leaf(Declined(at, reason), by))
        case _:
            return trade_in


def _appraised(event: TradeInAppraised, id_: str) -> TradeInState:
    by = (id_,)
    return TradeInState(
        appraised=event,
        event=id_,
        status=Leaf("appraised", by),
        offer=Leaf(Offer(event.amount, event.currency), by),
        odometer_km=Leaf(event.odometer_km, by),
        received_at=Leaf(None, by),
        declined=Leaf(Declined(), by),
    )


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case TradeInAppraised(vin=vin, amount=amount, currency=currency):
            return f"Vehicle {vin} appraised at {money(amount, currency)}"
        case TradeInAgreed(amount=amount, currency=currency):
            return f"Trade-in agreed at {money(amount, currency)}"
        case TradeInReceived():
            return "Traded-in vehicle received"
        case TradeInDeclined(reason=reason):
            return f"Trade-in declined: {reason}"
        case _:
            return None
