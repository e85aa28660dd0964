"""What the routes of this service share."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from lead.api.problems import PROBLEMS
from lead.domain.lead import Lead
from lead.service import Service, leads
from lead.service.reading import Reader
from roadbook.context import CommandContext
from roadbook.events import Recorded
from roadbook.http.answers import Page, open_cursor, page, sign_cursor
from roadbook.http.auth import Caller
from roadbook.http.catalogue import answering
from roadbook.http.context import command, correlation_of
from roadbook.http.problems import Problem
from roadbook.http.types import Uuid, rfc3339


async def running(request: Request) -> Service:
    service: Service = request.app.state.lead
    return service


Running = Annotated[Service, Depends(running)]
LeadId = Annotated[Uuid, Path(description="The id in the `Location` of the capture.")]
Paged = Annotated[Page, Depends(page)]
Write = Annotated[CommandContext, command("lead:write")]
WriteOnce = Annotated[CommandContext, command("lead:write", key="required")]
answered = answering(PROBLEMS)


def note(about: str, text: str | None) -> tuple[str, str] | None:
    return None if text is None else (about, text)


async def staff_of(running: Service, lead_id: str, context: CommandContext) -> str | None:
    """Whose staff may work this lead: the caller's; if that is headquarters, of the dealer that holds it."""
    if context.dealer is not None:
        return context.dealer
    state = (await leads.find(running, lead_id)).state
    return state.dealer if isinstance(state, Lead) else None


def headquarters_only(caller_dealer: str | None) -> None:
    """Refuses a dealer, once it is known that the dealer may see what it asks about."""
    if caller_dealer is not None:
        raise Problem("headquarters_only")


def json(body: object) -> Response:
    return Response(orjson.dumps(body), 200, {"Cache-Control": "private, no-store"}, "application/json")


def event_shown(event: Recorded) -> dict[str, Any]:
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


def reader(request: Request, caller: Caller, what: str) -> Reader:
    now: datetime = request.app.state.clock.now()
    return Reader(caller.dealer, caller.sub, what, correlation_of(request.scope), now)


# ── Cursors ───────────────────────────────────────────────────────────────────────────────────────────────────
def secret(request: Request) -> str:
    value: str = request.app.state.settings.cursor_secret.get_secret_value()
    return value


def after(request: Request, page: Page, bound: dict[str, Any]) -> tuple[datetime, UUID] | None:
    if page.cursor is None:
        return None
    moment, id_ = open_cursor(secret(request), page.cursor, bound)
    return datetime.fromisoformat(moment), UUID(id_)


def next_cursor(request: Request, page: Page, bound: dict[str, Any], keys: list[tuple[datetime, UUID]]) -> str | None:
    """From one key more than the page shows: if it is there, there is a next page after the last shown."""
    if len(keys) <= page.size:
        return None
    moment, id_ = keys[page.size - 1]
    return sign_cursor(secret(request), [rfc3339(moment), str(id_)], bound)
