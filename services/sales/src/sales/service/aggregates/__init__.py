"""Every aggregate of the service as the shell sees it, and the read tables that follow its events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from roadbook.commands import Aggregate
from roadbook.database import Connection
from roadbook.events import Recorded
from sales.contract import CODECS
from sales.service.aggregates import (
    accessorysale,
    commission,
    contract,
    forecast,
    opportunity,
    order,
    quote,
    salestarget,
    tradein,
    vehicle,
)
from sales.views import (
    accessory_sales,
    commissions,
    contracts,
    opportunities,
    orders,
    pipeline,
    quotes,
    targets,
    tradeins,
    vehicles,
)

AGGREGATES: Mapping[str, Aggregate[Any, Any, Any]] = {
    each.name: each
    for each in (
        opportunity.aggregate,
        quote.aggregate,
        contract.aggregate,
        order.aggregate,
        vehicle.aggregate,
        tradein.aggregate,
        accessorysale.aggregate,
        commission.aggregate,
        salestarget.aggregate,
        forecast.aggregate,
    )
}

Apply = Callable[[Connection, Sequence[tuple[Recorded, Any]]], Awaitable[None]]
_APPLY: Mapping[str, Sequence[Apply]] = {
    "opportunity": (opportunities.apply, pipeline.apply),
    "quote": (quotes.apply, pipeline.apply),
    "contract": (contracts.apply, pipeline.apply),
    "order": (orders.apply, pipeline.apply),
    "vehicle": (vehicles.apply,),
    "tradein": (tradeins.apply,),
    "accessorysale": (accessory_sales.apply,),
    "commission": (commissions.apply,),
    "salestarget": (targets.apply_targets,),
    "forecast": (targets.apply_forecasts,),
}


def decoded(recorded: Sequence[Recorded]) -> list[tuple[Recorded, Any]]:
    return [(event, CODECS[event.stream.partition("/")[0]].decode(event.type, event.data)) for event in recorded]


async def apply_views(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The service's read tables, in the append's transaction; a recovery hands over many streams at once."""
    for kind, events in groupby(decoded(recorded), lambda told: told[0].stream.partition("/")[0]):
        told = list(events)
        for apply in _APPLY[kind]:
            await apply(connection, told)
