"""Trade-ins: appraise, agree, receive, decline, read."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Body, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import etag, read_response, respond
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import Instant, Money, StrictModel, Uuid, rfc3339
from roadbook.identifiers import check_vin
from sales.api import shown, words
from sales.api.parts import (
    DealerQuery,
    Paged,
    Reading,
    Running,
    Write,
    WriteOnce,
    answered,
    events_of,
    list_of,
)
from sales.domain import tradein as domain
from sales.service import Service
from sales.service import tradeins as service
from sales.service.commands import StaffUnknown, command, visible
from sales.service.opportunities import DealerMissing, PartyUnknown
from sales.views.tradeins import LISTING

routes = router("/v1/trade-ins", tags=["trade-ins"])

Id = Annotated[Uuid, Path(description="The id in the `Location` of the appraisal.")]
State = Literal["appraised", "agreed", "received", "declined"]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class AppraiseRequest(StrictModel):
    """Of the vehicle `vin`; the offer holds until `valid_until`. Without `party_ref` a new one is made. `dealer` is for
    headquarters to name."""

    vin: words.Vin
    model: words.ModelCode | None = None
    odometer_km: words.Kilometres | None = None
    offer: Money
    valid_until: Instant
    party_ref: Uuid | None = None
    staff: words.StaffId | None = None
    dealer: words.DealerCode | None = None


class AgreeRequest(StrictModel):
    """Without `offer`: as appraised. `order` is the id of the new vehicle's order, which may also be named later."""

    offer: Money | None = None
    order: Uuid | None = None


class ReceiveRequest(StrictModel):
    odometer_km: words.Kilometres | None = None


class DeclineRequest(StrictModel):
    reason: words.Word


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class AppraiseAnswer(shown.CommandAnswer):
    trade_in: str
    party_ref: str


class MoneyShown(shown.Shown):
    """In minor units of the currency."""

    minor: int
    currency: str


class TradeInListed(shown.Shown):
    """`amount` in minor units: as agreed, before that as appraised. `order_id` is of the new vehicle's order."""

    trade_in: str
    party_ref: str
    dealer: str
    vin: str
    model: str | None
    order_id: str | None
    staff: str | None
    state: str
    amount: int
    currency: str
    valid_until: str
    appraised_at: str
    closed_at: str | None
    version: int


class TradeInShown(shown.Shown):
    """`order` is the stream of the new vehicle's order. `closed_at`: when it was received or declined."""

    trade_in: str
    stream: str
    version: int
    party_ref: str
    dealer: str
    vin: str
    model: str | None
    odometer_km: int | None
    staff: str | None
    state: str
    offer: MoneyShown
    valid_until: str
    appraised_at: str
    agreed: MoneyShown | None
    agreed_at: str | None
    order: str | None
    received_km: int | None
    reason: str | None
    closed_at: str | None


class TradeInsPage(shown.PageShown):
    items: list[TradeInListed]


APPRAISE = {
    "vin": "LSVAA49J6T2900010",
    "model": "volkswagen-polo",
    "odometer_km": 81200,
    "offer": {"minor": 6_000_000, "currency": "CNY"},
    "valid_until": "2026-12-31T18:00:00+08:00",
    "staff": "staff-sh-01-1",
}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
def offer_of(money: Money | None) -> domain.Offer | None:
    if money is None:
        return None
    if money.minor < 0:
        raise words.refuse("/offer/minor", "negative", "must not be below zero")
    return domain.Offer(money.minor, money.currency)


def checked_vin(vin: str, pointer: str = "/vin") -> str:
    """Raises a 422 for what cannot be a VIN: where the law demands a check digit, with a wrong one."""
    if any(problem.severity == "error" for problem in check_vin(vin).problems):
        raise words.refuse(pointer, "vin_check_digit", "is not a VIN")
    return vin


def named_dealer(running: Service, dealer: str | None, own: str | None) -> None:
    """Raises a 422 where a dealer names another, or headquarters one that is not there."""
    if own is not None and dealer not in (None, own):
        raise words.refuse("/dealer", "not_yours", "is for headquarters to name")
    if dealer is not None and not running.network.is_dealer(dealer):
        raise words.refuse("/dealer", "unknown_dealer", "must be a dealer of the network")


@routes.post(
    "",
    status_code=201,
    summary="Appraise a vehicle for a trade-in",
    response_model=None,
    responses=answered(AppraiseAnswer, "Appraised", "appraisal_in_the_past", "party_unknown", status=201),
)
async def appraise_trade_in(
    request: Annotated[AppraiseRequest, Body(openapi_examples=shown.example(APPRAISE))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """What the old vehicle is worth to the dealer, and until when that holds. Another appraisal is another trade-in."""
    r = request
    named_dealer(running, r.dealer, context.dealer)
    if r.model is not None:
        words.known_model(running.network, r.model, "/model")
    offer = offer_of(r.offer)
    assert offer is not None  # it was given
    asked = service.Appraisal(
        checked_vin(r.vin), offer, r.valid_until, r.party_ref, r.model, r.odometer_km, r.staff, r.dealer
    )
    try:
        return respond(await service.appraise(running, asked, context))
    except StaffUnknown:
        raise words.unknown_staff() from None
    except DealerMissing:
        raise words.refuse("/dealer", "missing", "headquarters names the dealer") from None
    except PartyUnknown:
        raise Problem("party_unknown") from None


@routes.post(
    "/{trade_in_id}:agree",
    summary="Agree on a trade-in",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Agreed", "appraisal_expired", "trade_in_closed"),
)
async def agree_trade_in(
    trade_in_id: Id,
    request: Annotated[AgreeRequest, Body(openapi_examples=shown.example({"offer": APPRAISE["offer"]}))],
    context: Write,
    running: Running,
) -> Response:
    """For an amount, while the appraisal holds; the order of the new vehicle may be named, or named anew, until the old
    one is handed over."""
    try:
        return respond(await service.agree(running, trade_in_id, offer_of(request.offer), request.order, context))
    except service.OrderUnknown:
        raise words.refuse("/order", "unknown_order", "must be an order of the dealer") from None


@routes.post(
    "/{trade_in_id}:receive",
    summary="Receive the old vehicle",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Received", "trade_in_not_agreed", "trade_in_closed", "odometer_backwards"),
)
async def receive_trade_in(
    trade_in_id: Id,
    request: Annotated[ReceiveRequest, Body(openapi_examples=shown.example({"odometer_km": 81450}))],
    context: Write,
    running: Running,
) -> Response:
    """It stands at the dealer: from now on it is the dealer's, and the vehicle's owners in time say so."""
    asked = domain.ReceiveTradeIn(request.odometer_km, context.now)
    return respond(await command(running, f"tradein/{trade_in_id}", asked, context))


@routes.post(
    "/{trade_in_id}:decline",
    summary="Decline a trade-in",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Declined", "trade_in_closed"),
)
async def decline_trade_in(
    trade_in_id: Id,
    request: Annotated[DeclineRequest, Body(openapi_examples=shown.example({"reason": "price"}))],
    context: Write,
    running: Running,
) -> Response:
    """By either side, until the vehicle is handed over."""
    asked = domain.DeclineTradeIn(request.reason, context.now)
    return respond(await command(running, f"tradein/{trade_in_id}", asked, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List trade-ins",
    response_model=None,
    responses={200: {"model": TradeInsPage, "description": "Newest first"}},
)
async def list_trade_ins(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    state: Annotated[State | None, Query()] = None,
    vin: Annotated[words.Vin | None, Query()] = None,
    party_ref: Annotated[Uuid | None, Query()] = None,
    order: Annotated[Uuid | None, Query(description="The id of the new vehicle's order.")] = None,
    dealer: DealerQuery = None,
) -> Response:
    """A dealer's trade-ins: which old vehicle went towards which order. Pages stay right while they change."""
    wanted = {"state": state, "vin": vin, "party_ref": party_ref, "dealer": dealer,
              "order_id": UUID(order) if order else None}  # fmt: skip
    return await list_of(request, running, caller, page, LISTING, wanted)


@routes.get(
    "/{trade_in_id}",
    summary="Read a trade-in",
    response_model=None,
    responses={200: {"model": TradeInShown, "description": "The trade-in"}},
)
async def read_trade_in(request: Request, trade_in_id: Id, caller: Reading, running: Running) -> Response:
    """The facts as of the last event."""
    stream = f"tradein/{trade_in_id}"
    state, events = await visible(running, stream, caller.dealer)
    version = len(events)
    body = {"trade_in": trade_in_id, "stream": stream, "version": version, **_shown(state)}
    return read_response(request, body, etag(version))


def _shown(state: domain.TradeIn) -> dict[str, Any]:
    appraised = state.appraised
    return {
        "party_ref": appraised.party_ref,
        "dealer": appraised.dealer,
        "vin": appraised.vin,
        "model": appraised.model,
        "odometer_km": appraised.odometer_km,
        "staff": appraised.staff,
        "state": state.status,
        "offer": {"minor": appraised.amount, "currency": appraised.currency},
        "valid_until": rfc3339(appraised.valid_until),
        "appraised_at": rfc3339(appraised.at),
        "agreed": None if state.agreed is None else {"minor": state.agreed.amount, "currency": state.agreed.currency},
        "agreed_at": _moment(state.agreed_at),
        "order": state.order,
        "received_km": state.received_km,
        "reason": state.reason,
        "closed_at": _moment(state.closed_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


@routes.get(
    "/{trade_in_id}/events",
    summary="A trade-in's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_trade_in_events(
    request: Request, trade_in_id: Id, caller: Reading, running: Running, page: Paged
) -> Response:
    """Every fact: what, when, by whom, and what caused it."""
    return await events_of(request, running, caller, f"tradein/{trade_in_id}", page)
