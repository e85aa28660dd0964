"""The lead service's test drives as the record reads them: one party in one car at one time."""

from dataclasses import dataclass
from datetime import UTC, datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace

ITEMS = ("design", "comfort", "handling", "space", "value")


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Ratings:
    """1 (poor) to 5 (very good); None: not rated."""

    design: int | None = None
    comfort: int | None = None
    handling: int | None = None
    space: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True)
class TestDriveBooked:
    """If nothing is said by `report_by`, the drive was missed."""

    at: datetime
    vin: str
    starts: datetime
    ends: datetime
    report_by: datetime
    model: str | None = None
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class TestDriveRescheduled:
    at: datetime
    starts: datetime
    ends: datetime
    report_by: datetime


@dataclass(frozen=True, slots=True)
class TestDriveCancelled:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TestDriveTaken:
    """`recommend`: 0 (never) to 10 (certainly)."""

    at: datetime
    ratings: Ratings = Ratings()
    recommend: int | None = None


@dataclass(frozen=True, slots=True)
class TestDriveMissed:
    at: datetime


Event = TestDriveBooked | TestDriveRescheduled | TestDriveCancelled | TestDriveTaken | TestDriveMissed


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Slot:
    starts: datetime
    ends: datetime
    report_by: datetime


@dataclass(frozen=True, slots=True)
class DriveState:
    """`status`: booked, taken, missed or cancelled."""

    booked: Leaf[datetime]
    status: Leaf[str]
    slot: Leaf[Slot]
    vin: str
    model: str | None = None
    staff: str | None = None
    reason: str | None = None
    closed_at: datetime | None = None
    ratings: Ratings | None = None
    recommend: int | None = None


def evolve(drive: DriveState | None, fact: Fact) -> DriveState | None:
    """Total. Before TestDriveBooked nothing else counts; what ends a drive can still be corrected by a later word."""
    event, by = fact.event, (fact.id,)
    if drive is None:
        return _booked(event, fact.id) if isinstance(event, TestDriveBooked) else None
    match event:
        case TestDriveRescheduled(starts=starts, ends=ends, report_by=report_by):
            return replace(drive, slot=Leaf(Slot(starts, ends, report_by), by))
        case TestDriveCancelled(reason=reason, at=at):
            return _ended(drive, "cancelled", fact.id, at, reason=reason)
        case TestDriveMissed(at=at):
            return _ended(drive, "missed", fact.id, at)
        case TestDriveTaken(ratings=ratings, recommend=recommend, at=at):
            taken = _ended(drive, "taken", fact.id, at)
            return replace(taken, ratings=ratings, recommend=recommend)
        case _:
            return drive


def _booked(event: TestDriveBooked, id_: str) -> DriveState:
    by = (id_,)
    return DriveState(
        booked=Leaf(event.at, by),
        status=Leaf("booked", by),
        slot=Leaf(Slot(event.starts, event.ends, event.report_by), by),
        vin=event.vin,
        model=event.model,
        staff=event.staff,
    )


def _ended(drive: DriveState, status: str, id_: str, at: datetime, *, reason: str | None = None) -> DriveState:
    ended = replace(drive, status=Leaf(status, (id_,)), closed_at=at, reason=reason)
    return replace(ended, ratings=None, recommend=None)


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    """What happened, in plain words and without personal data; None for an event of another kind."""
    match event:
        case TestDriveBooked(model=model, vin=vin, starts=starts):
            return f"Test drive of {model or vin} booked for {_time(starts)}"
        case TestDriveRescheduled(starts=starts):
            return f"Test drive moved to {_time(starts)}"
        case TestDriveCancelled(reason=reason):
            return f"Test drive cancelled: {reason}"
        case TestDriveTaken(ratings=ratings):
            rated = ((item, getattr(ratings, item)) for item in ITEMS)
            words = ", ".join(f"{item} {points}" for item, points in rated if points is not None)
            return "Test drive taken" + (f", rated {words}" if words else "")
        case TestDriveMissed():
            return "Test drive missed"
        case _:
            return None


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
