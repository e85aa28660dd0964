"""Showroom days and media spend, and the one beside the other."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Body, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lead.api import days, shown
from lead.api import market_models as models
from lead.api.campaigns import Reader
from lead.api.models import DealerCode, RegionCode, Word, known_model, refuse
from lead.api.parts import Paged, Running, WriteOnce, answered, event_shown, headquarters_only
from lead.domain.media_spend import Amount
from lead.service import market as service
from lead.service.market import today
from lead.views.media_spend import EffectRow, SpendRow
from lead.views.showroom_days import DayRow
from roadbook.errors import NotFound
from roadbook.http.answers import etag, page_response, read_response, respond
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import rfc3339

MAX_RANGE = timedelta(days=92)

routes = router("/v1", tags=["market"])

DealerPath = Annotated[DealerCode, Path()]
DayPath = Annotated[models.Day, Path()]


# ── Showroom days ─────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/showroom-days",
    summary="Report a day of a showroom",
    response_model=None,
    responses=answered(
        shown.CommandAnswer, "Reported or restated, or nothing new", "reason_required", "dealer_unknown"
    ),
)
async def report_showroom_day(
    request: Annotated[models.ShowroomDayRequest, Body(openapi_examples=shown.example(models.SHOWROOM_DAY))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """How many came and how many asked. Other numbers for a day that was reported need a `reason`; both facts stay.
    Headquarters names the dealer."""
    network = running.network
    dealer = request.dealer if context.dealer is None else context.dealer
    if dealer is None:
        raise refuse("/dealer", "missing", "this field is required")
    if request.dealer not in (None, dealer):
        raise Problem("dealer_unknown")
    if context.dealer is None and not network.is_dealer(dealer):
        raise refuse("/dealer", "unknown_dealer", "must be a dealer of the network")
    if request.date > today(running, context.now):
        raise refuse("/date", "in_the_future", "must not be in the future")
    for index, each in enumerate(request.by_model):
        known_model(each.model, network, f"/by_model/{index}/model")
    return respond(await service.report_day(running, dealer, request.date, request.traffic(), request.reason, context))


@routes.get(
    "/showroom-days",
    summary="List showroom days",
    response_model=None,
    responses={200: {"model": models.ShowroomDaysPage, "description": "Latest day first"}},
)
async def list_showroom_days(
    request: Request,
    caller: Reader,
    running: Running,
    page: Paged,
    first: days.From = None,
    last: days.To = None,
    dealer: Annotated[DealerCode | None, Query(description="For headquarters; a dealer sees its own.")] = None,
) -> Response:
    """The numbers in force, and how often a day was restated."""
    holder = dealer if caller.headquarters else caller.dealer
    if dealer is not None and not caller.may_see(dealer):
        return page_response(request, [], None)  # as of a dealer that has none
    bound = {"list": "showroom-days", "dealer": holder, "from": days.iso(first), "to": days.iso(last)}
    after = days.after(request, page, bound)
    rows = await service.days(running, dealer=holder, first=first, last=last, after=after, limit=page.size + 1)
    cursor = days.next_cursor(request, page, bound, [(row.day, row.dealer) for row in rows])
    return page_response(request, [_day(row) for row in rows[: page.size]], cursor)


@routes.get(
    "/showroom-days/{dealer}/{day}",
    summary="Read a showroom day",
    response_model=None,
    responses={200: {"model": models.ShowroomDayShown, "description": "The numbers in force"}},
)
async def read_showroom_day(
    request: Request, dealer: DealerPath, day: DayPath, caller: Reader, running: Running
) -> Response:
    """What counts for the day now."""
    if not caller.may_see(dealer):
        raise NotFound
    row = await service.day(running, dealer, day)
    return read_response(request, _day(row), etag(row.version))


@routes.get(
    "/showroom-days/{dealer}/{day}/events",
    summary="A showroom day's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_showroom_day_events(
    request: Request, dealer: DealerPath, day: DayPath, caller: Reader, running: Running
) -> Response:
    """Every report of the day, with who restated it and why. All on one page."""
    if not caller.may_see(dealer):
        raise NotFound
    events = await service.day_history(running, dealer, day)
    return page_response(request, [event_shown(event) for event in events], None)


# ── Media spend ───────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/media-spend",
    summary="Record what was spent on a medium",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Recorded or corrected, or nothing new", "headquarters_only"),
)
async def record_media_spend(
    request: Annotated[models.SpendRequest, Body(openapi_examples=shown.example(models.SPEND))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """For headquarters: one amount for a region, day, medium and campaign. Another amount replaces it."""
    headquarters_only(context.dealer)
    if not running.network.is_region(request.region):
        raise refuse("/region", "unknown_region", "must be a region of the network")
    if request.day > today(running, context.now):
        raise refuse("/day", "in_the_future", "must not be in the future")
    amount = Amount(request.amount.currency, request.amount.minor)
    try:
        return respond(await service.record_spend(running, request.place(), amount, context))
    except service.CampaignUnknown:
        raise refuse("/campaign", "unknown_campaign", "must be a campaign that was launched") from None


@routes.get(
    "/media-spend",
    summary="List media spend",
    response_model=None,
    responses={200: {"model": models.SpendPage, "description": "Latest day first"}},
)
async def list_media_spend(
    request: Request,
    caller: Reader,
    running: Running,
    page: Paged,
    region: Annotated[RegionCode | None, Query()] = None,
    campaign: Annotated[Word | None, Query()] = None,
    first: days.From = None,
    last: days.To = None,
) -> Response:
    """The amounts in force, and how often one was corrected. Everybody sees what headquarters spends."""
    bound = {"list": "media-spend", "dealer": caller.dealer, "region": region, "campaign": campaign,
             "from": days.iso(first), "to": days.iso(last)}  # fmt: skip
    after = days.after(request, page, bound)
    rows = await service.spend(
        running, region=region, campaign=campaign, first=first, last=last, after=after, limit=page.size + 1
    )
    cursor = days.next_cursor(request, page, bound, [(row.day, row.spend) for row in rows])
    return page_response(request, [_spend(row) for row in rows[: page.size]], cursor)


@routes.get(
    "/media-effect",
    summary="Spend beside what came of it",
    response_model=None,
    responses={200: {"model": models.EffectPage, "description": "By day and region"}},
)
async def read_media_effect(
    request: Request,
    caller: Reader,
    running: Running,
    page: Paged,
    first: Annotated[models.Day, Query(alias="from", description="First day.")],
    last: Annotated[models.Day, Query(alias="to", description="Last day; at most 92 days in all.")],
    region: Annotated[RegionCode | None, Query()] = None,
) -> Response:
    """What was spent by medium, who came to the showrooms, who asked, and how many leads were captured. Headquarters
    sees every dealer's traffic; a dealer sees the spend and its own. Days without any of it have no row."""
    if last - first >= MAX_RANGE:
        raise days.wrong_parameter("to", "range_too_long", "must be at most 92 days from the first")
    bound = {"list": "media-effect", "dealer": caller.dealer, "region": region, "from": days.iso(first),
             "to": days.iso(last)}  # fmt: skip
    rows = await service.effect(
        running, first=first, last=last, region=region, dealer=caller.dealer, after=days.after(request, page, bound),
        limit=page.size + 1,
    )  # fmt: skip
    cursor = days.next_cursor(request, page, bound, [(row.day, row.region or "") for row in rows])
    traffic = "network" if caller.headquarters else "own"
    return page_response(request, [_effect(row) for row in rows[: page.size]], cursor, traffic=traffic)


# ── As JSON ───────────────────────────────────────────────────────────────────────────────────────────────────
def _day(row: DayRow) -> dict[str, Any]:
    return {
        "dealer": row.dealer,
        "date": row.day.isoformat(),
        "region": row.region,
        "visitors": row.visitors,
        "enquiries": row.enquiries,
        "by_model": row.by_model,
        "restated": row.restated,
        "reported_at": rfc3339(row.reported_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
    }


def _spend(row: SpendRow) -> dict[str, Any]:
    return {
        "spend": row.spend,
        "region": row.region,
        "day": row.day.isoformat(),
        "medium": row.medium,
        "campaign": row.campaign,
        "amount": {"currency": row.currency, "minor": row.minor},
        "corrected": row.corrected,
        "recorded_at": rfc3339(row.recorded_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
    }


def _effect(row: EffectRow) -> dict[str, Any]:
    return {
        "day": row.day.isoformat(),
        "region": row.region,
        "spend": row.spend,
        "showrooms": row.showrooms,
        "visitors": row.visitors,
        "enquiries": row.enquiries,
        "leads": row.leads,
    }
