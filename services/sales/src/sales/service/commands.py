"""What every command of this service runs through."""

from typing import Any

from roadbook.answers import Answer
from roadbook.commands import Aggregate, Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import Recorded
from roadbook.store.port import Store
from roadbook.store.postgres import read_events
from sales.service.aggregates import AGGREGATES
from sales.service.running import Service
from sales.service.set_rules import keep


class StaffUnknown(Exception):
    """Whoever is named does not work for the dealer."""


async def run(store: Store, order: Order[Any], context: CommandContext) -> Answer:
    """On the aggregate that the stream's name says. Raises what `execute` raises."""
    aggregate: Aggregate[Any, Any, Any] = AGGREGATES[order.stream.partition("/")[0]]
    return await execute(store, aggregate, order, context, keep)


async def command(service: Service, stream: str, command: Any, context: CommandContext) -> Answer:
    return await run(service.store, Order(stream, command), context)


async def folded(service: Service, stream: str) -> tuple[Any, list[Recorded]]:
    """(the state, its events); of a stream that never was the initial state and none."""
    async with acquire(service.pool) as connection:
        events = await read_events(connection, stream)
    return AGGREGATES[stream.partition("/")[0]].fold(events), list(events)


async def visible(service: Service, stream: str, dealer: str | None) -> tuple[Any, list[Recorded]]:
    """The same for who may see it; `dealer` None: headquarters. Raises `NotFound`."""
    state, events = await folded(service, stream)
    if not events or (dealer is not None and getattr(state, "dealer", None) != dealer):
        raise NotFound
    return state, events


def known_staff(service: Service, staff: str | None, dealer: str | None) -> str | None:
    """Raises `StaffUnknown`."""
    if staff is not None and not service.network.is_staff(staff, dealer):
        raise StaffUnknown
    return staff
