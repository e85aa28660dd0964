"""Why a value of the record is what it is."""

from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from projection import service
from projection.api.parts import WAITS, AtLeast, CustomerId, Kept, Reader, answered, plain, viewer, wait
from projection.api.shown.why import WhyShown
from projection.api.when import Moment
from projection.domain.reasons import NoSuchPath
from projection.service import Entry, Reason
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.wire import rfc3339

routes = router("/v1/customers", tags=["customers"])

Pointer = Annotated[
    str,
    Query(
        max_length=500,
        description="JSON Pointer (RFC 6901) into the record as it is shown.",
        examples=["/head/stage"],
    ),
]


@routes.get(
    "/{customer_id}/why",
    summary="Ask why a record says something",
    response_model=None,
    responses=answered(WhyShown, "The value and what made it", "path_unknown", *WAITS),
)
async def read_why(
    request: Request,
    customer_id: CustomerId,
    caller: Reader,
    kept: Kept,
    minimum: AtLeast,
    moment: Moment,
    path: Pointer,
) -> Response:
    """One value of the record as you would read it, the events that made it, as few as do, and the rule that judged
    them. Of a personal value where it comes from. A read through a share is put on record."""
    await wait(kept, minimum, viewer(request, caller, "read_why"))
    try:
        reason = await service.read_why(kept.pool, customer_id, path, viewer(request, caller, "read_why"), moment)
    except NoSuchPath:
        raise Problem("path_unknown") from None
    return plain(_shown(path, reason))


def _shown(path: str, reason: Reason) -> dict[str, Any]:
    value = reason.value
    personal = None
    if reason.answer.personal is not None:
        personal = {
            "source": value.source if value else None,
            "version": value.version if value else None,
            "recorded_at": value.recorded_at if value else None,
            "verified_at": value.verified_at if value else None,
        }
    return {
        "path": path,
        "value": reason.answer.value,
        "events": [_event(each) for each in reason.events],
        "rule": {"name": reason.answer.rule, "version": reason.rules},
        "personal": personal,
    }


def _event(each: Entry) -> dict[str, Any]:
    row = each.row
    return {
        "event_id": row["id"],
        "type": row["type"],
        "stream": row["stream"],
        "version": row["version"],
        "occurred_at": rfc3339(row["time"]),
        "recorded_at": rfc3339(row["recorded"]),
        "summary": each.summary,
    }
