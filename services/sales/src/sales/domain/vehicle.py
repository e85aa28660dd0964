"""The vehicle by its VIN: who owned it when. The stream outlives every owner.

Intervals run from one transfer to the next, so that they cannot overlap as long as each is later than the one before.
A VIN names a vehicle, not a person (ADR 0004).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected

Cause = Literal["delivery", "used_sale", "trade_in", "private", "correction"]


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TransferOwnership:
    """`party_ref` None: it stands at the dealer, and nobody owns it that we know. `source`: the stream of the order or
    trade-in it comes from, which says it once."""

    vin: str
    party_ref: str | None
    dealer: str
    cause: Cause
    source: str | None
    odometer_km: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SellUsedVehicle:
    vin: str
    party_ref: str
    dealer: str
    price: int
    currency: str
    staff: str | None
    odometer_km: int | None
    at: datetime


Command = TransferOwnership | SellUsedVehicle


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class UsedVehicleSold:
    """Its `OwnershipTransferred` follows at once."""

    vin: str
    party_ref: str
    dealer: str
    price: int
    currency: str
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnershipTransferred:
    vin: str
    party_ref: str | None
    dealer: str
    cause: Cause
    source: str | None
    odometer_km: int | None
    at: datetime


Event = UsedVehicleSold | OwnershipTransferred


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Interval:
    """From `since` to the next one's."""

    party_ref: str | None
    dealer: str
    cause: Cause
    source: str | None
    odometer_km: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Vehicle:
    """`dealer` and `party_ref` are of the last event: who told it, and who owns it since."""

    vin: str
    dealer: str
    party_ref: str | None
    intervals: tuple[Interval, ...] = ()


State = Unknown | Vehicle


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, vehicle: State) -> list[Event]:
    """What a dealer is told depends on what it said itself: of another's intervals it learns nothing by a refusal."""
    intervals = vehicle.intervals if isinstance(vehicle, Vehicle) else ()
    match command:
        case TransferOwnership():
            return _transfer(command, intervals)
        case SellUsedVehicle():
            return _sell(command, intervals)


def _transfer(command: TransferOwnership, intervals: tuple[Interval, ...]) -> list[Event]:
    c = command
    if c.source is not None and any((each.cause, each.source) == (c.cause, c.source) for each in intervals):
        return []
    if c.source is None and intervals and _said(intervals[-1]) == (c.party_ref, c.dealer, c.cause):
        return []
    _later(c.at, intervals)
    return [OwnershipTransferred(c.vin, c.party_ref, c.dealer, c.cause, c.source, c.odometer_km, c.at)]


def _said(interval: Interval) -> tuple[str | None, str, Cause]:
    return interval.party_ref, interval.dealer, interval.cause


def _sell(command: SellUsedVehicle, intervals: tuple[Interval, ...]) -> list[Event]:
    c = command
    last = intervals[-1] if intervals else None
    if last is not None and last.dealer == c.dealer and last.party_ref is not None:
        if (last.party_ref, last.cause) == (c.party_ref, "used_sale"):
            return []
        raise Rejected("vehicle_not_in_stock")
    _later(c.at, intervals)
    return [
        UsedVehicleSold(c.vin, c.party_ref, c.dealer, c.price, c.currency, c.staff, c.at),
        OwnershipTransferred(c.vin, c.party_ref, c.dealer, "used_sale", None, c.odometer_km, c.at),
    ]


def _later(at: datetime, intervals: tuple[Interval, ...]) -> None:
    if intervals and at <= intervals[-1].since:
        raise Rejected("ownership_not_later")


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(vehicle: State, event: Event) -> State:
    e = event
    before = vehicle if isinstance(vehicle, Vehicle) else Vehicle(e.vin, e.dealer, e.party_ref)
    if isinstance(e, UsedVehicleSold):
        return replace(before, dealer=e.dealer, party_ref=e.party_ref)
    interval = Interval(e.party_ref, e.dealer, e.cause, e.source, e.odometer_km, e.at)
    return replace(before, dealer=e.dealer, party_ref=e.party_ref, intervals=(*before.intervals, interval))


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
