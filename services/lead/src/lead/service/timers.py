"""Timers that are due, each to the aggregate it belongs to."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from lead.service import leads
from lead.service.running import Service
from roadbook.timers import Timer

HANDLERS: Mapping[str, Callable[[Service, Timer, datetime], Awaitable[None]]] = {"lead": leads.on_timer}
"""By what stands before the `/` of the timer's stream."""


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """Raises what the aggregate's command raises, `TimerGone` among it."""
    await HANDLERS[timer.stream.partition("/")[0]](service, timer, now)
