"""The steward's queue: pairs that look like one customer, and are linked by nobody yet."""

from typing import Annotated

from fastapi import Body
from starlette.requests import Request
from starlette.responses import Response

from identity.api import models, shown
from identity.api.links import pair_shown
from identity.api.parts import (
    Decide,
    LinkId,
    Paged,
    Running,
    Steward,
    after,
    answered,
    next_cursor,
    pair,
    steward_only,
)
from identity.service import links as service
from roadbook.http.answers import page_response, respond
from roadbook.http.routes import router

routes = router("/v1/link-proposals", tags=["proposals"])


@routes.get(
    "",
    summary="List proposed links",
    response_model=None,
    responses=answered(shown.ProposalsPage, "The likeliest first", "steward_only"),
)
async def list_proposals(request: Request, caller: Steward, running: Running, page: Paged) -> Response:
    """With score (0 to 1000) and evidence. What was decided leaves the queue."""
    steward_only(caller.dealer)
    bound = {"list": "proposals"}
    opened = after(request, page, bound)
    start = None if opened is None else (int(opened[0]), str(opened[1]), str(opened[2]))
    rows = await service.queue(running, start, page.size + 1)
    cursor = next_cursor(request, page, bound, [[row.score or 0, row.smaller, row.larger] for row in rows])
    return page_response(request, [pair_shown(row) for row in rows[: page.size]], cursor)


@routes.post(
    "/{link_id}:approve",
    summary="Approve a proposed link",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Linked", "cannot_link", "steward_only"),
)
async def approve_proposal(link_id: LinkId, context: Decide, running: Running) -> Response:
    """They are one customer."""
    steward_only(context.dealer)
    return respond(await service.approve(running, pair(link_id), context))


@routes.post(
    "/{link_id}:reject",
    summary="Reject a proposed link",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Told apart", "link_exists", "steward_only"),
)
async def reject_proposal(
    link_id: LinkId,
    request: Annotated[models.ReasonRequest, Body(openapi_examples=shown.example(shown.REASON))],
    context: Decide,
    running: Running,
) -> Response:
    """They are two, and no rule joins them, not even by way of a third reference."""
    steward_only(context.dealer)
    return respond(await service.reject(running, pair(link_id), request.reason, context))
