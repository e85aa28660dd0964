"""Commands on accessory sales."""

from dataclasses import dataclass
from typing import Any

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.events import new_id
from sales.domain.accessorysale import Item, SellAccessories
from sales.service.aggregates.accessorysale import aggregate
from sales.service.commands import known_staff, run
from sales.service.opportunities import DealerMissing, party
from sales.service.running import Service
from sales.service.tradeins import order_of


@dataclass(frozen=True, slots=True)
class Selling:
    """`party_ref` None: a new one is made, or that of the order. `order` is an id. `dealer` is for headquarters."""

    items: tuple[Item, ...]
    currency: str
    party_ref: str | None = None
    order: str | None = None
    vin: str | None = None
    staff: str | None = None
    dealer: str | None = None


async def sell(service: Service, selling: Selling, context: CommandContext) -> Answer:
    """Raises `DealerMissing`, `OrderUnknown`, `PartyUnknown`, `StaffUnknown`, `Rejected`, and what `execute` raises."""
    s = selling
    dealer = context.dealer or s.dealer
    if dealer is None:
        raise DealerMissing
    known_staff(service, s.staff, dealer)
    order = await order_of(service, s.order, dealer)
    party_ref, vin = s.party_ref, s.vin
    if order is not None:
        labels = (await service.store.load(order)).events[-1].labels
        party_ref, vin = party_ref or labels.party_ref, vin or labels.vin
    if party_ref is None or party_ref == s.party_ref:
        party_ref = await party(service, party_ref, context.dealer)
    id_ = new_id()
    asked = SellAccessories(party_ref, dealer, order, vin, s.items, s.currency, s.staff, context.now)
    sale: Order[Any] = Order(
        aggregate.stream(id_),
        asked,
        creates=True,
        status=201,
        extra={"accessory_sale": id_, "party_ref": party_ref},
        location=f"/v1/accessory-sales/{id_}",
    )
    return await run(service.store, sale, context)
