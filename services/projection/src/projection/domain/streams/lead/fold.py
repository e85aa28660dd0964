"""How a lead's events make its state: the same decisions as its own service makes of them, and the evidence kept."""

from datetime import datetime
from typing import TypeVar

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace
from projection.domain.rules import later
from projection.domain.streams.lead.events import (
    CustomerShared,
    FollowUpCompleted,
    FollowUpMissed,
    FollowUpScheduled,
    LeadAccepted,
    LeadCaptured,
    LeadConverted,
    LeadDeclined,
    LeadEnriched,
    LeadFeedbackOverdue,
    LeadLost,
    LeadOutcomeRecorded,
    LeadProtected,
    LeadProtectionExpired,
    LeadQualified,
    LeadReassigned,
    LeadRecycled,
    LeadReleasedToPool,
    LeadReopened,
    LeadRestored,
    LeadRouted,
    LeadScored,
    LeadStatusReported,
    OnlineExperienceRecorded,
    ShareRevoked,
    ShowroomVisitRecorded,
    VehicleInterest,
)
from projection.domain.streams.lead.state import (
    Conversion,
    Experience,
    FollowUp,
    GivenConsent,
    LeadState,
    Loss,
    Outcome,
    Protection,
    Reassignment,
    Recycling,
    Reopening,
    Report,
    Routing,
    Score,
    Share,
    Visit,
)
from projection.domain.streams.marks import Mark

T = TypeVar("T")


def evolve(lead: LeadState, fact: Fact) -> LeadState:
    """Total: any event in any state, and it never raises. Before LeadCaptured nothing else counts."""
    event = fact.event
    if lead.captured is None:
        return _captured(event, fact.id) if isinstance(event, LeadCaptured) else lead
    for part in (_intent, _interest, _work, _routed, _held, _shared, _ended):
        changed = part(lead, event, fact.id)
        if changed is not None:
            return changed
    return lead


def left_holder(lead: LeadState, id_: str) -> LeadState:
    """Another dealer holds it, or nobody: no share outlives that."""
    shares = tuple(_ended_share(share, "left", id_) for share in lead.shares)
    return lead if shares == lead.shares else replace(lead, shares=shares)


# ── The intent ────────────────────────────────────────────────────────────────────────────────────────────────
def _captured(event: LeadCaptured, id_: str) -> LeadState:
    by = (id_,)
    return LeadState(
        captured=Leaf(event.at, by),
        status=Leaf("open", by),
        source=Leaf(event.source, by),
        campaign=Leaf(event.campaign, by),
        dealer_wish=Leaf(event.dealer_wish, by),
        vehicles=Leaf(event.vehicles, by),
        named_vehicles=_named(event.vehicles),
        budget=Leaf(event.budget, by),
        window=Leaf(event.window, by),
        region=Leaf(event.region, by),
        needs=tuple(Leaf(need, by) for need in event.needs),
        contact_points=tuple(Leaf(point, by) for point in event.contact_points),
        personal_fields=tuple(Leaf(name, by) for name in event.personal_fields),
        consents=tuple(GivenConsent(consent, event.at, id_) for consent in event.consents),
        marks=(Mark(event.at, "opened", id_),),
    )


def _intent(lead: LeadState, event: object, id_: str) -> LeadState | None:
    match event:
        case LeadEnriched():
            return _enriched(lead, event, id_)
        case LeadQualified(grade=grade, reasons=reasons, at=at):
            marked = _mark(lead, at, "graded", id_, grade)
            told = Leaf(reasons, (id_,)) if reasons else _cleared(lead.reasons, (), id_)
            return replace(marked, grade=Leaf(grade, (id_,)), reasons=told)
    return None


def _enriched(lead: LeadState, event: LeadEnriched, id_: str) -> LeadState:
    by = (id_,)
    anew = {point.key for point in event.contact_points}
    gone = anew | set(event.removed_contact_points)
    lost = sorted({leaf.value.key for leaf in lead.contact_points} & gone - anew)
    known = {leaf.value for leaf in lead.personal_fields}
    kinds = {need.kind for need in event.needs}
    return replace(
        lead,
        vehicles=lead.vehicles if event.vehicles is None else Leaf(event.vehicles, by),
        named_vehicles=lead.named_vehicles or _named(event.vehicles or ()),
        budget=lead.budget if event.budget is None else Leaf(event.budget, by),
        window=lead.window if event.window is None else Leaf(event.window, by),
        region=lead.region if event.region is None else Leaf(event.region, by),
        needs=(
            *(leaf for leaf in lead.needs if leaf.value.kind not in kinds),
            *(Leaf(need, by) for need in event.needs),
        ),
        contact_points=(
            *(leaf for leaf in lead.contact_points if leaf.value.key not in gone),
            *(Leaf(point, by) for point in event.contact_points),
        ),
        removed_points=(
            *(leaf for leaf in lead.removed_points if leaf.value not in anew),
            *(Leaf(key, by) for key in lost),
        ),
        personal_fields=(
            *lead.personal_fields,
            *(Leaf(name, by) for name in event.personal_fields if name not in known),
        ),
        consents=(*lead.consents, *(GivenConsent(consent, event.at, id_) for consent in event.consents)),
    )


def _named(vehicles: tuple[VehicleInterest, ...]) -> bool:
    return any(vehicle.model or vehicle.vin for vehicle in vehicles)


def _interest(lead: LeadState, event: object, id_: str) -> LeadState | None:
    match event:
        case OnlineExperienceRecorded(model=model, feature=feature, seconds=seconds, site=site, at=at):
            return replace(lead, experiences=(*lead.experiences, Experience(model, feature, seconds, site, at, id_)))
        case ShowroomVisitRecorded(purpose=purpose, persons=persons, staff=staff, at=at):
            active = _active(lead, staff, at, id_)
            return replace(active, visits=(*lead.visits, Visit(purpose, persons, staff, at, id_)))
        case LeadScored(points=points, parts=parts, at=at):
            return replace(lead, scores=(*lead.scores, Score(points, parts, at, id_)))
    return None


# ── Work ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _work(lead: LeadState, event: object, id_: str) -> LeadState | None:
    match event:
        case FollowUpScheduled(kind=kind, due=due, assignee=who, at=at):
            planned = _plan(lead, FollowUp(kind, due, who, at, id_))
            return planned if who is None else replace(planned, owner=Leaf(who, (id_,)))
        case FollowUpMissed(at=at):
            return _close(lead, "missed", id_, at)
        case FollowUpCompleted(outcome=result, staff=staff, at=at):
            done = _done(_active(lead, staff, at, id_), id_, at, result, staff)
            return done if lead.first_contact.value else replace(done, first_contact=Leaf(at, (id_,)))
        case LeadStatusReported(status=status, staff=staff, feedback_due=due, at=at):
            active = _active(lead, staff, at, id_)
            reports = (*lead.reports, Report(status, staff, at, id_))
            return replace(active, reports=reports, feedback_due=Leaf(due, (id_,)), feedback_missed=None)
    return None


def _plan(lead: LeadState, follow_up: FollowUp) -> LeadState:
    closed = _close(lead, "replaced", follow_up.event, follow_up.scheduled_at)
    return replace(closed, follow_ups=(*closed.follow_ups, follow_up))


def _close(lead: LeadState, outcome: str, id_: str, at: datetime) -> LeadState:
    """Ends the follow-up that is still planned, if there is one: at most the last. A missed one stays missed."""
    if not lead.follow_ups or lead.follow_ups[-1].outcome != "planned":
        return lead
    return _last(lead, replace(lead.follow_ups[-1], outcome=outcome, closed_by=id_, closed_at=at))


def _done(lead: LeadState, id_: str, at: datetime, result: str, staff: str | None) -> LeadState:
    """Something came of the next action, in time or late."""
    last = lead.pending
    if last is None:
        return lead
    ended = replace(last, outcome="done", closed_by=id_, closed_at=at, result=result, staff=staff)
    return _last(lead, ended)


def _last(lead: LeadState, follow_up: FollowUp) -> LeadState:
    return replace(lead, follow_ups=(*lead.follow_ups[:-1], follow_up))


def _active(lead: LeadState, staff: str | None, at: datetime, id_: str) -> LeadState:
    """Whoever works a customer keeps the protection; what a colleague does keeps it for nobody, and one that is over
    does not come back."""
    held = lead.protection
    if held is None or at >= held.until.value or staff not in (None, held.staff.value):
        return lead
    until = later(at, held.period)
    if until <= held.until.value:
        return lead
    return replace(lead, protection=replace(held, until=Leaf(until, (held.until.events[0], id_))))


# ── Routing ───────────────────────────────────────────────────────────────────────────────────────────────────
def _routed(lead: LeadState, event: object, id_: str) -> LeadState | None:
    match event:
        case LeadRouted(dealer=dealer, by=by, accept_by=accept_by, at=at):
            gone = _left(_answered(lead, "replaced", id_, at), id_)
            routed = replace(gone, routings=(*gone.routings, Routing(dealer, by, accept_by, at, id_)))
            return _plan(routed, FollowUp("accept", accept_by, None, at, id_))
        case LeadAccepted(staff=staff, feedback_due=due, at=at):
            accepted = _answered(lead, "accepted", id_, at, staff=staff)
            owner = _cleared(lead.owner, None, id_) if staff is None else Leaf(staff, (id_,))
            return replace(accepted, owner=owner, feedback_due=Leaf(due, (id_,)), feedback_missed=None)
        case LeadDeclined(reason=reason, at=at):
            return _left(_answered(lead, "declined", id_, at, reason=reason), id_)
        case LeadFeedbackOverdue(awaited="acceptance", at=at):
            return _left(_answered(lead, "overdue", id_, at), id_)
        case LeadFeedbackOverdue():
            return lead if lead.feedback_due.value is None else replace(lead, feedback_missed=id_)
    return None


_RESULTS = {"accepted": "done", "declined": "done", "overdue": "missed", "replaced": "replaced", "dropped": "dropped"}


def _answered(
    lead: LeadState, outcome: str, id_: str, at: datetime, *, staff: str | None = None, reason: str | None = None
) -> LeadState:
    """Ends the routing that waits for an answer, and the next action that it was."""
    last = lead.routings[-1] if lead.routings else None
    if last is None or last.outcome != "waiting":
        return lead
    ended = replace(last, outcome=outcome, closed_by=id_, closed_at=at, staff=staff, reason=reason)
    answered = replace(lead, routings=(*lead.routings[:-1], ended))
    action = lead.pending
    if action is None or action.event != last.event:
        return answered
    if _RESULTS[outcome] == "done":
        return _done(answered, id_, at, outcome, staff)
    return _close(answered, _RESULTS[outcome], id_, at)


def _left(lead: LeadState, id_: str) -> LeadState:
    """What its former dealer had to do with it is over."""
    return replace(
        left_holder(_unprotected(lead, id_), id_),
        owner=_cleared(lead.owner, None, id_),
        feedback_due=_cleared(lead.feedback_due, None, id_),
        feedback_missed=None,
        pooled=_cleared(lead.pooled, False, id_),
    )


def _cleared(leaf: Leaf[T], empty: T, id_: str) -> Leaf[T]:
    """What is empty already was not emptied by this event."""
    return leaf if leaf.value == empty else Leaf(empty, (id_,))


# ── Who works it ──────────────────────────────────────────────────────────────────────────────────────────────
def _held(lead: LeadState, event: object, id_: str) -> LeadState | None:
    by = (id_,)
    match event:
        case LeadProtected(staff=staff, until=until, at=at):
            held = Protection(Leaf(staff, by), Leaf(until, by), until - at)
            pooled = _cleared(lead.pooled, False, id_)
            return replace(lead, protection=held, unprotected=(), owner=Leaf(staff, by), pooled=pooled)
        case LeadProtectionExpired():
            return _unprotected(lead, id_)
        case LeadReleasedToPool():
            released = _assign(_unprotected(lead, id_), None, id_)
            return replace(released, owner=_cleared(lead.owner, None, id_), pooled=Leaf(True, by))
        case LeadReassigned(previous=previous, staff=staff, reason=reason, at=at):
            moved = _assign(lead, staff, id_)
            kept = lead.protection
            if kept is not None:
                kept = replace(kept, staff=Leaf(staff, (kept.until.events[0], id_)))
            told = (*lead.reassignments, Reassignment(previous, staff, reason, at, id_))
            pooled = _cleared(lead.pooled, False, id_)
            return replace(moved, owner=Leaf(staff, by), protection=kept, pooled=pooled, reassignments=told)
    return None


def _assign(lead: LeadState, staff: str | None, id_: str) -> LeadState:
    """The next action goes to somebody else."""
    action = lead.pending
    if action is None or action.assignee == staff:
        return lead
    return _last(lead, replace(action, assignee=staff, assigned_by=id_))


def _unprotected(lead: LeadState, id_: str) -> LeadState:
    return lead if lead.protection is None else replace(lead, protection=None, unprotected=(id_,))


# ── Who sees it ───────────────────────────────────────────────────────────────────────────────────────────────
def _shared(lead: LeadState, event: object, id_: str) -> LeadState | None:
    match event:
        case CustomerShared(dealer=dealer, scope=scope, until=until, reason=reason, at=at):
            others = _without(lead, dealer, "replaced", id_)
            return replace(lead, shares=(*others, Share(dealer, scope, until, reason, at, id_)))
        case ShareRevoked(dealer=dealer):
            return replace(lead, shares=_without(lead, dealer, "revoked", id_))
    return None


def _without(lead: LeadState, dealer: str, why: str, id_: str) -> tuple[Share, ...]:
    return tuple(_ended_share(share, why, id_) if share.dealer == dealer else share for share in lead.shares)


def _ended_share(share: Share, why: str, id_: str) -> Share:
    return share if share.ended is not None else replace(share, ended=why, ended_by=id_)


# ── Ends ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _ended(lead: LeadState, event: object, id_: str) -> LeadState | None:
    by = (id_,)
    match event:
        case LeadLost(reason=reason, competitor=competitor, at=at):
            closed = _mark(_closed(lead, id_, at), at, "lost", id_)
            return replace(closed, status=Leaf("lost", by), losses=(*lead.losses, Loss(reason, competitor, at, id_)))
        case LeadConverted(at=at):
            closed = _mark(_closed(lead, id_, at), at, "converted", id_)
            return replace(closed, status=Leaf("converted", by), conversions=(*lead.conversions, Conversion(at, id_)))
        case LeadOutcomeRecorded(opportunity=opportunity, outcome=outcome, reason=reason, at=at):
            return replace(lead, outcomes=(*lead.outcomes, Outcome(opportunity, outcome, reason, at, id_)))
        case LeadReopened(reason=reason, at=at):
            marked = _mark(lead, at, "opened", id_)
            return replace(marked, status=Leaf("open", by), reopenings=(*lead.reopenings, Reopening(reason, at, id_)))
        case LeadRecycled(reason=reason, at=at):
            closed = _mark(_closed(lead, id_, at), at, "recycled", id_)
            return replace(closed, binned=Leaf(True, by), recyclings=(*lead.recyclings, Recycling(reason, at, id_)))
        case LeadRestored(at=at):
            return _restored(_mark(lead, at, "restored", id_), at, id_)
    return None


def _closed(lead: LeadState, id_: str, at: datetime) -> LeadState:
    """Nobody has to do anything about it any more."""
    dropped = _close(_answered(lead, "dropped", id_, at), "dropped", id_, at)
    if dropped.pending is not None:
        dropped = _last(dropped, replace(dropped.pending, over=True))
    return replace(
        _unprotected(dropped, id_),
        feedback_due=_cleared(lead.feedback_due, None, id_),
        feedback_missed=None,
        pooled=_cleared(lead.pooled, False, id_),
    )


def _restored(lead: LeadState, at: datetime, id_: str) -> LeadState:
    """As it was: neither its status nor its shares changed in the bin."""
    if not lead.binned.value:
        return lead
    *others, last = lead.recyclings
    told = (*others, replace(last, restored_at=at, restored_by=id_))
    return replace(lead, binned=Leaf(False, (id_,)), recyclings=told)


def _mark(lead: LeadState, at: datetime, kind: str, id_: str, grade: str | None = None) -> LeadState:
    return replace(lead, marks=(*lead.marks, Mark(at, kind, id_, grade)))
