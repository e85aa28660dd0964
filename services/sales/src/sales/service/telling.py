"""What one stream tells another of this service (ADR 0014, 0025): a timer due at once, the other's command, and then
the timer's row. Whatever ends the process between them, the other is told again, and says nothing the second time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from roadbook import telemetry, timers
from roadbook.commands import Order as Ordered
from roadbook.context import CommandContext
from roadbook.decider import Rejected
from roadbook.errors import NotFound
from roadbook.events import Recorded, new_id
from roadbook.timers import Timer
from sales.service.aggregates import AGGREGATES
from sales.service.commands import run
from sales.service.running import Service


def by_timer(now: datetime, cause: Recorded | None = None) -> CommandContext:
    """Who asks for a timer's command: no dealer. `cause` is the event that led to it."""
    return CommandContext(
        actor="system:timer",
        client="sales",
        dealer=None,
        now=now,
        correlation=cause.correlation if cause else new_id(),
        causation=cause.id if cause else None,
        traceparent=telemetry.current_traceparent(),
    )


async def loaded(service: Service, stream: str) -> tuple[Any, Sequence[Recorded]]:
    events = (await service.store.load(stream)).events
    return AGGREGATES[stream.partition("/")[0]].fold(events), events


def last_of(stream: str, events: Sequence[Recorded], *kinds: type) -> Recorded:
    """The last event of one of these classes: what is told is caused by it."""
    codec = AGGREGATES[stream.partition("/")[0]].codec
    names = {codec.type_name(kind) for kind in kinds}
    return next(event for event in reversed(events) if event.type in names)


async def tell(
    service: Service, orders: Sequence[tuple[str, Any]], context: CommandContext, *, may_create: bool = False
) -> None:
    """Commands by stream. What one of them rejects is its answer, and the others are told all the same."""
    for stream, command in orders:
        try:
            await run(service.store, Ordered(stream, command, may_create=may_create), context)
        except (Rejected, NotFound):
            continue


async def done(service: Service, timer: Timer) -> None:
    await timers.done(service.pool, timer)
