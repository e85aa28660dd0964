"""What a decision about a lead needs to know, and how its events make it."""

from dataclasses import dataclass, replace
from datetime import datetime

from lead.domain.lead.events import (
    CustomerShared,
    Event,
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
)
from lead.domain.lead.values import (
    Budget,
    Consent,
    ContactPoint,
    Grade,
    Need,
    NextAction,
    Protection,
    Routing,
    ScorePart,
    Share,
    Status,
    VehicleInterest,
    Window,
)


@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Lead:
    """`next_action` is never None while `status` is open (E21). `dealer` holds it, None: headquarters; `owner` is who
    works it there, None: the dealer's manager; the next action and a protection are the owner's or nobody's. `routing`
    is set until that dealer has answered, `tried` are those that had it. `signals` are the signs of interest seen,
    `score` the parts of the last score. `last_done` is the last of each fact that may be told twice, `outcome` the
    opportunity that sales told of last, and what became of it."""

    status: Status
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
    campaign: str | None = None
    region: str | None = None
    dealer_wish: str | None = None
    needs: tuple[Need, ...] = ()
    owner: str | None = None
    routing: Routing | None = None
    tried: tuple[str, ...] = ()
    accepted_by: str | None = None
    reported: str | None = None
    feedback_due: datetime | None = None
    protection: Protection | None = None
    shares: tuple[Share, ...] = ()
    pooled: bool = False
    signals: tuple[str, ...] = ()
    score: tuple[ScorePart, ...] | None = None
    first_contact_at: datetime | None = None
    last_done: tuple[Event, ...] = ()
    before: Status = "open"
    outcome: tuple[str, str] | None = None

    def shared_with(self, dealer: str, at: datetime) -> Share | None:
        """What `dealer` may read at that time beyond its own; nothing of a lead in the recycle bin."""
        if self.status == "recycled":
            return None
        return next((share for share in self.shares if share.dealer == dealer and at < share.until), None)


State = Unknown | Lead


def evolve(lead: State, event: Event) -> State:
    if isinstance(lead, Unknown):
        return _captured(event) if isinstance(event, LeadCaptured) else lead
    for part in (_intent, _work, _routed, _held, _ended):
        changed = part(lead, event)
        if changed is not None:
            return changed
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
        campaign=event.campaign,
        region=event.region,
        dealer_wish=event.dealer_wish,
        needs=event.needs,
        tried=() if event.dealer is None else (event.dealer,),
    )


def _intent(lead: Lead, event: Event) -> Lead | None:
    match event:
        case LeadEnriched():
            return _enriched(lead, event)
        case LeadQualified(grade=grade, reasons=reasons):
            return replace(lead, grade=grade, reasons=reasons)
        case OnlineExperienceRecorded():
            return _done(_seen(lead, "online_experience"), event)
        case ShowroomVisitRecorded(staff=staff, at=at):
            return _done(_active(_seen(lead, "showroom_visit"), staff, at), event)
        case LeadScored(parts=parts):
            signals = (*lead.signals, *(part.signal for part in parts if part.signal in TOLD))
            return replace(lead, score=parts, signals=tuple(dict.fromkeys(signals)))
    return None


TOLD = ("test_drive", "group_buy")
"""Signals that other streams tell a lead of; it knows them by the score they made."""


def _enriched(lead: Lead, event: LeadEnriched) -> Lead:
    replaced = {point.key for point in event.contact_points} | set(event.removed_contact_points)
    kept = tuple(point for point in lead.contact_points if point.key not in replaced)
    kinds = {need.kind for need in event.needs}
    return replace(
        lead,
        vehicles=lead.vehicles if event.vehicles is None else event.vehicles,
        budget=event.budget or lead.budget,
        window=event.window or lead.window,
        contact_points=kept + event.contact_points,
        consents=lead.consents + event.consents,
        personal_fields=lead.personal_fields + event.personal_fields,
        region=event.region or lead.region,
        needs=tuple(need for need in lead.needs if need.kind not in kinds) + event.needs,
    )


def _work(lead: Lead, event: Event) -> Lead | None:
    match event:
        case FollowUpScheduled(kind=kind, due=due, assignee=assignee):
            return replace(
                lead, next_action=NextAction(kind, due, assignee), overdue=False, owner=assignee or lead.owner
            )
        case FollowUpMissed():
            return replace(lead, overdue=True)
        case FollowUpCompleted(staff=staff, at=at):
            done = _done(_active(_seen(lead, "contacted"), staff, at), event)
            return replace(done, next_action=None, overdue=False, first_contact_at=lead.first_contact_at or at)
        case LeadStatusReported(status=status, staff=staff, at=at, feedback_due=due):
            return replace(_done(_active(lead, staff, at), event), reported=status, feedback_due=due)
    return None


def _seen(lead: Lead, signal: str) -> Lead:
    return lead if signal in lead.signals else replace(lead, signals=(*lead.signals, signal))


def _done(lead: Lead, event: Event) -> Lead:
    others = tuple(done for done in lead.last_done if type(done) is not type(event))
    return replace(lead, last_done=(*others, event))


def _active(lead: Lead, staff: str | None, at: datetime) -> Lead:
    """Who works a customer keeps the protection; what a colleague does, keeps it for nobody. One that is over does not
    come back: somebody else may have the customer by now."""
    held = lead.protection
    if held is None or at >= held.until or staff not in (None, held.staff) or at + held.period <= held.until:
        return lead
    return replace(lead, protection=replace(held, until=at + held.period))


def _routed(lead: Lead, event: Event) -> Lead | None:
    match event:
        case LeadRouted(dealer=dealer, accept_by=accept_by):
            return replace(
                _left(lead, dealer),
                routing=Routing(dealer, accept_by),
                tried=(*(tried for tried in lead.tried if tried != dealer), dealer),
                next_action=NextAction("accept", accept_by),
                overdue=False,
            )
        case LeadAccepted(staff=staff, feedback_due=due):
            return replace(lead, routing=None, accepted_by=staff or "", owner=staff, feedback_due=due)
        case LeadDeclined() | LeadFeedbackOverdue(awaited="acceptance"):
            return _left(lead, None)
        case LeadFeedbackOverdue():
            return replace(lead, feedback_due=None)
    return None


def _left(lead: Lead, dealer: str | None) -> Lead:
    """What its former dealer had to do with it is over."""
    return replace(
        lead,
        dealer=dealer,
        routing=None,
        owner=None,
        accepted_by=None,
        feedback_due=None,
        protection=None,
        shares=(),
        pooled=False,
    )


def _held(lead: Lead, event: Event) -> Lead | None:
    match event:
        case LeadProtected(staff=staff, until=until, at=at):
            return replace(lead, protection=Protection(staff, until, until - at), owner=staff, pooled=False)
        case LeadProtectionExpired():
            return replace(lead, protection=None)
        case LeadReleasedToPool():
            action = lead.next_action and replace(lead.next_action, assignee=None)
            return replace(lead, protection=None, owner=None, next_action=action, pooled=True)
        case LeadReassigned(staff=staff):
            action = lead.next_action and replace(lead.next_action, assignee=staff)
            held = lead.protection and replace(lead.protection, staff=staff)
            return replace(lead, owner=staff, next_action=action, protection=held, pooled=False)
        case CustomerShared(dealer=dealer, scope=scope, until=until):
            others = tuple(share for share in lead.shares if share.dealer != dealer)
            return replace(lead, shares=(*others, Share(dealer, scope, until)))
        case ShareRevoked(dealer=dealer):
            return replace(lead, shares=tuple(share for share in lead.shares if share.dealer != dealer))
    return None


def _ended(lead: Lead, event: Event) -> Lead | None:
    match event:
        case LeadLost(reason=reason):
            return replace(_closed(lead, "lost"), lost_reason=reason)
        case LeadConverted():
            return _closed(lead, "converted")
        case LeadRecycled():
            return replace(_closed(lead, "recycled"), before=lead.status)
        case LeadRestored():
            return replace(lead, status=lead.before)
        case LeadReopened():
            return replace(lead, status="open", lost_reason=None)
        case LeadOutcomeRecorded(opportunity=opportunity, outcome=outcome):
            return replace(lead, outcome=(opportunity, outcome))
    return None


def _closed(lead: Lead, status: Status) -> Lead:
    return replace(
        lead, status=status, next_action=None, overdue=False, protection=None, pooled=False, feedback_due=None
    )
