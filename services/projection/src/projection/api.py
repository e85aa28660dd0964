"""The record over HTTP: parse -> read -> show. No SQL and no rules in here; nothing personal in a URL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

import orjson
from fastapi import Body, Depends, Path, Query
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from projection import contract, service, shown
from projection.contract import SearchKey
from projection.domain.record import Record, record_hash, record_tag, values
from projection.service import Entry, Found, NotYet
from projection.views import TimelineFilter
from projection.wakeups import Wakeups
from roadbook.database import Pool
from roadbook.http.answers import Page, open_cursor, page, page_response, read_response, sign_cursor
from roadbook.http.auth import Caller, requires
from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem, ProblemType
from roadbook.http.routes import router
from roadbook.http.types import Instant, StrictModel, Text, Uuid
from roadbook.position import MAX_CHARACTERS, BadPosition, Position, decode
from roadbook.wire import parse_rfc3339, rfc3339

routes = router("/v1/customers", tags=["customers"])
ROUTERS = (routes,)
PROBLEMS = (
    ProblemType(
        "not_yet_visible",
        503,
        "Not yet visible",
        "What `min` stands for has not reached the record within two seconds.",
        "Send the request again after the seconds in Retry-After.",
        True,
    ),
    ProblemType(
        "position_invalid",
        400,
        "Position invalid",
        "`min` is not a position that a command has answered.",
        "Send the `position` of a command's answer as it is, or leave `min` out.",
        False,
    ),
)

Reader = Annotated[Caller, requires("record:read")]
CustomerId = Annotated[Uuid, Path(description="Any party reference of the customer.")]
Paged = Annotated[Page, Depends(page)]


class Running:
    """What the handlers need, kept by `main` in the application's state."""

    def __init__(self, pool: Pool, wakeups: Wakeups) -> None:
        self.pool = pool
        self.wakeups = wakeups


def running(request: Request) -> Running:
    kept: Running = request.app.state.projection
    return kept


Kept = Annotated[Running, Depends(running)]


def at_least(
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


def viewer(caller: Caller) -> str | None:
    """The dealer whose streams may be seen; None = headquarters, which sees all."""
    return None if caller.headquarters else caller.dealer


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/{customer_id}",
    summary="Read a lifetime record",
    response_model=None,
    responses={200: {"model": shown.RecordShown, "description": "What you may see of this customer"}},
)
async def read_customer(
    request: Request, customer_id: CustomerId, caller: Reader, kept: Kept, minimum: AtLeast
) -> Response:
    """One customer, from all streams the caller's dealer holds (headquarters: all). Everything in the answer, ids,
    counts, hash and ETag included, is made of these alone."""
    await _wait(kept, minimum, caller)
    record = await service.read_record(kept.pool, customer_id, viewer(caller), request.app.state.clock.now())
    body, tag = show(record)
    return read_response(request, body, f'W/"{tag}"')


def show(record: Record) -> tuple[bytes, str]:
    """The record as JSON, and its tag."""
    facts: Any = values(record.facts)
    hash_ = record_hash(facts)
    body = {
        "head": {**facts["head"], "as_of": rfc3339(record.at), "record_hash": hash_},
        "identity": record.identity,
        "consent": facts["consent"],
        "responsibility": facts["responsibility"],
        "intent": facts["intent"],
        "journey": facts["journey"],
        "timeline": f"/v1/customers/{record.customer_id}/timeline",
    }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z), record_tag(hash_, record)


# ── The timeline ──────────────────────────────────────────────────────────────────────────────────────────────
EventTypeName = Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,200}$", examples=["roadbook.lead.lead_qualified.v1"])]
StreamName = Annotated[str, Field(pattern=r"^[a-z_]{1,50}/[A-Za-z0-9._:-]{1,149}$")]


@routes.get(
    "/{customer_id}/timeline",
    summary="Read a timeline",
    response_model=None,
    responses={200: {"model": shown.TimelinePage, "description": "Oldest first"}},
)
async def read_timeline(
    request: Request,
    customer_id: CustomerId,
    caller: Reader,
    kept: Kept,
    minimum: AtLeast,
    page: Paged,
    type_: Annotated[EventTypeName | None, Query(alias="type")] = None,
    stream: Annotated[StreamName | None, Query()] = None,
    since: Annotated[Instant | None, Query(alias="from", description="Occurred at or after.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Occurred before.")] = None,
) -> Response:
    """Every event the caller may see, by when it occurred, then stream and version. No personal data."""
    await _wait(kept, minimum, caller)
    wanted = TimelineFilter(type_, since, until)
    bound = {
        "list": "timeline",
        "customer": customer_id,
        "dealer": viewer(caller),
        "filter": [type_, stream, since and rfc3339(since), until and rfc3339(until)],
    }
    after = None
    if page.cursor is not None:
        moment, name, version = open_cursor(_secret(request), page.cursor, bound)
        after = (parse_rfc3339(moment), name, version)
    entries = await service.read_timeline(kept.pool, customer_id, viewer(caller), wanted, stream, after, page.size + 1)
    cursor = None
    if len(entries) > page.size:
        last = entries[page.size - 1].row
        cursor = sign_cursor(_secret(request), [rfc3339(last["time"]), last["stream"], last["version"]], bound)
    return page_response(request, [_entry(entry) for entry in entries[: page.size]], cursor)


def _entry(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "occurred_at": rfc3339(row["time"]),
        "recorded_at": rfc3339(row["recorded"]),
        "type": row["type"],
        "known": entry.known,
        "summary": entry.summary,
        "dealer": row["dealer"],
        "actor": row["actor"],
        "event_id": row["id"],
        "stream": row["stream"],
        "version": row["version"],
        "cause": row["cause"],
    }


# ── Search ────────────────────────────────────────────────────────────────────────────────────────────────────
class SearchRequest(StrictModel):
    """Exactly one of them. A name is found by its beginning, whatever its blanks, width and letter case."""

    phone: Annotated[str, Text(100), Field(examples=["138 1234 5678"])] | None = None
    email: Annotated[str, Text(320), Field(examples=["zhang.wei@example.com"])] | None = None
    name: Annotated[str, Text(200), Field(examples=["张伟"])] | None = None
    vin: Annotated[str, Text(40), Field(examples=["LSVAA49J132047371"])] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.phone, self.email, self.name, self.vin)) != 1:
            raise PydanticCustomError("one_criterion", "must have exactly one of phone, email, name and vin")
        return self

    def key(self) -> SearchKey:
        """Raises `Problem` 422 for a text that cannot be what it is said to be."""
        for field, text, read in (
            ("phone", self.phone, contract.phone_key),
            ("email", self.email, contract.email_key),
            ("name", self.name, contract.name_key),
            ("vin", self.vin, contract.vin_key),
        ):
            if text is not None:
                key = read(text)
                if key is None:
                    fault = FieldError(f"/{field}", "invalid_value", f"cannot be read as {field}")
                    raise Problem("invalid_request", errors=[fault])
                return key
        raise Problem("invalid_request")


@routes.post(
    ":search",
    summary="Find customers",
    response_model=None,
    responses={200: {"model": shown.FoundPage, "description": "By customer id"}},
)
async def search_customers(
    request: Request,
    wanted: Annotated[SearchRequest, Body()],
    caller: Reader,
    kept: Kept,
    minimum: AtLeast,
    page: Paged,
) -> Response:
    """Customers of the caller's dealer (headquarters: all) by phone, e-mail, name or VIN."""
    key = wanted.key()
    await _wait(kept, minimum, caller)
    if minimum is not None:
        await _in_time(service.wait_for_composer(kept.pool, kept.wakeups, minimum))
    bound = {"list": "search", "dealer": viewer(caller), "kind": key.kind, "key": key.key}
    after = ""
    if page.cursor is not None:
        (after,) = open_cursor(_secret(request), page.cursor, bound)
    found = await service.find(kept.pool, key, viewer(caller), after, page.size + 1)
    cursor = None
    if len(found) > page.size:
        cursor = sign_cursor(_secret(request), [found[page.size - 1].row["customer_id"]], bound)
    return page_response(request, _customers(found[: page.size]), cursor)


def _customers(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": each.row["customer_id"],
            "party_refs": each.row["party_refs"],
            "names": each.names,
            "stage": each.row["stage"],
            "stage_since": _instant(each.row["stage_since"]),
            "open_leads": each.row["open_leads"],
            "overdue": each.row["overdue"],
            "last_event_at": _instant(each.row["last_event"]),
        }
        for each in found
    ]


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


# ── Waiting ───────────────────────────────────────────────────────────────────────────────────────────────────
async def _wait(kept: Running, minimum: Position | None, caller: Caller) -> None:
    if minimum is not None:
        await _in_time(service.wait_for(kept.pool, kept.wakeups, minimum, viewer(caller)))


async def _in_time(waiting: Any) -> None:
    try:
        await waiting
    except NotYet:
        raise Problem("not_yet_visible", headers={"Retry-After": "1"}) from None


def _secret(request: Request) -> str:
    secret: str = request.app.state.settings.cursor_secret.get_secret_value()
    return secret
