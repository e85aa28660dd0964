"""Sales targets, the weighted pipeline, forecasts with their back-test, and each dealer's month."""

from datetime import datetime
from typing import Annotated

from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.errors import NotFound
from roadbook.http.answers import open_cursor, page_response, respond, sign_cursor
from roadbook.http.routes import router
from roadbook.http.types import CURRENCIES, Currency, Instant, StrictModel
from sales.api import forecasts_shown as told
from sales.api import shown, words
from sales.api.parts import (
    DealerQuery,
    Paged,
    Reading,
    Running,
    WriteOnce,
    answered,
    holder,
    json,
    list_of,
    secret,
)
from sales.domain.salestarget import Target
from sales.service import Service
from sales.service import forecasts as service
from sales.service.commands import StaffUnknown
from sales.views.targets import FORECASTS

routes = router("/v1", tags=["forecasts"])

DealerPath = Annotated[words.DealerCode, Path()]
PeriodPath = Annotated[words.Period, Path(description="A month.")]
PeriodQuery = Annotated[words.Period | None, Query(description="A month.")]
AsOf = Annotated[Instant | None, Query(description="As of then, by business time; now, if not given.")]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class TargetRequest(StrictModel):
    """`units` are vehicles delivered in the month; `amount` what they are sold for. Without `staff`: the dealer's.
    `dealer` is for headquarters to name."""

    period: words.Period
    staff: words.StaffId | None = None
    units: Annotated[int, Field(strict=True, ge=0, le=100_000, examples=[20])]
    amount: words.Minor | None = None
    currency: Currency
    dealer: words.DealerCode | None = None


class PublishRequest(StrictModel):
    """Without `as_of`: the pipeline as it stands now. `dealer` is for headquarters to name."""

    period: words.Period
    as_of: Instant | None = None
    dealer: words.DealerCode | None = None


TARGET = {"period": "2026-01", "units": 20, "amount": 300_000_000, "currency": "CNY"}
PUBLISH = {"period": "2026-01"}


def _dealer(running: Service, named: str | None, own: str | None) -> str:
    """Whose it is to be. Raises a 422."""
    dealer = named if own is None else own
    if dealer is None:
        raise words.refuse("/dealer", "missing", "headquarters names the dealer")
    if named not in (None, dealer):
        raise words.refuse("/dealer", "not_yours", "is for headquarters to name")
    if not running.network.is_dealer(dealer):
        raise words.refuse("/dealer", "unknown_dealer", "must be a dealer of the network")
    return dealer


def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock.now()
    return now


# ── Targets ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/sales-targets",
    summary="Set a sales target",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Set, set anew, or nothing new"),
)
async def set_sales_target(
    request: Annotated[TargetRequest, Body(openapi_examples=shown.example(TARGET))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """For a month of the dealer, or of one of its staff. Another target replaces the one before."""
    dealer = _dealer(running, request.dealer, context.dealer)
    if request.currency not in CURRENCIES:
        raise words.refuse("/currency", "currency", "must be an active ISO 4217 code")
    target = Target(request.units, request.amount, request.currency)
    try:
        return respond(await service.set_target(running, dealer, request.period, request.staff, target, context))
    except StaffUnknown:
        raise words.unknown_staff() from None


@routes.get(
    "/sales-targets/{dealer}/{period}",
    summary="Read sales targets and what was reached of them",
    response_model=None,
    responses={200: {"model": told.TargetsShown, "description": "The targets in force, and the deliveries"}},
)
async def read_sales_targets(dealer: DealerPath, period: PeriodPath, caller: Reading, running: Running) -> Response:
    """The dealer's and each of its staff's, beside what was delivered in the month by now."""
    if not caller.may_see(dealer):
        raise NotFound
    return json(told.targets(dealer, period, await service.attainment(running, dealer, period)))


# ── The pipeline and its forecasts ────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/pipeline",
    summary="The weighted pipeline",
    response_model=None,
    responses={200: {"model": told.PipelineShown, "description": "Figures, and the lines that add up to them"}},
)
async def read_pipeline(
    request: Request,
    caller: Reading,
    running: Running,
    as_of: AsOf = None,
    period: PeriodQuery = None,
    dealer: DealerQuery = None,
) -> Response:
    """Each vehicle that is on its way to a delivery, once, where it is furthest, by the weight of its stage. With a
    month: what is expected in it, and what was delivered in it in full, which is its forecast."""
    whose, allowed = holder(caller, dealer)
    now = _now(request)
    moment = min(as_of or now, now)
    dealers = (sorted(running.network.dealer_codes()) if whose is None else [whose]) if allowed else []
    return json(told.pipeline(await service.pipeline(running, dealers, moment, period), moment, period))


@routes.post(
    "/forecasts",
    summary="Publish a forecast",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Published, or nothing new"),
)
async def publish_forecast(
    request: Annotated[PublishRequest, Body(openapi_examples=shown.example(PUBLISH))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """Of a dealer's month: its weighted pipeline as of a moment. It stays, to be measured against what came."""
    dealer = _dealer(running, request.dealer, context.dealer)
    as_of = request.as_of or context.now
    if as_of > context.now:
        raise words.refuse("/as_of", "in_the_future", "must not be in the future")
    return respond(await service.publish(running, dealer, request.period, as_of, context))


@routes.get(
    "/forecasts",
    summary="List published forecasts",
    response_model=None,
    responses={200: {"model": told.ForecastsPage, "description": "Newest first"}},
)
async def list_forecasts(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    period: PeriodQuery = None,
    dealer: DealerQuery = None,
) -> Response:
    """What was submitted, by dealer and month."""
    wanted = {"period": period, "dealer": dealer}
    return await list_of(request, running, caller, page, FORECASTS, wanted)


@routes.get(
    "/forecasts/{dealer}/{period}/back-test",
    summary="How right the forecasts of a month were",
    response_model=None,
    responses={200: {"model": told.BackTestShown, "description": "Each forecast beside what was delivered"}},
)
async def read_back_test(
    request: Request, dealer: DealerPath, period: PeriodPath, caller: Reading, running: Running
) -> Response:
    """`final` when the month is over; before that it is measured against what was delivered by now."""
    if not caller.may_see(dealer):
        raise NotFound
    tested = await service.back_test(running, dealer, period, _now(request))
    return json(told.back_test(dealer, period, tested))


# ── Each dealer's month ───────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/sales-reports/{period}",
    summary="The channel report of a month",
    response_model=None,
    responses={200: {"model": told.ReportsPage, "description": "By dealer"}},
)
async def list_sales_reports(
    request: Request, period: PeriodPath, caller: Reading, running: Running, page: Paged, dealer: DealerQuery = None
) -> Response:
    """What each dealer submitted (target, forecasts) and did: deliveries, and what came of each source. Headquarters
    also sees who submitted nothing; a dealer sees itself."""
    whose, allowed = holder(caller, dealer)
    if not allowed:
        return page_response(request, [], None)
    bound = {"list": "sales-reports", "period": period, "dealer": whose}
    last = ""
    if page.cursor is not None:
        (last,) = open_cursor(secret(request), page.cursor, bound)
    known = [each for each in sorted(running.network.dealer_codes()) if whose in (None, each) and each > last]
    shown_ = known[: page.size]
    month = await service.month(running, shown_, period)
    cursor = sign_cursor(secret(request), [shown_[-1]], bound) if len(known) > page.size else None
    return page_response(request, [told.report(each, period, month) for each in shown_], cursor)
