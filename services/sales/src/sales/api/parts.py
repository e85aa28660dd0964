"""What the routes of this service share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from roadbook.context import CommandContext
from roadbook.events import Recorded
from roadbook.http.answers import Page, etag, open_cursor, page, page_response, read_response, sign_cursor
from roadbook.http.auth import Caller, requires
from roadbook.http.catalogue import answering
from roadbook.http.context import command
from roadbook.http.problems import Problem
from roadbook.http.types import rfc3339
from sales.api import words
from sales.api.problems import PROBLEMS
from sales.service import Service
from sales.service.commands import StaffUnknown, visible
from sales.service.opportunities import DealerMissing, PartyUnknown, listed
from sales.views.listing import Listing


async def running(request: Request) -> Service:
    service: Service = request.app.state.sales
    return service


Running = Annotated[Service, Depends(running)]
Paged = Annotated[Page, Depends(page)]
Reading = Annotated[Caller, requires("sales:read")]
Write = Annotated[CommandContext, command("sales:write")]
WriteOnce = Annotated[CommandContext, command("sales:write", key="required")]
DealerQuery = Annotated[words.DealerCode | None, Query(description="For headquarters; a dealer sees its own.")]
answered = answering(PROBLEMS)
_any: TypeAdapter[Any] = TypeAdapter(Any)


@contextmanager
def named(staff: str = "/staff") -> Iterator[None]:
    """Whoever is named in a request and may not be: a 422, or a 404 for another's party reference."""
    try:
        yield
    except StaffUnknown:
        raise words.unknown_staff(staff) from None
    except DealerMissing:
        raise words.refuse("/dealer", "missing", "headquarters names the dealer") from None
    except PartyUnknown:
        raise Problem("party_unknown") from None


def known_dealer(running: Service, context: CommandContext, dealer: str | None) -> None:
    """Raises a 422 for a dealer that is not of the network, or that a dealer names."""
    if context.dealer is not None and dealer not in (None, context.dealer):
        raise words.refuse("/dealer", "not_yours", "is for headquarters to name")
    if dealer is not None and not running.network.is_dealer(dealer):
        raise words.refuse("/dealer", "unknown_dealer", "must be a dealer of the network")


# ── Writing answers ───────────────────────────────────────────────────────────────────────────────────────────
def json(body: object) -> Response:
    return Response(orjson.dumps(body), 200, {"Cache-Control": "private, no-store"}, "application/json")


def plain(value: Any) -> Any:
    """As it stands in JSON."""
    match value:
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return {name: plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return value


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


async def one(
    request: Request, running: Service, caller: Caller, aggregate: str, id_: str, hidden: Sequence[str] = ()
) -> Response:
    """The thing as of its last event, without what only decisions need. Raises `NotFound`."""
    stream = f"{aggregate}/{id_}"
    state, events = await visible(running, stream, caller.dealer)
    facts = _any.dump_python(state, mode="json")
    facts["state"] = facts.pop("status")
    for name in hidden:
        del facts[name]
    body = {aggregate: id_, "stream": stream, "version": len(events), **facts}
    return read_response(request, body, etag(len(events)))


async def events_of(request: Request, running: Service, caller: Caller, stream: str, page: Page) -> Response:
    """Every fact of a stream, in its order. Raises `NotFound`."""
    bound = {"list": "events", "stream": stream, "dealer": caller.dealer}
    start = 0
    if page.cursor is not None:
        (start,) = open_cursor(secret(request), page.cursor, bound)
    _, events = await visible(running, stream, caller.dealer)
    end = start + page.size
    cursor = sign_cursor(secret(request), [end], bound) if end < len(events) else None
    return page_response(request, [event_shown(event) for event in events[start:end]], cursor)


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────
def holder(caller: Caller, dealer: str | None) -> tuple[str | None, bool]:
    """(whose list it is, None: everybody's; whether the caller may ask for it)."""
    if caller.headquarters:
        return dealer, True
    return caller.dealer, dealer is None or caller.may_see(dealer)


async def list_of(
    request: Request, running: Service, caller: Caller, page: Page, of: Listing, wanted: Mapping[str, Any]
) -> Response:
    """A page of a table, newest first. What a dealer asks of another's is empty, as of one that has none."""
    dealer, allowed = holder(caller, wanted.get("dealer"))
    if not allowed:
        return page_response(request, [], None)
    asked = {**wanted, "dealer": dealer}
    bound = {"list": of.table, **plain(asked)}
    rows = await listed(running, of, asked, after(request, page, bound), page.size + 1)
    cursor = next_cursor(request, page, bound, [(row[of.moment], row[of.id]) for row in rows])
    return page_response(request, [_item(of, row) for row in rows[: page.size]], cursor)


def _item(of: Listing, row: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = plain(row)
    return {of.name or of.id: shown.pop(of.id), **shown}


# ── Cursors ───────────────────────────────────────────────────────────────────────────────────────────────────
def secret(request: Request) -> str:
    value: str = request.app.state.settings.cursor_secret.get_secret_value()
    return value


def after(request: Request, page: Page, bound: Mapping[str, Any]) -> tuple[datetime, UUID] | None:
    if page.cursor is None:
        return None
    moment, id_ = open_cursor(secret(request), page.cursor, bound)
    return datetime.fromisoformat(moment), UUID(id_)


def next_cursor(
    request: Request, page: Page, bound: Mapping[str, Any], keys: Sequence[tuple[datetime, UUID]]
) -> str | None:
    """From one key more than the page shows: if it is there, there is a next page after the last shown."""
    if len(keys) <= page.size:
        return None
    moment, id_ = keys[page.size - 1]
    return sign_cursor(secret(request), [rfc3339(moment), str(id_)], bound)
