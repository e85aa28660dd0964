"""What the record keeps of a lead. Every fact carries the ids of the events that made it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from projection.domain.facts import NONE_OF_IT, NOTHING, Leaf
from projection.domain.streams.lead.events import (
    Budget,
    Consent,
    ContactPoint,
    Need,
    ScorePart,
    VehicleInterest,
    Window,
)
from projection.domain.streams.marks import Mark

UNKNOWN: Final = Leaf("unknown", ())
NO: Final = Leaf(False, ())


@dataclass(frozen=True, slots=True)
class GivenConsent:
    consent: Consent
    at: datetime
    event: str


# ── Work ──────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class FollowUp:
    """`outcome`: planned, missed, done, replaced (by another one in time) or dropped (the lead was closed); `closed_by`
    is the event that says so, `result` what came of it, `assigned_by` what moved it to another assignee since. `over`:
    missed, and then its lead was closed."""

    kind: str
    due: datetime
    assignee: str | None
    scheduled_at: datetime
    event: str
    outcome: str = "planned"
    closed_by: str | None = None
    closed_at: datetime | None = None
    result: str | None = None
    staff: str | None = None
    assigned_by: str | None = None
    over: bool = False

    @property
    def pending(self) -> bool:
        return self.outcome in ("planned", "missed") and not self.over


@dataclass(frozen=True, slots=True)
class Routing:
    """`outcome`: waiting, accepted, declined, overdue, replaced (routed again) or dropped (the lead was closed)."""

    dealer: str
    by: str
    accept_by: datetime
    at: datetime
    event: str
    outcome: str = "waiting"
    closed_by: str | None = None
    closed_at: datetime | None = None
    staff: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    status: str
    staff: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Protection:
    """Each activity moves `until` on to `period` after it."""

    staff: Leaf[str]
    until: Leaf[datetime]
    period: timedelta


@dataclass(frozen=True, slots=True)
class Reassignment:
    previous: str | None
    staff: str
    reason: str
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Share:
    """`ended`: revoked, replaced (shared anew with the same dealer) or left (the lead left its holder); None while
    only time can end it."""

    dealer: str
    scope: str
    until: datetime
    reason: str | None
    since: datetime
    event: str
    ended: str | None = None
    ended_by: str | None = None


# ── Signs of interest ─────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Experience:
    model: str
    feature: str
    seconds: int
    site: str
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Visit:
    purpose: str
    persons: int
    staff: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Score:
    points: int
    parts: tuple[ScorePart, ...]
    at: datetime
    event: str


# ── Ends ──────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Loss:
    reason: str
    competitor: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Reopening:
    reason: str
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Conversion:
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Outcome:
    opportunity: str
    outcome: str
    reason: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Recycling:
    """`restored_at` is None while it is in the bin."""

    reason: str
    at: datetime
    event: str
    restored_at: datetime | None = None
    restored_by: str | None = None


@dataclass(frozen=True, slots=True)
class LeadState:
    """`captured` is None until LeadCaptured came. `status`: open, lost or converted, whether `binned` or not. `owner`
    works it at its dealer, None: the dealer's manager. `named_vehicles`: some were named,
    whether they still are or not. `unprotected` is what ended the last protection."""

    captured: Leaf[datetime] | None = None
    status: Leaf[str] = UNKNOWN
    binned: Leaf[bool] = NO
    source: Leaf[str | None] = NOTHING
    campaign: Leaf[str | None] = NOTHING
    dealer_wish: Leaf[str | None] = NOTHING
    vehicles: Leaf[tuple[VehicleInterest, ...]] = NONE_OF_IT
    named_vehicles: bool = False
    budget: Leaf[Budget | None] = NOTHING
    window: Leaf[Window | None] = NOTHING
    region: Leaf[str | None] = NOTHING
    needs: tuple[Leaf[Need], ...] = ()
    contact_points: tuple[Leaf[ContactPoint], ...] = ()
    removed_points: tuple[Leaf[str], ...] = ()
    personal_fields: tuple[Leaf[str], ...] = ()
    consents: tuple[GivenConsent, ...] = ()
    grade: Leaf[str | None] = NOTHING
    reasons: Leaf[tuple[str, ...]] = NONE_OF_IT
    scores: tuple[Score, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    first_contact: Leaf[datetime | None] = NOTHING
    routings: tuple[Routing, ...] = ()
    reports: tuple[Report, ...] = ()
    feedback_due: Leaf[datetime | None] = NOTHING
    feedback_missed: str | None = None
    owner: Leaf[str | None] = NOTHING
    protection: Protection | None = None
    unprotected: tuple[str, ...] = ()
    pooled: Leaf[bool] = NO
    reassignments: tuple[Reassignment, ...] = ()
    shares: tuple[Share, ...] = ()
    experiences: tuple[Experience, ...] = ()
    visits: tuple[Visit, ...] = ()
    losses: tuple[Loss, ...] = ()
    reopenings: tuple[Reopening, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    recyclings: tuple[Recycling, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def open(self) -> bool:
        return self.status.value == "open" and not self.binned.value

    @property
    def pending(self) -> FollowUp | None:
        """The next action, planned or missed."""
        last = self.follow_ups[-1] if self.follow_ups else None
        return last if last is not None and last.pending else None
