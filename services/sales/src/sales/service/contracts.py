"""Commands on contracts, and what a contract tells its orders."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import new_id
from roadbook.timers import Timer
from sales.domain import order as orders
from sales.domain.contract import AmendContract, ContractCancelled, SignContract, Wanted
from sales.service.aggregates.contract import aggregate
from sales.service.commands import command as ordinary
from sales.service.commands import known_staff, run, visible
from sales.service.running import Service
from sales.service.telling import by_timer, done, last_of, loaded, tell
from sales.views import orders as listing


@dataclass(frozen=True, slots=True)
class Signing:
    """`opportunity` and `quote` are ids; a quote has its opportunity with it. `staff` None: the opportunity's."""

    lines: tuple[Wanted, ...]
    currency: str
    document_hash: str
    opportunity: str
    quote: str | None = None
    procurement: Literal["retail", "tender", "enterprise"] = "retail"
    tender: str | None = None
    staff: str | None = None


async def sign(service: Service, signing: Signing, context: CommandContext) -> Answer:
    """Raises `NotFound` for an opportunity or quote of another dealer, `StaffUnknown`, and what `execute` raises."""
    stream = f"opportunity/{signing.opportunity}"
    opportunity, _ = await visible(service, stream, context.dealer)
    accepted = True
    if signing.quote is not None:
        quote, _ = await visible(service, f"quote/{signing.quote}", context.dealer)
        if quote.opportunity != stream:
            raise NotFound
        accepted = quote.status == "accepted"
    staff = known_staff(service, signing.staff, opportunity.dealer) or opportunity.staff
    id_ = new_id()
    command = SignContract(
        opportunity.party_ref, opportunity.dealer, stream, opportunity.status == "open",
        None if signing.quote is None else f"quote/{signing.quote}", accepted, signing.lines, signing.currency,
        signing.document_hash, signing.procurement, signing.tender, staff, service.network.rules(), context.now,
    )  # fmt: skip
    order: Order[Any] = Order(
        aggregate.stream(id_),
        command,
        creates=True,
        status=201,
        extra={"contract": id_},
        location=f"/v1/contracts/{id_}",
    )
    return await run(service.store, order, context)


async def amend(
    service: Service, contract: str, document_hash: str, lines: tuple[Wanted, ...], reason: str, context: CommandContext
) -> Answer:
    command = AmendContract(document_hash, lines, reason, service.network.rules(), context.now)
    return await ordinary(service, aggregate.stream(contract), command, context)


# ── What it tells others ──────────────────────────────────────────────────────────────────────────────────────
async def cancel_orders(service: Service, timer: Timer, now: datetime) -> None:
    """Every order that still stands goes with its contract."""
    contract, events = await loaded(service, timer.stream)
    async with acquire(service.pool) as connection:
        standing = await listing.of_contract(connection, timer.stream, "placed", "allocated", "delayed")
    command = orders.CancelOrder("contract_cancelled", contract.cancelled_at)
    cause = last_of(timer.stream, events, ContractCancelled)
    await tell(service, [(f"order/{each}", command) for each in standing], by_timer(now, cause))
    await done(service, timer)
