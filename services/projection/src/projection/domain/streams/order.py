"""The sales service's orders as the record reads them: one vehicle each. Money in minor units of `currency`."""

from dataclasses import dataclass
from datetime import date, datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace
from projection.domain.streams.marks import Mark
from projection.domain.streams.quote import money


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OrderPlaced:
    at: datetime
    price: int
    currency: str
    dealer: str | None = None
    contract: str | None = None
    line: int | None = None
    model: str | None = None
    condition: str | None = None
    trade_in: str | None = None
    staff: str | None = None
    promised: date | None = None


@dataclass(frozen=True, slots=True)
class OrderPrioritised:
    at: datetime
    priority: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderAllocated:
    at: datetime
    vin: str


@dataclass(frozen=True, slots=True)
class OrderDeallocated:
    at: datetime
    vin: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDelayed:
    at: datetime
    promised: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """`after`: placed, allocated or delayed."""

    at: datetime
    reason: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class InsuranceArranged:
    at: datetime
    premium: int
    currency: str
    partner: str | None = None
    kind: str | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class VehicleDelivered:
    at: datetime
    vin: str
    odometer_km: int | None = None


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
class Progress:
    """`status`: placed, allocated, delayed, delivered or cancelled, since `at`; `reason` and `after` of a
    cancellation, `odometer_km` of a delivery."""

    status: str
    at: datetime
    reason: str | None = None
    after: str | None = None
    odometer_km: int | None = None


@dataclass(frozen=True, slots=True)
class Insurance:
    told: InsuranceArranged
    event: str


@dataclass(frozen=True, slots=True)
class OrderState:
    placed: OrderPlaced
    event: str
    progress: Leaf[Progress]
    vin: Leaf[str | None]
    promised: Leaf[date | None]
    priority: Leaf[int | None]
    insurances: tuple[Insurance, ...] = ()
    marks: tuple[Mark, ...] = ()


def evolve(order: OrderState | None, fact: Fact) -> OrderState | None:
    """Total. Before OrderPlaced nothing else counts."""
    event, id_, by = fact.event, fact.id, (fact.id,)
    if order is None:
        return _placed(event, id_) if isinstance(event, OrderPlaced) else None
    match event:
        case OrderPrioritised(priority=priority):
            return replace(order, priority=Leaf(priority, by))
        case OrderAllocated(vin=vin, at=at):
            return replace(order, progress=Leaf(Progress("allocated", at), by), vin=Leaf(vin, by))
        case OrderDeallocated(at=at):
            return replace(order, progress=Leaf(Progress("placed", at), by), vin=Leaf(None, by))
        case OrderDelayed(promised=promised, at=at):
            return replace(order, progress=Leaf(Progress("delayed", at), by), promised=Leaf(promised, by))
        case InsuranceArranged():
            return replace(order, insurances=(*order.insurances, Insurance(event, id_)))
        case _:
            return _closed(order, event, id_)


def _placed(event: OrderPlaced, id_: str) -> OrderState:
    by = (id_,)
    return OrderState(
        placed=event,
        event=id_,
        progress=Leaf(Progress("placed", event.at), by),
        vin=Leaf(None, by),
        promised=Leaf(event.promised, by),
        priority=Leaf(None, by),
        marks=(Mark(event.at, "placed", id_),),
    )


def _closed(order: OrderState, event: object, id_: str) -> OrderState:
    by = (id_,)
    match event:
        case OrderCancelled(reason=reason, after=after, at=at):
            cancelled = replace(order, progress=Leaf(Progress("cancelled", at, reason, after), by))
            return replace(cancelled, marks=(*order.marks, Mark(at, "cancelled", id_)))
        case VehicleDelivered(vin=vin, odometer_km=km, at=at):
            delivered = replace(order, progress=Leaf(Progress("delivered", at, odometer_km=km), by))
            return replace(delivered, vin=Leaf(vin, by), marks=(*order.marks, Mark(at, "delivered", id_)))
        case _:
            return order


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case OrderPlaced(model=model, price=price, currency=currency):
            return f"Ordered {model or 'a vehicle'} for {money(price, currency)}"
        case OrderPrioritised(priority=priority, reason=reason):
            return f"Order given priority {priority}: {reason}"
        case OrderAllocated(vin=vin):
            return f"Vehicle {vin} allocated"
        case OrderDeallocated(vin=vin, reason=reason):
            return f"Vehicle {vin} no longer allocated: {reason}"
        case OrderDelayed(promised=promised, reason=reason):
            return f"Delayed until {promised or 'an unknown day'}: {reason}"
        case OrderCancelled(reason=reason):
            return f"Order cancelled: {reason}"
        case InsuranceArranged(kind=kind, partner=partner):
            return f"Insurance {kind} arranged with {partner}"
        case VehicleDelivered(vin=vin):
            return f"Vehicle {vin} delivered"
        case _:
            return None
