"""The lead: one purchase intent of one party reference, worked by at most one dealer at a time.

No personal data in here: a contact point is named by the key of its erasable row, never by its value.
Over 400 lines, because an aggregate is read as one thing: its commands, events, state and decisions.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from roadbook.decider import Decider, Rejected

Grade = Literal["hot", "warm", "cold"]


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class VehicleInterest:
    """`model` is a catalogue code; `interest` buy, lease, sell, trade-in or test-drive; `condition` new, used or cpo
    (all open); `odometer` in `odometer_unit` (km or mi)."""

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
    """When the party means to buy; either end may be open."""

    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """`key` names the personal-data row that holds the value; `linkable` is False for numbers that many share."""

    key: str
    kind: str
    valid: bool
    linkable: bool
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """As given at capture: for a purpose on a channel, under a version of the wording; refusal is a value too."""

    purpose: str
    channel: str
    granted: bool
    wording: str
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class NextAction:
    kind: str
    due: datetime
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the rule pack that a lead's decisions pin: its version, and the time allowed to first contact."""

    version: str
    first_contact: timedelta


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
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


@dataclass(frozen=True, slots=True)
class QualifyLead:
    grade: Grade
    reasons: tuple[str, ...]
    rules: Rules
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleFollowUp:
    next_action: NextAction
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteOverdue:
    """Sent by the timer. It may come late, twice or after the action was moved: `decide` compares times itself."""

    due: datetime
    now: datetime


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


Command = CaptureLead | EnrichLead | QualifyLead | ScheduleFollowUp | NoteOverdue | LoseLead | ReopenLead


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
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


Event = LeadCaptured | LeadEnriched | LeadQualified | FollowUpScheduled | FollowUpMissed | LeadLost | LeadReopened


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Lead:
    """What a decision or a label needs to know; `next_action` is never None while `status` is open (E21)."""

    status: Literal["open", "lost"]
    party_ref: str
    dealer: str | None
    source: str
    captured_at: datetime
    vehicles: tuple[VehicleInterest, ...]
    budget: Budget | None
    window: Window | None
    contact_points: tuple[ContactPoint, ...]
    consents: tuple[Consent, ...]
    personal_fields: tuple[str, ...]
    grade: Grade | None = None
    reasons: tuple[str, ...] = ()
    next_action: NextAction | None = None
    overdue: bool = False
    lost_reason: str | None = None


State = Unknown | Lead


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, lead: State) -> list[Event]:
    match command, lead:
        case CaptureLead(), Unknown():
            return _capture(command)
        case CaptureLead(party_ref=ref), Lead(party_ref=same) if ref == same:
            return []  # the same intent came again: what it says anew comes as EnrichLead
        case CaptureLead(), Lead():
            raise Rejected("lead_exists")
        case _, Unknown():
            raise Rejected("lead_unknown")
        case NoteOverdue(), Lead():
            return _note_overdue(command, lead)
        case LoseLead(reason=r, competitor=c, at=t), Lead(status="open"):
            return [LeadLost(r, c, t)]
        case LoseLead(reason=r), Lead(status="lost", lost_reason=same) if r == same:
            return []
        case ReopenLead(reason=r, rules=rules, at=t), Lead(status="lost"):
            return [LeadReopened(r, rules.version, t), _scheduled(command.next_action, "first_contact", rules, t, t)]
        case ReopenLead(), Lead(status="open"):
            return []
        case _, Lead(status="lost"):
            raise Rejected("lead_closed")
        case QualifyLead(grade=g, reasons=r), Lead(grade=same_g, reasons=same_r) if (g, r) == (same_g, same_r):
            return []
        case QualifyLead(grade=g, reasons=r, rules=rules, at=t), Lead():
            return [LeadQualified(g, r, rules.version, t)]
        case EnrichLead(), Lead():
            return _enrich(command, lead)
        case ScheduleFollowUp(next_action=a), Lead(next_action=same) if a == same and not lead.overdue:
            return []
        case ScheduleFollowUp(next_action=a, at=t), Lead():
            if a.due < t:
                raise Rejected("follow_up_in_the_past")
            return [FollowUpScheduled(a.kind, a.due, a.assignee, t)]
        case _:
            raise Rejected("command_unknown")


def _capture(command: CaptureLead) -> list[Event]:
    captured = LeadCaptured(
        party_ref=command.party_ref,
        source=command.source,
        dealer=command.dealer,
        dealer_wish=command.dealer_wish,
        vehicles=command.vehicles,
        budget=command.budget,
        window=command.window,
        contact_points=command.contact_points,
        consents=command.consents,
        rules=command.rules.version,
        at=command.at,
        campaign=command.campaign,
        personal_fields=command.personal_fields,
    )
    return [captured, _scheduled(command.next_action, "first_contact", command.rules, command.now, command.now)]


def _scheduled(wanted: NextAction | None, kind: str, rules: Rules, now: datetime, at: datetime) -> FollowUpScheduled:
    """Every open lead has a next action: the one asked for, else first contact within the rule's time."""
    if wanted is None:
        return FollowUpScheduled(kind, now + rules.first_contact, None, at)
    if wanted.due < now:
        raise Rejected("follow_up_in_the_past")
    return FollowUpScheduled(wanted.kind, wanted.due, wanted.assignee, at)


def _note_overdue(command: NoteOverdue, lead: Lead) -> list[Event]:
    action = lead.next_action
    if lead.status != "open" or action is None or lead.overdue:
        return []
    if action.due != command.due or action.due > command.now:
        return []  # moved since the timer was set, or not due on our clock
    return [FollowUpMissed(action.kind, action.due)]


def _enrich(command: EnrichLead, lead: Lead) -> list[Event]:
    known = set(lead.contact_points)
    points = {point.key: point for point in command.contact_points}  # of two under one key the later counts
    gone = {point.key for point in lead.contact_points} - points.keys()
    # The latest word counts: a consent given again after a refusal is news, though the same was said before.
    word = {(c.purpose, c.channel, c.brand): c for c in lead.consents}
    said = {(c.purpose, c.channel, c.brand): c for c in command.consents}
    event = LeadEnriched(
        at=command.at,
        vehicles=command.vehicles if command.vehicles != lead.vehicles else None,
        budget=command.budget if command.budget != lead.budget else None,
        window=command.window if command.window != lead.window else None,
        contact_points=tuple(point for point in points.values() if point not in known),
        removed_contact_points=tuple(key for key in command.removed_contact_points if key in gone),
        consents=tuple(consent for key, consent in said.items() if word.get(key) != consent),
        personal_fields=tuple(name for name in command.personal_fields if name not in lead.personal_fields),
    )
    return [] if event == LeadEnriched(at=command.at) else [event]


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(lead: State, event: Event) -> State:
    if isinstance(lead, Unknown):
        return _captured(event) if isinstance(event, LeadCaptured) else lead
    match event:
        case LeadEnriched():
            return _enriched(lead, event)
        case LeadQualified(grade=g, reasons=r):
            return replace(lead, grade=g, reasons=r)
        case FollowUpScheduled(kind=k, due=d, assignee=a):
            return replace(lead, next_action=NextAction(k, d, a), overdue=False)
        case FollowUpMissed():
            return replace(lead, overdue=True)
        case LeadLost(reason=r):
            return replace(lead, status="lost", lost_reason=r, next_action=None, overdue=False)
        case LeadReopened():
            return replace(lead, status="open", lost_reason=None)
        case _:
            return lead


def _captured(event: LeadCaptured) -> Lead:
    return Lead(
        status="open",
        party_ref=event.party_ref,
        dealer=event.dealer,
        source=event.source,
        captured_at=event.at,
        vehicles=event.vehicles,
        budget=event.budget,
        window=event.window,
        contact_points=event.contact_points,
        consents=event.consents,
        personal_fields=event.personal_fields,
    )


def _enriched(lead: Lead, event: LeadEnriched) -> Lead:
    replaced = {point.key for point in event.contact_points} | set(event.removed_contact_points)
    kept = tuple(point for point in lead.contact_points if point.key not in replaced)
    return replace(
        lead,
        vehicles=lead.vehicles if event.vehicles is None else event.vehicles,
        budget=event.budget or lead.budget,
        window=event.window or lead.window,
        contact_points=kept + event.contact_points,
        consents=lead.consents + event.consents,
        personal_fields=lead.personal_fields + event.personal_fields,
    )


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
