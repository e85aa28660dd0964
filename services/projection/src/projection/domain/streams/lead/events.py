"""The lead service's lead events as the record reads them.

A tolerant reader of its own: enums are open strings, and what is not needed is not read. No personal data in here.
"""

from dataclasses import dataclass
from datetime import date, datetime


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class VehicleInterest:
    interest: str
    model: str | None = None
    year: int | None = None
    condition: str | None = None
    vin: str | None = None
    odometer: int | None = None
    odometer_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """In minor units of an ISO 4217 currency; either bound may be open."""

    currency: str
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """`key` names the field of the stream's personal data that holds the value."""

    key: str
    kind: str
    valid: bool = True
    linkable: bool = True
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    purpose: str
    channel: str
    granted: bool
    wording: str
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What the car is for, in codes; `source` is how it is known."""

    kind: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class ScorePart:
    signal: str
    points: int


# ── Events: the intent ────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LeadCaptured:
    at: datetime
    source: str
    dealer_wish: str | None = None
    campaign: str | None = None
    vehicles: tuple[VehicleInterest, ...] = ()
    budget: Budget | None = None
    window: Window | None = None
    contact_points: tuple[ContactPoint, ...] = ()
    consents: tuple[Consent, ...] = ()
    personal_fields: tuple[str, ...] = ()
    region: str | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadEnriched:
    """None means unchanged."""

    at: datetime
    vehicles: tuple[VehicleInterest, ...] | None = None
    budget: Budget | None = None
    window: Window | None = None
    contact_points: tuple[ContactPoint, ...] = ()
    removed_contact_points: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    personal_fields: tuple[str, ...] = ()
    region: str | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadQualified:
    at: datetime
    grade: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUpScheduled:
    at: datetime
    kind: str
    due: datetime
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class FollowUpMissed:
    at: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class LeadLost:
    at: datetime
    reason: str
    competitor: str | None = None


@dataclass(frozen=True, slots=True)
class LeadReopened:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class FollowUpCompleted:
    at: datetime
    kind: str
    outcome: str
    staff: str | None = None


# ── Events: routing ───────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LeadRouted:
    """`dealer` must answer by `accept_by`; `by` is the rule that chose it, or `hand`."""

    at: datetime
    dealer: str
    by: str
    accept_by: datetime


@dataclass(frozen=True, slots=True)
class LeadAccepted:
    """A word on the lead's status is owed by `feedback_due`."""

    at: datetime
    feedback_due: datetime
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class LeadDeclined:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LeadStatusReported:
    at: datetime
    status: str
    feedback_due: datetime
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class LeadFeedbackOverdue:
    """`awaited`: `acceptance`, and the lead leaves the dealer, or `status`."""

    at: datetime
    awaited: str


# ── Events: who works it, who sees it ─────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LeadProtected:
    """An activity moves `until` on by as much as lay between it and `at`."""

    at: datetime
    staff: str
    until: datetime


@dataclass(frozen=True, slots=True)
class LeadProtectionExpired:
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadReleasedToPool:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LeadReassigned:
    """The next action and a protection go with it."""

    at: datetime
    staff: str
    reason: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerShared:
    """`dealer` may read this stream until `until`; of personal data only under the scope `contact`."""

    at: datetime
    dealer: str
    scope: str
    until: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ShareRevoked:
    at: datetime
    dealer: str


# ── Events: signs of interest ─────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OnlineExperienceRecorded:
    at: datetime
    model: str
    feature: str
    seconds: int
    site: str


@dataclass(frozen=True, slots=True)
class ShowroomVisitRecorded:
    at: datetime
    purpose: str
    persons: int
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class LeadScored:
    at: datetime
    points: int
    parts: tuple[ScorePart, ...] = ()


# ── Events: ends ──────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LeadConverted:
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadOutcomeRecorded:
    """What became of the opportunity that it was converted into: `outcome` is won or lost."""

    at: datetime
    opportunity: str
    outcome: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LeadRecycled:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LeadRestored:
    at: datetime
    reason: str


Event = (
    LeadCaptured
    | LeadEnriched
    | LeadQualified
    | FollowUpScheduled
    | FollowUpMissed
    | FollowUpCompleted
    | LeadRouted
    | LeadAccepted
    | LeadDeclined
    | LeadStatusReported
    | LeadFeedbackOverdue
    | LeadProtected
    | LeadProtectionExpired
    | LeadReleasedToPool
    | LeadReassigned
    | CustomerShared
    | ShareRevoked
    | OnlineExperienceRecorded
    | ShowroomVisitRecorded
    | LeadScored
    | LeadLost
    | LeadReopened
    | LeadConverted
    | LeadOutcomeRecorded
    | LeadRecycled
    | LeadRestored
)
