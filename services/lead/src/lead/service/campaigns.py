"""Commands on campaigns, and what they brought: to headquarters in full, to a dealer what is not another's secret."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from lead.domain.campaign import (
    CloseCampaign,
    Command,
    Counters,
    LaunchCampaign,
    NoteEnd,
    Period,
    Plan,
    Reported,
    ReportResult,
)
from lead.service.aggregates import apply_views
from lead.service.aggregates.campaign import aggregate
from lead.service.running import Service
from lead.views import campaigns as listing
from lead.views import media_spend
from roadbook import telemetry
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import new_id
from roadbook.timers import Timer

CANDIDATES = 200
"""How many campaigns, latest start first, a ranking looks at."""


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
async def launch(service: Service, code: str, plan: Plan, context: CommandContext) -> Answer:
    """The same campaign again changes nothing. Raises `Rejected("campaign_exists")`, and what `execute` raises."""
    over = datetime.combine(plan.ends + timedelta(days=1), time(), service.network.time_zone)
    order: Order[Command] = Order(
        aggregate.stream(code),
        LaunchCampaign(code, plan, over.astimezone(UTC), context.now),
        may_create=True,
        extra={"campaign": code},
        location=f"/v1/campaigns/{code}",
    )
    return await execute(service.store, aggregate, order, context, apply_views)


async def report(
    service: Service, code: str, region: str | None, period: Period, counters: Counters, context: CommandContext
) -> Answer:
    """A dealer reports for its showroom, wherever it stands; headquarters for `region`. Raises `NotFound`, `Rejected`,
    and what `execute` raises."""
    dealer = context.dealer
    if dealer is not None:
        region = service.network.region_of(dealer)
    reported = Reported(region or "", dealer, period, counters)  # no campaign runs in no region: it is rejected
    order: Order[Command] = Order(aggregate.stream(code), ReportResult(reported, context.now))
    # No dealer holds a campaign, and each may report to it: the shell must not take it for another's.
    return await execute(service.store, aggregate, order, replace(context, dealer=None), apply_views)


async def close(service: Service, code: str, reason: str, context: CommandContext) -> Answer:
    order: Order[Command] = Order(aggregate.stream(code), CloseCampaign(reason, context.now))
    return await execute(service.store, aggregate, order, context, apply_views)


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """The last day may be over. Raises what `execute` raises, `TimerGone` among it."""
    context = CommandContext(
        actor="system:timer",
        client="lead",
        dealer=None,
        now=now,
        correlation=new_id(),
        traceparent=telemetry.current_traceparent(),
    )
    order: Order[Command] = Order(timer.stream, NoteEnd(timer.due, now), fired=timer.fired)
    await execute(service.store, aggregate, order, context, apply_views)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
async def read(service: Service, code: str) -> listing.CampaignRow:
    """Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        found = await listing.campaign(connection, code)
    if found is None:
        raise NotFound
    return found


async def listed(
    service: Service,
    *,
    region: str | None,
    model: str | None,
    is_open: bool | None,
    after: listing.CampaignKey | None,
    limit: int,
) -> list[listing.CampaignRow]:
    async with acquire(service.pool) as connection:
        return await listing.campaigns(
            connection, region=region, model=model, is_open=is_open, after=after, limit=limit
        )


def tells_one(dealers: Iterable[str | None], caller: str | None) -> bool:
    """Whether a sum over these dealers (None: nobody's) would tell `caller` another dealer's number.

    It would when exactly one other has a part in it, for the caller can take away its own. Headquarters (None) may
    know all.
    """
    return caller is not None and len({dealer for dealer in dealers if dealer is not None} - {caller}) == 1


def add(counters: Iterable[Counters]) -> Counters:
    return Counters(*map(sum, zip(astuple(Counters()), *map(astuple, counters), strict=True)))


async def results(service: Service, code: str, caller: str | None) -> dict[str, Any]:
    """What a campaign brought, by region and by dealer. `caller` None is headquarters. Raises `NotFound`."""
    await read(service, code)
    async with (
        acquire(service.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        sums = await listing.reported(connection, code)
        leads = await listing.leads_of(connection, [code])
    regions: set[str | None] = {*(each.region for each in sums), *(each.region for each in leads)}
    known: set[str | None] = {*(each.dealer for each in sums), *(each.dealer for each in leads)}
    dealers = {dealer for dealer in known if dealer is not None}
    return {
        "campaign": code,
        "regions": [
            _in_region(
                region,
                [each for each in sums if each.region == region],
                [each for each in leads if each.region == region],
                caller,
            )
            for region in sorted(regions, key=lambda region: (region is None, region or ""))
        ],
        "dealers": [
            _of_dealer(
                dealer, [each for each in sums if each.dealer == dealer], [c for c in leads if c.dealer == dealer]
            )
            for dealer in sorted(dealers)
            if caller in (None, dealer)
        ],
    }


def _in_region(
    region: str | None, sums: Sequence[listing.Sum], leads: Sequence[listing.LeadCount], caller: str | None
) -> dict[str, Any]:
    own = [each.counters for each in sums if each.dealer is None]
    reports = [each for each in sums if each.dealer is not None]
    hide_reports = tells_one((each.dealer for each in reports), caller)
    hide_leads = tells_one((each.dealer for each in leads), caller)
    return {
        "region": region,
        "headquarters": asdict(add(own)) if own else None,
        "dealers": None if hide_reports or not reports else asdict(add(each.counters for each in reports)),
        "dealers_withheld": hide_reports,
        "leads": None if hide_leads else _counted(leads),
        "leads_withheld": hide_leads,
    }


def _of_dealer(dealer: str, sums: Sequence[listing.Sum], leads: Sequence[listing.LeadCount]) -> dict[str, Any]:
    return {
        "dealer": dealer,
        "periods": sum(each.periods for each in sums),
        "reported": asdict(add(each.counters for each in sums)) if sums else None,
        "leads": _counted(leads),
    }


def _counted(leads: Sequence[listing.LeadCount]) -> dict[str, Any]:
    states: dict[str, int] = {}
    grades: dict[str, int] = {}
    for each in leads:
        states[each.state] = states.get(each.state, 0) + each.count
        grade = each.grade or "none"
        grades[grade] = grades.get(grade, 0) + each.count
    return {
        "captured": sum(states.values()),
        "converted": states.get("converted", 0),
        "by_state": dict(sorted(states.items())),
        "by_grade": dict(sorted(grades.items())),
    }


# ── Which activity fits the local market ──────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Ranked:
    """A campaign's yield in one region. `leads`, `converted` and with them the cost are None where they are withheld;
    `cost_per_lead` is None too without leads, without spend, or with spend in several currencies. `own` is the
    caller's part, (leads, converted), None for headquarters."""

    campaign: listing.CampaignRow
    spend: tuple[tuple[str, int], ...]
    leads: int | None
    converted: int | None
    withheld: bool
    own: tuple[int, int] | None

    @property
    def cost_per_lead(self) -> tuple[str, int] | None:
        """(currency, minor), half a unit rounded up."""
        if not self.leads or len(self.spend) != 1:
            return None
        currency, minor = self.spend[0]
        return currency, (2 * minor + self.leads) // (2 * self.leads)

    @property
    def place(self) -> tuple[Any, ...]:
        """Cheapest lead first; then, without a cost, most leads first."""
        cost = self.cost_per_lead
        return (cost is None, cost or ("", 0), self.leads is None, -(self.leads or 0), self.campaign.code)


async def ranking(service: Service, region: str, model: str | None, caller: str | None, limit: int) -> list[Ranked]:
    """At most `limit` of the region's campaigns (for `model`), best first; no page, for places move."""
    async with (
        acquire(service.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        found = await listing.campaigns(connection, region=region, model=model, limit=CANDIDATES)
        codes = [row.code for row in found]
        leads = await listing.leads_of(connection, codes, region)
        spend = await media_spend.spend_of(connection, codes, region)
    ranked = [
        _ranked(
            row,
            tuple((currency, minor) for code, currency, minor in spend if code == row.code),
            [each for each in leads if each.campaign == row.code],
            caller,
        )
        for row in found
    ]
    return sorted(ranked, key=lambda each: each.place)[:limit]


def _ranked(
    row: listing.CampaignRow,
    spend: tuple[tuple[str, int], ...],
    leads: Sequence[listing.LeadCount],
    caller: str | None,
) -> Ranked:
    withheld = tells_one((each.dealer for each in leads), caller)
    own = [each for each in leads if each.dealer == caller]
    return Ranked(
        campaign=row,
        spend=spend,
        leads=None if withheld else _sum(leads),
        converted=None if withheld else _sum(leads, "converted"),
        withheld=withheld,
        own=None if caller is None else (_sum(own), _sum(own, "converted")),
    )


def _sum(leads: Iterable[listing.LeadCount], state: str | None = None) -> int:
    return sum(each.count for each in leads if state in (None, each.state))
