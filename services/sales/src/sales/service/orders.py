"""Commands on orders, and what an order tells its vehicle."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.errors import NotFound
from roadbook.events import new_id
from roadbook.timers import Timer
from sales.domain.order import (
    DeliverVehicle,
    PlaceOrder,
    PrioritiseOrder,
    VehicleDelivered,
)
from sales.domain.vehicle import TransferOwnership
from sales.service.aggregates.order import aggregate
from sales.service.commands import command as ordinary
from sales.service.commands import known_staff, run, visible
from sales.service.running import Service
from sales.service.telling import by_timer, done, last_of, loaded, tell


class LineUnknown(Exception):
    """The contract has no such line."""


@dataclass(frozen=True, slots=True)
class Placing:
    """`contract` and `trade_in` are ids. `staff` None: the contract's."""

    contract: str
    line: int
    condition: Literal["new", "used"] = "new"
    trade_in: str | None = None
    staff: str | None = None
    promised: date | None = None


async def place(service: Service, placing: Placing, context: CommandContext) -> Answer:
    """Raises `NotFound` for a contract or trade-in of another dealer, `LineUnknown`, `StaffUnknown`, and what `execute`
    raises."""
    stream = f"contract/{placing.contract}"
    contract, _ = await visible(service, stream, context.dealer)
    line = contract.line(placing.line)
    if line is None:
        raise LineUnknown
    trade_in = None if placing.trade_in is None else f"tradein/{placing.trade_in}"
    if trade_in is not None:
        _, traded = await visible(service, trade_in, context.dealer)
        if traded[-1].labels.party_ref != contract.party_ref:
            raise NotFound
    staff = known_staff(service, placing.staff, contract.dealer) or contract.staff
    id_ = new_id()
    command = PlaceOrder(
        contract.party_ref, contract.dealer, stream, contract.status == "signed", line.line, line.model,
        placing.condition, line.price, contract.currency, trade_in, staff, placing.promised, service.network.rules(),
        context.now,
    )  # fmt: skip
    order: Order[Any] = Order(
        aggregate.stream(id_), command, creates=True, status=201, extra={"order": id_}, location=f"/v1/orders/{id_}"
    )
    return await run(service.store, order, context)


async def prioritise(service: Service, order: str, reason: str, by: str | None, context: CommandContext) -> Answer:
    """Raises `StaffUnknown`, `Rejected("priority_reason_unknown")`, and what `execute` raises."""
    state, _ = await visible(service, aggregate.stream(order), context.dealer)
    known_staff(service, by, state.dealer if context.dealer is not None else None)
    command = PrioritiseOrder(reason, by, service.network.rules(), context.now)
    return await ordinary(service, aggregate.stream(order), command, context)


async def deliver(
    service: Service, order: str, odometer_km: int | None, staff: str | None, context: CommandContext
) -> Answer:
    """`staff` None: whoever sold it."""
    state, _ = await visible(service, aggregate.stream(order), context.dealer)
    by = known_staff(service, staff, state.dealer) or state.staff
    return await ordinary(service, aggregate.stream(order), DeliverVehicle(odometer_km, by, context.now), context)


# ── What it tells others ──────────────────────────────────────────────────────────────────────────────────────
async def transfer(service: Service, timer: Timer, now: datetime) -> None:
    """Whoever ordered it owns it from its delivery on."""
    order, events = await loaded(service, timer.stream)
    cause = last_of(timer.stream, events, VehicleDelivered)
    command = TransferOwnership(
        order.vin, order.party_ref, order.dealer, "delivery", timer.stream, order.odometer_km, order.delivered_at
    )
    await tell(service, [(f"vehicle/{order.vin}", command)], by_timer(now, cause), may_create=True)
    await done(service, timer)
