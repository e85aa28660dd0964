"""To which dealer a lead goes, and what that dealer owes (E06, E07)."""

from collections.abc import Sequence
from datetime import datetime

from lead.domain.lead.commands import (
    AcceptLead,
    DeclineLead,
    NoteFeedbackOverdue,
    NoteOverdue,
    QualifyLead,
    ReportLeadStatus,
    RouteLead,
)
from lead.domain.lead.events import (
    Event,
    FollowUpScheduled,
    LeadAccepted,
    LeadDeclined,
    LeadFeedbackOverdue,
    LeadRouted,
    LeadStatusReported,
)
from lead.domain.lead.state import Lead
from lead.domain.lead.values import Candidate, Rules
from roadbook.decider import Rejected


def route(command: RouteLead, lead: Lead) -> list[Event]:
    rules, at = command.rules, command.at
    accept_by = command.accept_by or at + rules.accept
    if accept_by <= at:
        raise Rejected("accept_by_in_the_past")
    if command.dealer is not None:
        waiting = lead.routing
        if waiting is not None and (waiting.dealer, waiting.accept_by) == (command.dealer, accept_by):
            return []
        if lead.dealer == command.dealer and waiting is None:
            return []  # it works it already
        return [LeadRouted(command.dealer, "hand", accept_by, rules.version, at)]
    if lead.dealer is not None:
        return []  # routed, or held: only a hand takes it away
    chosen = _choose(command.candidates, lead.tried)
    if chosen is None:
        raise Rejected("no_dealer_left")
    return [LeadRouted(chosen.dealer, chosen.by, accept_by, rules.version, at)]


def route_if_hot(command: QualifyLead, lead: Lead) -> list[Event]:
    """E06: what headquarters finds hot is at a dealer at once."""
    if command.grade != "hot" or lead.dealer is not None:
        return []
    chosen = _choose(command.candidates, lead.tried)
    if chosen is None:
        return []
    accept_by = command.at + command.rules.accept
    return [LeadRouted(chosen.dealer, chosen.by, accept_by, command.rules.version, command.at)]


def accept(command: AcceptLead, lead: Lead) -> list[Event]:
    waiting, at = lead.routing, command.at
    if waiting is None:
        if lead.accepted_by is not None and lead.accepted_by == (command.staff or ""):
            return []
        raise Rejected("nothing_to_accept")
    if at > waiting.accept_by:
        raise Rejected("acceptance_overdue")  # the timer may be late: time decides, not the timer
    rules = command.rules
    return [
        LeadAccepted(waiting.dealer, command.staff, at + rules.feedback, rules.version, at),
        FollowUpScheduled("first_contact", at + rules.first_contact, command.staff, at),
    ]


def decline(command: DeclineLead, lead: Lead) -> list[Event]:
    if lead.routing is None:
        raise Rejected("nothing_to_accept")
    declined = LeadDeclined(lead.routing.dealer, command.reason, command.at)
    return [declined, _onward(command.candidates, lead.tried, command.rules, command.at)]


def acceptance_overdue(command: NoteOverdue, lead: Lead) -> list[Event]:
    assert lead.routing is not None  # who calls has seen it
    overdue = LeadFeedbackOverdue(lead.routing.dealer, "acceptance", command.due)
    return [overdue, _onward(command.candidates, lead.tried, command.rules, command.now)]


def _onward(candidates: Sequence[Candidate], tried: Sequence[str], rules: Rules, at: datetime) -> Event:
    """To the next dealer, or back to headquarters: somebody always has to do something about it (E21)."""
    chosen = _choose(candidates, tried)
    if chosen is None:
        return FollowUpScheduled("route_by_hand", at + rules.first_contact, None, at)
    return LeadRouted(chosen.dealer, chosen.by, at + rules.accept, rules.version, at)


def _choose(candidates: Sequence[Candidate], tried: Sequence[str]) -> Candidate | None:
    return next((each for each in candidates if each.dealer not in tried), None)


def report(command: ReportLeadStatus, lead: Lead) -> list[Event]:
    if lead.dealer is None:
        raise Rejected("lead_without_dealer")  # a dealer owes it, and nobody else
    due = command.at + command.rules.feedback
    told = LeadStatusReported(command.status, command.staff, due, command.rules.version, command.at)
    return [] if told in lead.last_done else [told]


def feedback_overdue(command: NoteFeedbackOverdue, lead: Lead) -> list[Event]:
    due = lead.feedback_due
    if lead.status != "open" or due is None or lead.dealer is None or due != command.due or due > command.now:
        return []
    return [LeadFeedbackOverdue(lead.dealer, "status", due)]
