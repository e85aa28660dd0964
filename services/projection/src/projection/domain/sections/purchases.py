"""What the customer bought and owns: purchases with all that came with them, and vehicles with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Leaf
from projection.domain.ownership import vin_of
from projection.domain.rules import Rules, later
from projection.domain.sections.sales import accessory, told
from projection.domain.streams.order import OrderState, Progress
from projection.domain.streams.stream import StreamState
from projection.domain.streams.vehicle import Interval

By = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bought:
    """What the sections of purchases and vehicles are made of: `orders` in the order of their placing, `vehicles` the
    intervals by VIN, `first` the earliest time at which the customer became an owner, with its event."""

    streams: dict[str, StreamState]
    orders: list[tuple[str, OrderState]]
    vehicles: dict[str, list[Interval]]
    first: tuple[datetime, str, str] | None
    rules: Rules
    at: datetime


def bought(streams: Sequence[StreamState], rules: Rules, at: datetime) -> Bought:
    orders = [(state.stream, state.order) for state in streams if state.order is not None]
    orders.sort(key=lambda each: (each[1].placed.at, each[0]))
    vehicles: dict[str, list[Interval]] = {}
    for state in streams:
        if state.owned:
            vehicles.setdefault(vin_of(state.stream), []).extend(state.owned)
    for intervals in vehicles.values():
        intervals.sort(key=lambda each: (each.start.told.at, each.start.version))
    acquired = [
        (order.progress.value.at, stream, order.progress.events[0])
        for stream, order in orders
        if order.progress.value.status == "delivered"
    ]
    acquired += [
        (each.start.told.at, f"vehicle/{vin}", each.start.event)
        for vin, intervals in vehicles.items()
        for each in intervals
        if each.start.told.cause == "used_sale"
    ]
    known = {state.stream: state for state in streams}
    return Bought(known, orders, vehicles, min(acquired, default=None), rules, at)


# ── Purchases ─────────────────────────────────────────────────────────────────────────────────────────────────
def purchases(had: Bought) -> list[object]:
    return [_purchase(had, stream, order) for stream, order in had.orders]


def _purchase(had: Bought, stream: str, order: OrderState) -> dict[str, object]:
    by, went, progress = (order.event,), order.progress.events, order.progress.value
    delivered = progress.status == "delivered"
    stage, since = _relation(had, order)
    return {
        "stream": stream,
        **told(order.placed, by, "dealer", "contract", "line", "model", "condition", "price", "currency", "staff"),
        "discount": _discount(had, order),
        "vin": order.vin,
        "state": Leaf(progress.status, went),
        "placed_at": Leaf(order.placed.at, by),
        "promised": order.promised,
        "priority": order.priority,
        "delivered_at": Leaf(progress.at if delivered else None, went),
        "odometer_km": Leaf(progress.odometer_km, went),
        "cancelled": _cancelled(progress, went),
        "insurance": [
            told(each.told, (each.event,), "partner", "kind", "premium", "currency", "expires", "at")
            for each in order.insurances
        ],
        "accessories": _accessories(had, stream),
        "trade_in": _trade_in(had, stream, order),
        "repurchase": _repurchase(had, stream, order),
        "stage": stage,
        "stage_since": since,
    }


def _cancelled(progress: Progress, by: By) -> object:
    if progress.status != "cancelled":
        return Leaf(None, by)
    return told(progress, by, "reason", "after", "at")


def _discount(had: Bought, order: OrderState) -> Leaf[int | None]:
    """Of the quote that its contract was made of."""
    signed = had.streams.get(order.placed.contract or "")
    contract = signed.contract if signed is not None else None
    offered = had.streams.get((contract.signed.quote if contract is not None else None) or "")
    quote = offered.quote if offered is not None else None
    if contract is None or quote is None or quote.discount is None:
        return Leaf(None, (order.event,))
    return Leaf(quote.discount, (quote.event, contract.event))


def _accessories(had: Bought, order: str) -> list[object]:
    return [
        accessory(state, state.accessories)
        for state in had.streams.values()
        if state.accessories is not None and state.accessories.sold.order == order
    ]


def accessories(had: Bought) -> list[object]:
    """Those that came with no purchase of the record."""
    with_order = {stream for stream, _ in had.orders}
    return [
        accessory(state, state.accessories)
        for state in had.streams.values()
        if state.accessories is not None and state.accessories.sold.order not in with_order
    ]


def _trade_in(had: Bought, stream: str, order: OrderState) -> Leaf[str | None]:
    if order.placed.trade_in is not None:
        return Leaf(order.placed.trade_in, (order.event,))
    for name, state in sorted(had.streams.items()):
        if state.trade_in is not None and state.trade_in.offer.value.order == stream:
            return Leaf(name, state.trade_in.offer.events)
    return Leaf(None, (order.event,))


def _repurchase(had: Bought, stream: str, order: OrderState) -> Leaf[bool]:
    """Delivered to somebody who had become an owner before."""
    if order.progress.value.status != "delivered" or had.first is None or had.first[1] == stream:
        return Leaf(False, (order.event,))
    return Leaf(True, (had.first[2], order.progress.events[0]))


def _relation(had: Bought, order: OrderState) -> tuple[Leaf[str], Leaf[datetime]]:
    """The stage of this one vehicle, and since when."""
    by, progress = order.progress.events, order.progress.value
    if progress.status == "cancelled":
        return Leaf("cancelled", by), Leaf(progress.at, by)
    if progress.status != "delivered":
        return Leaf("on_order", (order.event,)), Leaf(order.placed.at, (order.event,))
    intervals = had.vehicles.get(order.vin.value or "", [])
    return _owned(had, progress.at, by, intervals[-1] if intervals else None)


def _owned(had: Bought, since: datetime, by: By, last: Interval | None) -> tuple[Leaf[str], Leaf[datetime]]:
    if last is not None and last.end is not None:
        ended = (last.end.event,)
        return Leaf("former", ended), Leaf(last.end.told.at, ended)
    settled = later(since, had.rules.owner_new)
    if had.at < settled:
        return Leaf("owner_new", by), Leaf(since, by)
    return Leaf("owner_active", by), Leaf(settled, by)


# ── Vehicles ──────────────────────────────────────────────────────────────────────────────────────────────────
def vehicles(had: Bought) -> list[object]:
    return [_vehicle(had, vin, had.vehicles[vin]) for vin in sorted(had.vehicles)]


def _vehicle(had: Bought, vin: str, intervals: Sequence[Interval]) -> dict[str, object]:
    last = intervals[-1]
    stage, since = _owned(had, last.start.told.at, (last.start.event,), last)
    return {
        "vin": vin,
        "model": _model(had, vin, intervals[0]),
        "stage": stage,
        "stage_since": since,
        "intervals": [interval(each) for each in intervals],
    }


def _model(had: Bought, vin: str, first: Interval) -> Leaf[str | None]:
    for _, order in had.orders:
        if order.vin.value == vin and order.placed.model is not None:
            return Leaf(order.placed.model, tuple(dict.fromkeys((order.event, *order.vin.events))))
    for state in had.streams.values():
        given = state.trade_in
        if given is not None and given.appraised.vin == vin and given.appraised.model is not None:
            return Leaf(given.appraised.model, (given.event,))
    return Leaf(None, (first.start.event,))


def interval(each: Interval) -> dict[str, object]:
    by, start = (each.start.event,), each.start.told
    ended = by if each.end is None else (each.end.event,)
    sold = by if each.sale is None else (each.sale.event,)
    return {
        "party_ref": Leaf(start.party_ref, by),
        "dealer": Leaf(each.start.dealer, by),
        **told(start, by, "cause", "source", "odometer_km"),
        "from": Leaf(start.at, by),
        "until": Leaf(None if each.end is None else each.end.told.at, ended),
        "ended_by": Leaf(None if each.end is None else each.end.told.cause, ended),
        "price": Leaf(None if each.sale is None else each.sale.told.price, sold),
        "currency": Leaf(None if each.sale is None else each.sale.told.currency, sold),
    }
