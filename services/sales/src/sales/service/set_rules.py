"""Rules over several streams (ADR 0012): asked after the read tables were written, in the same transaction.

A check may refuse, and its `Rejected` undoes the whole write. What a recovery puts back is not asked. Each check locks
what it counts (the contract's row, the place in a unique table), so that two that meet see each other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from roadbook.database import Connection
from roadbook.decider import Rejected
from roadbook.events import Recorded
from sales.domain.contract import ContractAmended, ContractCancelled, ContractSigned
from sales.domain.order import OrderAllocated, OrderPlaced, VehicleDelivered
from sales.domain.quote import QuoteAccepted, QuoteWithdrawn
from sales.service.aggregates import apply_views, decoded
from sales.views import contracts, orders, quotes

Check = Callable[[Connection, Recorded, Any], Awaitable[None]]


def _id(stream: str) -> UUID:
    return UUID(stream.partition("/")[2])


# ── One accepted quote and one standing contract for an opportunity ───────────────────────────────────────────
async def _one_accepted(connection: Connection, recorded: Recorded, _: QuoteAccepted) -> None:
    if not await quotes.is_the_accepted(connection, _id(recorded.stream)):
        raise Rejected("opportunity_has_quote")


async def _not_signed(connection: Connection, recorded: Recorded, _: QuoteWithdrawn) -> None:
    """Its row is locked since it was written: a contract that is being signed on it waits, or was waited for."""
    if await contracts.quote_signed(connection, recorded.stream):
        raise Rejected("quote_signed")


async def _one_standing(connection: Connection, recorded: Recorded, event: ContractSigned) -> None:
    if event.quote is not None and await quotes.locked_state(connection, _id(event.quote)) != "accepted":
        raise Rejected("quote_not_accepted")
    if event.opportunity is not None and not await contracts.is_the_standing(connection, _id(recorded.stream)):
        raise Rejected("opportunity_has_contract")


# ── Orders and the contract they are placed on ────────────────────────────────────────────────────────────────
async def _lines_hold(connection: Connection, recorded: Recorded, _: ContractAmended) -> None:
    if await contracts.overdone(connection, _id(recorded.stream)):
        raise Rejected("contract_line_ordered")


async def _nothing_delivered(connection: Connection, recorded: Recorded, _: ContractCancelled) -> None:
    if await contracts.delivered(connection, _id(recorded.stream)):
        raise Rejected("contract_delivered")


async def _within_line(connection: Connection, _: Recorded, event: OrderPlaced) -> None:
    contract = _id(event.contract)
    if await contracts.locked_state(connection, contract) != "signed":
        raise Rejected("contract_cancelled")
    if await contracts.overdone(connection, contract):
        raise Rejected("contract_line_full")


async def _contract_stands(connection: Connection, recorded: Recorded, _: VehicleDelivered) -> None:
    """A contract that is cancelled at the same moment waits for this, or this for it."""
    contract = await orders.contract_of(connection, _id(recorded.stream))
    if contract is None or await contracts.locked_state(connection, _id(contract)) != "signed":
        raise Rejected("contract_cancelled")


# ── A vehicle is allocated once ───────────────────────────────────────────────────────────────────────────────
async def _one_order(connection: Connection, recorded: Recorded, event: OrderAllocated) -> None:
    if not await orders.has_vehicle(connection, _id(recorded.stream), event.vin):
        raise Rejected("vehicle_taken")


CHECKS: Mapping[type, Check] = {
    QuoteAccepted: _one_accepted,
    QuoteWithdrawn: _not_signed,
    ContractSigned: _one_standing,
    ContractAmended: _lines_hold,
    ContractCancelled: _nothing_delivered,
    OrderPlaced: _within_line,
    OrderAllocated: _one_order,
    VehicleDelivered: _contract_stands,
}
"""By class of the event."""


async def keep(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The views of every command."""
    await apply_views(connection, recorded)
    for event, fact in decoded(recorded):
        check = CHECKS.get(type(fact))
        if check is not None:
            await check(connection, event, fact)
