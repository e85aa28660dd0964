"""Orders: place, prioritise, delay, cancel, insure; read them and how they came along."""

from typing import Annotated, Any, Literal

from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import respond
from roadbook.http.routes import router
from roadbook.http.types import Date, StrictModel, Uuid
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
    json,
    list_of,
    named,
    one,
    plain,
)
from sales.domain import order as domain
from sales.service import orders as service
from sales.service import timelines
from sales.service.commands import command
from sales.views.orders import LISTING

routes = router("/v1/orders", tags=["orders"])

Id = Annotated[Uuid, Path(description="The id in the `Location` of the placing.")]
State = Literal["placed", "allocated", "delayed", "cancelled", "delivered"]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class PlaceRequest(StrictModel):
    """One vehicle of the contract's line, at its price. Without `staff` it is of whoever signed. `trade_in` is the id
    of an old vehicle's."""

    contract: Uuid
    line: Annotated[int, Field(strict=True, ge=1, le=10_000, examples=[1])]
    condition: domain.Condition = "new"
    trade_in: Uuid | None = None
    staff: words.StaffId | None = None
    promised: Date | None = None


class PrioritiseRequest(StrictModel):
    """`reason` is one of the rules, which say what it is worth. `by` is who decided it."""

    reason: words.Word
    by: words.StaffId | None = None


class DelayRequest(StrictModel):
    promised: Date
    reason: words.Word


class CancelOrderRequest(StrictModel):
    reason: words.Word


class InsureRequest(StrictModel):
    """`partner` sells it: a dealer does not. `expires`: the first day without it."""

    partner: words.Word
    kind: words.Word
    premium: words.Minor
    currency: words.KnownCurrency
    expires: Date


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class PlaceAnswer(shown.CommandAnswer):
    order: str


class OrderListed(shown.Shown):
    """`priority`: higher goes first where vehicles are short."""

    order: str
    party_ref: str
    dealer: str
    contract: str = Field(examples=[f"contract/{shown.ID}"])
    line: int
    model: str
    condition: str
    price: int
    currency: str
    trade_in: str | None = Field(examples=[f"tradein/{shown.ID}"])
    staff: str | None
    state: str = Field(examples=["allocated"])
    vin: str | None
    promised: str | None
    priority: int
    priority_reason: str | None
    placed_at: str
    delivered_at: str | None
    cancelled_at: str | None
    version: int


class InsuranceShown(shown.Shown):
    partner: str
    kind: str = Field(examples=["comprehensive"])
    premium: int
    currency: str
    expires: str


class OrderShown(OrderListed):
    stream: str = Field(examples=[f"order/{shown.ID}"])
    rules: str
    insurance: list[InsuranceShown]
    delivered_by: str | None
    odometer_km: int | None
    reason: str | None


class OrdersPage(shown.PageShown):
    items: list[OrderListed]


class StepShown(shown.Shown):
    """`step` is an open vocabulary; what belongs to it stands beside it."""

    step: str = Field(examples=["order_delayed"])
    at: str
    promised: str | None = None


class TimelineShown(shown.Shown):
    """`steps` in the order in which they happened. `promised` is the day that holds now."""

    order: str
    state: str = Field(examples=["delayed"])
    promised: str | None
    steps: list[StepShown]


PLACE = {"contract": shown.ID, "line": 1, "promised": "2026-12-31"}
INSURE = {
    "partner": "picc", "kind": "comprehensive", "premium": 480_000, "currency": "CNY", "expires": "2027-12-31"
}  # fmt: skip


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
async def _said(running: Any, order: str, wanted: Any, context: Any) -> Response:
    return respond(await command(running, f"order/{order}", wanted, context))


@routes.post(
    "",
    summary="Place an order",
    status_code=201,
    response_model=None,
    responses=answered(
        PlaceAnswer,
        "Placed",
        "contract_cancelled",
        "contract_line_full",
        "promised_in_the_past",
        "not_found",
        status=201,
    ),
)
async def place_order(
    request: Annotated[PlaceRequest, Body(openapi_examples=shown.example(PLACE))], context: WriteOnce, running: Running
) -> Response:
    """On a line of a contract, which takes as many orders as it has vehicles."""
    placing = service.Placing(**request.model_dump())
    try:
        with named():
            return respond(await service.place(running, placing, context))
    except service.LineUnknown:
        raise words.refuse("/line", "unknown_line", "must be a line of the contract") from None


@routes.post(
    "/{order_id}:prioritise",
    summary="Prefer an order in the allocation",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Preferred", "order_closed", "priority_reason_unknown"),
)
async def prioritise_order(
    order_id: Id,
    request: Annotated[
        PrioritiseRequest,
        Body(openapi_examples=shown.example({"reason": "core_customer", "by": "staff-sh-01-manager"})),
    ],
    context: Write,
    running: Running,
) -> Response:
    """For a reason of the rules. Who did it and why stays with the order for ever."""
    with named("/by"):
        return respond(await service.prioritise(running, order_id, request.reason, request.by, context))


@routes.post(
    "/{order_id}:delay",
    summary="Promise a later day",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Delayed", "order_closed", "delay_not_later"),
)
async def delay_order(
    order_id: Id,
    request: Annotated[
        DelayRequest, Body(openapi_examples=shown.example({"promised": "2027-01-31", "reason": "production"}))
    ],
    context: Write,
    running: Running,
) -> Response:
    """Than the one that was promised."""
    return await _said(running, order_id, domain.DelayOrder(request.promised, request.reason, context.now), context)


@routes.post(
    "/{order_id}:cancel",
    summary="Cancel an order",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Cancelled", "order_closed"),
)
async def cancel_order(
    order_id: Id,
    request: Annotated[CancelOrderRequest, Body(openapi_examples=shown.example({"reason": "customer_withdrew"}))],
    context: Write,
    running: Running,
) -> Response:
    """Until it is delivered. Its vehicle is free again, its line takes another order, and when it was the last one
    under its contract the opportunity is open again."""
    return await _said(running, order_id, domain.CancelOrder(request.reason, context.now), context)


@routes.post(
    "/{order_id}:arrange-insurance",
    summary="Record an insurance arranged through a partner",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Arranged", "order_closed", "insurance_over"),
)
async def arrange_insurance(
    order_id: Id,
    request: Annotated[InsureRequest, Body(openapi_examples=shown.example(INSURE))],
    context: Write,
    running: Running,
) -> Response:
    """Before the delivery or after it; a renewal is another one."""
    r = request
    wanted = domain.ArrangeInsurance(r.partner, r.kind, r.premium, r.currency, r.expires, context.now)
    return await _said(running, order_id, wanted, context)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List orders",
    response_model=None,
    responses={200: {"model": OrdersPage, "description": "Newest first"}},
)
async def list_orders(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    state: Annotated[State | None, Query()] = None,
    staff: Annotated[words.StaffId | None, Query()] = None,
    model: Annotated[words.ModelCode | None, Query()] = None,
    vin: Annotated[words.Vin | None, Query()] = None,
    contract: Annotated[Uuid | None, Query()] = None,
    dealer: DealerQuery = None,
) -> Response:
    """A dealer's orders; every condition narrows it."""
    of = None if contract is None else f"contract/{contract}"
    wanted = {"state": state, "staff": staff, "model": model, "vin": vin, "contract": of, "dealer": dealer}
    return await list_of(request, running, caller, page, LISTING, wanted)


@routes.get(
    "/{order_id}",
    summary="Read an order",
    response_model=None,
    responses={200: {"model": OrderShown, "description": "The order"}},
)
async def read_order(request: Request, order_id: Id, caller: Reading, running: Running) -> Response:
    """The facts as of the last event."""
    return await one(request, running, caller, "order", order_id)


@routes.get(
    "/{order_id}/events",
    summary="An order's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_order_events(request: Request, order_id: Id, caller: Reading, running: Running, page: Paged) -> Response:
    """Every fact: what, when, by whom, and what caused it. Why an order was preferred is among them."""
    return await events_of(request, running, caller, f"order/{order_id}", page)


@routes.get(
    "/{order_id}/timeline",
    summary="How an order comes along",
    response_model=None,
    responses={200: {"model": TimelineShown, "description": "For the customer"}},
)
async def read_order_timeline(order_id: Id, caller: Reading, running: Running) -> Response:
    """From the signature to the delivery, without what is the dealer's own: who did it, priorities, reasons."""
    return json(plain(await timelines.timeline(running, order_id, caller.dealer)))
