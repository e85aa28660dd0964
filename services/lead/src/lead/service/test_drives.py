"""Commands on test drives, reading them, and what is free of a car."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from lead.domain.test_drive import (
    GRAIN,
    BookTestDrive,
    Command,
    CompleteTestDrive,
    NoteMissed,
    RescheduleTestDrive,
    TestDrive,
    TestDriveTaken,
)
from lead.service.aggregates import apply_views
from lead.service.aggregates.test_drive import TELL_LEAD, aggregate
from lead.service.running import Service
from lead.service.telling import by_timer, tell
from lead.views import lead_brief
from lead.views import test_drives as listing
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import Connection, acquire
from roadbook.decider import Rejected
from roadbook.errors import NotFound
from roadbook.events import Recorded, new_id
from roadbook.personal_data import of_stream
from roadbook.store.port import PersonalValue
from roadbook.store.postgres import read_events
from roadbook.timers import Timer

COMMENT = "comment"


class DemonstratorUnknown(Exception):
    """The car is no demonstrator of the dealer that holds the lead."""


class StaffUnknown(Exception):
    """Whoever is to come along does not work for the dealer."""


@dataclass(frozen=True, slots=True)
class Booking:
    lead: str
    vin: str
    starts: datetime
    ends: datetime
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """`test_drive` is who holds it, None: nobody."""

    starts: datetime
    ends: datetime
    test_drive: UUID | None


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
async def _exclusive(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The read tables, and the rule they keep: no car is booked twice. Old events that are put back are not asked."""
    await apply_views(connection, recorded)
    if not await listing.holds_all(connection, UUID(recorded[0].stream.partition("/")[2])):
        raise Rejected("car_booked")


async def book(service: Service, booking: Booking, context: CommandContext) -> Answer:
    """Raises `DemonstratorUnknown`, `StaffUnknown`, `Rejected`, and what `execute` raises."""
    async with acquire(service.pool) as connection:
        lead = await lead_brief.brief(connection, booking.lead, context.dealer)
    if lead is None:
        raise NotFound
    network = service.network
    model = network.demonstrator_model(booking.vin)
    if lead.dealer is None or model is None or not network.is_demonstrator(booking.vin, lead.dealer):
        raise DemonstratorUnknown
    if booking.staff is not None and not network.is_staff(booking.staff, lead.dealer):
        raise StaffUnknown
    drive = new_id()
    command = BookTestDrive(
        lead=lead.lead,
        lead_open=lead.open,
        party_ref=lead.party_ref,
        vin=booking.vin,
        model=model,
        dealer=lead.dealer,
        starts=booking.starts,
        ends=booking.ends,
        staff=booking.staff,
        rules=network.test_drive_rules(),
        at=context.now,
    )
    order: Order[Command] = Order(
        aggregate.stream(drive),
        command,
        creates=True,
        status=201,
        extra={"test_drive": drive},
        location=f"/v1/test-drives/{drive}",
    )
    return await execute(service.store, aggregate, order, context, _exclusive)


async def reschedule(service: Service, drive: str, starts: datetime, ends: datetime, context: CommandContext) -> Answer:
    command = RescheduleTestDrive(starts, ends, service.network.test_drive_rules(), context.now)
    order: Order[Command] = Order(aggregate.stream(drive), command)
    return await execute(service.store, aggregate, order, context, _exclusive)


async def command(service: Service, drive: str, command: Command, context: CommandContext) -> Answer:
    return await execute(service.store, aggregate, Order(aggregate.stream(drive), command), context, apply_views)


async def complete(
    service: Service, drive: str, form: CompleteTestDrive, comment: str | None, context: CommandContext
) -> Answer:
    """`comment` is free text: the personal-data row `testdrive/<id>/comment`."""
    if comment is None:
        return await command(service, drive, form, context)
    stream = aggregate.stream(drive)
    async with acquire(service.pool) as connection:
        state = aggregate.fold(await read_events(connection, stream))
    if not isinstance(state, TestDrive):
        raise NotFound
    # Whom it is about never changes, so the row may be named before the stream is read again to decide.
    value = PersonalValue(state.party_ref, f"{stream}/{COMMENT}", comment)
    order: Order[Command] = Order(
        stream, replace(form, personal_fields=(COMMENT,)), personal=[value], personal_source="api"
    )
    return await execute(service.store, aggregate, order, context, apply_views)


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """A drive may have been missed, or its lead is to be told that it was taken. Raises what `execute` raises."""
    if timer.kind != TELL_LEAD:
        order: Order[Command] = Order(timer.stream, NoteMissed(timer.due, now), fired=timer.fired)
        await execute(service.store, aggregate, order, by_timer(now), apply_views)
        return
    events = (await service.store.load(timer.stream)).events
    drive = aggregate.fold(events)
    assert isinstance(drive, TestDrive)  # no other state wants this timer
    taken = aggregate.codec.type_name(TestDriveTaken)
    cause = next(event for event in events if event.type == taken)
    await tell(service, timer, drive.lead, "test_drive", by_timer(now, cause.id, cause.correlation))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
async def read(service: Service, drive: str, dealer: str | None) -> tuple[dict[str, Any], int]:
    """(the drive with the comment as JSON, its version). Raises `NotFound`."""
    stream = aggregate.stream(drive)
    async with (
        acquire(service.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        events = await read_events(connection, stream)
        state = aggregate.fold(events)
        if not isinstance(state, TestDrive) or (dealer is not None and state.dealer != dealer):
            raise NotFound
        personal = await of_stream(connection, state.party_ref, stream)
    comment = next((row.value for row in personal if row.key == f"{stream}/{COMMENT}"), None)
    shown = {"test_drive": drive, "stream": stream, "version": len(events), **asdict(state), "comment": comment}
    return shown, len(events)


async def listed(
    service: Service, wanted: listing.Wanted, after: listing.DriveKey | None, limit: int
) -> list[listing.DriveRow]:
    async with acquire(service.pool) as connection:
        return await listing.drives(connection, wanted, after, limit)


def span(service: Service, day: date) -> tuple[datetime, datetime]:
    """The day as the dealers' clock has it: from its first moment, to before the next day's."""
    zone = service.network.time_zone
    first, end = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return first.astimezone(UTC), end.astimezone(UTC)


async def calendar(service: Service, vin: str, dealer: str | None, day: date) -> list[Slot]:
    """The slots of the day, free and taken. Raises `NotFound` for a car that is no demonstrator of `dealer` (None:
    headquarters)."""
    network = service.network
    if network.demonstrator_model(vin) is None or not (dealer is None or network.is_demonstrator(vin, dealer)):
        raise NotFound
    first, end = span(service, day)
    async with acquire(service.pool) as connection:
        taken = await listing.taken(connection, vin, first, end)
    length = network.test_drive_rules().slot
    slots = []
    while first < end:
        by = next((taken[t] for n in range(length // GRAIN) if (t := first + n * GRAIN) in taken), None)
        slots.append(Slot(first, first + length, by))
        first += length
    return slots
