"""What all routes share: who asks, what is kept running, problems, waiting for what the caller wrote."""

from collections.abc import Coroutine
from typing import Annotated, Any

import orjson
from fastapi import Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from projection.api.problems import PROBLEMS
from projection.service import NotYet, Waiting
from projection.views.shares import Viewer
from projection.wakeups import Wakeups
from roadbook.database import Pool
from roadbook.http.answers import Page, page
from roadbook.http.auth import Caller, requires
from roadbook.http.catalogue import answering
from roadbook.http.context import correlation_of
from roadbook.http.problems import Problem
from roadbook.http.routes import Admission
from roadbook.http.types import Uuid
from roadbook.position import MAX_CHARACTERS, BadPosition, Position, decode

answered = answering(PROBLEMS)
WAITS = ("not_yet_visible", "position_invalid")
"""What a route that takes `min` may answer."""

Reader = Annotated[Caller, requires("record:read")]
CustomerId = Annotated[Uuid, Path(description="Any party reference of the customer.")]
Paged = Annotated[Page, Depends(page)]
StreamName = Annotated[
    str, Field(pattern=r"^[a-z_]{1,50}/[A-Za-z0-9._:-]{1,149}$", examples=["lead/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"])
]


class Running:
    """What the handlers need, kept by `main` in the application's state."""

    def __init__(self, pool: Pool, wakeups: Wakeups, admission: Admission) -> None:
        self.pool = pool
        self.admission = admission
        self.waiting = Waiting(pool, wakeups)


async def running(request: Request) -> Running:
    kept: Running = request.app.state.projection
    return kept


Kept = Annotated[Running, Depends(running)]


async def at_least(
    token: Annotated[
        str | None,
        Query(
            alias="min",
            max_length=MAX_CHARACTERS,
            description="`position` of a command's answer: the read waits up to 2 s until it shows that.",
        ),
    ] = None,
) -> Position | None:
    try:
        return None if token is None else decode(token)
    except BadPosition:
        raise Problem("position_invalid") from None


AtLeast = Annotated[Position | None, Depends(at_least)]


def viewer(request: Request, caller: Caller, operation: str) -> Viewer:
    """Who asks, as of now; `operation` is the id of the route."""
    dealer = None if caller.headquarters else caller.dealer
    return Viewer(dealer, request.app.state.clock.now(), caller.sub, operation, correlation_of(request.scope))


# ── Waiting ───────────────────────────────────────────────────────────────────────────────────────────────────
async def wait(kept: Running, minimum: Position | None, viewer: Viewer) -> None:
    """Until `minimum` is visible to the viewer, else a 503 that says nothing of why not."""
    if minimum is not None:
        await in_time(kept, kept.waiting.visible(minimum, viewer))


async def in_time(kept: Running, waiting: Coroutine[Any, Any, None]) -> None:
    try:
        with kept.admission.aside():
            await waiting
    except NotYet:
        raise Problem("not_yet_visible", headers={"Retry-After": "1"}) from None


def plain(body: Any) -> Response:
    """An answer without an ETag."""
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), 200, headers, "application/json")


def secret(request: Request) -> str:
    kept: str = request.app.state.settings.cursor_secret.get_secret_value()
    return kept
