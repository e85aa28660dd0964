"""Telling a lead what happened to its party in another stream.

Two commands on two streams cannot be one transaction: a timer of the first stands until the second was done. Whatever
ends the process between them, the lead is told again, and says nothing the second time.
"""

from datetime import datetime

from lead.service import leads
from lead.service.running import Service
from roadbook import telemetry, timers
from roadbook.context import CommandContext
from roadbook.events import new_id
from roadbook.timers import Timer


def by_timer(now: datetime, causation: str | None = None, correlation: str | None = None) -> CommandContext:
    """Who asks for a timer's command: no dealer. `causation` and `correlation` are of the event that led to it."""
    return CommandContext(
        actor="system:timer",
        client="lead",
        dealer=None,
        now=now,
        correlation=correlation or new_id(),
        causation=causation,
        traceparent=telemetry.current_traceparent(),
    )


async def tell(service: Service, timer: Timer, lead: str, signal: str, context: CommandContext) -> None:
    """The signal first, the timer's row last. Raises what a command raises; the timer comes again then."""
    await leads.signal(service, lead, signal, context)
    await timers.done(service.pool, timer)
