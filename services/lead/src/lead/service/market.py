"""Showroom days and media spend: commands, reading, and the one beside the other."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from lead.domain.media_spend import Amount, Place, RecordMediaSpend
from lead.domain.showroom_day import ReportShowroomDay, Traffic
from lead.service.aggregates import apply_views, media_spend, showroom_day
from lead.service.running import Service
from lead.views import campaigns as campaigns_table
from lead.views import media_spend as spend_table
from lead.views import showroom_days as days_table
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import Recorded


class CampaignUnknown(Exception):
    """Money was spent for a campaign that nobody launched."""


def today(service: Service, now: datetime) -> date:
    """The day it is where the dealers are."""
    return now.astimezone(service.network.time_zone).date()


# ── Showroom days ─────────────────────────────────────────────────────────────────────────────────────────────
async def report_day(
    service: Service, dealer: str, day: date, traffic: Traffic, reason: str | None, context: CommandContext
) -> Answer:
    """The same numbers again change nothing. Raises `Rejected("reason_required")` for others without a reason, and
    what `execute` raises."""
    name = showroom_day.name(dealer, day)
    region = service.network.region_of(dealer)
    order = Order(
        showroom_day.aggregate.stream(name),
        ReportShowroomDay(dealer, region, day, traffic, reason, context.now),
        may_create=True,
        location=f"/v1/showroom-days/{dealer}/{day.isoformat()}",
    )
    return await execute(service.store, showroom_day.aggregate, order, context, apply_views)


async def days(
    service: Service,
    *,
    dealer: str | None,
    first: date | None,
    last: date | None,
    after: days_table.DayKey | None,
    limit: int,
) -> list[days_table.DayRow]:
    async with acquire(service.pool) as connection:
        return await days_table.days(connection, dealer=dealer, first=first, last=last, after=after, limit=limit)


async def day(service: Service, dealer: str, day: date) -> days_table.DayRow:
    """Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        found = await days_table.day(connection, dealer, day)
    if found is None:
        raise NotFound
    return found


async def day_history(service: Service, dealer: str, day: date) -> Sequence[Recorded]:
    """Every report of the day. Raises `NotFound`."""
    loaded = await service.store.load(showroom_day.aggregate.stream(showroom_day.name(dealer, day)))
    if not loaded.events:
        raise NotFound
    return loaded.events


# ── Media spend ───────────────────────────────────────────────────────────────────────────────────────────────
async def record_spend(service: Service, place: Place, amount: Amount, context: CommandContext) -> Answer:
    """Another amount corrects the one before, the same changes nothing. Raises `CampaignUnknown`, and what `execute`
    raises."""
    if place.campaign is not None:
        async with acquire(service.pool) as connection:
            if await campaigns_table.campaign(connection, place.campaign) is None:
                raise CampaignUnknown
    order = Order(
        media_spend.aggregate.stream(place.name()), RecordMediaSpend(place, amount, context.now), may_create=True
    )
    return await execute(service.store, media_spend.aggregate, order, context, apply_views)


async def spend(
    service: Service,
    *,
    region: str | None,
    campaign: str | None,
    first: date | None,
    last: date | None,
    after: spend_table.SpendKey | None,
    limit: int,
) -> list[spend_table.SpendRow]:
    async with acquire(service.pool) as connection:
        return await spend_table.spend(
            connection, region=region, campaign=campaign, first=first, last=last, after=after, limit=limit
        )


async def effect(
    service: Service,
    *,
    first: date,
    last: date,
    region: str | None,
    dealer: str | None,
    after: spend_table.EffectKey | None,
    limit: int,
) -> list[spend_table.EffectRow]:
    """Day by day and region by region, from `first` to `last`; a day is one of the dealers' clock. `dealer` None is
    headquarters."""
    zone = service.network.time_zone
    start = max(first, after[0]) if after is not None else first  # pages before need not be counted again
    asked = spend_table.Asked(
        first=start,
        last=last,
        opens=datetime.combine(start, time(), zone).astimezone(UTC),
        closes=datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC),
        zone=zone.key,
        region=region,
        dealer=dealer,
    )
    async with acquire(service.pool) as connection:
        return await spend_table.effect(connection, asked, after, limit)
