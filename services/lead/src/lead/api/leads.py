"""Leads: capture, work, read, list."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Body, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lead.api import models, shown
from lead.api.models import SKEW, refuse
from lead.api.problems import may_answer
from lead.domain import lead as domain
from lead.service import Service
from lead.service import leads as service
from lead.views.leads import LeadRow
from roadbook.context import CommandContext
from roadbook.events import Recorded
from roadbook.http.answers import (
    Page,
    etag,
    open_cursor,
    page,
    page_response,
    respond,
    sign_cursor,
)
from roadbook.http.auth import Caller, requires
from roadbook.http.context import command
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import Uuid, rfc3339

routes = router("/v1/leads", tags=["leads"])


def running(request: Request) -> Service:
    service: Service = request.app.state.lead
    return service


Running = Annotated[Service, Depends(running)]
LeadId = Annotated[Uuid, Path(description="The id in the `Location` of the capture.")]
Paged = Annotated[Page, Depends(page)]
Write = Annotated[CommandContext, command("lead:write")]


def answered(model: type[shown.Shown], description: str, *codes: str, status: int = 200) -> dict[int | str, Any]:
    return {status: {"model": model, "description": description}, **may_answer(*codes)}


@routes.post(
    "",
    status_code=201,
    summary="Capture a purchase intent",
    response_model=None,
    responses=answered(
        shown.CaptureAnswer, "Captured", "follow_up_in_the_past", "party_ref_unknown", "lead_exists", status=201
    ),
)
async def capture_lead(
    request: Annotated[models.CaptureRequest, Body(openapi_examples=shown.example(shown.CAPTURE))],
    context: Annotated[CommandContext, command("lead:write", key="required")],
    running: Running,
) -> Response:
    """Who wants what, from whom and when. Without `next_action`, the first contact is due by the rules."""
    network, at = running.network, request.occurred_at or context.now
    if at > context.now + SKEW:
        raise refuse("/occurred_at", "in_the_future", "must not be in the future")
    if request.dealer_wish is not None and not network.is_dealer(request.dealer_wish):
        raise refuse("/dealer_wish", "unknown_dealer", "must be a dealer of the network")
    captured = service.Captured(
        source=request.source,
        at=at,
        party_ref=request.party_ref,
        dealer_wish=request.dealer_wish,
        campaign=request.campaign,
        next_action=models.next_action(request.next_action, network, context.dealer),
    )
    said = models.intent(request, request.vehicles, network)
    try:
        return respond(await service.capture(running, said, captured, context))
    except service.PartyUnknown:
        raise Problem("party_ref_unknown") from None


@routes.post(
    "/{lead_id}:enrich",
    summary="Add what was learned",
    response_model=None,
    responses=answered(shown.EnrichAnswer, "Added, or nothing new", "lead_closed"),
)
async def enrich_lead(
    lead_id: LeadId,
    request: Annotated[models.EnrichRequest, Body(openapi_examples=shown.example(shown.ENRICH))],
    context: Write,
    running: Running,
) -> Response:
    """Contact points are added or recognised; `vehicles`, `budget` and `window` replace what was there."""
    said = models.intent(request, request.vehicles, running.network)
    return respond(await service.enrich(running, lead_id, said, request.remove_contact_points, context))


@routes.post(
    "/{lead_id}:qualify",
    summary="Grade a lead",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Graded", "lead_closed"),
)
async def qualify_lead(
    lead_id: LeadId,
    request: Annotated[models.QualifyRequest, Body(openapi_examples=shown.example(shown.QUALIFY))],
    context: Write,
    running: Running,
) -> Response:
    """Hot, warm or cold, with reasons. The decision keeps the version of the rules it was made under."""
    order = domain.QualifyLead(request.grade, tuple(request.reasons), running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context, _note("qualify", request.note)))


@routes.post(
    "/{lead_id}:schedule-follow-up",
    summary="Set the next action",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Scheduled", "lead_closed", "follow_up_in_the_past"),
)
async def schedule_follow_up(
    lead_id: LeadId,
    request: Annotated[models.ScheduleRequest, Body(openapi_examples=shown.example(shown.SCHEDULE))],
    context: Write,
    running: Running,
) -> Response:
    """Replaces the next action. One that passes its due time undone is recorded as missed."""
    action = models.next_action(request.next_action, running.network, context.dealer)
    assert action is not None  # the request has one
    order = domain.ScheduleFollowUp(action, context.now)
    return respond(await service.command(running, lead_id, order, context, _note("follow_up", request.note)))


@routes.post(
    "/{lead_id}:lose",
    summary="Close a lead as lost",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Lost", "lead_closed"),
)
async def lose_lead(
    lead_id: LeadId,
    request: Annotated[models.LoseRequest, Body(openapi_examples=shown.example(shown.LOSE))],
    context: Write,
    running: Running,
) -> Response:
    """Nothing is deleted: the lead can be reopened."""
    competitor = models.known_model(request.competitor, running.network, "/competitor")
    order = domain.LoseLead(request.reason, context.now, competitor)
    return respond(await service.command(running, lead_id, order, context, _note("lose", request.note)))


@routes.post(
    "/{lead_id}:reopen",
    summary="Reopen a lost lead",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Open again", "follow_up_in_the_past"),
)
async def reopen_lead(
    lead_id: LeadId,
    request: Annotated[models.ReopenRequest, Body(openapi_examples=shown.example(shown.REOPEN))],
    context: Write,
    running: Running,
) -> Response:
    """Like a capture, it sets a next action: the one given, else a first contact by the rules."""
    action = models.next_action(request.next_action, running.network, context.dealer)
    order = domain.ReopenLead(request.reason, action, running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context, _note("reopen", request.note)))


def _note(about: str, text: str | None) -> tuple[str, str] | None:
    return None if text is None else (about, text)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List leads",
    response_model=None,
    responses={200: {"model": shown.LeadsPage, "description": "Newest first"}},
)
async def list_leads(
    request: Request,
    caller: Annotated[Caller, requires("lead:read")],
    running: Running,
    page: Paged,
    state: Annotated[Literal["open", "lost"] | None, Query()] = None,
    grade: Annotated[models.Grade | None, Query()] = None,
    dealer: Annotated[models.DealerCode | None, Query(description="For headquarters; a dealer sees its own.")] = None,
) -> Response:
    """A dealer's leads by state and grade, newest intent first. Pages stay right while leads change."""
    holder = dealer if caller.headquarters else caller.dealer
    if dealer is not None and not caller.may_see(dealer):
        return page_response(request, [], None)  # as of a dealer that has none
    bound = {"list": "leads", "dealer": holder, "state": state, "grade": grade}
    rows = await service.listed(
        running, dealer=holder, state=state, grade=grade, after=after(request, page, bound), limit=page.size + 1
    )
    cursor = next_cursor(request, page, bound, [(row.captured_at, row.lead_id) for row in rows])
    return page_response(request, [_listed(row) for row in rows[: page.size]], cursor)


def after(request: Request, page: Page, bound: dict[str, Any]) -> tuple[datetime, UUID] | None:
    if page.cursor is None:
        return None
    moment, id_ = open_cursor(_secret(request), page.cursor, bound)
    return datetime.fromisoformat(moment), UUID(id_)


def next_cursor(request: Request, page: Page, bound: dict[str, Any], keys: list[tuple[datetime, UUID]]) -> str | None:
    """From one key more than the page shows: if it is there, there is a next page after the last shown."""
    if len(keys) <= page.size:
        return None
    moment, id_ = keys[page.size - 1]
    return sign_cursor(_secret(request), [rfc3339(moment), str(id_)], bound)


def _secret(request: Request) -> str:
    secret: str = request.app.state.settings.cursor_secret.get_secret_value()
    return secret


def _listed(row: LeadRow) -> dict[str, Any]:
    action = None
    if row.next_action_due is not None:
        action = {
            "kind": row.next_action_kind,
            "due": rfc3339(row.next_action_due),
            "assignee": row.next_action_assignee,
        }
    return {
        "lead": str(row.lead_id),
        "party_ref": row.party_ref,
        "dealer": row.dealer,
        "state": row.state,
        "grade": row.grade,
        "source": row.source,
        "models": row.models,
        "next_action": action,
        "overdue": row.overdue,
        "captured_at": rfc3339(row.captured_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
    }


@routes.get(
    "/{lead_id}",
    summary="Read a lead",
    response_model=None,
    responses={200: {"model": shown.LeadShown, "description": "The lead with its personal data"}},
)
async def read_lead(lead_id: LeadId, caller: Annotated[Caller, requires("lead:read")], running: Running) -> Response:
    """The facts as of the last event, and the personal data that came with this lead."""
    lead, version = await service.read(running, lead_id, caller.dealer)
    # No 304: a corrected name changes this answer without a new version.
    headers = {"ETag": etag(version), "Cache-Control": "private, no-store", "Vary": "Authorization"}
    return Response(orjson.dumps(lead, option=orjson.OPT_UTC_Z), 200, headers, "application/json")


@routes.get(
    "/{lead_id}/events",
    summary="A lead's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_lead_events(
    request: Request,
    lead_id: LeadId,
    caller: Annotated[Caller, requires("lead:read")],
    running: Running,
    page: Paged,
) -> Response:
    """Every fact of the lead: what, when, by whom, and what caused it. No personal data."""
    bound = {"list": "events", "lead": lead_id, "dealer": caller.dealer}
    start = 0
    if page.cursor is not None:
        (start,) = open_cursor(_secret(request), page.cursor, bound)
    events, version = await service.history(running, lead_id, caller.dealer, start, page.size)
    end = start + len(events)
    cursor = sign_cursor(_secret(request), [end], bound) if end < version else None
    return page_response(request, [_event(event) for event in events], cursor)


def _event(event: Recorded) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "version": event.version,
        "time": rfc3339(event.time),
        "recorded": rfc3339(event.recorded),
        "actor": event.actor,
        "correlation": event.correlation,
        "causation": event.causation,
        "data": orjson.loads(event.data),
    }
