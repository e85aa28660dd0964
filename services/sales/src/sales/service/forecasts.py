"""Targets, the weighted pipeline, what is forecast of it and how right that was, and each dealer's month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import Recorded
from sales.domain import pipeline as domain
from sales.domain.forecast import ForecastPublished, PublishForecast
from sales.domain.pipeline import Pipeline
from sales.domain.salestarget import SetSalesTarget, Target
from sales.service.aggregates import decoded, forecast, salestarget
from sales.service.commands import known_staff, run
from sales.service.months import span
from sales.service.running import Service
from sales.views import pipeline as steps_table
from sales.views import targets as targets_table
from sales.views.pipeline import Channel, Delivered
from sales.views.targets import Submitted, TargetRow


# ── Targets ───────────────────────────────────────────────────────────────────────────────────────────────────
async def set_target(
    service: Service, dealer: str, period: str, staff: str | None, target: Target, context: CommandContext
) -> Answer:
    """The same again changes nothing. Raises `StaffUnknown`, and what `execute` raises."""
    known_staff(service, staff, dealer)
    order: Order[SetSalesTarget] = Order(
        salestarget.aggregate.stream(salestarget.name(dealer, period)),
        SetSalesTarget(dealer, period, staff, target, context.now),
        may_create=True,
        location=f"/v1/sales-targets/{dealer}/{period}",
    )
    return await run(service.store, order, context)


@dataclass(frozen=True, slots=True)
class Attainment:
    targets: list[TargetRow]
    delivered: list[Delivered]
    version: int


async def attainment(service: Service, dealer: str, period: str) -> Attainment:
    """Raises `NotFound` where no target was set."""
    version = (await service.store.load(salestarget.aggregate.stream(salestarget.name(dealer, period)))).events
    if not version:
        raise NotFound
    first, end = span(period, service.network.time_zone)
    async with acquire(service.pool) as connection:
        targets = await targets_table.targets(connection, [dealer], period)
        delivered = await steps_table.delivered(connection, [dealer], first, end)
    return Attainment(targets, delivered, len(version))


# ── The pipeline and its forecasts ────────────────────────────────────────────────────────────────────────────
async def pipeline(service: Service, dealers: Sequence[str], as_of: datetime, period: str | None) -> Pipeline:
    """As of then, by business time. With a month also what was delivered in it: then the figures are a forecast."""
    async with acquire(service.pool) as connection:
        steps = await steps_table.steps(connection, dealers, as_of)
    found = domain.items(steps)
    if period is not None:
        found += domain.delivered(steps)
    return domain.weigh(found, service.network.forecast_rules(), as_of, service.network.time_zone, period)


async def publish(service: Service, dealer: str, period: str, as_of: datetime, context: CommandContext) -> Answer:
    """The same pipeline of the same moment again changes nothing. Raises what `execute` raises."""
    weighed = await pipeline(service, [dealer], as_of, period)
    told = PublishForecast(
        dealer, period, as_of, weighed.units_permille, weighed.amount, weighed.currency, weighed.rules, context.now
    )
    order: Order[PublishForecast] = Order(
        forecast.aggregate.stream(forecast.name(dealer, period)),
        told,
        may_create=True,
        location=f"/v1/forecasts/{dealer}/{period}/back-test",
    )
    return await run(service.store, order, context)


@dataclass(frozen=True, slots=True)
class BackTest:
    """What was forecast for a month, and what was delivered in it by now."""

    published: list[tuple[Recorded, ForecastPublished]]
    delivered: list[Delivered]
    over: bool


async def back_test(service: Service, dealer: str, period: str, now: datetime) -> BackTest:
    """Raises `NotFound` where nothing was published."""
    events = (await service.store.load(forecast.aggregate.stream(forecast.name(dealer, period)))).events
    if not events:
        raise NotFound
    first, end = span(period, service.network.time_zone)
    async with acquire(service.pool) as connection:
        delivered = await steps_table.delivered(connection, [dealer], first, end)
    return BackTest(decoded(events), delivered, now >= end)


# ── Each dealer's month ───────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Month:
    """What dealers submitted and did in a month, by dealer; who did nothing is not in it."""

    targets: Mapping[str, TargetRow]
    submitted: Mapping[str, Submitted]
    delivered: Mapping[str, list[Delivered]]
    channels: Mapping[str, list[Channel]]


async def month(service: Service, dealers: Sequence[str], period: str) -> Month:
    first, end = span(period, service.network.time_zone)
    async with acquire(service.pool) as connection:
        targets = await targets_table.targets(connection, dealers, period)
        submitted = await targets_table.submitted(connection, dealers, period)
        rows = await steps_table.delivered(connection, dealers, first, end)
        channels = await steps_table.channels(connection, dealers, first, end)
    delivered: dict[str, list[Delivered]] = {}
    for row in rows:
        delivered.setdefault(row.dealer, []).append(row)
    return Month({row.dealer: row for row in targets if row.staff == ""}, submitted, delivered, channels)
