"""Commands on vehicles by VIN, and who may see which owner.

A vehicle's stream belongs to nobody: every dealer may add to it, and none may learn from an answer, a version or a
refusal that another one did. So its commands run as the system's, and their answers carry ids only.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.errors import NotFound
from sales.domain.vehicle import Cause, Command, Interval, SellUsedVehicle, TransferOwnership, Vehicle
from sales.service.aggregates.vehicle import aggregate
from sales.service.commands import folded, known_staff, run
from sales.service.opportunities import DealerMissing, party
from sales.service.running import Service


@dataclass(frozen=True, slots=True)
class UsedSale:
    """`party_ref` None: a new one is made."""

    vin: str
    price: int
    currency: str
    party_ref: str | None = None
    dealer: str | None = None
    staff: str | None = None
    odometer_km: int | None = None


async def add(service: Service, command: Command, context: CommandContext, **extra: Any) -> Answer:
    """The answer without version and position. Raises what `execute` raises."""
    order: Order[Any] = Order(aggregate.stream(command.vin), command, may_create=True, extra=extra)
    answer = await run(service.store, order, replace(context, dealer=None, if_match=None))
    body = {name: value for name, value in answer.body.items() if name not in ("version", "position")}
    return replace(answer, body=body, version=None)


async def sell_used(service: Service, sale: UsedSale, context: CommandContext) -> Answer:
    """Raises `DealerMissing`, `StaffUnknown`, `PartyUnknown`, and what `execute` raises."""
    dealer = context.dealer or sale.dealer
    if dealer is None:
        raise DealerMissing
    staff = known_staff(service, sale.staff, dealer)
    party_ref = await party(service, sale.party_ref, context.dealer)
    command = SellUsedVehicle(
        sale.vin, party_ref, dealer, sale.price, sale.currency, staff, sale.odometer_km, context.now
    )
    return await add(service, command, context, party_ref=party_ref)


async def record_transfer(
    service: Service, vin: str, party_ref: str | None, cause: Cause, at: datetime | None, dealer: str | None,
    context: CommandContext,
) -> Answer:  # fmt: skip
    """A private sale, or a correction. `at` and `dealer` are for headquarters to name. Raises `DealerMissing`,
    `PartyUnknown`, and what `execute` raises."""
    by = context.dealer or dealer
    if by is None:
        raise DealerMissing
    owner = None if party_ref is None else await party(service, party_ref, context.dealer)
    command = TransferOwnership(vin, owner, by, cause, None, None, at or context.now)
    return await add(service, command, context, party_ref=owner)


@dataclass(frozen=True, slots=True)
class Owned:
    """`until` None: up to now, as far as the reader knows."""

    interval: Interval
    until: datetime | None


async def owners(service: Service, vin: str, dealer: str | None) -> tuple[list[Owned], int | None]:
    """(the intervals the reader may see, the stream's version for headquarters). A dealer sees those whose transfer it
    made itself, as if there were no others. Raises `NotFound`."""
    state, events = await folded(service, aggregate.stream(vin))
    known = state.intervals if isinstance(state, Vehicle) else ()
    seen = [each for each in known if dealer is None or each.dealer == dealer]
    if not seen:
        raise NotFound
    ends = [*(each.since for each in seen[1:]), None]
    return [Owned(each, end) for each, end in zip(seen, ends, strict=True)], None if dealer else len(events)
