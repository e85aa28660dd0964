"""Leads: capture, grade, learn more, plan, and the ends a lead can come to."""

from typing import Annotated

from fastapi import Body
from starlette.responses import Response

from lead.api import models, shown
from lead.api.parts import LeadId, Running, Write, WriteOnce, answered, note, staff_of
from lead.domain import lead as domain
from lead.service import Service, reading, routing
from lead.service import leads as service
from roadbook.context import CommandContext
from roadbook.decider import Rejected
from roadbook.http.answers import respond
from roadbook.http.context import command
from roadbook.http.problems import Problem
from roadbook.http.routes import router

routes = router("/v1/leads", tags=["leads"])


@routes.post(
    "",
    status_code=201,
    summary="Capture a purchase intent",
    response_model=None,
    responses=answered(
        shown.CaptureAnswer,
        "Captured",
        "follow_up_in_the_past",
        "party_ref_unknown",
        "lead_exists",
        "consent_required",
        status=201,
    ),
)
async def capture_lead(
    request: Annotated[models.CaptureRequest, Body(openapi_examples=shown.example(shown.CAPTURE))],
    context: Annotated[CommandContext, command("lead:write", key="required")],
    running: Running,
) -> Response:
    """Who wants what, from whom and when. Without `next_action`, the first contact is due by the rules."""
    said, captured = models.capture(request, running.network, context)
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
    responses=answered(shown.CommandAnswer, "Graded", "lead_closed", "profile_incomplete"),
)
async def qualify_lead(
    lead_id: LeadId,
    request: Annotated[models.QualifyRequest, Body(openapi_examples=shown.example(shown.QUALIFY))],
    context: Write,
    running: Running,
) -> Response:
    """Hot, warm or cold, with reasons. What headquarters finds hot and no dealer holds goes to a dealer at once."""
    order = domain.QualifyLead(request.grade, tuple(request.reasons), running.network.rules(), context.now)
    try:
        return respond(await routing.qualify(running, lead_id, order, context, note("qualify", request.note)))
    except Rejected as rejection:
        raise await _incomplete(running, lead_id, order.rules.required_hot, rejection) from None


async def _incomplete(running: Service, lead_id: str, required: tuple[str, ...], rejection: Rejected) -> Exception:
    """A profile that lacks something is told what."""
    if rejection.code != "profile_incomplete":
        return rejection
    return Problem(rejection.code, extra={"missing": await reading.missing_for(running, lead_id, required)})


@routes.post(
    "/{lead_id}:schedule-follow-up",
    summary="Set the next action",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Scheduled",
        "lead_closed",
        "follow_up_in_the_past",
        "acceptance_pending",
        "customer_protected",
    ),
)
async def schedule_follow_up(
    lead_id: LeadId,
    request: Annotated[models.ScheduleRequest, Body(openapi_examples=shown.example(shown.SCHEDULE))],
    context: Write,
    running: Running,
) -> Response:
    """Replaces the next action. One that passes its due time undone is recorded as missed."""
    action = models.next_action(request.next_action, running.network, await staff_of(running, lead_id, context))
    assert action is not None  # the request has one
    order = domain.ScheduleFollowUp(action, context.now)
    return respond(await service.command(running, lead_id, order, context, note("follow_up", request.note)))


@routes.post(
    "/{lead_id}:lose",
    summary="Close a lead as lost",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Lost", "lead_closed", "acceptance_pending"),
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
    return respond(await service.command(running, lead_id, order, context, note("lose", request.note)))


@routes.post(
    "/{lead_id}:reopen",
    summary="Reopen a lost lead",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Open again", "follow_up_in_the_past", "lead_closed"),
)
async def reopen_lead(
    lead_id: LeadId,
    request: Annotated[models.ReopenRequest, Body(openapi_examples=shown.example(shown.REOPEN))],
    context: Write,
    running: Running,
) -> Response:
    """Like a capture, it sets a next action: the one given, else a first contact by the rules."""
    action = models.next_action(request.next_action, running.network, await staff_of(running, lead_id, context))
    order = domain.ReopenLead(request.reason, action, running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context, note("reopen", request.note)))


@routes.post(
    "/{lead_id}:complete-follow-up",
    summary="Complete the next action",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Completed",
        "lead_closed",
        "follow_up_in_the_past",
        "acceptance_pending",
        "customer_protected",
    ),
)
async def complete_follow_up(
    lead_id: LeadId,
    request: Annotated[models.CompleteRequest, Body(openapi_examples=shown.example(shown.COMPLETE))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """What came of it, and what comes next; without `next_action` the rules set one. The first is the first contact."""
    network = running.network
    dealer = await staff_of(running, lead_id, context)
    action = models.next_action(request.next_action, network, dealer)
    staff = models.staff(request.staff, network, dealer)
    order = domain.CompleteFollowUp(request.outcome, staff, action, network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context, note("follow_up", request.note)))


@routes.post(
    "/{lead_id}:convert",
    summary="Close a lead as converted",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Converted", "lead_closed", "acceptance_pending", "profile_incomplete"),
)
async def convert_lead(
    lead_id: LeadId,
    request: Annotated[models.ConvertRequest, Body(openapi_examples=shown.example(shown.CONVERT))],
    context: Write,
    running: Running,
) -> Response:
    """The customer buys: sales go on with it. The profile must hold what the rules ask for."""
    order = domain.ConvertLead(running.network.rules(), context.now)
    try:
        return respond(await service.command(running, lead_id, order, context, note("convert", request.note)))
    except Rejected as rejection:
        raise await _incomplete(running, lead_id, order.rules.required_conversion, rejection) from None


@routes.post(
    "/{lead_id}:recycle",
    summary="Put a lead into the recycle bin",
    response_model=None,
    responses=answered(shown.CommandAnswer, "In the recycle bin", "lead_closed"),
)
async def recycle_lead(
    lead_id: LeadId,
    request: Annotated[models.ReasonRequest, Body(openapi_examples=shown.example(shown.RECYCLE))],
    context: Write,
    running: Running,
) -> Response:
    """Nothing is deleted: restored, it has the same history. Erasing a person's data is another thing."""
    order = domain.RecycleLead(request.reason, context.now)
    return respond(await service.command(running, lead_id, order, context, note("recycle", request.note)))


@routes.post(
    "/{lead_id}:restore",
    summary="Take a lead out of the recycle bin",
    response_model=None,
    responses=answered(shown.CommandAnswer, "As it was before", "follow_up_in_the_past"),
)
async def restore_lead(
    lead_id: LeadId,
    request: Annotated[models.ReopenRequest, Body(openapi_examples=shown.example(shown.RESTORE))],
    context: Write,
    running: Running,
) -> Response:
    """Open or lost, as it was; an open one gets a next action. Who had not answered yet gets the time anew."""
    action = models.next_action(request.next_action, running.network, await staff_of(running, lead_id, context))
    order = domain.RestoreLead(request.reason, action, running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context, note("restore", request.note)))
