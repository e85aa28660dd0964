"""The order: one vehicle of one line of a contract, until it is delivered or cancelled.

That a vehicle is allocated once, and a line has no more orders than vehicles: rules over several streams (ADR 0012).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from roadbook.decider import Decider, Rejected
from sales.domain.rules import SalesRules

Condition = Literal["new", "used"]
Standing = Literal["placed", "allocated", "delayed"]


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """`contract_standing`: whether it is, as of when the command was made."""

    party_ref: str
    dealer: str
    contract: str
    contract_standing: bool
    line: int
    model: str
    condition: Condition
    price: int
    currency: str
    trade_in: str | None
    staff: str | None
    promised: date | None
    rules: SalesRules
    at: datetime


@dataclass(frozen=True, slots=True)
class PrioritiseOrder:
    """What a reason is worth is for the rules to say."""

    reason: str
    by: str | None
    rules: SalesRules
    at: datetime


@dataclass(frozen=True, slots=True)
class AllocateVehicle:
    vin: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeallocateVehicle:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DelayOrder:
    promised: date
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelOrder:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ArrangeInsurance:
    """A dealer sells none itself: `partner` does."""

    partner: str
    kind: str
    premium: int
    currency: str
    expires: date
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliverVehicle:
    odometer_km: int | None
    staff: str | None
    at: datetime


Command = (
    PlaceOrder
    | PrioritiseOrder
    | AllocateVehicle
    | DeallocateVehicle
    | DelayOrder
    | CancelOrder
    | ArrangeInsurance
    | DeliverVehicle
)


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """`promised` is the day on which the vehicle is to be delivered."""

    party_ref: str
    dealer: str
    contract: str
    line: int
    model: str
    condition: Condition
    price: int
    currency: str
    trade_in: str | None
    staff: str | None
    promised: date | None
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderPrioritised:
    priority: int
    reason: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderAllocated:
    vin: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderDeallocated:
    vin: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderDelayed:
    promised: date
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """`after` is how far it had come, `vin` the vehicle that is free again."""

    reason: str
    after: Standing
    vin: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class InsuranceArranged:
    partner: str
    kind: str
    premium: int
    currency: str
    expires: date
    at: datetime


@dataclass(frozen=True, slots=True)
class VehicleDelivered:
    vin: str
    odometer_km: int | None
    staff: str | None
    at: datetime


Event = (
    OrderPlaced
    | OrderPrioritised
    | OrderAllocated
    | OrderDeallocated
    | OrderDelayed
    | OrderCancelled
    | InsuranceArranged
    | VehicleDelivered
)


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Insurance:
    partner: str
    kind: str
    premium: int
    currency: str
    expires: date


@dataclass(frozen=True, slots=True)
class Order:
    """`vin` stays when it was delivered, and goes when it was cancelled. `delivered_by` handed it over."""

    status: Literal["placed", "allocated", "delayed", "cancelled", "delivered"]
    party_ref: str
    dealer: str
    contract: str
    line: int
    model: str
    condition: Condition
    price: int
    currency: str
    trade_in: str | None
    staff: str | None
    promised: date | None
    rules: str
    placed_at: datetime
    vin: str | None = None
    priority: int = 0
    priority_reason: str | None = None
    insurance: tuple[Insurance, ...] = ()
    delivered_at: datetime | None = None
    delivered_by: str | None = None
    odometer_km: int | None = None
    cancelled_at: datetime | None = None
    reason: str | None = None


State = Unknown | Order


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, order: State) -> list[Event]:
    if isinstance(command, PlaceOrder):
        return _place(command, order)
    if isinstance(order, Unknown):
        raise Rejected("order_unknown")
    match command:
        case ArrangeInsurance():
            return _insure(command, order)
        case CancelOrder() if order.status == "cancelled":
            return []
        case DeliverVehicle() if order.status == "delivered":
            return []
        case AllocateVehicle(vin=vin) if order.vin == vin:
            return []
        case _ if order.status in ("cancelled", "delivered"):
            raise Rejected("order_closed")
        case _:
            return _on_standing(command, order)


def _place(command: PlaceOrder, order: State) -> list[Event]:
    c = command
    if isinstance(order, Order):
        if (order.contract, order.line) == (c.contract, c.line):
            return []
        raise Rejected("order_exists")
    if not c.contract_standing:
        raise Rejected("contract_cancelled")
    if c.promised is not None and c.promised < c.at.date():
        raise Rejected("promised_in_the_past")
    return [
        OrderPlaced(
            c.party_ref, c.dealer, c.contract, c.line, c.model, c.condition, c.price, c.currency, c.trade_in, c.staff,
            c.promised, c.rules.version, c.at,
        )
    ]  # fmt: skip


def _insure(command: ArrangeInsurance, order: Order) -> list[Event]:
    """A delivered vehicle is insured too; a policy is renewed by another one."""
    c = command
    if Insurance(c.partner, c.kind, c.premium, c.currency, c.expires) in order.insurance:
        return []
    if order.status == "cancelled":
        raise Rejected("order_closed")
    if c.expires <= c.at.date():
        raise Rejected("insurance_over")
    return [InsuranceArranged(c.partner, c.kind, c.premium, c.currency, c.expires, c.at)]


def _on_standing(command: Command, order: Order) -> list[Event]:
    match command:
        case PrioritiseOrder(reason=r, by=by, rules=rules, at=t):
            if r not in rules.priorities:
                raise Rejected("priority_reason_unknown")
            priority = rules.priorities[r]
            same = (order.priority, order.priority_reason) == (priority, r)
            return [] if same else [OrderPrioritised(priority, r, by, t)]
        case AllocateVehicle(vin=vin, at=t):
            if order.vin is not None:
                raise Rejected("order_has_vehicle")
            return [OrderAllocated(vin, t)]
        case DeallocateVehicle(reason=r, at=t):
            return [] if order.vin is None else [OrderDeallocated(order.vin, r, t)]
        case DelayOrder(promised=promised, reason=r, at=t):
            return _delay(order, promised, r, t)
        case CancelOrder(reason=r, at=t):
            return [OrderCancelled(r, _standing(order), order.vin, t)]
        case DeliverVehicle(odometer_km=km, staff=staff, at=t):
            if order.vin is None:
                raise Rejected("order_without_vehicle")
            return [VehicleDelivered(order.vin, km, staff, t)]
        case _:
            raise Rejected("not_possible")


def _delay(order: Order, promised: date, reason: str, at: datetime) -> list[Event]:
    if order.status == "delayed" and order.promised == promised:
        return []
    if promised < at.date() or (order.promised is not None and promised <= order.promised):
        raise Rejected("delay_not_later")
    return [OrderDelayed(promised, reason, at)]


def _standing(order: Order) -> Standing:
    match order.status:
        case "allocated" | "delayed":
            return order.status
        case _:
            return "placed"


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(order: State, event: Event) -> State:
    if isinstance(event, OrderPlaced):
        return order if isinstance(order, Order) else _placed(event)
    if not isinstance(order, Order):
        return order
    match event:
        case OrderPrioritised(priority=p, reason=r):
            return replace(order, priority=p, priority_reason=r)
        case OrderAllocated(vin=vin):
            return replace(order, status="allocated", vin=vin)
        case OrderDeallocated():
            return replace(order, status="placed", vin=None)
        case OrderDelayed(promised=promised):
            return replace(order, status="delayed", promised=promised)
        case OrderCancelled(reason=r, at=t):
            return replace(order, status="cancelled", vin=None, reason=r, cancelled_at=t)
        case InsuranceArranged() as e:
            policy = Insurance(e.partner, e.kind, e.premium, e.currency, e.expires)
            return replace(order, insurance=(*order.insurance, policy))
        case VehicleDelivered() as e:
            return replace(
                order, status="delivered", vin=e.vin, odometer_km=e.odometer_km, delivered_by=e.staff,
                delivered_at=e.at,
            )  # fmt: skip


def _placed(event: OrderPlaced) -> Order:
    e = event
    return Order(
        "placed", e.party_ref, e.dealer, e.contract, e.line, e.model, e.condition, e.price, e.currency, e.trade_in,
        e.staff, e.promised, e.rules, e.at,
    )  # fmt: skip


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
