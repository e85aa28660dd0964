"""ADF documents, and the quarantine of what could not be read."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Body, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lead import adf
from lead.api import shown
from lead.api.parts import Paged, Running, after, answered, next_cursor
from lead.service import intake
from lead.views.documents import Quarantined
from roadbook.context import CommandContext
from roadbook.http.answers import page_response, respond
from roadbook.http.auth import Caller, requires
from roadbook.http.context import command
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import Uuid, rfc3339

routes = router("/v1/adf", tags=["adf"])

MEDIA_TYPES = ("application/xml", "text/xml", "application/x-adf+xml", "text/plain", "text/html", "message/rfc822")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
QuarantineId = Annotated[Uuid, Path(description="The `quarantine` of an intake's result.")]
Intake = Annotated[CommandContext, command("lead:intake")]


def _body(required: bool) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary", "minLength": 1, "maxLength": adf.LARGEST}
    content = {kind: {"schema": schema} for kind in MEDIA_TYPES}
    content["application/xml"] = {"schema": schema, "example": shown.ADF}  # type: ignore[dict-item]
    return {"requestBody": {"required": required, "content": content}}


def _given(request: Request, document: bytes) -> intake.Given:
    """Only the charset is kept of the media type's parameters: a client may write anything there."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = _CHARSET.search(parameters)
    return intake.Given(document, kind.strip().lower() + (f"; charset={charset[1]}" if charset else ""))


@routes.post(
    "",
    summary="Take an ADF document",
    response_model=None,
    openapi_extra=_body(required=True),
    responses=answered(shown.IntakeAnswer, "One result per prospect, in order", "adf_refused"),
)
async def take_adf(
    request: Request,
    document: Annotated[bytes, Body(media_type="application/xml")],
    context: Annotated[CommandContext, command("lead:intake", key="required")],
    running: Running,
) -> Response:
    """Up to 100 prospects, each its own lead. A resend adds what is new and doubles nothing; what cannot be read waits
    in the quarantine. The document itself is kept until its time is up."""
    try:
        return respond(await intake.take(running, _given(request, document), context))
    except adf.Refused as refused:
        raise _refused(refused) from None


def _refused(refused: adf.Refused) -> Problem:
    return Problem("adf_refused", adf.REFUSALS[refused.code], extra={"reason": refused.code})


@routes.get(
    "/quarantine",
    summary="List the quarantine",
    response_model=None,
    responses={200: {"model": shown.QuarantinePage, "description": "Newest first, without the texts"}},
)
async def list_quarantine(
    request: Request,
    caller: Annotated[Caller, requires("lead:intake")],
    running: Running,
    page: Paged,
    state: Annotated[Literal["open", "replayed", "discarded"], Query()] = "open",
) -> Response:
    """What could not become a lead, and why."""
    bound = {"list": "quarantine", "dealer": caller.dealer, "state": state}
    rows = await intake.waiting(
        running, dealer=caller.dealer, state=state, after=after(request, page, bound), limit=page.size + 1
    )
    cursor = next_cursor(request, page, bound, [(row.received, row.id) for row in rows])
    return page_response(request, [_listed(row) for row in rows[: page.size]], cursor)


def _listed(entry: Quarantined) -> dict[str, Any]:
    return {
        "quarantine": str(entry.id),
        "dealer": entry.dealer,
        "document": str(entry.document),
        "place": entry.place,
        "reasons": entry.reasons,
        "state": entry.state,
        "received": rfc3339(entry.received),
        "expires_at": rfc3339(entry.expires_at),
    }


@routes.get(
    "/quarantine/{quarantine_id}",
    summary="Read a quarantined prospect",
    response_model=None,
    responses={200: {"model": shown.QuarantineShown, "description": "With its raw text"}},
)
async def read_quarantined(
    quarantine_id: QuarantineId, caller: Annotated[Caller, requires("lead:intake")], running: Running
) -> Response:
    entry, given = await intake.quarantined(running, UUID(quarantine_id), caller.dealer)
    fragment = given.content.decode("utf-8", "replace") if given else None
    body = orjson.dumps({**_listed(entry), "fragment": fragment})
    return Response(body, 200, {"Cache-Control": "private, no-store", "Vary": "Authorization"}, "application/json")


@routes.post(
    "/quarantine/{quarantine_id}:replay",
    summary="Read a quarantined prospect again",
    response_model=None,
    openapi_extra=_body(required=False),
    responses=answered(
        shown.QuarantineAnswer, "Now a lead", "quarantine_closed", "adf_still_unreadable", "adf_refused", "lead_closed"
    ),
)
async def replay_quarantined(
    request: Request,
    quarantine_id: QuarantineId,
    context: Intake,
    running: Running,
    document: Annotated[bytes | None, Body(media_type="application/xml")] = None,
) -> Response:
    """With a corrected document as the body, that is read instead."""
    corrected = _given(request, document) if document else None
    try:
        return respond(await intake.replay(running, UUID(quarantine_id), corrected, context))
    except intake.StillUnreadable as unreadable:
        raise Problem("adf_still_unreadable", extra={"reasons": unreadable.reasons}) from None
    except adf.Refused as refused:
        raise _refused(refused) from None


@routes.post(
    "/quarantine/{quarantine_id}:discard",
    summary="Discard a quarantined prospect",
    response_model=None,
    responses=answered(shown.QuarantineAnswer, "Discarded", "quarantine_closed"),
)
async def discard_quarantined(quarantine_id: QuarantineId, context: Intake, running: Running) -> Response:
    """It leaves the list of what waits; its text is kept until its time is up."""
    return respond(await intake.discard(running, UUID(quarantine_id), context))
