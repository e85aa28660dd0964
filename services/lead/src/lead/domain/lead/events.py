"""What happened to a lead. `at` is when; rules are pinned by their version."""

from dataclasses import dataclass
from datetime import datetime

from lead.domain.lead.values import (
    Budget,
    Consent,
    ContactPoint,
    Grade,
    Need,
    Scope,
    ScorePart,
    VehicleInterest,
    Window,
)


@dataclass(frozen=True, slots=True)
class LeadCaptured:
    party_ref: str
    source: str
    dealer: str | None
    dealer_wish: str | None
    vehicles: tuple[VehicleInterest, ...]
    budget: Budget | None
    window: Window | None
    contact_points: tuple[ContactPoint, ...]
    consents: tuple[Consent, ...]
    rules: str
    at: datetime
    campaign: str | None = None
    personal_fields: tuple[str, ...] = ()
    region: str | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadEnriched:
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
    grade: Grade
    reasons: tuple[str, ...]
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpScheduled:
    kind: str
    due: datetime
    assignee: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpMissed:
    """`at` is the due time: that is when it was missed, however late the timer came."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadLost:
    reason: str
    competitor: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadReopened:
    reason: str
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpCompleted:
    """`kind` is the action's; the first of a lead is its first contact."""

    kind: str
    outcome: str
    staff: str | None
    at: datetime


# ── Routing
@dataclass(frozen=True, slots=True)
class LeadRouted:
    """`dealer` holds it from now on and must accept or decline by `accept_by`. `by` is the rule that chose it (`wish`,
    `distance`, `load`) or `hand`."""

    dealer: str
    by: str
    accept_by: datetime
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadAccepted:
    """The dealer owes a word on the lead's status by `feedback_due`."""

    dealer: str
    staff: str | None
    feedback_due: datetime
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadDeclined:
    dealer: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadStatusReported:
    status: str
    staff: str | None
    feedback_due: datetime
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadFeedbackOverdue:
    """`awaited`: `acceptance` (the lead is taken from the dealer) or `status`. `at` is the time it was due."""

    dealer: str
    awaited: str
    at: datetime


# ── Who works it
@dataclass(frozen=True, slots=True)
class LeadProtected:
    """`staff` alone works the customer until `until`; an activity moves that on by as much as lay between."""

    staff: str
    until: datetime
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadProtectionExpired:
    """`at` is when it ran out."""

    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadReleasedToPool:
    """Anybody at the dealer may claim it; nobody's until then."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadReassigned:
    """The next action and a protection go with it. `previous` None: out of the pool."""

    previous: str | None
    staff: str
    reason: str
    at: datetime


# ── Who sees it
@dataclass(frozen=True, slots=True)
class CustomerShared:
    """`dealer` may read this lead's `facts`, or its personal data too (`contact`), until `until`."""

    dealer: str
    scope: Scope
    until: datetime
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShareRevoked:
    dealer: str
    at: datetime


# ── Signs of interest
@dataclass(frozen=True, slots=True)
class OnlineExperienceRecorded:
    model: str
    feature: str
    seconds: int
    site: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShowroomVisitRecorded:
    purpose: str
    persons: int
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadScored:
    """`points` is the sum of the `parts`, each a signal and what the rules give for it."""

    points: int
    parts: tuple[ScorePart, ...]
    rules: str
    at: datetime


# ── Ends
@dataclass(frozen=True, slots=True)
class LeadConverted:
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadOutcomeRecorded:
    """What became of the opportunity that the lead was converted into: `won` or `lost`, and sales' reason."""

    opportunity: str
    outcome: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadRecycled:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadRestored:
    reason: str
    at: datetime


Event = (
    LeadCaptured
    | LeadEnriched
    | LeadQualified
    | FollowUpScheduled
    | FollowUpMissed
    | LeadLost
    | LeadReopened
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
    | LeadConverted
    | LeadOutcomeRecorded
    | LeadRecycled
    | LeadRestored
)
