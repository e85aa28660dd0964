"""What a lead answers to each command. Pure: time, candidates and rules come with the command."""

from dataclasses import replace
from datetime import datetime

from lead.domain.lead.commands import (
    AcceptLead,
    CaptureLead,
    ClaimLead,
    Command,
    CompleteFollowUp,
    ConvertLead,
    DeclineLead,
    EnrichLead,
    LoseLead,
    NoteFeedbackOverdue,
    NoteOverdue,
    NoteProtectionExpired,
    NoteSignal,
    ProtectLead,
    QualifyLead,
    ReassignLead,
    RecordExperience,
    RecordOutcome,
    RecordVisit,
    RecycleLead,
    ReleaseLead,
    ReopenLead,
    ReportLeadStatus,
    RestoreLead,
    RevokeShare,
    RouteLead,
    ScheduleFollowUp,
    ScoreLead,
    ShareCustomer,
)
from lead.domain.lead.events import (
    Event,
    FollowUpCompleted,
    FollowUpMissed,
    FollowUpScheduled,
    LeadCaptured,
    LeadConverted,
    LeadEnriched,
    LeadLost,
    LeadOutcomeRecorded,
    LeadQualified,
    LeadRecycled,
    LeadReopened,
    LeadRestored,
    LeadRouted,
    LeadScored,
    OnlineExperienceRecorded,
    ShowroomVisitRecorded,
)
from lead.domain.lead.holding import claim, give, protect, protection_expired, reassign, release, revoke, share
from lead.domain.lead.profile import missing, score
from lead.domain.lead.routing import accept, acceptance_overdue, decline, feedback_overdue, report, route, route_if_hot
from lead.domain.lead.state import TOLD, Lead, State, Unknown, evolve
from lead.domain.lead.values import NextAction, Rules
from roadbook.decider import Rejected


def decide(command: Command, lead: State) -> list[Event]:
    match command, lead:
        case CaptureLead(), Unknown():
            return _capture(command)
        case CaptureLead(party_ref=ref), Lead(party_ref=same) if ref == same:
            return []  # the same intent came again: what it says anew comes as EnrichLead
        case CaptureLead(), Lead():
            raise Rejected("lead_exists")
        case _, Lead():
            return _of_any(command, lead)
    raise Rejected("lead_unknown")


def _of_any(command: Command, lead: Lead) -> list[Event]:
    """What is said of a lead in any status."""
    match command:
        case NoteOverdue():
            return _note_overdue(command, lead)
        case NoteFeedbackOverdue():
            return feedback_overdue(command, lead)
        case NoteProtectionExpired():
            return protection_expired(command, lead)
        case RevokeShare():
            return revoke(command, lead)
        case ReassignLead():
            return reassign(command, lead)
        case RecordOutcome():
            return _outcome(command, lead)
        case LoseLead() | ConvertLead() | RecycleLead() | RestoreLead() | ReopenLead():
            return _end(command, lead)
    if lead.status != "open":
        raise Rejected("lead_closed")
    return _of_open(command, lead)


def _of_open(command: Command, lead: Lead) -> list[Event]:
    match command:
        case QualifyLead():
            return _qualify(command, lead)
        case EnrichLead():
            return _enrich(command, lead)
        case RecordExperience() | RecordVisit():
            return _record(command, lead)
        case NoteSignal(signal=signal, rules=rules, at=at):
            return _scored([], replace(lead, signals=(*lead.signals, signal)), rules, at) if signal in TOLD else []
        case ScoreLead(rules=rules, at=at):
            return _scored([], lead, rules, at)
        case RouteLead():
            return route(command, lead)
        case AcceptLead():
            return accept(command, lead)
        case DeclineLead():
            return decline(command, lead)
        case ReleaseLead():
            return release(command, lead)
        case ShareCustomer():
            return share(command, lead)
    if lead.routing is not None:
        raise Rejected("acceptance_pending")  # work on it begins when its dealer has taken it
    return _of_accepted(command, lead)


def _of_accepted(command: Command, lead: Lead) -> list[Event]:
    match command:
        case ScheduleFollowUp(next_action=action) if action == lead.next_action and not lead.overdue:
            return []
        case ScheduleFollowUp(next_action=action, at=at):
            return [*give(action.assignee, lead, at), scheduled(action, at)]
        case CompleteFollowUp():
            return _complete(command, lead)
        case ReportLeadStatus():
            return report(command, lead)
        case ProtectLead():
            return protect(command, lead)
        case ClaimLead():
            return claim(command, lead)
    raise Rejected("command_unknown")


# ── The intent ────────────────────────────────────────────────────────────────────────────────────────────────
def _capture(command: CaptureLead) -> list[Event]:
    family = command.source.partition(":")[0]
    if family in command.rules.consent_for and not any(consent.granted for consent in command.consents):
        raise Rejected("consent_required")
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
        region=command.region,
        needs=command.needs,
    )
    return [captured, _next(command.next_action, None, command.rules, command.now)]


def _enrich(command: EnrichLead, lead: Lead) -> list[Event]:
    known = set(lead.contact_points)
    points = {point.key: point for point in command.contact_points}  # of two under one key the later counts
    gone = {point.key for point in lead.contact_points} - points.keys()
    # The latest word counts: a consent given again after a refusal is news, though the same was said before.
    word = {(c.purpose, c.channel, c.brand): c for c in lead.consents}
    said = {(c.purpose, c.channel, c.brand): c for c in command.consents}
    needs = {need.kind: need for need in command.needs}
    event = LeadEnriched(
        at=command.at,
        vehicles=command.vehicles if command.vehicles != lead.vehicles else None,
        budget=command.budget if command.budget != lead.budget else None,
        window=command.window if command.window != lead.window else None,
        contact_points=tuple(point for point in points.values() if point not in known),
        removed_contact_points=tuple(key for key in command.removed_contact_points if key in gone),
        consents=tuple(consent for key, consent in said.items() if word.get(key) != consent),
        personal_fields=tuple(name for name in command.personal_fields if name not in lead.personal_fields),
        region=command.region if command.region != lead.region else None,
        needs=tuple(need for need in needs.values() if need not in lead.needs),
    )
    if event == LeadEnriched(at=command.at):
        return []
    if command.rules is None or lead.score is None:
        return [event]  # a lead is scored from its first sign of interest on, or when somebody asks for it
    return _scored([event], lead, command.rules, command.at)


def _qualify(command: QualifyLead, lead: Lead) -> list[Event]:
    if (command.grade, command.reasons) == (lead.grade, lead.reasons):
        return []
    if command.grade == "hot" and missing(lead, command.rules.required_hot):
        raise Rejected("profile_incomplete")
    qualified = LeadQualified(command.grade, command.reasons, command.rules.version, command.at)
    return [qualified, *route_if_hot(command, lead)]


def _record(command: RecordExperience | RecordVisit, lead: Lead) -> list[Event]:
    told: Event
    match command:
        case RecordExperience(model=model, feature=feature, seconds=seconds, site=site, at=at):
            told = OnlineExperienceRecorded(model, feature, seconds, site, at)
        case RecordVisit(purpose=purpose, persons=persons, staff=staff, at=at):
            told = ShowroomVisitRecorded(purpose, persons, staff, at)
    if told in lead.last_done:
        return []  # the same again
    return _scored([told], lead, command.rules, command.now)


def _scored(events: list[Event], lead: Lead, rules: Rules, at: datetime) -> list[Event]:
    """The events, and the score if they change it."""
    state: State = lead
    for event in events:
        state = evolve(state, event)
    assert isinstance(state, Lead)  # evolve never forgets a lead
    parts = score(state, rules, at)
    if parts == lead.score:
        return events
    return [*events, LeadScored(sum(part.points for part in parts), parts, rules.version, at)]


# ── The next action ───────────────────────────────────────────────────────────────────────────────────────────
def scheduled(action: NextAction, at: datetime) -> FollowUpScheduled:
    if action.due < at:
        raise Rejected("follow_up_in_the_past")
    return FollowUpScheduled(action.kind, action.due, action.assignee, at)


def _next(wanted: NextAction | None, owner: str | None, rules: Rules, at: datetime) -> FollowUpScheduled:
    """Every open lead has a next action (E21): the one asked for, else the owner's within the rules' time."""
    return scheduled(wanted or NextAction("first_contact", at + rules.first_contact, owner), at)


def _note_overdue(command: NoteOverdue, lead: Lead) -> list[Event]:
    action = lead.next_action
    if lead.status != "open" or action is None or lead.overdue:
        return []
    if action.due != command.due or action.due > command.now:
        return []  # moved since the timer was set, or not due on our clock
    if lead.routing is not None:
        return acceptance_overdue(command, lead)
    return [FollowUpMissed(action.kind, action.due)]


def _complete(command: CompleteFollowUp, lead: Lead) -> list[Event]:
    action, at, asked = lead.next_action, command.at, command.next_action
    if action is None or _completed_before(command, lead):
        return []
    completed = FollowUpCompleted(action.kind, command.outcome, command.staff, at)
    after = evolve(lead, completed)
    assert isinstance(after, Lead)  # evolve never forgets a lead
    given = give(asked.assignee, after, at) if asked is not None else []
    wanted = asked or NextAction("follow_up", at + command.rules.follow_up, action.assignee)
    return _scored([completed, *given, scheduled(wanted, at)], lead, command.rules, at)


def _completed_before(command: CompleteFollowUp, lead: Lead) -> bool:
    """The same again, though the next action is another one by now."""
    said = (command.outcome, command.staff, command.at)
    return any(
        isinstance(done, FollowUpCompleted) and (done.outcome, done.staff, done.at) == said for done in lead.last_done
    )


# ── Ends ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _end(command: LoseLead | ConvertLead | RecycleLead | RestoreLead | ReopenLead, lead: Lead) -> list[Event]:
    match command, lead.status:
        case RecycleLead(reason=reason, at=at), "open" | "lost":
            return [LeadRecycled(reason, at)]
        case (RecycleLead(), "recycled") | (ConvertLead(), "converted") | (ReopenLead(), "open"):
            return []
        case RestoreLead(), "recycled":
            return _restore(command, lead)
        case RestoreLead(), _:
            return []
        case ReopenLead(reason=reason, rules=rules, at=at), "lost" | "converted":
            return [LeadReopened(reason, rules.version, at), _next(command.next_action, lead.owner, rules, at)]
        case LoseLead(reason=reason), "lost" if reason == lead.lost_reason:
            return []
        case (LoseLead() | ConvertLead(), "open") if lead.routing is not None:
            raise Rejected("acceptance_pending")
        case LoseLead(reason=reason, competitor=competitor, at=at), "open":
            return [LeadLost(reason, competitor, at)]
        case ConvertLead(rules=rules, at=at), "open":
            if missing(lead, rules.required_conversion):
                raise Rejected("profile_incomplete")
            return [LeadConverted(rules.version, at)]
    raise Rejected("lead_closed")


def _outcome(command: RecordOutcome, lead: Lead) -> list[Event]:
    opportunity, outcome, at = command.opportunity, command.outcome, command.at
    if lead.outcome == (opportunity, outcome):
        return []
    recorded = LeadOutcomeRecorded(opportunity, outcome, command.reason, at)
    if outcome != "lost" or lead.status != "converted":
        return [recorded]
    rules = command.rules
    return [recorded, LeadReopened("opportunity_lost", rules.version, at), _next(None, lead.owner, rules, at)]


def _restore(command: RestoreLead, lead: Lead) -> list[Event]:
    rules, at = command.rules, command.at
    restored = LeadRestored(command.reason, at)
    if lead.before != "open":
        return [restored]
    if lead.routing is not None:
        # Its dealer had not answered: the time to do so begins anew.
        return [restored, LeadRouted(lead.routing.dealer, "hand", at + rules.accept, rules.version, at)]
    return [restored, _next(command.next_action, lead.owner, rules, at)]
