"""Timers that are due, each to the aggregate it belongs to."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from lead.service import campaigns, group_buys, routing, test_drives
from lead.service.running import Service
from roadbook.timers import Timer

HANDLERS: Mapping[str, Callable[[Service, Timer, datetime], Awaitable[None]]] = {
    "lead": routing.on_timer,
    "campaign": campaigns.on_timer,
    "testdrive": test_drives.on_timer,
    "groupbuy": group_buys.on_timer,
}
"""By what stands before the `/` of the timer's stream."""


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """Raises what the aggregate's command raises, `TimerGone` among it."""
    await HANDLERS[timer.stream.partition("/")[0]](service, timer, now)
