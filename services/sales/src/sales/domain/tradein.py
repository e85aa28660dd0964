"""The trade-in: an old vehicle that a party gives towards a new one, from its appraisal to the day it is handed over.

What an appraisal offers holds until `valid_until`: that is compared when somebody agrees, and no timer says it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Offer:
    """In minor units of an ISO 4217 currency."""

    amount: int
    currency: str


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class AppraiseTradeIn:
    """`model` is a catalogue code, `odometer_km` as read at the appraisal."""

    party_ref: str
    dealer: str
    vin: str
    model: str | None
    odometer_km: int | None
    offer: Offer
    valid_until: datetime
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AgreeTradeIn:
    """`offer` None: as appraised. `order` is the stream of the new vehicle's order, once there is one."""

    offer: Offer | None
    order: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReceiveTradeIn:
    """The old vehicle stands at the dealer, with its papers."""

    odometer_km: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclineTradeIn:
    """By either side; the reason says by whom."""

    reason: str
    at: datetime


Command = AppraiseTradeIn | AgreeTradeIn | ReceiveTradeIn | DeclineTradeIn


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TradeInAppraised:
    party_ref: str
    dealer: str
    vin: str
    model: str | None
    odometer_km: int | None
    amount: int
    currency: str
    valid_until: datetime
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TradeInAgreed:
    """Told again when the amount or the order changes: the last one counts."""

    amount: int
    currency: str
    order: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TradeInReceived:
    odometer_km: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TradeInDeclined:
    reason: str
    at: datetime


Event = TradeInAppraised | TradeInAgreed | TradeInReceived | TradeInDeclined


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class TradeIn:
    """`agreed` and `order` are those of the last agreement; `closed_at` is when it was received or declined."""

    appraised: TradeInAppraised
    status: Literal["appraised", "agreed", "received", "declined"] = "appraised"
    agreed: Offer | None = None
    order: str | None = None
    agreed_at: datetime | None = None
    received_km: int | None = None
    reason: str | None = None
    closed_at: datetime | None = None

    @property
    def dealer(self) -> str:
        return self.appraised.dealer


State = Unknown | TradeIn


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, trade_in: State) -> list[Event]:
    match command, trade_in:
        case AppraiseTradeIn(), _:
            return _appraise(command, trade_in)
        case _, Unknown():
            raise Rejected("trade_in_unknown")
        case AgreeTradeIn(), TradeIn():
            return _agree(command, trade_in)
        case ReceiveTradeIn(odometer_km=km), TradeIn():
            return _receive(km, command.at, trade_in)
        case DeclineTradeIn(reason=reason, at=at), TradeIn(status=status):
            if status == "declined" and reason == trade_in.reason:
                return []
            _still_open(trade_in)
            return [TradeInDeclined(reason, at)]
        case _:
            raise Rejected("not_possible")


def _appraise(command: AppraiseTradeIn, trade_in: State) -> list[Event]:
    c = command
    appraised = TradeInAppraised(
        c.party_ref, c.dealer, c.vin, c.model, c.odometer_km, c.offer.amount, c.offer.currency, c.valid_until, c.staff,
        c.at,
    )  # fmt: skip
    if isinstance(trade_in, TradeIn):
        if replace(appraised, at=trade_in.appraised.at) == trade_in.appraised:
            return []
        raise Rejected("trade_in_exists")
    if c.valid_until <= c.at:
        raise Rejected("appraisal_in_the_past")
    return [appraised]


def _still_open(trade_in: TradeIn) -> None:
    if trade_in.status in ("received", "declined"):
        raise Rejected("trade_in_closed")


def _agree(command: AgreeTradeIn, trade_in: TradeIn) -> list[Event]:
    """Another amount has to be agreed while the appraisal holds; another order may be named until the handing over.
    Who names none keeps the one that was named."""
    standing = trade_in.agreed or Offer(trade_in.appraised.amount, trade_in.appraised.currency)
    offer, order = command.offer or standing, command.order or trade_in.order
    if trade_in.agreed == offer and trade_in.order == order and trade_in.status != "declined":
        return []
    _still_open(trade_in)
    if trade_in.agreed != offer and command.at > trade_in.appraised.valid_until:
        raise Rejected("appraisal_expired")
    return [TradeInAgreed(offer.amount, offer.currency, order, command.at)]


def _receive(odometer_km: int | None, at: datetime, trade_in: TradeIn) -> list[Event]:
    if trade_in.status == "received" and trade_in.received_km == odometer_km:
        return []
    _still_open(trade_in)
    if trade_in.status != "agreed":
        raise Rejected("trade_in_not_agreed")
    read = trade_in.appraised.odometer_km
    if odometer_km is not None and read is not None and odometer_km < read:
        raise Rejected("odometer_backwards")
    return [TradeInReceived(odometer_km, at)]


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(trade_in: State, event: Event) -> State:
    if isinstance(trade_in, Unknown):
        return TradeIn(event) if isinstance(event, TradeInAppraised) else trade_in
    match event:
        case TradeInAgreed(amount=amount, currency=currency, order=order, at=at):
            return replace(trade_in, status="agreed", agreed=Offer(amount, currency), order=order, agreed_at=at)
        case TradeInReceived(odometer_km=km, at=at):
            return replace(trade_in, status="received", received_km=km, closed_at=at)
        case TradeInDeclined(reason=reason, at=at):
            return replace(trade_in, status="declined", reason=reason, closed_at=at)
        case _:
            return trade_in


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
