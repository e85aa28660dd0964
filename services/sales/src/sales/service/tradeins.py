"""Commands on trade-ins, and the old vehicle's change of hands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadbook import timers
from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.events import new_id
from roadbook.reactions import caused_by
from roadbook.timers import Timer
from sales.domain.tradein import AgreeTradeIn, AppraiseTradeIn, Offer, TradeIn, TradeInReceived
from sales.domain.vehicle import TransferOwnership
from sales.service.aggregates import decoded
from sales.service.aggregates.tradein import TRANSFER, aggregate
from sales.service.commands import command, folded, known_staff, run, visible
from sales.service.opportunities import DealerMissing, party
from sales.service.running import Service


class OrderUnknown(Exception):
    """The order is not there, or is another dealer's."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """`party_ref` None: a new one is made. `dealer` is for headquarters to name."""

    vin: str
    offer: Offer
    valid_until: datetime
    party_ref: str | None = None
    model: str | None = None
    odometer_km: int | None = None
    staff: str | None = None
    dealer: str | None = None


async def appraise(service: Service, appraisal: Appraisal, context: CommandContext) -> Answer:
    """Raises `DealerMissing`, `PartyUnknown`, `StaffUnknown`, `Rejected`, and what `execute` raises."""
    a = appraisal
    dealer = context.dealer or a.dealer
    if dealer is None:
        raise DealerMissing
    known_staff(service, a.staff, dealer)
    party_ref = await party(service, a.party_ref, context.dealer)
    id_ = new_id()
    asked = AppraiseTradeIn(
        party_ref, dealer, a.vin, a.model, a.odometer_km, a.offer, a.valid_until, a.staff, context.now
    )
    order: Order[Any] = Order(
        aggregate.stream(id_),
        asked,
        creates=True,
        status=201,
        extra={"trade_in": id_, "party_ref": party_ref},
        location=f"/v1/trade-ins/{id_}",
    )
    return await run(service.store, order, context)


async def order_of(service: Service, order: str | None, dealer: str) -> str | None:
    """The stream of an order of the same dealer. Raises `OrderUnknown`."""
    if order is None:
        return None
    stream = f"order/{order}"
    events = (await service.store.load(stream)).events
    if not events or events[-1].labels.dealer != dealer:
        raise OrderUnknown
    return stream


async def agree(
    service: Service, trade_in: str, offer: Offer | None, order: str | None, context: CommandContext
) -> Answer:
    """`order` is an id. Raises `OrderUnknown`, `Rejected`, and what `execute` raises."""
    stream = aggregate.stream(trade_in)
    state, _ = await visible(service, stream, context.dealer)
    named = await order_of(service, order, state.dealer)
    return await command(service, stream, AgreeTradeIn(offer, named, context.now), context)


async def on_transfer(service: Service, timer: Timer, now: datetime) -> None:
    """The old vehicle is the dealer's from when it was received. Raises what `execute` raises; the timer comes again
    then, and goes when the vehicle refuses."""
    trade_in, events = await folded(service, timer.stream)
    assert isinstance(trade_in, TradeIn)  # no other state wants this timer
    cause, received = next(told for told in decoded(events) if isinstance(told[1], TradeInReceived))
    asked = TransferOwnership(
        vin=trade_in.appraised.vin,
        party_ref=None,
        dealer=trade_in.dealer,
        cause="trade_in",
        source=timer.stream,
        odometer_km=received.odometer_km or trade_in.appraised.odometer_km,
        at=received.at,
    )
    order: Order[Any] = Order(f"vehicle/{asked.vin}", asked, may_create=True)
    await run(service.store, order, caused_by(cause, TRANSFER, "sales", now))
    await timers.done(service.pool, timer)
