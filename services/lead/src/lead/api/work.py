"""Routing, holding and sharing a lead, and signs of interest."""

from typing import Annotated

from fastapi import Body
from starlette.responses import Response

from lead.api import models, shown
from lead.api.parts import LeadId, Running, Write, WriteOnce, answered, headquarters_only, json, note, staff_of
from lead.domain import lead as domain
from lead.service import Service, holding, routing
from lead.service import leads as service
from roadbook.context import CommandContext
from roadbook.errors import NotFound
from roadbook.http.answers import respond
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import rfc3339

routes = router("/v1/leads", tags=["work"])


# ── Routing ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/{lead_id}:route",
    summary="Give a lead to a dealer",
    response_model=None,
    responses=answered(
        shown.CommandAnswer, "Routed", "lead_closed", "no_dealer_left", "accept_by_in_the_past", "headquarters_only"
    ),
)
async def route_lead(
    lead_id: LeadId,
    request: Annotated[models.RouteRequest, Body(openapi_examples=shown.example(shown.ROUTE))],
    context: Write,
    running: Running,
) -> Response:
    """For headquarters. By the rule: the dealer wished for, then the nearest, then the one with fewest open leads, and
    none that had it; or by hand. The dealer has to answer in time, else the next one gets it."""
    await _for_headquarters(running, lead_id, context)
    dealer = models.known_dealer(request.dealer, running.network)
    return respond(await routing.route(running, lead_id, dealer, request.accept_by, context))


async def _for_headquarters(running: Service, lead_id: str, context: CommandContext) -> None:
    if context.dealer is not None and not service.may_see(await service.find(running, lead_id), context.dealer):
        raise NotFound
    headquarters_only(context.dealer)


@routes.post(
    "/{lead_id}:accept",
    summary="Accept a routed lead",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Accepted", "lead_closed", "nothing_to_accept", "acceptance_overdue"),
)
async def accept_lead(
    lead_id: LeadId,
    request: Annotated[models.AcceptRequest, Body(openapi_examples=shown.example(shown.ACCEPT))],
    context: Write,
    running: Running,
) -> Response:
    """The dealer works it from now on, and owes a word on its status in time."""
    staff = models.staff(request.staff, running.network, await staff_of(running, lead_id, context))
    order = domain.AcceptLead(staff, running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context))


@routes.post(
    "/{lead_id}:decline",
    summary="Decline a routed lead",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Declined", "lead_closed", "nothing_to_accept"),
)
async def decline_lead(
    lead_id: LeadId,
    request: Annotated[models.ReasonRequest, Body(openapi_examples=shown.example(shown.DECLINE))],
    context: Write,
    running: Running,
) -> Response:
    """It goes to the next dealer, and this one no longer sees it."""
    return respond(await routing.decline(running, lead_id, request.reason, context, note("decline", request.note)))


@routes.post(
    "/{lead_id}:report-status",
    summary="Report how it stands",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Reported", "lead_closed", "acceptance_pending", "lead_without_dealer"),
)
async def report_lead_status(
    lead_id: LeadId,
    request: Annotated[models.StatusRequest, Body(openapi_examples=shown.example(shown.STATUS))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """The dealer's word to headquarters; the time to the next one begins anew."""
    staff = models.staff(request.staff, running.network, await staff_of(running, lead_id, context))
    order = domain.ReportLeadStatus(request.status, staff, running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context, note("status", request.note)))


# ── Holding ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/{lead_id}:protect",
    summary="Protect a customer",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Protected",
        "lead_closed",
        "customer_protected",
        "not_in_pool",
        "acceptance_pending",
        "lead_without_dealer",
        "asked_too_often",
    ),
)
async def protect_lead(
    lead_id: LeadId,
    request: Annotated[models.StaffRequest, Body(openapi_examples=shown.example(shown.STAFF))],
    context: Write,
    running: Running,
) -> Response:
    """For a number of days after each activity nobody else may work the customer. A customer has one protector."""
    staff = models.staff(request.staff, running.network, await staff_of(running, lead_id, context))
    assert staff is not None  # the request has one
    try:
        return respond(await holding.protect(running, lead_id, staff, context))
    except holding.Protected as protected:
        holder = protected.holder
        told = {"dealer": holder.dealer, "staff": holder.staff, "until": rfc3339(holder.until)}
        raise Problem("customer_protected", extra={"holder": told}) from None
    except holding.AskedTooOften as refused:
        headers = {
            "Retry-After": str(refused.retry_after),
            "RateLimit-Policy": f'"disclosures";q={refused.most};w=3600',
            "RateLimit": f'"disclosures";r=0;t={refused.retry_after}',
        }
        raise Problem("asked_too_often", headers=headers) from None


@routes.post(
    "/{lead_id}:release",
    summary="Release a lead into the pool",
    response_model=None,
    responses=answered(shown.CommandAnswer, "In the pool", "lead_closed", "acceptance_pending", "lead_without_dealer"),
)
async def release_lead(
    lead_id: LeadId,
    request: Annotated[models.ReasonRequest, Body(openapi_examples=shown.example(shown.DECLINE))],
    context: Write,
    running: Running,
) -> Response:
    """Anybody at the dealer may claim it. A protection that ran out does the same."""
    order = domain.ReleaseLead(request.reason, context.now)
    return respond(await service.command(running, lead_id, order, context, note("release", request.note)))


@routes.post(
    "/{lead_id}:claim",
    summary="Take a lead out of the pool",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Claimed", "lead_closed", "not_in_pool", "acceptance_pending"),
)
async def claim_lead(
    lead_id: LeadId,
    request: Annotated[models.StaffRequest, Body(openapi_examples=shown.example(shown.STAFF))],
    context: Write,
    running: Running,
) -> Response:
    """Of several who claim it, one gets it."""
    staff = models.staff(request.staff, running.network, await staff_of(running, lead_id, context))
    assert staff is not None  # the request has one
    return respond(await service.command(running, lead_id, domain.ClaimLead(staff, context.now), context))


@routes.post(
    "/{lead_id}:assign",
    summary="Give a lead to a member of staff",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Assigned", "lead_closed", "acceptance_pending"),
)
async def assign_lead(
    lead_id: LeadId,
    request: Annotated[models.AssignRequest, Body(openapi_examples=shown.example(shown.ASSIGN))],
    context: Write,
    running: Running,
) -> Response:
    """The next action and a protection go with it."""
    staff = models.staff(request.staff, running.network, await staff_of(running, lead_id, context))
    assert staff is not None  # the request has one
    return respond(await holding.assign(running, lead_id, staff, request.reason, context))


@routes.post(
    ":reassign",
    summary="Move a leaver's leads",
    response_model=None,
    responses=answered(shown.ReassignAnswer, "Moved", "no_successor"),
)
async def reassign_leads(
    request: Annotated[models.ReassignRequest, Body(openapi_examples=shown.example(shown.REASSIGN))],
    context: Write,
    running: Running,
) -> Response:
    """All leads that somebody owns or is to act on next, up to 500 at once; none is orphaned: what `to` cannot
    take goes to the dealer's manager. Send it again while `left` is not 0."""
    to = models.staff(request.to, running.network, context.dealer, "/to")
    moved = await holding.reassign(running, request.from_, to, request.reason, context)
    return json({"moved": moved.leads, "to": moved.to, "left": moved.left})


# ── Sharing ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/{lead_id}:share",
    summary="Share a customer with another dealer",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Shared",
        "lead_closed",
        "share_with_holder",
        "share_in_the_past",
        "lead_without_dealer",
        "acceptance_pending",
    ),
)
async def share_customer(
    lead_id: LeadId,
    request: Annotated[models.ShareRequest, Body(openapi_examples=shown.example(shown.SHARE))],
    context: Write,
    running: Running,
) -> Response:
    """This lead becomes readable to that dealer until the end date: its facts, or its personal data too. Every reading
    is written down. To read is all it may."""
    dealer = models.known_dealer(request.dealer, running.network)
    assert dealer is not None  # the request has one
    order = domain.ShareCustomer(dealer, request.scope, request.until, request.reason, context.now)
    return respond(await service.command(running, lead_id, order, context))


@routes.post(
    "/{lead_id}:revoke-share",
    summary="End a share",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Ended", "lead_closed"),
)
async def revoke_share(
    lead_id: LeadId,
    request: Annotated[models.RevokeRequest, Body(openapi_examples=shown.example(shown.REVOKE))],
    context: Write,
    running: Running,
) -> Response:
    """The dealer no longer sees it."""
    return respond(await service.command(running, lead_id, domain.RevokeShare(request.dealer, context.now), context))


# ── Signs of interest ─────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/{lead_id}:record-visit",
    summary="Record a showroom visit",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Recorded", "lead_closed"),
)
async def record_visit(
    lead_id: LeadId,
    request: Annotated[models.VisitRequest, Body(openapi_examples=shown.example(shown.VISIT))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """It counts for the score."""
    staff = models.staff(request.staff, running.network, await staff_of(running, lead_id, context))
    at = models.happened(request.occurred_at, context.now)
    rules = running.network.rules()
    order = domain.RecordVisit(request.purpose, request.persons, staff, rules, at, context.now)
    return respond(await service.command(running, lead_id, order, context, note("visit", request.note)))


@routes.post(
    "/{lead_id}:record-experience",
    summary="Record an online experience",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Recorded", "lead_closed"),
)
async def record_experience(
    lead_id: LeadId,
    request: Annotated[models.ExperienceRequest, Body(openapi_examples=shown.example(shown.EXPERIENCE))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """What of a car was tried on a site. It counts for the score."""
    model = models.known_model(request.model, running.network, "/model")
    assert model is not None  # the request has one
    at = models.happened(request.occurred_at, context.now)
    rules = running.network.rules()
    order = domain.RecordExperience(model, request.feature, request.seconds, request.site, rules, at, context.now)
    return respond(await service.command(running, lead_id, order, context))


@routes.post(
    "/{lead_id}:score",
    summary="Score a lead",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Scored", "lead_closed"),
)
async def score_lead(lead_id: LeadId, context: Write, running: Running) -> Response:
    """By what is known of it now. Every sign of interest scores it anew by itself."""
    order = domain.ScoreLead(running.network.rules(), context.now)
    return respond(await service.command(running, lead_id, order, context))
