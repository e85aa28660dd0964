"""Timers that are due, each to the aggregate it belongs to."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from roadbook import timers
from roadbook.timers import Timer
from sales.service import commissions, contracts, orders, quotes, tradeins, winning
from sales.service.running import Service

Handler = Callable[[Service, Timer, datetime], Awaitable[None]]

HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("quote", "expire"): quotes.on_expiry,
    ("contract", "tell_signed"): winning.tell_opportunity,
    ("contract", "tell_cancelled"): winning.tell_opportunity,
    ("contract", "cancel_orders"): contracts.cancel_orders,
    ("order", "tell_placed"): winning.tell_opportunity,
    ("order", "tell_cancelled"): winning.tell_opportunity,
    ("order", "transfer"): orders.transfer,
    ("order", "commission"): commissions.on_order,
    ("contract", "commission"): commissions.on_contract,
    ("accessorysale", "commission"): commissions.on_accessory_sale,
    ("tradein", "transfer"): tradeins.on_transfer,
}
"""By what stands before the `/` of the timer's stream, and the timer's kind."""


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """Raises what the aggregate's command raises, `TimerGone` among it."""
    handler = HANDLERS.get((timer.stream.partition("/")[0], timer.kind))
    if handler is None:
        await timers.done(service.pool, timer)  # nothing of this version wants it
        return
    await handler(service, timer, now)
