"""Campaigns: headquarters launches and closes them, dealers and headquarters report what came of them."""

from typing import Annotated, Any

from fastapi import Body, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lead.api import days, shown
from lead.api import market_models as models
from lead.api.models import ModelCode, RegionCode, Word, known_model, refuse
from lead.api.parts import Paged, Running, Write, WriteOnce, answered, headquarters_only, json
from lead.domain.campaign import Period
from lead.service import campaigns as service
from lead.service.market import today
from lead.views.campaigns import CampaignRow
from roadbook.http.answers import etag, page_response, read_response, respond
from roadbook.http.auth import Caller, requires
from roadbook.http.routes import router
from roadbook.http.types import rfc3339

MAX_RANKING = 100

routes = router("/v1", tags=["campaigns"])

CampaignCode = Annotated[Word, Path(description="The code it was launched with.")]
Reader = Annotated[Caller, requires("lead:read")]


@routes.post(
    "/campaigns",
    summary="Launch a campaign",
    response_model=None,
    responses=answered(models.LaunchAnswer, "Launched, or nothing new", "headquarters_only", "campaign_exists"),
)
async def launch_campaign(
    request: Annotated[models.LaunchRequest, Body(openapi_examples=shown.example(models.LAUNCH))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """For headquarters. The same campaign again changes nothing. It closes by itself when its last day is over; one
    that is launched when that has passed is closed at once, and still takes results."""
    headquarters_only(context.dealer)
    network = running.network
    for index, region in enumerate(request.regions):
        if not network.is_region(region):
            raise refuse(f"/regions/{index}", "unknown_region", "must be a region of the network")
    for index, model in enumerate(request.models):
        known_model(model, network, f"/models/{index}")
    return respond(await service.launch(running, request.code, request.plan(), context))


@routes.post(
    "/campaigns/{code}:close",
    summary="Close a campaign",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Closed, or it was closed before", "headquarters_only"),
)
async def close_campaign(
    code: CampaignCode,
    request: Annotated[models.CloseRequest, Body(openapi_examples=shown.example(models.CLOSE))],
    context: Write,
    running: Running,
) -> Response:
    """For headquarters, before the last day is over. Results are still taken."""
    headquarters_only(context.dealer)
    return respond(await service.close(running, code, request.reason, context))


@routes.post(
    "/campaigns/{code}/results",
    summary="Report what came of a campaign",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Reported, or nothing new",
        "region_not_in_campaign",
        "before_campaign",
        "period_overlaps",
    ),
)
async def report_campaign_result(
    code: CampaignCode,
    request: Annotated[models.ResultRequest, Body(openapi_examples=shown.example(models.RESULT))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """A dealer counts its own showroom, headquarters what nobody but it can count in a region: the two are added up.
    The same period again replaces its numbers; other periods must not overlap it."""
    if context.dealer is None and request.region is None:
        raise refuse("/region", "missing", "this field is required")
    if context.dealer is not None and request.region is not None:
        raise refuse("/region", "not_yours", "a dealer reports for the region it stands in")
    if request.region is not None and not running.network.is_region(request.region):
        raise refuse("/region", "unknown_region", "must be a region of the network")
    if request.last_day > today(running, context.now):
        raise refuse("/last_day", "in_the_future", "must not be in the future")
    period = Period(request.first_day, request.last_day)
    return respond(await service.report(running, code, request.region, period, request.counters.fact(), context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/campaigns",
    summary="List campaigns",
    response_model=None,
    responses={200: {"model": models.CampaignsPage, "description": "Latest start first"}},
)
async def list_campaigns(
    request: Request,
    caller: Reader,
    running: Running,
    page: Paged,
    region: Annotated[RegionCode | None, Query()] = None,
    model: Annotated[ModelCode | None, Query(description="Those for every model are shown too.")] = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
) -> Response:
    """What runs or ran where, for which models. Everybody sees every campaign."""
    bound = {"list": "campaigns", "dealer": caller.dealer, "region": region, "model": model, "open": is_open}
    after = days.after(request, page, bound)
    rows = await service.listed(running, region=region, model=model, is_open=is_open, after=after, limit=page.size + 1)
    cursor = days.next_cursor(request, page, bound, [(row.starts, row.code) for row in rows])
    return page_response(request, [_campaign(row) for row in rows[: page.size]], cursor)


@routes.get(
    "/campaigns/{code}",
    summary="Read a campaign",
    response_model=None,
    responses={200: {"model": models.CampaignShown, "description": "The campaign"}},
)
async def read_campaign(request: Request, code: CampaignCode, _: Reader, running: Running) -> Response:
    """Its plan, and whether it is over."""
    row = await service.read(running, code)
    return read_response(request, _campaign(row), etag(row.version))


@routes.get(
    "/campaigns/{code}/results",
    summary="What a campaign brought",
    response_model=None,
    responses={200: {"model": models.ResultsShown, "description": "By region, and by dealer"}},
)
async def read_campaign_results(code: CampaignCode, caller: Reader, running: Running) -> Response:
    """Leads captured with its code, and what was reported of it. A dealer sees every region's sums, except one that
    would tell it another dealer's number, and of the dealers itself only; headquarters sees all."""
    return json(await service.results(running, code, caller.dealer))


@routes.get(
    "/campaign-results",
    summary="Which campaigns work in a region",
    response_model=None,
    responses={200: {"model": models.RankingShown, "description": "Cheapest lead first"}},
)
async def rank_campaigns(
    caller: Reader,
    running: Running,
    region: Annotated[RegionCode | None, Query(description="A dealer's own if not given.")] = None,
    model: Annotated[ModelCode | None, Query(description="Campaigns for this model or for every model.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_RANKING)] = 20,
) -> Response:
    """What each campaign cost and brought there: cheapest lead first, then those without a known cost, most leads
    first. It looks at the region's 200 campaigns that started last."""
    if region is None and caller.dealer is not None:
        region = running.network.region_of(caller.dealer)
    if region is None:
        raise days.wrong_parameter("region", "missing", "this parameter is required")
    ranked = await service.ranking(running, region, model, caller.dealer, limit)
    return json({"region": region, "items": [_ranked(each) for each in ranked]})


def _campaign(row: CampaignRow) -> dict[str, Any]:
    budget = None
    if row.budget_currency is not None:
        budget = {"currency": row.budget_currency, "minor": row.budget_minor}
    return {
        "campaign": row.code,
        "state": _state(row),
        "regions": row.regions,
        "models": row.models,
        "channels": row.channels,
        "starts": row.starts.isoformat(),
        "ends": row.ends.isoformat(),
        "budget": budget,
        "goals": row.goals,
        "launched_at": rfc3339(row.launched_at),
        "closed_at": rfc3339(row.closed_at) if row.closed_at else None,
        "close_reason": row.close_reason,
        "version": row.version,
    }


def _state(row: CampaignRow) -> str:
    return "open" if row.closed_at is None else "closed"


def _ranked(ranked: service.Ranked) -> dict[str, Any]:
    row, cost = ranked.campaign, ranked.cost_per_lead
    return {
        "campaign": row.code,
        "state": _state(row),
        "models": row.models,
        "channels": row.channels,
        "starts": row.starts.isoformat(),
        "ends": row.ends.isoformat(),
        "spend": [_amount(*each) for each in ranked.spend],
        "leads": ranked.leads,
        "converted": ranked.converted,
        "cost_per_lead": None if cost is None else _amount(*cost),
        "withheld": ranked.withheld,
        "own": None if ranked.own is None else {"leads": ranked.own[0], "converted": ranked.own[1]},
    }


def _amount(currency: str, minor: int) -> dict[str, Any]:
    return {"currency": currency, "minor": minor}
