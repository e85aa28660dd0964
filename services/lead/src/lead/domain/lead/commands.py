"""What can be asked of a lead. `at` is when it happens, `now` (where they may differ) when it reached us."""

from dataclasses import dataclass
from datetime import datetime

from lead.domain.lead.values import (
    Budget,
    Candidate,
    Consent,
    ContactPoint,
    Grade,
    Need,
    NextAction,
    Rules,
    Scope,
    VehicleInterest,
    Window,
)


# ── The intent (E09)
@dataclass(frozen=True, slots=True)
class CaptureLead:
    """`at` is when the intent was expressed, `now` when it reached us: deadlines run from `now`."""

    party_ref: str
    source: str
    dealer: str | None
    dealer_wish: str | None
    vehicles: tuple[VehicleInterest, ...]
    budget: Budget | None
    window: Window | None
    contact_points: tuple[ContactPoint, ...]
    consents: tuple[Consent, ...]
    next_action: NextAction | None
    rules: Rules
    at: datetime
    now: datetime
    campaign: str | None = None
    personal_fields: tuple[str, ...] = ()
    region: str | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class EnrichLead:
    """None means unchanged. A contact point of a known key is replaced. `personal_fields` names the other
    personal-data rows (name, comments …) that were learned with it."""

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
    rules: Rules | None = None


@dataclass(frozen=True, slots=True)
class QualifyLead:
    """`candidates`, best first: a lead without a dealer that becomes hot goes to one at once."""

    grade: Grade
    reasons: tuple[str, ...]
    rules: Rules
    at: datetime
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleFollowUp:
    next_action: NextAction
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteOverdue:
    """Sent by the timer. It may come late, twice or after the action was moved: `decide` compares times itself."""

    due: datetime
    now: datetime
    rules: Rules
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class CompleteFollowUp:
    """What came of the next action; without a new one, the rules set it."""

    outcome: str
    staff: str | None
    next_action: NextAction | None
    rules: Rules
    at: datetime


# ── Routing (E06, E07)
@dataclass(frozen=True, slots=True)
class RouteLead:
    """To the first candidate that has not had it; `dealer` names one by hand. `accept_by` None: by the rules."""

    candidates: tuple[Candidate, ...]
    rules: Rules
    at: datetime
    dealer: str | None = None
    accept_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class AcceptLead:
    staff: str | None
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclineLead:
    reason: str
    candidates: tuple[Candidate, ...]
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportLeadStatus:
    status: str
    staff: str | None
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteFeedbackOverdue:
    """Sent by the timer, like `NoteOverdue`."""

    due: datetime
    now: datetime


# ── Who works it (C04, M03)
@dataclass(frozen=True, slots=True)
class ProtectLead:
    staff: str
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteProtectionExpired:
    """Sent by the timer, like `NoteOverdue`."""

    due: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class ReleaseLead:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClaimLead:
    """Out of the pool of the dealer that holds it."""

    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReassignLead:
    """From `previous`, if it is that person's at all; None: nobody's."""

    previous: str | None
    staff: str
    reason: str
    at: datetime


# ── Who sees it (C05)
@dataclass(frozen=True, slots=True)
class ShareCustomer:
    dealer: str
    scope: Scope
    until: datetime
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RevokeShare:
    dealer: str
    at: datetime


# ── Signs of interest (D06, E10, E11)
@dataclass(frozen=True, slots=True)
class RecordExperience:
    """`seconds` spent on a feature of a model, on a site."""

    model: str
    feature: str
    seconds: int
    site: str
    rules: Rules
    at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class RecordVisit:
    """`purpose` of the visit, in a code; `persons` who came."""

    purpose: str
    persons: int
    staff: str | None
    rules: Rules
    at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class NoteSignal:
    """Another stream of ours tells what happened there: `test_drive`, `group_buy`."""

    signal: str
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class ScoreLead:
    rules: Rules
    at: datetime


# ── Ends
@dataclass(frozen=True, slots=True)
class ConvertLead:
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Sales tells what became of the opportunity: `won`, or `lost`, which brings a converted lead back to work."""

    opportunity: str
    outcome: str
    reason: str | None
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class RecycleLead:
    """Into the recycle bin: nothing is deleted."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RestoreLead:
    reason: str
    next_action: NextAction | None
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class LoseLead:
    reason: str
    at: datetime
    competitor: str | None = None


@dataclass(frozen=True, slots=True)
class ReopenLead:
    reason: str
    next_action: NextAction | None
    rules: Rules
    at: datetime


Command = (
    CaptureLead
    | EnrichLead
    | QualifyLead
    | ScheduleFollowUp
    | NoteOverdue
    | CompleteFollowUp
    | RouteLead
    | AcceptLead
    | DeclineLead
    | ReportLeadStatus
    | NoteFeedbackOverdue
    | ProtectLead
    | NoteProtectionExpired
    | ReleaseLead
    | ClaimLead
    | ReassignLead
    | ShareCustomer
    | RevokeShare
    | RecordExperience
    | RecordVisit
    | NoteSignal
    | ScoreLead
    | ConvertLead
    | RecordOutcome
    | RecycleLead
    | RestoreLead
    | LoseLead
    | ReopenLead
)
