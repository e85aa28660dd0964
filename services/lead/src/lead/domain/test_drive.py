"""The test drive: one party in one demonstrator car at one time.

That no car is booked twice is a rule over all drives of the car: the table `test_drive_slots` keeps it, no stream does.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from roadbook.decider import Decider, Rejected

GRAIN = timedelta(minutes=5)
"""The slots of every rule pack are whole multiples of it, so that drives booked under different packs still meet."""
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TestDriveRules:
    """A drive starts on a slot and takes whole slots; one not reported `grace` after its end was missed.

    `slot` divides an hour, `longest` is at most a day; a `ValueError` otherwise.
    """

    version: str
    slot: timedelta
    longest: timedelta
    grace: timedelta

    def __post_init__(self) -> None:
        if self.slot < GRAIN or self.slot % GRAIN or _HOUR % self.slot:
            raise ValueError("slot")
        if not self.slot <= self.longest <= 24 * _HOUR or self.grace < timedelta():
            raise ValueError("longest")


def misfit(starts: datetime, length: timedelta, rules: TestDriveRules) -> str | None:
    """What is wrong with such a time: `off_slot`, `not_whole_slots` or `too_long`."""
    if (starts - _EPOCH) % rules.slot:
        return "off_slot"
    if length < rules.slot or length % rules.slot:
        return "not_whole_slots"
    return "too_long" if length > rules.longest else None


@dataclass(frozen=True, slots=True)
class Ratings:
    """1 (poor) to 5 (very good); None: not rated."""

    design: int | None = None
    comfort: int | None = None
    handling: int | None = None
    space: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """The form after the drive. `recommend`: 0 (never) to 10 (certainly); odometer readings in km, out and back in."""

    ratings: Ratings = Ratings()
    recommend: int | None = None
    odometer_out: int | None = None
    odometer_in: int | None = None


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class BookTestDrive:
    """`lead_open`: whether the lead takes news, as of when the command was made."""

    lead: str
    lead_open: bool
    party_ref: str
    vin: str
    model: str
    dealer: str
    starts: datetime
    ends: datetime
    staff: str | None
    rules: TestDriveRules
    at: datetime


@dataclass(frozen=True, slots=True)
class RescheduleTestDrive:
    starts: datetime
    ends: datetime
    rules: TestDriveRules
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelTestDrive:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CompleteTestDrive:
    """`personal_fields` names the personal-data rows that came with the form (`comment`)."""

    feedback: Feedback
    at: datetime
    personal_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissTestDrive:
    """The party rang off too late for a cancellation, or is known not to come."""

    at: datetime


@dataclass(frozen=True, slots=True)
class NoteMissed:
    """The timer set for `due` has come; `now` is the time on our clock."""

    due: datetime
    now: datetime


Command = BookTestDrive | RescheduleTestDrive | CancelTestDrive | CompleteTestDrive | MissTestDrive | NoteMissed


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TestDriveBooked:
    """`report_by`: if nothing is said by then, the drive was missed."""

    lead: str
    party_ref: str
    vin: str
    model: str
    dealer: str
    starts: datetime
    ends: datetime
    report_by: datetime
    staff: str | None
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TestDriveRescheduled:
    starts: datetime
    ends: datetime
    report_by: datetime
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TestDriveCancelled:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TestDriveTaken:
    ratings: Ratings
    recommend: int | None
    odometer_out: int | None
    odometer_in: int | None
    at: datetime
    personal_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestDriveMissed:
    """`at` is when it was reported missed, and `report_by` at the latest, however late the timer came."""

    at: datetime


Event = TestDriveBooked | TestDriveRescheduled | TestDriveCancelled | TestDriveTaken | TestDriveMissed


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class TestDrive:
    """`closed_at` is when it was taken, missed or cancelled."""

    status: Literal["booked", "taken", "missed", "cancelled"]
    lead: str
    party_ref: str
    vin: str
    model: str
    dealer: str
    staff: str | None
    starts: datetime
    ends: datetime
    report_by: datetime
    rules: str
    booked_at: datetime
    closed_at: datetime | None = None
    reason: str | None = None
    feedback: Feedback | None = None


State = Unknown | TestDrive


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, drive: State) -> list[Event]:
    match command, drive:
        case BookTestDrive(), Unknown():
            return _book(command)
        case BookTestDrive(lead=l, vin=v), TestDrive(lead=same_l, vin=same_v) if (l, v) == (same_l, same_v):
            return []
        case BookTestDrive(), TestDrive():
            raise Rejected("test_drive_exists")
        case _, Unknown():
            raise Rejected("test_drive_unknown")
        case NoteMissed(due=due, now=now), TestDrive():
            open_still = drive.status == "booked" and due == drive.report_by and due <= now
            return [TestDriveMissed(due)] if open_still else []
        case MissTestDrive(at=t), TestDrive(status="booked"):
            return [TestDriveMissed(min(t, drive.report_by))]
        case MissTestDrive(), TestDrive(status="missed"):
            return []
        case CancelTestDrive(reason=r), TestDrive(status="cancelled", reason=same) if r == same:
            return []
        case CompleteTestDrive(feedback=f), TestDrive(status="taken", feedback=same_f) if f == same_f:
            return []
        case _, TestDrive():
            return _on_open(command, drive)
        case _:
            raise Rejected("command_unknown")


def _book(command: BookTestDrive) -> list[Event]:
    c = command
    if not c.lead_open:
        raise Rejected("lead_closed")
    _not_past(c.starts, c.rules, c.at)
    report_by = c.ends + c.rules.grace
    return [
        TestDriveBooked(
            c.lead, c.party_ref, c.vin, c.model, c.dealer, c.starts, c.ends, report_by, c.staff, c.rules.version, c.at
        )
    ]


def _not_past(starts: datetime, rules: TestDriveRules, at: datetime) -> None:
    """Who walks in may take the slot that has begun."""
    if starts + rules.slot <= at:
        raise Rejected("test_drive_in_the_past")


def _on_open(command: Command, drive: TestDrive) -> list[Event]:
    # From `report_by` on it was missed, whether the timer has said so yet or not.
    if drive.status != "booked" or (not isinstance(command, NoteMissed) and command.at >= drive.report_by):
        raise Rejected("test_drive_closed")
    match command:
        case CancelTestDrive(reason=r, at=t):
            return [TestDriveCancelled(r, t)]
        case CompleteTestDrive(feedback=f, at=t):
            if t < drive.starts:
                raise Rejected("test_drive_not_begun")
            return [TestDriveTaken(f.ratings, f.recommend, f.odometer_out, f.odometer_in, t, command.personal_fields)]
        case RescheduleTestDrive(starts=s, ends=e, rules=rules, at=t):
            if (s, e) == (drive.starts, drive.ends):
                return []
            _not_past(s, rules, t)
            return [TestDriveRescheduled(s, e, e + rules.grace, rules.version, t)]
        case _:
            raise Rejected("command_unknown")


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(drive: State, event: Event) -> State:
    match drive, event:
        case Unknown(), TestDriveBooked() as e:
            return TestDrive(
                "booked", e.lead, e.party_ref, e.vin, e.model, e.dealer, e.staff, e.starts, e.ends, e.report_by,
                e.rules, e.at,
            )  # fmt: skip
        case TestDrive(), TestDriveRescheduled() as e:
            return replace(drive, starts=e.starts, ends=e.ends, report_by=e.report_by, rules=e.rules)
        case TestDrive(), TestDriveCancelled(reason=r, at=t):
            return replace(drive, status="cancelled", reason=r, closed_at=t)
        case TestDrive(), TestDriveMissed(at=t):
            return replace(drive, status="missed", closed_at=t)
        case TestDrive(), TestDriveTaken() as e:
            feedback = Feedback(e.ratings, e.recommend, e.odometer_out, e.odometer_in)
            return replace(drive, status="taken", feedback=feedback, closed_at=e.at)
        case _:
            return drive


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
