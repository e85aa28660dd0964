"""Vehicles for orders: who waits, who gets which, and its delivery."""

from typing import Annotated

from fastapi import Body, Query
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import open_cursor, page_response, respond, sign_cursor
from roadbook.http.routes import router
from roadbook.http.types import StrictModel
from sales.api import shown, words
from sales.api.orders import Id, OrdersPage
from sales.api.parts import (
    DealerQuery,
    Paged,
    Reading,
    Running,
    Write,
    answered,
    holder,
    named,
    plain,
    secret,
)
from sales.domain import order as domain
from sales.service import orders as service
from sales.service import reports
from sales.service.commands import command

routes = router("/v1", tags=["orders"])


class AllocateRequest(StrictModel):
    vin: words.Vin


class DeallocateRequest(StrictModel):
    reason: words.Word


class DeliverRequest(StrictModel):
    """Without `staff` it is whoever sold it."""

    odometer_km: words.Kilometres | None = None
    staff: words.StaffId | None = None


@routes.post(
    "/orders/{order_id}:allocate",
    summary="Give an order its vehicle",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Allocated", "order_closed", "order_has_vehicle", "vehicle_taken"),
)
async def allocate_vehicle(
    order_id: Id,
    request: Annotated[AllocateRequest, Body(openapi_examples=shown.example({"vin": shown.VIN}))],
    context: Write,
    running: Running,
) -> Response:
    """A vehicle is one order's, until that one gives it back or the vehicle comes back to a dealer's stock."""
    vin = words.checked_vin(request.vin, "/vin")
    return respond(await command(running, f"order/{order_id}", domain.AllocateVehicle(vin, context.now), context))


@routes.post(
    "/orders/{order_id}:deallocate",
    summary="Take an order's vehicle away",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Free again", "order_closed"),
)
async def deallocate_vehicle(
    order_id: Id,
    request: Annotated[DeallocateRequest, Body(openapi_examples=shown.example({"reason": "transport_damage"}))],
    context: Write,
    running: Running,
) -> Response:
    """The order waits for another one."""
    order = domain.DeallocateVehicle(request.reason, context.now)
    return respond(await command(running, f"order/{order_id}", order, context))


@routes.post(
    "/orders/{order_id}:deliver",
    summary="Hand the vehicle over",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Delivered", "order_closed", "order_without_vehicle", "contract_cancelled"),
)
async def deliver_vehicle(
    order_id: Id,
    request: Annotated[DeliverRequest, Body(openapi_examples=shown.example({"odometer_km": 12}))],
    context: Write,
    running: Running,
) -> Response:
    """The party owns it from now on."""
    with named():
        return respond(await service.deliver(running, order_id, request.odometer_km, request.staff, context))


@routes.get(
    "/allocation-queue",
    summary="Who waits for a vehicle",
    response_model=None,
    responses={200: {"model": OrdersPage, "description": "The next to get one first"}},
)
async def list_allocation_queue(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    model: Annotated[words.ModelCode | None, Query()] = None,
    dealer: DealerQuery = None,
) -> Response:
    """Orders without a vehicle: by priority, then by age."""
    of, allowed = holder(caller, dealer)
    if not allowed:
        return page_response(request, [], None)
    bound = {"list": "allocation_queue", "dealer": of, "model": model}
    key = open_cursor(secret(request), page.cursor, bound) if page.cursor is not None else None
    rows = await reports.waiting(running, of, model, key, page.size + 1)
    shown_rows = [plain({"order": row.pop("order_id"), **row}) for row in rows[: page.size]]
    cursor = None
    if len(rows) > page.size:
        last = shown_rows[-1]
        cursor = sign_cursor(secret(request), [last["priority"], last["placed_at"], last["order"]], bound)
    return page_response(request, shown_rows, cursor)
