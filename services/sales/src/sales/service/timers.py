"""Timers that are due, each to the aggregate it belongs to."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from roadbook import timers
from roadbook.timers import Timer
from sales.service.running import Service

Handler = Callable[[Service, Timer, datetime], Awaitable[None]]

HANDLERS: Mapping[tuple[str, str], Handler] = {}
"""By what stands before the `/` of the timer's stream, and the timer's kind."""


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """Raises what the aggregate's command raises, `TimerGone` among it."""
    handler = HANDLERS.get((timer.stream.partition("/")[0], timer.kind))
    if handler is None:
        await timers.done(service.pool, timer)
        return
    await handler(service, timer, now)
