"""The record over HTTP: parse -> read -> show. No SQL and no rules in here; nothing personal in a URL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

import orjson
from fastapi import Body, Query
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from projection import contract, service
from projection.api import shown
from projection.api.parts import (
    WAITS,
    AtLeast,
    CustomerId,
    Kept,
    Paged,
    Reader,
    StreamName,
    answered,
    in_time,
    secret,
    viewer,
    wait,
)
from projection.api.when import Moment
from projection.contract import SearchKey
from projection.domain.record import Record, hash_of, record_tag, values
from projection.service import Entry, Found
from projection.views.records import TimelineFilter
from roadbook.http.answers import open_cursor, page_response, read_response, sign_cursor
from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem
from roadbook.http.routes import router
from roadbook.http.types import Instant, StrictModel, Text
from roadbook.wire import parse_rfc3339, rfc3339

routes = router("/v1/customers", tags=["customers"])


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/{customer_id}",
    summary="Read a lifetime record",
    response_model=None,
    responses=answered(shown.RecordShown, "What you may see of this customer", *WAITS),
)
async def read_customer(
    request: Request, customer_id: CustomerId, caller: Reader, kept: Kept, minimum: AtLeast, moment: Moment
) -> Response:
    """One customer, from all streams the caller's dealer holds or was granted (headquarters: all). Everything in the
    answer, ids, counts, hash and ETag included, is made of these alone. A read through a share is put on record.

    With `as_of` and `known_at` the record as it was, and as it was known; what may be seen is what may be seen now."""
    await wait(kept, minimum, viewer(request, caller, "read_customer"))
    record = await service.read_record(kept.pool, customer_id, viewer(request, caller, "read_customer"), moment)
    body, tag = show(record, moment.known_at)
    return read_response(request, body, f'W/"{tag}"')


SECTIONS = (
    "parties",
    "owner_kind",
    "relationships",
    "verification",
    "consent",
    "restrictions",
    "profile",
    "responsibility",
    "intent",
    "journey",
    "opportunities",
    "quotes",
    "contracts",
    "purchases",
    "accessories",
    "trade_ins",
    "vehicles",
)


def show(record: Record, known_at: datetime | None = None) -> tuple[bytes, str]:
    """The record as JSON, and its tag."""
    facts: Any = values(record.facts)
    hash_ = hash_of(facts)
    told = {"as_of": rfc3339(record.at), "known_at": known_at and rfc3339(known_at), "record_hash": hash_}
    body = {
        "head": {**facts["head"], **told},
        "identity": record.identity,
        **{name: facts[name] for name in SECTIONS},
        "timeline": f"/v1/customers/{record.customer_id}/timeline",
    }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z), record_tag(hash_, record)


# ── The timeline ──────────────────────────────────────────────────────────────────────────────────────────────
EventTypeName = Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,200}$", examples=["roadbook.lead.lead_qualified.v1"])]


@routes.get(
    "/{customer_id}/timeline",
    summary="Read a timeline",
    response_model=None,
    responses=answered(shown.TimelinePage, "Oldest first", "cursor_invalid", *WAITS),
)
async def read_timeline(
    request: Request,
    customer_id: CustomerId,
    caller: Reader,
    kept: Kept,
    minimum: AtLeast,
    page: Paged,
    moment: Moment,
    type_: Annotated[EventTypeName | None, Query(alias="type")] = None,
    stream: Annotated[StreamName | None, Query()] = None,
    since: Annotated[Instant | None, Query(alias="from", description="Occurred at or after.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Occurred before.")] = None,
) -> Response:
    """Every event the caller may see, by when it occurred, then stream and version. No personal data. A read through a
    share is put on record."""
    await wait(kept, minimum, viewer(request, caller, "read_timeline"))
    reader = viewer(request, caller, "read_timeline")
    wanted = TimelineFilter(type_, since, until, moment.known_at, moment.as_of)
    bound = {
        "list": "timeline",
        "customer": customer_id,
        "dealer": reader.dealer,
        "filter": [type_, stream, *(each and rfc3339(each) for each in (since, until, moment.as_of, moment.known_at))],
    }
    after = None
    if page.cursor is not None:
        occurred, name, version = open_cursor(secret(request), page.cursor, bound)
        after = (parse_rfc3339(occurred), name, version)
    entries = await service.read_timeline(kept.pool, customer_id, reader, wanted, stream, after, page.size + 1)
    cursor = None
    if len(entries) > page.size:
        last = entries[page.size - 1].row
        cursor = sign_cursor(secret(request), [rfc3339(last["time"]), last["stream"], last["version"]], bound)
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
    responses=answered(shown.FoundPage, "By customer id", "cursor_invalid", *WAITS),
)
async def search_customers(
    request: Request,
    wanted: Annotated[SearchRequest, Body(openapi_examples=shown.SEARCH)],
    caller: Reader,
    kept: Kept,
    minimum: AtLeast,
    page: Paged,
) -> Response:
    """Customers of the caller's dealer, and such as were shared with it (headquarters: all), by phone, e-mail, name or
    VIN. What is found through a share is put on record."""
    key = wanted.key()
    await wait(kept, minimum, viewer(request, caller, "search_customers"))
    if minimum is not None:
        await in_time(kept, kept.waiting.composed(minimum))
    reader = viewer(request, caller, "search_customers")
    bound = {"list": "search", "dealer": reader.dealer, "kind": key.kind, "key": key.key}
    after = ""
    if page.cursor is not None:
        (after,) = open_cursor(secret(request), page.cursor, bound)
    found, more = await service.find(kept.pool, key, reader, after, page.size)
    cursor = sign_cursor(secret(request), [found[-1].row["customer_id"]], bound) if more else None
    return page_response(request, _customers(found), cursor)


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
