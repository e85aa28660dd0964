"""Test drives: book, move, cancel, complete, miss; what is free of a demonstrator car."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from fastapi import Body, Depends, Path, Query
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from lead.api import models, shown
from lead.api.models import refuse
from lead.api.parts import Paged, Running, Write, WriteOnce, after, answered, json, next_cursor
from lead.domain import test_drive as domain
from lead.service import Service
from lead.service import test_drives as service
from lead.views.test_drives import DriveRow, Wanted
from roadbook.http.answers import etag, page_response, respond
from roadbook.http.auth import Caller, requires
from roadbook.http.routes import router
from roadbook.http.types import Date, Instant, StrictModel, Text, Uuid, rfc3339

routes = router("/v1/test-drives", tags=["test-drives"])
cars = router("/v1/demonstrators", tags=["test-drives"])

VIN = r"^[A-HJ-NPR-Z0-9]{17}$"
Vin = Annotated[str, Field(strict=True, pattern=VIN, examples=["LSVAA49J6T2900010"])]
Minutes = Annotated[int, Field(strict=True, ge=1, le=1440, examples=[30])]
Rating = Annotated[int, Field(strict=True, ge=1, le=5)] | None
Kilometres = Annotated[int, Field(strict=True, ge=0, le=1_000_000, examples=[1204])]
DriveId = Annotated[Uuid, Path(description="The id in the `Location` of the booking.")]
State = Literal["booked", "taken", "missed", "cancelled"]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class BookRequest(StrictModel):
    """`starts` on a slot, `minutes` in whole slots: the calendar of the car shows them."""

    lead: Uuid
    vin: Vin
    starts: Instant
    minutes: Minutes
    staff: models.StaffId | None = None


class RescheduleRequest(StrictModel):
    starts: Instant
    minutes: Minutes


class CancelRequest(StrictModel):
    reason: models.Word


class RatingsGiven(StrictModel):
    """1 (poor) to 5 (very good)."""

    design: Rating = None
    comfort: Rating = None
    handling: Rating = None
    space: Rating = None
    value: Rating = None


class CompleteDriveRequest(StrictModel):
    """The feedback form; what the party did not say is left out. `recommend`: 0 (never) to 10 (certainly). Odometer
    in km."""

    ratings: RatingsGiven = RatingsGiven()
    recommend: Annotated[int, Field(strict=True, ge=0, le=10)] | None = None
    odometer_out: Kilometres | None = None
    odometer_in: Kilometres | None = None
    comment: Annotated[str, Text(2000)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.odometer_out is not None and self.odometer_in is not None and self.odometer_in < self.odometer_out:
            raise PydanticCustomError("odometer_order", "the reading after the drive is below the one before")
        return self


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class BookAnswer(shown.CommandAnswer):
    test_drive: str


class DriveListed(shown.Shown):
    test_drive: str
    lead: str
    party_ref: str
    dealer: str
    vin: str
    model: str
    staff: str | None
    state: str
    starts: str
    ends: str
    booked_at: str
    version: int


class DriveShown(DriveListed):
    """`report_by`: missed, if nothing was said by then. `closed_at`: when it was taken, missed or cancelled."""

    stream: str
    report_by: str
    rules: str
    closed_at: str | None
    reason: str | None
    feedback: dict[str, Any] | None
    comment: str | None


class DrivesPage(shown.PageShown):
    items: list[DriveListed]


class SlotShown(shown.Shown):
    starts: str
    ends: str
    state: Literal["free", "taken", "past"]
    test_drive: str | None


class CalendarShown(shown.Shown):
    vin: str
    model: str | None
    date: str
    slot_minutes: int
    longest_minutes: int
    slots: list[SlotShown]


BOOK = {
    "lead": "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d",
    "vin": "LSVAA49J6T2900010",
    "starts": "2026-12-01T10:00:00+08:00",
    "minutes": 30,
    "staff": "staff-sh-01-1",
}
RESCHEDULE = {"starts": "2026-12-01T14:30:00+08:00", "minutes": 45}
COMPLETE = {
    "ratings": {"design": 4, "comfort": 5, "handling": 5, "space": 3, "value": 4},
    "recommend": 9,
    "odometer_out": 1204,
    "odometer_in": 1219,
    "comment": "后排空间有点小",
}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
def _ends(starts: datetime, minutes: int, running: Service) -> datetime:
    """Raises a 422 for a time that is not made of the rules' slots."""
    rules, length = running.network.test_drive_rules(), timedelta(minutes=minutes)
    slot = rules.slot // timedelta(minutes=1)
    match domain.misfit(starts, length, rules):
        case "off_slot":
            raise refuse("/starts", "off_slot", f"must be on a slot of {slot} minutes")
        case "not_whole_slots":
            raise refuse("/minutes", "not_whole_slots", f"must be a multiple of {slot}")
        case "too_long":
            longest = rules.longest // timedelta(minutes=1)
            raise refuse("/minutes", "too_long", f"must be at most {longest}")
    return starts + length


@routes.post(
    "",
    status_code=201,
    summary="Book a test drive",
    response_model=None,
    responses=answered(
        BookAnswer, "Booked", "car_booked", "lead_closed", "test_drive_in_the_past", "not_found", status=201
    ),
)
async def book_test_drive(
    request: Annotated[BookRequest, Body(openapi_examples=shown.example(BOOK))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """For a lead you hold, in a demonstrator car of yours. A car cannot be booked twice."""
    ends = _ends(request.starts, request.minutes, running)
    booking = service.Booking(request.lead, request.vin, request.starts, ends, request.staff)
    try:
        return respond(await service.book(running, booking, context))
    except service.DemonstratorUnknown:
        raise refuse("/vin", "unknown_demonstrator", "must be a demonstrator of the lead's dealer") from None
    except service.StaffUnknown:
        raise refuse("/staff", "unknown_staff", "must be one of the dealer's staff") from None


@routes.post(
    "/{test_drive_id}:reschedule",
    summary="Move a test drive",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Moved", "car_booked", "test_drive_closed", "test_drive_in_the_past"),
)
async def reschedule_test_drive(
    test_drive_id: DriveId,
    request: Annotated[RescheduleRequest, Body(openapi_examples=shown.example(RESCHEDULE))],
    context: Write,
    running: Running,
) -> Response:
    """In the same car; its old time is free again."""
    ends = _ends(request.starts, request.minutes, running)
    return respond(await service.reschedule(running, test_drive_id, request.starts, ends, context))


@routes.post(
    "/{test_drive_id}:cancel",
    summary="Cancel a test drive",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Cancelled", "test_drive_closed"),
)
async def cancel_test_drive(
    test_drive_id: DriveId,
    request: Annotated[CancelRequest, Body(openapi_examples=shown.example({"reason": "customer_asked"}))],
    context: Write,
    running: Running,
) -> Response:
    """The car is free again."""
    order = domain.CancelTestDrive(request.reason, context.now)
    return respond(await service.command(running, test_drive_id, order, context))


@routes.post(
    "/{test_drive_id}:complete",
    summary="Report a test drive as taken",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Taken", "test_drive_closed", "test_drive_not_begun"),
)
async def complete_test_drive(
    test_drive_id: DriveId,
    request: Annotated[CompleteDriveRequest, Body(openapi_examples=shown.example(COMPLETE))],
    context: Write,
    running: Running,
) -> Response:
    """With the feedback form. The lead is told, and its score may change. The comment is personal data."""
    ratings = domain.Ratings(**request.ratings.model_dump())
    form = domain.Feedback(ratings, request.recommend, request.odometer_out, request.odometer_in)
    order = domain.CompleteTestDrive(form, context.now)
    return respond(await service.complete(running, test_drive_id, order, request.comment, context))


@routes.post(
    "/{test_drive_id}:miss",
    summary="Report a test drive as missed",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Missed", "test_drive_closed"),
)
async def miss_test_drive(test_drive_id: DriveId, context: Write, running: Running) -> Response:
    """The party rang off late or did not come. Without a word, that is recorded some time after the drive's end."""
    return respond(await service.command(running, test_drive_id, domain.MissTestDrive(context.now), context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Filters:
    vin: str | None
    lead: str | None
    state: str | None
    day: date | None


async def filters(
    vin: Annotated[Vin | None, Query()] = None,
    lead: Annotated[Uuid | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    day: Annotated[Date | None, Query(description="On which the drive starts, by the dealers' clock.")] = None,
) -> Filters:
    return Filters(vin, lead, state, _known_day(day, "/day") if day else None)


def _known_day(day: date, name: str) -> date:
    if not 1900 <= day.year <= 9000:
        raise refuse(name, "calendar_date", "must be a day of our time")
    return day


@routes.get(
    "",
    summary="List test drives",
    response_model=None,
    responses={200: {"model": DrivesPage, "description": "The last booked first"}},
)
async def list_test_drives(
    request: Request,
    caller: Annotated[Caller, requires("lead:read")],
    running: Running,
    page: Paged,
    asked: Annotated[Filters, Depends(filters)],
    dealer: Annotated[models.DealerCode | None, Query(description="For headquarters; a dealer sees its own.")] = None,
) -> Response:
    """A dealer's drives by car, lead, state and day. Pages stay right while drives are moved."""
    holder = dealer if caller.headquarters else caller.dealer
    if dealer is not None and not caller.may_see(dealer):
        return page_response(request, [], None)  # as of a dealer that has none
    span = service.span(running, asked.day) if asked.day else None
    wanted = Wanted(holder, asked.vin, UUID(asked.lead) if asked.lead else None, asked.state, span)
    bound = {"list": "test_drives", "dealer": holder, "vin": asked.vin, "lead": asked.lead, "state": asked.state,
             "day": asked.day.isoformat() if asked.day else None}  # fmt: skip
    rows = await service.listed(running, wanted, after(request, page, bound), page.size + 1)
    cursor = next_cursor(request, page, bound, [(row.booked_at, row.test_drive) for row in rows])
    return page_response(request, [_listed(row) for row in rows[: page.size]], cursor)


def _listed(row: DriveRow) -> dict[str, Any]:
    return {
        "test_drive": str(row.test_drive),
        "lead": str(row.lead),
        "party_ref": row.party_ref,
        "dealer": row.dealer,
        "vin": row.vin,
        "model": row.model,
        "staff": row.staff,
        "state": row.state,
        "starts": rfc3339(row.starts),
        "ends": rfc3339(row.ends),
        "booked_at": rfc3339(row.booked_at),
        "version": row.version,
    }


@routes.get(
    "/{test_drive_id}",
    summary="Read a test drive",
    response_model=None,
    responses={200: {"model": DriveShown, "description": "The drive with its feedback"}},
)
async def read_test_drive(
    test_drive_id: DriveId, caller: Annotated[Caller, requires("lead:read")], running: Running
) -> Response:
    """The facts as of the last event, and the comment, which is personal data."""
    drive, version = await service.read(running, test_drive_id, caller.dealer)
    drive["state"] = drive.pop("status")
    # No 304: a comment that was erased changes this answer without a new version.
    headers = {"ETag": etag(version), "Cache-Control": "private, no-store", "Vary": "Authorization"}
    return Response(orjson.dumps(drive, option=orjson.OPT_UTC_Z), 200, headers, "application/json")


@cars.get(
    "/{vin}/calendar",
    summary="What is free of a demonstrator car",
    response_model=None,
    responses={200: {"model": CalendarShown, "description": "Every slot of the day"}},
)
async def read_calendar(
    vin: Annotated[Vin, Path(description="A demonstrator of yours.")],
    caller: Annotated[Caller, requires("lead:read")],
    request: Request,
    running: Running,
    day: Annotated[Date | None, Query(alias="date", description="Today, if not given, by the dealers' clock.")] = None,
) -> Response:
    """A drive may start on any free slot and take as many as are free after it."""
    network, now = running.network, request.app.state.clock.now()
    on = _known_day(day, "/date") if day else now.astimezone(network.time_zone).date()
    slots = await service.calendar(running, vin, caller.dealer, on)
    rules, minute = network.test_drive_rules(), timedelta(minutes=1)
    body = {
        "vin": vin,
        "model": network.demonstrator_model(vin),
        "date": on.isoformat(),
        "slot_minutes": rules.slot // minute,
        "longest_minutes": rules.longest // minute,
        "slots": [_slot(slot, now) for slot in slots],
    }
    return json(body)


def _slot(slot: service.Slot, now: datetime) -> dict[str, Any]:
    by = slot.test_drive
    free = "past" if slot.ends <= now else "free"
    return {
        "starts": rfc3339(slot.starts),
        "ends": rfc3339(slot.ends),
        "state": free if by is None else "taken",
        "test_drive": None if by is None else str(by),
    }
