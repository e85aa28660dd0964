"""Quotes: issue, accept, withdraw, read. They expire by themselves."""

from typing import Annotated, Literal

from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import respond
from roadbook.http.routes import router
from roadbook.http.types import MAX_MINOR, Instant, StrictModel, Uuid
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
    named,
    one,
)
from sales.domain import quote as domain
from sales.service import quotes as service
from sales.service.commands import command
from sales.views.quotes import LISTING

routes = router("/v1/quotes", tags=["quotes"])

Id = Annotated[Uuid, Path(description="The id in the `Location` of the issue.")]
State = Literal["issued", "accepted", "expired", "withdrawn"]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class QuoteLine(StrictModel):
    """`amount` is of the whole line in minor units; of a discount below zero. The code of a vehicle is one of the
    catalogue."""

    kind: domain.Kind
    code: words.ModelCode
    quantity: words.Quantity = 1
    amount: Annotated[int, Field(strict=True, ge=-MAX_MINOR, le=MAX_MINOR, examples=[11_990_000])]


class QuoteRequest(StrictModel):
    """Without `valid_until` it stands as long as the rules say; without `staff` it is of whoever works the
    opportunity."""

    opportunity: Uuid
    lines: list[QuoteLine] = Field(min_length=1, max_length=50)
    currency: words.KnownCurrency
    valid_until: Instant | None = None
    staff: words.StaffId | None = None


class WithdrawRequest(StrictModel):
    reason: words.Word


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class QuoteAnswer(shown.CommandAnswer):
    quote: str


class QuoteListed(shown.Shown):
    quote: str
    party_ref: str
    dealer: str
    opportunity: str = Field(examples=[shown.OPPORTUNITY])
    currency: str
    total: int
    staff: str | None
    state: str = Field(examples=["issued"])
    reason: str | None
    issued_at: str
    valid_until: str
    accepted_at: str | None
    closed_at: str | None
    version: int


class QuoteListItem(QuoteListed):
    vehicles: int


class QuoteLineShown(shown.Shown):
    kind: str = Field(examples=["vehicle"])
    code: str = Field(examples=["volkswagen-lavida"])
    quantity: int
    amount: int


class QuoteShown(QuoteListed):
    stream: str = Field(examples=[f"quote/{shown.ID}"])
    rules: str
    lines: list[QuoteLineShown]


class QuotesPage(shown.PageShown):
    items: list[QuoteListItem]


ISSUE = {
    "opportunity": shown.ID,
    "lines": [
        {"kind": "vehicle", "code": "volkswagen-lavida", "quantity": 1, "amount": 11_990_000},
        {"kind": "discount", "code": "spring", "amount": -300_000},
    ],
    "currency": "CNY",
}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    summary="Issue a quote",
    status_code=201,
    response_model=None,
    responses=answered(
        QuoteAnswer,
        "Issued",
        "opportunity_closed",
        "quote_without_vehicle",
        "quote_amounts",
        "quote_in_the_past",
        "not_found",
        status=201,
    ),
)
async def issue_quote(
    request: Annotated[QuoteRequest, Body(openapi_examples=shown.example(ISSUE))], context: WriteOnce, running: Running
) -> Response:
    """For an open opportunity. The total is the sum of the lines."""
    for place, line in enumerate(request.lines):
        if line.kind == "vehicle":
            words.known_model(running.network, line.code, f"/lines/{place}/code")
    lines = tuple(domain.QuoteLine(line.kind, line.code, line.quantity, line.amount) for line in request.lines)
    quoting = service.Quoting(request.opportunity, lines, request.currency, request.valid_until, request.staff)
    with named():
        return respond(await service.issue(running, quoting, context))


@routes.post(
    "/{quote_id}:accept",
    summary="Accept a quote",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Accepted", "quote_expired", "quote_closed", "opportunity_has_quote"),
)
async def accept_quote(quote_id: Id, context: Write, running: Running) -> Response:
    """The party takes it. An opportunity has one accepted quote: withdraw that one first."""
    return respond(await command(running, f"quote/{quote_id}", domain.AcceptQuote(context.now), context))


@routes.post(
    "/{quote_id}:withdraw",
    summary="Withdraw a quote",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Withdrawn", "quote_expired", "quote_closed", "quote_signed"),
)
async def withdraw_quote(
    quote_id: Id,
    request: Annotated[WithdrawRequest, Body(openapi_examples=shown.example({"reason": "other_model"}))],
    context: Write,
    running: Running,
) -> Response:
    """An accepted one too, unless a contract stands on it."""
    order = domain.WithdrawQuote(request.reason, context.now)
    return respond(await command(running, f"quote/{quote_id}", order, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List quotes",
    response_model=None,
    responses={200: {"model": QuotesPage, "description": "Newest first"}},
)
async def list_quotes(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    state: Annotated[State | None, Query()] = None,
    staff: Annotated[words.StaffId | None, Query()] = None,
    opportunity: Annotated[Uuid | None, Query()] = None,
    dealer: DealerQuery = None,
) -> Response:
    """A dealer's quotes; every condition narrows it."""
    of = None if opportunity is None else f"opportunity/{opportunity}"
    wanted = {"state": state, "staff": staff, "opportunity": of, "dealer": dealer}
    return await list_of(request, running, caller, page, LISTING, wanted)


@routes.get(
    "/{quote_id}",
    summary="Read a quote",
    response_model=None,
    responses={200: {"model": QuoteShown, "description": "The quote"}},
)
async def read_quote(request: Request, quote_id: Id, caller: Reading, running: Running) -> Response:
    """The facts as of the last event."""
    return await one(request, running, caller, "quote", quote_id)


@routes.get(
    "/{quote_id}/events",
    summary="A quote's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_quote_events(request: Request, quote_id: Id, caller: Reading, running: Running, page: Paged) -> Response:
    """Every fact: what, when, by whom, and what caused it."""
    return await events_of(request, running, caller, f"quote/{quote_id}", page)
