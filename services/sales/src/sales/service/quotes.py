"""Commands on quotes, and the timer that lets them expire."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.events import new_id
from roadbook.timers import Timer
from sales.domain.quote import IssueQuote, NoteExpired, QuoteLine
from sales.service.aggregates.quote import aggregate
from sales.service.commands import known_staff, run, visible
from sales.service.running import Service
from sales.service.telling import by_timer


@dataclass(frozen=True, slots=True)
class Quoting:
    """`opportunity` is the id. `staff` None: whoever works the opportunity."""

    opportunity: str
    lines: tuple[QuoteLine, ...]
    currency: str
    valid_until: datetime | None = None
    staff: str | None = None


async def issue(service: Service, quoting: Quoting, context: CommandContext) -> Answer:
    """Raises `NotFound` for another dealer's opportunity, `StaffUnknown`, and what `execute` raises."""
    stream = f"opportunity/{quoting.opportunity}"
    opportunity, _ = await visible(service, stream, context.dealer)
    staff = known_staff(service, quoting.staff, opportunity.dealer) or opportunity.staff
    id_ = new_id()
    command = IssueQuote(
        opportunity.party_ref, opportunity.dealer, stream, opportunity.status == "open", quoting.lines,
        quoting.currency, quoting.valid_until, staff, service.network.rules(), context.now,
    )  # fmt: skip
    order: Order[Any] = Order(
        aggregate.stream(id_), command, creates=True, status=201, extra={"quote": id_}, location=f"/v1/quotes/{id_}"
    )
    return await run(service.store, order, context)


async def on_expiry(service: Service, timer: Timer, now: datetime) -> None:
    order: Order[Any] = Order(timer.stream, NoteExpired(timer.due, now), fired=timer.fired)
    await run(service.store, order, by_timer(now))
