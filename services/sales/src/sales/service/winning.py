"""What an opportunity learns of its contract and of the orders under it: won, or open again."""

from datetime import datetime

from roadbook.database import acquire
from roadbook.timers import Timer
from sales.domain.contract import ContractCancelled, ContractSigned
from sales.domain.opportunity import ReopenOpportunity, WinOpportunity
from sales.domain.order import OrderCancelled, OrderPlaced
from sales.service.running import Service
from sales.service.telling import by_timer, done, last_of, loaded, tell
from sales.views import orders

_CAUSES = {"contract": (ContractSigned, ContractCancelled), "order": (OrderPlaced, OrderCancelled)}


async def tell_opportunity(service: Service, timer: Timer, now: datetime) -> None:
    """At the time of what is told, whenever the timer comes. Asked again afterwards: whatever happened meanwhile, whose
    own timer may have come too early to change anything, is told as well."""
    state, events = await loaded(service, timer.stream)
    kind = timer.stream.partition("/")[0]
    contract = timer.stream if kind == "contract" else state.contract
    cause, told = last_of(timer.stream, events, *_CAUSES[kind]), None
    while (wanted := await _wanted(service, contract)) != told:
        told = wanted
        opportunity, fell_through = wanted
        if opportunity is None:
            break
        command = (
            WinOpportunity(contract, timer.due)
            if fell_through is None
            else ReopenOpportunity(fell_through, contract, timer.due)
        )
        await tell(service, [(opportunity, command)], by_timer(now, cause))
    await done(service, timer)


async def _wanted(service: Service, contract: str) -> tuple[str | None, str | None]:
    """(the opportunity of a contract, why it is open again; None: it is won). A contract without an order wins it, one
    whose last order was cancelled does not."""
    state, _ = await loaded(service, contract)
    if state.status == "cancelled":
        return state.opportunity, "contract_cancelled"
    async with acquire(service.pool) as connection:
        standing = await orders.of_contract(connection, contract, "placed", "allocated", "delayed", "delivered")
        cancelled = await orders.of_contract(connection, contract, "cancelled")
    return state.opportunity, "order_cancelled" if cancelled and not standing else None
