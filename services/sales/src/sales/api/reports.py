"""What was sold: by person, with what, and which insurances end."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import open_cursor, page_response, sign_cursor
from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import Date
from sales.api import shown, words
from sales.api.parts import DealerQuery, Paged, Reading, Running, holder, json, plain, secret
from sales.service import reports as service
from sales.service.reports import Span

routes = router("/v1", tags=["reports"])

StaffPath = Annotated[words.StaffId, Path(description="Of the dealer's staff.", examples=["staff-sh-01-1"])]
LONGEST = timedelta(days=3660)


async def span(
    first: Annotated[Date, Query(alias="from", description="First day, by the dealers' clock.")],
    last: Annotated[Date, Query(alias="to", description="Last day; it belongs to it.")],
) -> Span:
    if not (first.year >= 1900 and first <= last and last.year <= 9000 and last - first <= LONGEST):
        detail = "must run over at most ten years, from a day to the same or a later one"
        raise Problem("invalid_request", errors=[FieldError(None, "wrong_span", detail, "to")])
    return Span(first, last)


InSpan = Annotated[Span, Depends(span)]


class SaleShown(shown.Shown):
    """`order` is its id; a used vehicle sold without one has the stream `vehicle`."""

    order: str | None
    vehicle: str | None = Field(examples=[f"vehicle/{shown.VIN}"])
    vin: str
    model: str | None
    condition: str
    price: int
    currency: str
    party_ref: str
    sold_at: str


class TotalShown(shown.Shown):
    currency: str
    vehicles: int
    amount: int


class StaffSalesShown(shown.Shown):
    """`totals` are the sums of `sales`, in minor units by currency."""

    staff: str
    totals: list[TotalShown]
    sales: list[SaleShown]


class CustomerListed(shown.Shown):
    party_ref: str
    opportunities: int
    open: int
    orders: int
    delivered: int
    last_at: str


class CustomersPage(shown.PageShown):
    items: list[CustomerListed]


class AttachShown(shown.Shown):
    """Of `delivered` vehicles so many with each; permille of them in `rates`, null of none."""

    delivered: int
    insurance: int
    accessories: int
    trade_in: int
    second_vehicle: int
    rates: dict[str, int | None] = Field(examples=[{"insurance": 750, "accessories": 500}])


class ExpiringListed(shown.Shown):
    order: str
    party_ref: str
    dealer: str
    vin: str | None
    staff: str | None
    partner: str
    kind: str = Field(examples=["comprehensive"])
    premium: int
    currency: str
    expires: str


class ExpiringPage(shown.PageShown):
    items: list[ExpiringListed]


NOBODY = ""
"""A dealer that has nothing: what a dealer gets that asks for another."""


def _own(caller: Any, dealer: str | None) -> str | None:
    of, allowed = holder(caller, dealer)
    return of if allowed else NOBODY


@routes.get(
    "/staff/{staff_id}/sales",
    summary="What a person sold",
    response_model=None,
    responses={200: {"model": StaffSalesShown, "description": "Sale by sale, with the sums"}},
)
async def read_staff_sales(staff_id: StaffPath, caller: Reading, running: Running, asked: InSpan) -> Response:
    """Exactly: every vehicle that was handed over in the time, and the sums of these."""
    return json(plain(await service.sales_of_staff(running, staff_id, caller.dealer, asked)))


@routes.get(
    "/staff/{staff_id}/customers",
    summary="A person's customers",
    response_model=None,
    responses={200: {"model": CustomersPage, "description": "By reference"}},
)
async def list_staff_customers(
    request: Request, staff_id: StaffPath, caller: Reading, running: Running, page: Paged
) -> Response:
    """Whom the person sold to or means to. Who they are is in the record."""
    bound = {"list": "customers", "staff": staff_id, "dealer": caller.dealer}
    after = None
    if page.cursor is not None:
        (after,) = open_cursor(secret(request), page.cursor, bound)
    rows = await service.customers_of_staff(running, staff_id, caller.dealer, after, page.size + 1)
    more = len(rows) > page.size
    cursor = sign_cursor(secret(request), [rows[page.size - 1]["party_ref"]], bound) if more else None
    return page_response(request, [plain(row) for row in rows[: page.size]], cursor)


@routes.get(
    "/attach-rate",
    summary="What was sold along with vehicles",
    response_model=None,
    responses={200: {"model": AttachShown, "description": "Counted now"}},
)
async def read_attach_rate(caller: Reading, running: Running, asked: InSpan, dealer: DealerQuery = None) -> Response:
    """Of the vehicles delivered in the time: how many with insurance, accessories, a trade-in, and how many were not
    the party's first from us."""
    row = dict(await service.attach_rate(running, _own(caller, dealer), asked))
    of = row["delivered"]
    rates = {name: round(1000 * count / of) if of else None for name, count in row.items() if name != "delivered"}
    return json({**row, "rates": rates})


@routes.get(
    "/insurance-expiries",
    summary="Insurances that end",
    response_model=None,
    responses={200: {"model": ExpiringPage, "description": "The next one first"}},
)
async def list_insurance_expiries(
    request: Request, caller: Reading, running: Running, page: Paged, asked: InSpan, dealer: DealerQuery = None
) -> Response:
    """On these days: whom to remind."""
    of = _own(caller, dealer)
    bound = {"list": "expiries", "dealer": of, "from": asked.first.isoformat(), "to": asked.last.isoformat()}
    key = open_cursor(secret(request), page.cursor, bound) if page.cursor is not None else None
    rows = await service.expiring(running, of, asked, key, page.size + 1)
    cursor = None
    if len(rows) > page.size:
        last = rows[page.size - 1]
        cursor = sign_cursor(secret(request), [last["expires"].isoformat(), str(last["order_id"]), last["no"]], bound)
    items = [plain({"order": row.pop("order_id"), **row}) for row in rows[: page.size]]
    for item in items:
        del item["no"]
    return page_response(request, items, cursor)
