"""Accessory sales: sell, take back, read."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import etag, read_response, respond
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import CURRENCIES, Currency, StrictModel, Uuid, rfc3339
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
from sales.api.trade_ins import checked_vin, named_dealer
from sales.domain import accessorysale as domain
from sales.service import accessory_sales as service
from sales.service.commands import StaffUnknown, command, visible
from sales.service.opportunities import DealerMissing, PartyUnknown
from sales.service.tradeins import OrderUnknown
from sales.views.accessory_sales import LISTING

routes = router("/v1/accessory-sales", tags=["accessory-sales"])

Id = Annotated[Uuid, Path(description="The id in the `Location` of the sale.")]
State = Literal["sold", "returned"]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class ItemGiven(StrictModel):
    """`amount` is of the whole item, not of one piece."""

    code: words.Word
    quantity: Annotated[int, Field(strict=True, ge=1, le=1000, examples=[2])] = 1
    amount: words.Minor


class SellRequest(StrictModel):
    """With an `order`, the party and the vehicle are those of the order unless they are named. Without an order and
    without `party_ref` a new one is made. `dealer` is for headquarters to name."""

    items: list[ItemGiven] = Field(min_length=1, max_length=50)
    currency: Currency
    order: Uuid | None = None
    vin: words.Vin | None = None
    party_ref: Uuid | None = None
    staff: words.StaffId | None = None
    dealer: words.DealerCode | None = None


class ReturnRequest(StrictModel):
    reason: words.Word


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class SellAnswer(shown.CommandAnswer):
    accessory_sale: str
    party_ref: str


class AccessorySaleListed(shown.Shown):
    """`total` in minor units; `order_id` is of the vehicle's order."""

    accessory_sale: str
    party_ref: str
    dealer: str
    order_id: str | None
    vin: str | None
    total: int
    currency: str
    staff: str | None
    state: str
    sold_at: str
    returned_at: str | None
    version: int


class ItemShown(shown.Shown):
    code: str
    quantity: int
    amount: int


class AccessorySaleShown(shown.Shown):
    """`order` is the stream of the vehicle's order."""

    accessory_sale: str
    stream: str
    version: int
    party_ref: str
    dealer: str
    order: str | None
    vin: str | None
    items: list[ItemShown]
    total: int
    currency: str
    staff: str | None
    state: str
    sold_at: str
    reason: str | None
    returned_at: str | None


class AccessorySalesPage(shown.PageShown):
    items: list[AccessorySaleListed]


SELL = {
    "items": [{"code": "tow_bar", "amount": 180_000}, {"code": "floor_mats", "quantity": 2, "amount": 59_900}],
    "currency": "CNY",
    "vin": "LSVAA49J6T2900010",
    "staff": "staff-sh-01-1",
}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    status_code=201,
    summary="Sell accessories",
    response_model=None,
    responses=answered(SellAnswer, "Sold", "party_unknown", status=201),
)
async def sell_accessories(
    request: Annotated[SellRequest, Body(openapi_examples=shown.example(SELL))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """With a vehicle's order, or on their own. The commission follows."""
    r = request
    named_dealer(running, r.dealer, context.dealer)
    if r.currency not in CURRENCIES:
        raise words.refuse("/currency", "currency", "must be an active ISO 4217 code")
    vin = None if r.vin is None else checked_vin(r.vin)
    items = tuple(domain.Item(item.code, item.quantity, item.amount) for item in r.items)
    asked = service.Selling(items, r.currency, r.party_ref, r.order, vin, r.staff, r.dealer)
    try:
        return respond(await service.sell(running, asked, context))
    except StaffUnknown:
        raise words.unknown_staff() from None
    except OrderUnknown:
        raise words.refuse("/order", "unknown_order", "must be an order of the dealer") from None
    except DealerMissing:
        raise words.refuse("/dealer", "missing", "headquarters names the dealer") from None
    except PartyUnknown:
        raise Problem("party_unknown") from None


@routes.post(
    "/{accessory_sale_id}:return",
    summary="Take accessories back",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Returned"),
)
async def return_accessories(
    accessory_sale_id: Id,
    request: Annotated[ReturnRequest, Body(openapi_examples=shown.example({"reason": "wrong_size"}))],
    context: Write,
    running: Running,
) -> Response:
    """All of the sale: what is kept is sold again. The commission is taken back."""
    asked = domain.ReturnAccessories(request.reason, context.now)
    return respond(await command(running, f"accessorysale/{accessory_sale_id}", asked, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List accessory sales",
    response_model=None,
    responses={200: {"model": AccessorySalesPage, "description": "Newest first"}},
)
async def list_accessory_sales(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    state: Annotated[State | None, Query()] = None,
    vin: Annotated[words.Vin | None, Query()] = None,
    party_ref: Annotated[Uuid | None, Query()] = None,
    order: Annotated[Uuid | None, Query(description="The id of the vehicle's order.")] = None,
    staff: Annotated[words.StaffId | None, Query()] = None,
    dealer: DealerQuery = None,
) -> Response:
    """A dealer's sales; every condition narrows it. Pages stay right while they change."""
    wanted = {"state": state, "vin": vin, "party_ref": party_ref, "staff": staff, "dealer": dealer,
              "order_id": UUID(order) if order else None}  # fmt: skip
    return await list_of(request, running, caller, page, LISTING, wanted)


@routes.get(
    "/{accessory_sale_id}",
    summary="Read an accessory sale",
    response_model=None,
    responses={200: {"model": AccessorySaleShown, "description": "The sale"}},
)
async def read_accessory_sale(request: Request, accessory_sale_id: Id, caller: Reading, running: Running) -> Response:
    """The facts as of the last event."""
    stream = f"accessorysale/{accessory_sale_id}"
    state, events = await visible(running, stream, caller.dealer)
    body = {"accessory_sale": accessory_sale_id, "stream": stream, "version": len(events), **_shown(state)}
    return read_response(request, body, etag(len(events)))


def _shown(state: domain.Sale) -> dict[str, Any]:
    sold, returned = state.sold, state.returned
    return {
        "party_ref": sold.party_ref,
        "dealer": sold.dealer,
        "order": sold.order,
        "vin": sold.vin,
        "items": [{"code": each.code, "quantity": each.quantity, "amount": each.amount} for each in sold.items],
        "total": sold.total,
        "currency": sold.currency,
        "staff": sold.staff,
        "state": "sold" if returned is None else "returned",
        "sold_at": rfc3339(sold.at),
        "reason": None if returned is None else returned.reason,
        "returned_at": None if returned is None else rfc3339(returned.at),
    }


@routes.get(
    "/{accessory_sale_id}/events",
    summary="An accessory sale's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_accessory_sale_events(
    request: Request, accessory_sale_id: Id, caller: Reading, running: Running, page: Paged
) -> Response:
    """Every fact: what, when, by whom, and what caused it."""
    return await events_of(request, running, caller, f"accessorysale/{accessory_sale_id}", page)
