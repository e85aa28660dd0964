"""The lead service's streams as the record reads them.

A tolerant reader of its own: enums are open strings, and what is not needed is not read. No personal data in here.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from projection.domain.facts import NONE_OF_IT, NOTHING, Fact, Leaf


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


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
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


UNKNOWN: Final = Leaf("unknown", ())


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that may change the customer's stage: `opened`, `lost` or `graded` (then with `grade`)."""

    at: datetime
    kind: str
    event: str
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class GivenConsent:
    consent: Consent
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """`outcome`: planned, missed, replaced (by another one in time) or dropped (the lead was lost). `closed_by` is
    the event that says so."""

    kind: str
    due: datetime
    assignee: str | None
    scheduled_at: datetime
    event: str
    outcome: str = "planned"
    closed_by: str | None = None


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
class LeadState:
    """`captured` is None until LeadCaptured came; every fact carries the ids of the events that made it."""

    captured: Leaf[datetime] | None = None
    status: Leaf[str] = UNKNOWN
    source: Leaf[str | None] = NOTHING
    campaign: Leaf[str | None] = NOTHING
    dealer_wish: Leaf[str | None] = NOTHING
    vehicles: Leaf[tuple[VehicleInterest, ...]] = NONE_OF_IT
    budget: Leaf[Budget | None] = NOTHING
    window: Leaf[Window | None] = NOTHING
    contact_points: tuple[Leaf[ContactPoint], ...] = ()
    personal_fields: tuple[Leaf[str], ...] = ()
    consents: tuple[GivenConsent, ...] = ()
    grade: Leaf[str | None] = NOTHING
    reasons: Leaf[tuple[str, ...]] = NONE_OF_IT
    follow_ups: tuple[FollowUp, ...] = ()
    losses: tuple[Loss, ...] = ()
    reopenings: tuple[Reopening, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def open(self) -> bool:
        return self.status.value == "open"


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(lead: LeadState, fact: Fact) -> LeadState:
    """Total: any event in any state, and it never raises. Before LeadCaptured nothing else counts."""
    event, by = fact.event, (fact.id,)
    if lead.captured is None:
        return _captured(event, fact.id) if isinstance(event, LeadCaptured) else lead
    match event:
        case LeadEnriched():
            return _enriched(lead, event, fact.id)
        case LeadQualified(grade=grade, reasons=reasons):
            marked = _mark(lead, event.at, "graded", fact.id, grade)
            return replace(marked, grade=Leaf(grade, by), reasons=Leaf(reasons, by))
        case FollowUpScheduled(kind=kind, due=due, assignee=who, at=at):
            closed = _close(lead, "replaced", fact.id)
            return replace(closed, follow_ups=(*closed.follow_ups, FollowUp(kind, due, who, at, fact.id)))
        case FollowUpMissed():
            return _close(lead, "missed", fact.id)
        case LeadLost(reason=reason, competitor=competitor, at=at):
            closed = _mark(_close(lead, "dropped", fact.id), at, "lost", fact.id)
            losses = (*lead.losses, Loss(reason, competitor, at, fact.id))
            return replace(closed, status=Leaf("lost", by), losses=losses)
        case LeadReopened(reason=reason, at=at):
            marked = _mark(lead, at, "opened", fact.id)
            reopenings = (*lead.reopenings, Reopening(reason, at, fact.id))
            return replace(marked, status=Leaf("open", by), reopenings=reopenings)
        case _:
            return lead


def _captured(event: LeadCaptured, id_: str) -> LeadState:
    by = (id_,)
    return LeadState(
        captured=Leaf(event.at, by),
        status=Leaf("open", by),
        source=Leaf(event.source, by),
        campaign=Leaf(event.campaign, by),
        dealer_wish=Leaf(event.dealer_wish, by),
        vehicles=Leaf(event.vehicles, by),
        budget=Leaf(event.budget, by),
        window=Leaf(event.window, by),
        contact_points=tuple(Leaf(point, by) for point in event.contact_points),
        personal_fields=tuple(Leaf(name, by) for name in event.personal_fields),
        consents=tuple(GivenConsent(consent, event.at, id_) for consent in event.consents),
        marks=(Mark(event.at, "opened", id_),),
    )


def _enriched(lead: LeadState, event: LeadEnriched, id_: str) -> LeadState:
    by = (id_,)
    gone = {point.key for point in event.contact_points} | set(event.removed_contact_points)
    known = {leaf.value for leaf in lead.personal_fields}
    return replace(
        lead,
        vehicles=lead.vehicles if event.vehicles is None else Leaf(event.vehicles, by),
        budget=lead.budget if event.budget is None else Leaf(event.budget, by),
        window=lead.window if event.window is None else Leaf(event.window, by),
        contact_points=(
            *(leaf for leaf in lead.contact_points if leaf.value.key not in gone),
            *(Leaf(point, by) for point in event.contact_points),
        ),
        personal_fields=(
            *lead.personal_fields,
            *(Leaf(name, by) for name in event.personal_fields if name not in known),
        ),
        consents=(*lead.consents, *(GivenConsent(consent, event.at, id_) for consent in event.consents)),
    )


def _mark(lead: LeadState, at: datetime, kind: str, id_: str, grade: str | None = None) -> LeadState:
    return replace(lead, marks=(*lead.marks, Mark(at, kind, id_, grade)))


def _close(lead: LeadState, outcome: str, id_: str) -> LeadState:
    """Ends the follow-up that is still planned, if there is one: at most the last."""
    if not lead.follow_ups or lead.follow_ups[-1].outcome != "planned":
        return lead
    ended = replace(lead.follow_ups[-1], outcome=outcome, closed_by=id_)
    return replace(lead, follow_ups=(*lead.follow_ups[:-1], ended))


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    """What happened, in plain words and without personal data; None for an event of another kind."""
    match event:
        case LeadCaptured(source=source, vehicles=vehicles):
            models = ", ".join(sorted({v.model for v in vehicles if v.model}))
            return f"Purchase intent captured from {source}" + (f" for {models}" if models else "")
        case LeadEnriched():
            return f"More learned: {', '.join(_learned(event)) or 'nothing new'}"
        case LeadQualified(grade=grade, reasons=reasons):
            return f"Qualified as {grade}" + (f" ({', '.join(reasons)})" if reasons else "")
        case FollowUpScheduled(kind=kind, due=due):
            return f"Next action {kind} planned, due {due:%Y-%m-%d %H:%M} UTC"
        case FollowUpMissed(kind=kind):
            return f"Next action {kind} missed its due time"
        case LeadLost(reason=reason, competitor=competitor):
            return f"Lost: {reason}" + (f" to {competitor}" if competitor else "")
        case LeadReopened(reason=reason):
            return f"Reopened: {reason}"
        case _:
            return None


def _learned(event: LeadEnriched) -> list[str]:
    named = {
        "vehicles": event.vehicles is not None,
        "budget": event.budget is not None,
        "window": event.window is not None,
        "contact points": bool(event.contact_points or event.removed_contact_points),
        "consent": bool(event.consents),
        "personal details": bool(event.personal_fields),
    }
    return [name for name, there in named.items() if there]
