"""To which dealer a lead goes, its answer, and the word it owes (E06, E07)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lead.domain.lead import (
    AcceptLead,
    Candidate,
    ClaimLead,
    CompleteFollowUp,
    ContactPoint,
    ConvertLead,
    CustomerShared,
    DeclineLead,
    EnrichLead,
    FollowUpMissed,
    FollowUpScheduled,
    Lead,
    LeadAccepted,
    LeadCaptured,
    LeadDeclined,
    LeadEnriched,
    LeadFeedbackOverdue,
    LeadLost,
    LeadProtected,
    LeadQualified,
    LeadReleasedToPool,
    LeadRouted,
    LeadStatusReported,
    LoseLead,
    NextAction,
    NoteFeedbackOverdue,
    NoteOverdue,
    ProtectLead,
    QualifyLead,
    ReassignLead,
    ReleaseLead,
    ReportLeadStatus,
    RouteLead,
    Routing,
    Rules,
    ScheduleFollowUp,
    ShareCustomer,
    decider,
)
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
BY = NOW + 4 * HOUR
RULES = Rules("2026-2", DAY, accept=4 * HOUR, feedback=72 * HOUR, required_hot=("contact_point",))
D1, D2, D3 = Candidate("d1", "wish"), Candidate("d2", "distance"), Candidate("d3", "load")
ALL = (D1, D2, D3)
CAPTURED = LeadCaptured("party-1", "web_form", None, "d1", (), None, None, (), (), "2026-2", NOW)
FREE = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, None, NOW))
HELD = (replace(CAPTURED, dealer="d1"), FollowUpScheduled("first_contact", NOW + DAY, "a", NOW))
TO_D1 = LeadRouted("d1", "wish", BY, "2026-2", NOW)
ROUTED = (*FREE, TO_D1)
ACCEPTED = LeadAccepted("d1", "a", NOW + HOUR + 72 * HOUR, "2026-2", NOW + HOUR)
FIRST = FollowUpScheduled("first_contact", NOW + HOUR + DAY, "a", NOW + HOUR)
TAKEN = (*ROUTED, ACCEPTED, FIRST)
PHONE = ContactPoint("phone/1", "mobile", True, True)


def lead(*history: object) -> Lead:
    state = decider.fold(history)  # type: ignore[arg-type]
    assert isinstance(state, Lead)
    return state


# ── To a dealer (E06) ─────────────────────────────────────────────────────────────────────────────────────────
def test_e06_a_lead_goes_to_the_first_candidate_who_has_the_rules_time_to_answer() -> None:
    given(decider, *FREE).when(RouteLead(ALL, RULES, NOW)).then(TO_D1)


def test_e06_a_routed_lead_is_its_dealers_and_waits_for_the_answer() -> None:
    """E21: the next action of a routed lead is to accept it."""
    state = lead(*FREE, FollowUpMissed("first_contact", NOW + DAY), TO_D1)
    assert (state.dealer, state.routing, state.tried) == ("d1", Routing("d1", BY), ("d1",))
    assert state.next_action == NextAction("accept", BY)
    assert not state.overdue


def test_e06_the_deadline_may_be_said_but_not_in_the_past() -> None:
    said = RouteLead(ALL, RULES, NOW, accept_by=NOW + HOUR)
    given(decider, *FREE).when(said).then(replace(TO_D1, accept_by=NOW + HOUR))
    given(decider, *FREE).when(replace(said, accept_by=NOW)).rejected("accept_by_in_the_past")


def test_e06_a_lead_that_has_a_dealer_is_not_taken_away_by_rule() -> None:
    given(decider, *HELD).when(RouteLead((D2,), RULES, NOW)).then_nothing()
    given(decider, *ROUTED).when(RouteLead((D2,), RULES, NOW)).then_nothing()


def test_e06_without_a_dealer_that_has_not_had_it_routing_is_refused() -> None:
    given(decider, *FREE).when(RouteLead((), RULES, NOW)).rejected("no_dealer_left")
    back = (*ROUTED, LeadDeclined("d1", "too_far", NOW))
    given(decider, *back).when(RouteLead((D1,), RULES, NOW)).rejected("no_dealer_left")
    given(decider, *back).when(RouteLead((D1, D2), RULES, NOW)).then(LeadRouted("d2", "distance", BY, "2026-2", NOW))


def test_e06_by_hand_it_may_go_to_any_dealer_also_to_one_that_had_it() -> None:
    by_hand = RouteLead((), RULES, NOW, dealer="d1")
    given(decider, *FREE).when(by_hand).then(replace(TO_D1, by="hand"))
    given(decider, *ROUTED, LeadDeclined("d1", "too_far", NOW)).when(by_hand).then(replace(TO_D1, by="hand"))
    given(decider, *HELD).when(replace(by_hand, dealer="d2")).then(LeadRouted("d2", "hand", BY, "2026-2", NOW))


def test_e06_by_hand_to_the_dealer_that_has_it_says_nothing_or_moves_the_deadline() -> None:
    by_hand = RouteLead((), RULES, NOW, dealer="d1")
    given(decider, *ROUTED).when(by_hand).then_nothing()
    given(decider, *TAKEN).when(by_hand).then_nothing()
    longer = replace(by_hand, accept_by=BY + HOUR)
    given(decider, *ROUTED).when(longer).then(LeadRouted("d1", "hand", BY + HOUR, "2026-2", NOW))
    assert lead(*ROUTED, LeadRouted("d1", "hand", BY + HOUR, "2026-2", NOW)).tried == ("d1",)


def test_e06_what_its_former_dealer_had_to_do_with_it_is_over() -> None:
    """C04, C05, E07: protection, shares and the word owed end with the holder."""
    before = (
        *TAKEN,
        LeadProtected("a", NOW + 15 * DAY, "2026-2", NOW),
        CustomerShared("d3", "contact", NOW + 9 * DAY, "help", NOW),
    )
    after = lead(*before, LeadRouted("d2", "hand", BY, "2026-2", NOW))
    for state in (after, lead(*before, LeadReleasedToPool("x", NOW), LeadRouted("d2", "hand", BY, "2026-2", NOW))):
        assert state.dealer == "d2"
        assert (state.owner, state.accepted_by, state.feedback_due) == (None, None, None)
        assert (state.protection, state.shares, state.pooled) == (None, (), False)
    assert after.tried == ("d1", "d2")
    given(decider, *before, LeadRouted("d2", "hand", BY, "2026-2", NOW)).when(AcceptLead("a", RULES, NOW)).then(
        LeadAccepted("d2", "a", NOW + 72 * HOUR, "2026-2", NOW),
        FollowUpScheduled("first_contact", NOW + DAY, "a", NOW),
    )


def test_e06_the_dealer_that_captured_it_had_it() -> None:
    """Taken from it by hand and declined by the other, it does not come back by rule."""
    history = (*HELD, LeadRouted("d2", "hand", BY, "2026-2", NOW))
    given(decider, *history).when(DeclineLead("too_far", ALL, RULES, NOW)).then(
        LeadDeclined("d2", "too_far", NOW), LeadRouted("d3", "load", BY, "2026-2", NOW)
    )


# ── Hot (E06, E10) ────────────────────────────────────────────────────────────────────────────────────────────
HOT = QualifyLead("hot", ("test_drive",), RULES, NOW, ALL)
QUALIFIED = LeadQualified("hot", ("test_drive",), "2026-2", NOW)
REACHABLE = (LeadEnriched(NOW, contact_points=(PHONE,)),)


def test_e10_what_headquarters_finds_hot_is_at_a_dealer_at_once() -> None:
    given(decider, *FREE, *REACHABLE).when(HOT).then(QUALIFIED, TO_D1)
    given(decider, *FREE, *REACHABLE, QUALIFIED, TO_D1).when(HOT).then_nothing()


def test_e10_not_so_what_is_warm_or_at_a_dealer_or_has_no_dealer_left() -> None:
    given(decider, *FREE).when(replace(HOT, grade="warm")).then(replace(QUALIFIED, grade="warm"))
    given(decider, *HELD, *REACHABLE).when(HOT).then(QUALIFIED)
    given(decider, *FREE, *REACHABLE).when(replace(HOT, candidates=())).then(QUALIFIED)
    declined = (*ROUTED, *REACHABLE, LeadDeclined("d1", "too_far", NOW))
    given(decider, *declined).when(replace(HOT, candidates=(D1,))).then(QUALIFIED)
    given(decider, *declined).when(HOT).then(QUALIFIED, LeadRouted("d2", "distance", BY, "2026-2", NOW))


def test_m05_what_is_hot_can_be_reached() -> None:
    """M05: fields required by the stage."""
    given(decider, *FREE).when(HOT).rejected("profile_incomplete")
    given(decider, *FREE).when(replace(HOT, grade="cold")).then(replace(QUALIFIED, grade="cold"))


# ── Its answer (E06) ──────────────────────────────────────────────────────────────────────────────────────────
def test_e06_who_accepts_works_it_and_owes_a_word() -> None:
    given(decider, *ROUTED).when(AcceptLead("a", RULES, NOW + HOUR)).then(ACCEPTED, FIRST)
    state = lead(*TAKEN)
    assert (state.routing, state.owner, state.accepted_by) == (None, "a", "a")
    assert state.feedback_due == NOW + 73 * HOUR
    assert state.next_action == NextAction("first_contact", NOW + HOUR + DAY, "a")


def test_e06_accepting_again_says_nothing_but_nobody_else_can() -> None:
    given(decider, *TAKEN).when(AcceptLead("a", RULES, NOW + HOUR)).then_nothing()
    given(decider, *TAKEN).when(AcceptLead("b", RULES, NOW + HOUR)).rejected("nothing_to_accept")
    given(decider, *HELD).when(AcceptLead("a", RULES, NOW)).rejected("nothing_to_accept")
    given(decider, *HELD).when(AcceptLead(None, RULES, NOW)).rejected("nothing_to_accept")
    by_nobody = (*ROUTED, replace(ACCEPTED, staff=None), replace(FIRST, assignee=None))
    given(decider, *by_nobody).when(AcceptLead(None, RULES, NOW + HOUR)).then_nothing()
    given(decider, *by_nobody).when(AcceptLead("a", RULES, NOW + HOUR)).rejected("nothing_to_accept")


def test_e06_accepting_too_late_is_refused_before_the_timer_says_so() -> None:
    given(decider, *ROUTED).when(AcceptLead("a", RULES, BY + SECOND)).rejected("acceptance_overdue")
    given(decider, *ROUTED).when(AcceptLead("a", RULES, BY)).then(
        LeadAccepted("d1", "a", BY + 72 * HOUR, "2026-2", BY), FollowUpScheduled("first_contact", BY + DAY, "a", BY)
    )


def test_e06_declined_it_goes_to_the_next_dealer() -> None:
    given(decider, *ROUTED).when(DeclineLead("too_far", ALL, RULES, NOW + HOUR)).then(
        LeadDeclined("d1", "too_far", NOW + HOUR),
        LeadRouted("d2", "distance", NOW + 5 * HOUR, "2026-2", NOW + HOUR),
    )


def test_e06_declined_by_the_last_it_is_routed_by_hand() -> None:
    """E21: somebody always has to do something about it."""
    by_hand = FollowUpScheduled("route_by_hand", NOW + DAY, None, NOW)
    declined = LeadDeclined("d1", "too_far", NOW)
    given(decider, *ROUTED).when(DeclineLead("too_far", (D1,), RULES, NOW)).then(declined, by_hand)
    state = lead(*ROUTED, declined, by_hand)
    assert (state.dealer, state.routing) == (None, None)
    assert state.next_action == NextAction("route_by_hand", NOW + DAY)


def test_e06_what_was_accepted_or_never_routed_cannot_be_declined() -> None:
    for history in (TAKEN, HELD, FREE):
        given(decider, *history).when(DeclineLead("too_far", ALL, RULES, NOW)).rejected("nothing_to_accept")


def test_e06_unanswered_it_goes_to_the_next_dealer_from_when_the_timer_came() -> None:
    late = BY + 2 * HOUR
    overdue = LeadFeedbackOverdue("d1", "acceptance", BY)
    given(decider, *ROUTED).when(NoteOverdue(BY, late, RULES, ALL)).then(
        overdue, LeadRouted("d2", "distance", late + 4 * HOUR, "2026-2", late)
    )
    given(decider, *ROUTED).when(NoteOverdue(BY, late, RULES, (D1,))).then(
        overdue, FollowUpScheduled("route_by_hand", late + DAY, None, late)
    )
    assert lead(*ROUTED, overdue).dealer is None
    assert lead(*ROUTED, overdue).routing is None


def test_e06_a_timer_of_an_answer_that_came_or_is_not_yet_due_says_nothing() -> None:
    given(decider, *TAKEN).when(NoteOverdue(BY, BY, RULES, ALL)).then_nothing()
    given(decider, *ROUTED).when(NoteOverdue(BY, BY - SECOND, RULES, ALL)).then_nothing()
    given(decider, *ROUTED).when(NoteOverdue(BY - HOUR, BY, RULES, ALL)).then_nothing()


@pytest.mark.parametrize(
    "command",
    [
        ScheduleFollowUp(NextAction("call", BY), NOW),
        CompleteFollowUp("reached", "a", None, RULES, NOW),
        ReportLeadStatus("reached", "a", RULES, NOW),
        ProtectLead("a", RULES, NOW),
        ClaimLead("a", NOW),
        ReleaseLead("manager", NOW),
        ReassignLead(None, "a", "manager", NOW),
        ShareCustomer("d2", "facts", BY, "help", NOW),
        ConvertLead(RULES, NOW),
        LoseLead("no_answer", NOW),
    ],
    ids=lambda command: type(command).__name__,
)
def test_e06_a_lead_is_not_worked_before_it_is_accepted(command: object) -> None:
    given(decider, *ROUTED).when(command).rejected("acceptance_pending")  # type: ignore[arg-type]


def test_e09_more_may_be_learned_of_it_meanwhile() -> None:
    learned = EnrichLead(NOW, contact_points=(PHONE,))
    given(decider, *ROUTED).when(learned).then(LeadEnriched(NOW, contact_points=(PHONE,)))


# ── The word it owes (E07) ────────────────────────────────────────────────────────────────────────────────────
REPORTED = LeadStatusReported("negotiating", "a", NOW + 2 * DAY + 72 * HOUR, "2026-2", NOW + 2 * DAY)


def test_e07_a_status_is_reported_and_the_next_word_is_due() -> None:
    report = ReportLeadStatus("negotiating", "a", RULES, NOW + 2 * DAY)
    given(decider, *TAKEN).when(report).then(REPORTED)
    state = lead(*TAKEN, REPORTED)
    assert (state.reported, state.feedback_due) == ("negotiating", NOW + 5 * DAY)
    given(decider, *TAKEN, REPORTED).when(report).then_nothing()
    given(decider, *TAKEN, REPORTED).when(replace(report, at=NOW + 3 * DAY)).then(
        replace(REPORTED, at=NOW + 3 * DAY, feedback_due=NOW + 6 * DAY)
    )


def test_e07_headquarters_owes_itself_no_word() -> None:
    given(decider, *FREE).when(ReportLeadStatus("negotiating", None, RULES, NOW)).rejected("lead_without_dealer")


def test_e07_a_word_not_given_in_time_is_overdue_once_and_the_dealer_keeps_the_lead() -> None:
    due = NOW + 73 * HOUR
    overdue = LeadFeedbackOverdue("d1", "status", due)
    given(decider, *TAKEN).when(NoteFeedbackOverdue(due, due)).then(overdue)
    given(decider, *TAKEN).when(NoteFeedbackOverdue(due, due + DAY)).then(overdue)
    given(decider, *TAKEN).when(NoteFeedbackOverdue(due, due - SECOND)).then_nothing()
    given(decider, *TAKEN, overdue).when(NoteFeedbackOverdue(due, due)).then_nothing()
    state = lead(*TAKEN, overdue)
    assert (state.dealer, state.owner, state.feedback_due) == ("d1", "a", None)
    assert state.next_action is not None


def test_e07_a_timer_of_a_word_that_came_or_of_a_closed_lead_says_nothing() -> None:
    due = NOW + 73 * HOUR
    given(decider, *TAKEN, REPORTED).when(NoteFeedbackOverdue(due, due)).then_nothing()
    given(decider, *TAKEN, LeadLost("no_answer", None, NOW)).when(NoteFeedbackOverdue(due, due)).then_nothing()
    given(decider, *FREE).when(NoteFeedbackOverdue(due, due)).then_nothing()
    given(decider).when(NoteFeedbackOverdue(due, due)).rejected("lead_unknown")
