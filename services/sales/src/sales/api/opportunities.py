"""Opportunities: open, assign, lose, reopen, read."""

from typing import Annotated, Any, Literal

from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import respond
from roadbook.http.routes import router
from roadbook.http.types import StrictModel, Uuid
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
    known_dealer,
    list_of,
    named,
    one,
)
from sales.domain import opportunity as domain
from sales.service import opportunities as service
from sales.service.commands import command, known_staff, visible
from sales.views.opportunities import LISTING

routes = router("/v1/opportunities", tags=["opportunities"])

Id = Annotated[Uuid, Path(description="The id in the `Location` of the opening.")]
State = Literal["open", "won", "lost"]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class OpenRequest(StrictModel):
    """Without `party_ref` a new one is made. `tender`: the number of a call for tenders, of an institution. `dealer` is
    for headquarters to name."""

    party_ref: Uuid | None = None
    source: words.Source
    models: list[words.ModelCode] = Field(min_length=1, max_length=20)
    staff: words.StaffId | None = None
    owner_kind: words.OwnerKind = "private"
    tender: words.Number | None = None
    dealer: words.DealerCode | None = None


class AssignRequest(StrictModel):
    staff: words.StaffId


class LoseRequest(StrictModel):
    """`competitor`: the model that was bought instead."""

    reason: words.Word
    competitor: words.ModelCode | None = None


class ReopenRequest(StrictModel):
    reason: words.Word


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class OpenAnswer(shown.CommandAnswer):
    opportunity: str
    party_ref: str


class OpportunityListed(shown.Shown):
    opportunity: str
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: list[str]
    staff: str | None
    owner_kind: str
    tender: str | None
    state: str
    reason: str | None
    opened_at: str
    closed_at: str | None
    version: int


class OpportunityShown(OpportunityListed):
    """`contract` is the one it was won by. `closed_at`: when it was won or lost."""

    stream: str
    rules: str
    contract: str | None
    competitor: str | None


class OpportunitiesPage(shown.PageShown):
    items: list[OpportunityListed]


OPEN = {"source": "showroom", "models": ["volkswagen-lavida"], "staff": "staff-sh-01-1"}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    summary="Open an opportunity",
    status_code=201,
    response_model=None,
    responses=answered(
        OpenAnswer, "Opened", "tender_without_institution", "model_not_eligible", "party_unknown", status=201
    ),
)
async def open_opportunity(
    request: Annotated[OpenRequest, Body(openapi_examples=shown.example(OPEN))], context: WriteOnce, running: Running
) -> Response:
    """Of somebody who came without a lead. From a converted lead one is opened by itself."""
    for place, model in enumerate(request.models):
        words.known_model(running.network, model, f"/models/{place}")
    known_dealer(running, context, request.dealer)
    asked: dict[str, Any] = {**request.model_dump(), "models": tuple(request.models)}
    with named():
        return respond(await service.open_(running, service.Opening(**asked), context))


@routes.post(
    "/{opportunity_id}:assign",
    summary="Assign an opportunity",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Assigned", "opportunity_closed"),
)
async def assign_opportunity(
    opportunity_id: Id,
    request: Annotated[AssignRequest, Body(openapi_examples=shown.example({"staff": "staff-sh-01-2"}))],
    context: Write,
    running: Running,
) -> Response:
    """To somebody of the dealer's staff."""
    stream = f"opportunity/{opportunity_id}"
    state, _ = await visible(running, stream, context.dealer)
    with named():
        known_staff(running, request.staff, state.dealer)
    return respond(await command(running, stream, domain.AssignOpportunity(request.staff, context.now), context))


@routes.post(
    "/{opportunity_id}:lose",
    summary="Report an opportunity as lost",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Lost", "opportunity_closed"),
)
async def lose_opportunity(
    opportunity_id: Id,
    request: Annotated[
        LoseRequest, Body(openapi_examples=shown.example({"reason": "finance", "competitor": "byd-qin"}))
    ],
    context: Write,
    running: Running,
) -> Response:
    """With why, and to which car if it was another."""
    if request.competitor is not None:
        words.known_model(running.network, request.competitor, "/competitor")
    order = domain.LoseOpportunity(request.reason, request.competitor, context.now)
    return respond(await command(running, f"opportunity/{opportunity_id}", order, context))


@routes.post(
    "/{opportunity_id}:reopen",
    summary="Reopen a lost opportunity",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Reopened", "opportunity_closed"),
)
async def reopen_opportunity(
    opportunity_id: Id,
    request: Annotated[ReopenRequest, Body(openapi_examples=shown.example({"reason": "came_back"}))],
    context: Write,
    running: Running,
) -> Response:
    """One that was won opens by itself when its contract or its last order is cancelled."""
    order = domain.ReopenOpportunity(request.reason, None, context.now)
    return respond(await command(running, f"opportunity/{opportunity_id}", order, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List opportunities",
    response_model=None,
    responses={200: {"model": OpportunitiesPage, "description": "Newest first"}},
)
async def list_opportunities(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    state: Annotated[State | None, Query()] = None,
    staff: Annotated[words.StaffId | None, Query()] = None,
    party_ref: Annotated[Uuid | None, Query()] = None,
    source: Annotated[words.Source | None, Query()] = None,
    dealer: DealerQuery = None,
) -> Response:
    """A dealer's opportunities; every condition narrows it. Pages stay right while they change."""
    wanted = {"state": state, "staff": staff, "party_ref": party_ref, "source": source, "dealer": dealer}
    return await list_of(request, running, caller, page, LISTING, wanted)


@routes.get(
    "/{opportunity_id}",
    summary="Read an opportunity",
    response_model=None,
    responses={200: {"model": OpportunityShown, "description": "The opportunity"}},
)
async def read_opportunity(request: Request, opportunity_id: Id, caller: Reading, running: Running) -> Response:
    """The facts as of the last event."""
    return await one(request, running, caller, "opportunity", opportunity_id)


@routes.get(
    "/{opportunity_id}/events",
    summary="An opportunity's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_opportunity_events(
    request: Request, opportunity_id: Id, caller: Reading, running: Running, page: Paged
) -> Response:
    """Every fact: what, when, by whom, and what caused it."""
    return await events_of(request, running, caller, f"opportunity/{opportunity_id}", page)
