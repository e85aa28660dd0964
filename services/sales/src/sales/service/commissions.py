"""Commission: what a delivery or a sale of accessories earns and for whom, and what is taken back.

The stream that earns wants a timer `commission`, due when it was delivered, sold, returned or cancelled (ADR 0014). Its
handler says everything that follows from that stream so far, in one transaction over the accounts. Entries have ids
made from the event that caused them, so saying it again changes nothing (ADR 0028).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadbook import timers
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.database import Connection, acquire
from roadbook.errors import NotFound
from roadbook.events import Recorded
from roadbook.reactions import caused_by, derived_id
from roadbook.store.joined import JoinedStore
from roadbook.timers import Timer
from sales.domain.accessorysale import AccessoryReturned, AccessorySold
from sales.domain.commission import (
    Account,
    AccrueCommission,
    CommissionAccrued,
    CommissionReversed,
    CommissionSettled,
    ReverseCommission,
    SettleCommission,
    Statement,
    statement,
)
from sales.domain.commission_rules import Part, Sale, earned, portions
from sales.domain.contract import ContractCancelled
from sales.domain.order import OrderCancelled, OrderPlaced, VehicleDelivered
from sales.service.aggregates import decoded
from sales.service.aggregates.commission import aggregate
from sales.service.commands import folded, run
from sales.service.months import span
from sales.service.running import Service
from sales.views import commissions, pipeline

COMMISSION = "commission"
"""The kind of the timers."""

Told = list[tuple[Recorded, Any]]


@dataclass(frozen=True, slots=True)
class Earning:
    """What earns: a sale of `kind` for `price`, because of the event `cause`."""

    cause: Recorded
    kind: Sale
    dealer: str
    staff: str | None
    model: str | None
    price: int
    currency: str
    at: datetime


# ── Timers ────────────────────────────────────────────────────────────────────────────────────────────────────
async def on_order(service: Service, timer: Timer, now: datetime) -> None:
    """Delivered, it earns; cancelled, or with its contract cancelled, it gives back."""
    told = await _told(service, timer.stream)
    placed = next(fact for _, fact in told if isinstance(fact, OrderPlaced))
    under = await _told(service, placed.contract)
    ended = [event for event, fact in (*told, *under) if isinstance(fact, OrderCancelled | ContractCancelled)]
    async with acquire(service.pool) as connection, connection.transaction():
        for event, fact in told:
            if isinstance(fact, VehicleDelivered):
                staff, price = fact.staff or placed.staff, placed.price
                earning = Earning(
                    event, placed.condition, placed.dealer, staff, placed.model, price, placed.currency, fact.at
                )
                await _accrue(service, connection, timer.stream, earning, now)
        for event in ended:
            await _give_back(connection, [timer.stream], event, now)
    await timers.done(service.pool, timer)


async def on_contract(service: Service, timer: Timer, now: datetime) -> None:
    """Cancelled, whatever was delivered under it gives back."""
    told = await _told(service, timer.stream)
    async with acquire(service.pool) as connection, connection.transaction():
        orders = await pipeline.orders_of(connection, timer.stream)
        for event, fact in told:
            if isinstance(fact, ContractCancelled):
                await _give_back(connection, orders, event, now)
    await timers.done(service.pool, timer)


async def on_accessory_sale(service: Service, timer: Timer, now: datetime) -> None:
    """Sold, it earns; returned, it gives back."""
    told = await _told(service, timer.stream)
    async with acquire(service.pool) as connection, connection.transaction():
        for event, fact in told:
            if isinstance(fact, AccessorySold):
                earning = Earning(event, "accessory", fact.dealer, fact.staff, None, fact.total, fact.currency, fact.at)
                await _accrue(service, connection, timer.stream, earning, now)
            if isinstance(fact, AccessoryReturned):
                await _give_back(connection, [timer.stream], event, now)
    await timers.done(service.pool, timer)


async def _told(service: Service, stream: str) -> Told:
    return decoded((await service.store.load(stream)).events)


async def _accrue(service: Service, connection: Connection, sale: str, earning: Earning, now: datetime) -> None:
    """An entry for each who shares, in the order of their accounts; nothing where no rule is."""
    e, rules = earning, service.network.commission_rules()
    rule = rules.rule(e.kind, e.model)
    if rule is None:
        return
    people: dict[Part, str | None] = {"consultant": e.staff, "manager": service.network.manager(e.dealer)}
    for each in sorted(portions(rule, earned(rule, e.price), people), key=lambda portion: portion.staff):
        entry = derived_id(e.cause, each.staff)
        asked = AccrueCommission(
            entry, sale, e.dealer, each.staff, each.amount, e.currency, each.share_bp, rule.name, rules.version, e.at
        )
        order: Order[Any] = Order(aggregate.stream(each.staff), asked, may_create=True)
        await run(JoinedStore(connection), order, caused_by(e.cause, COMMISSION, "sales", now))


async def _give_back(connection: Connection, sales: Sequence[str], cause: Recorded, now: datetime) -> None:
    """All that these sales earned and nobody took back yet, because of this event."""
    reason = cause.type.split(".")[2]
    for staff, of in await commissions.standing(connection, sales):
        asked = ReverseCommission(derived_id(cause, of), of, reason, cause.time)
        order: Order[Any] = Order(aggregate.stream(staff), asked)
        await run(JoinedStore(connection), order, caused_by(cause, COMMISSION, "sales", now))


# ── Settling ──────────────────────────────────────────────────────────────────────────────────────────────────
async def settle(service: Service, staff: str, period: str, context: CommandContext) -> Any:
    """Raises `Rejected`, and what `execute` raises."""
    _, end = span(period, service.network.time_zone)
    order: Order[Any] = Order(aggregate.stream(staff), SettleCommission(period, end, context.now))
    return await run(service.store, order, context)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Receipts:
    """A statement, with the event that proves each entry and each settlement by its name."""

    statement: Statement
    first: datetime
    end: datetime
    version: int
    receipts: dict[str, Recorded]


async def of_month(service: Service, staff: str, period: str, dealer: str | None) -> Receipts:
    """`dealer` None: headquarters, all that was earned wherever. Raises `NotFound`."""
    account, events = await folded(service, aggregate.stream(staff))
    if not isinstance(account, Account):
        raise NotFound
    if dealer is not None and all(each.dealer != dealer for each in account.entries.values()):
        raise NotFound
    first, end = span(period, service.network.time_zone)
    receipts: dict[str, Recorded] = {}
    for event, fact in decoded(events):
        match fact:
            case CommissionAccrued(entry=name) | CommissionReversed(entry=name):
                receipts.setdefault(name, event)
            case CommissionSettled(settlement=name):
                receipts.setdefault(name, event)
    shown = statement(account, period, first, end, dealer)
    return Receipts(shown, first, end, len(events), receipts)


async def accounts(
    service: Service, dealer: str | None, after: commissions.AccountKey | None, limit: int
) -> list[commissions.AccountRow]:
    async with acquire(service.pool) as connection:
        return await commissions.accounts(connection, dealer, after, limit)
