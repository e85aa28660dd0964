"""The next action of a lead: scheduled, done, missed (C03, E21, M07)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lead.domain.lead import (
    CompleteFollowUp,
    FollowUpCompleted,
    FollowUpMissed,
    FollowUpScheduled,
    Lead,
    LeadCaptured,
    LeadProtected,
    LeadProtectionExpired,
    LeadReassigned,
    LeadReleasedToPool,
    LeadRouted,
    LeadScored,
    LeadStatusReported,
    NextAction,
    NoteOverdue,
    Rules,
    ScheduleFollowUp,
    ScorePart,
    ScoreRule,
    decider,
)
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 5 * HOUR
RULES = Rules("2026-2", DAY, follow_up=7 * DAY, protection=15 * DAY, score=(ScoreRule("contacted", 5),))
CAPTURED = LeadCaptured("party-1", "web_form", "d1", None, (), None, None, (), (), "2026-2", NOW)
OPEN = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, "a", NOW))
SCORED = LeadScored(5, (ScorePart("contacted", 5),), "2026-2", LATER)
PROTECTED = (*OPEN, LeadProtected("a", NOW + 15 * DAY, "2026-2", NOW))
POOLED = (*OPEN, LeadReleasedToPool("manager", NOW))
DONE = CompleteFollowUp("reached", "a", None, RULES, LATER)
COMPLETED = FollowUpCompleted("first_contact", "reached", "a", LATER)
CALL_BY_B = NextAction("call", LATER + DAY, "b")
SCHEDULED_FOR_B = FollowUpScheduled("call", LATER + DAY, "b", LATER)


def lead(*history: object) -> Lead:
    state = decider.fold(history)  # type: ignore[arg-type]
    assert isinstance(state, Lead)
    return state


# ── Done (C03) ────────────────────────────────────────────────────────────────────────────────────────────────
def test_c03_what_is_done_is_followed_by_the_next_of_the_same_person_within_the_rules_time() -> None:
    """C03, E21: completing never leaves the lead without a next action."""
    given(decider, *OPEN).when(DONE).then(
        COMPLETED, FollowUpScheduled("follow_up", LATER + 7 * DAY, "a", LATER), SCORED
    )


def test_c03_what_is_done_may_name_the_next_action() -> None:
    given(decider, *OPEN).when(replace(DONE, next_action=CALL_BY_B)).then(COMPLETED, SCHEDULED_FOR_B, SCORED)


def test_c03_the_next_action_after_one_that_is_done_cannot_be_in_the_past() -> None:
    past = NextAction("call", LATER - HOUR)
    given(decider, *OPEN).when(replace(DONE, next_action=past)).rejected("follow_up_in_the_past")


def test_c03_the_same_completion_again_says_nothing_though_the_next_action_is_another() -> None:
    history = (*OPEN, COMPLETED, FollowUpScheduled("follow_up", LATER + 7 * DAY, "a", LATER), SCORED)
    given(decider, *history).when(DONE).then_nothing()
    given(decider, *history).when(replace(DONE, outcome="no_answer")).then(
        FollowUpCompleted("follow_up", "no_answer", "a", LATER),
        FollowUpScheduled("follow_up", LATER + 7 * DAY, "a", LATER),
    )
    given(decider, *history).when(replace(DONE, staff="b")).then(
        FollowUpCompleted("follow_up", "reached", "b", LATER),
        FollowUpScheduled("follow_up", LATER + 7 * DAY, "a", LATER),
    )
    given(decider, *history).when(replace(DONE, at=LATER + HOUR)).then(
        FollowUpCompleted("follow_up", "reached", "a", LATER + HOUR),
        FollowUpScheduled("follow_up", LATER + HOUR + 7 * DAY, "a", LATER + HOUR),
    )


def test_c03_a_status_in_the_same_words_at_the_same_time_is_no_completion() -> None:
    """E07: the two are told one after the other, perhaps by one click."""
    reported = LeadStatusReported("reached", "a", LATER + 3 * DAY, "2026-2", LATER)
    given(decider, *OPEN, reported).when(DONE).then(
        COMPLETED, FollowUpScheduled("follow_up", LATER + 7 * DAY, "a", LATER), SCORED
    )


def test_c03_the_first_that_was_done_stays_the_first_contact() -> None:
    state = lead(*OPEN, COMPLETED, FollowUpCompleted("follow_up", "reached", "a", LATER + DAY))
    assert state.first_contact_at == LATER
    assert state.signals == ("contacted",)
    assert state.next_action is None  # what is done is not the next action any more; decide always tells the next


def test_m07_what_was_missed_is_overdue_until_it_is_done_or_set_anew() -> None:
    missed = (*OPEN, FollowUpMissed("first_contact", NOW + DAY))
    assert lead(*missed).overdue
    assert lead(*missed).next_action == NextAction("first_contact", NOW + DAY, "a")
    assert not lead(*missed, FollowUpCompleted("first_contact", "reached", "a", NOW + 2 * DAY)).overdue
    given(decider, *missed).when(replace(DONE, at=NOW + 2 * DAY)).then(
        FollowUpCompleted("first_contact", "reached", "a", NOW + 2 * DAY),
        FollowUpScheduled("follow_up", NOW + 9 * DAY, "a", NOW + 2 * DAY),
        replace(SCORED, at=NOW + 2 * DAY),
    )
    given(decider, *missed).when(NoteOverdue(NOW + DAY, NOW + 9 * DAY, RULES)).then_nothing()


def test_c03_what_is_due_now_is_missed_now() -> None:
    given(decider, *OPEN).when(NoteOverdue(NOW + DAY, NOW + DAY, RULES)).then(
        FollowUpMissed("first_contact", NOW + DAY)
    )


# ── Whose it is ───────────────────────────────────────────────────────────────────────────────────────────────
def test_whose_the_next_action_is_his_is_the_lead() -> None:
    """§2.5 (4): one responsible person."""
    assert lead(*OPEN).owner == "a"
    given(decider, *OPEN).when(ScheduleFollowUp(CALL_BY_B, LATER)).then(SCHEDULED_FOR_B)
    assert lead(*OPEN, SCHEDULED_FOR_B).owner == "b"
    assert lead(*OPEN, replace(SCHEDULED_FOR_B, assignee=None)).owner == "a"


def test_c04_the_next_action_of_a_protected_lead_is_nobody_elses() -> None:
    given(decider, *PROTECTED).when(ScheduleFollowUp(CALL_BY_B, LATER)).rejected("customer_protected")
    given(decider, *PROTECTED).when(replace(DONE, next_action=CALL_BY_B)).rejected("customer_protected")
    given(decider, *PROTECTED).when(ScheduleFollowUp(replace(CALL_BY_B, assignee="a"), LATER)).then(
        replace(SCHEDULED_FOR_B, assignee="a")
    )
    given(decider, *PROTECTED).when(ScheduleFollowUp(replace(CALL_BY_B, assignee=None), LATER)).then(
        replace(SCHEDULED_FOR_B, assignee=None)
    )


def test_c04_once_it_has_run_out_the_next_action_may_be_anybodys_before_the_timer_says_so() -> None:
    over = NOW + 15 * DAY
    action = NextAction("call", over + DAY, "b")
    given(decider, *PROTECTED).when(ScheduleFollowUp(action, over)).then(
        LeadProtectionExpired("a", over),
        LeadReleasedToPool("protection_expired", over),
        LeadReassigned(None, "b", "claimed", over),
        FollowUpScheduled("call", over + DAY, "b", over),
    )


def test_giving_the_next_action_of_a_pooled_lead_to_somebody_takes_it_out_of_the_pool() -> None:
    claimed = LeadReassigned(None, "b", "claimed", LATER)
    given(decider, *POOLED).when(ScheduleFollowUp(CALL_BY_B, LATER)).then(claimed, SCHEDULED_FOR_B)
    given(decider, *POOLED, claimed, SCHEDULED_FOR_B).when(ScheduleFollowUp(CALL_BY_B, LATER)).then_nothing()
    given(decider, *POOLED).when(replace(DONE, next_action=CALL_BY_B)).then(COMPLETED, claimed, SCHEDULED_FOR_B, SCORED)


def test_what_is_done_for_a_pooled_lead_leaves_it_there() -> None:
    given(decider, *POOLED).when(DONE).then(
        COMPLETED, FollowUpScheduled("follow_up", LATER + 7 * DAY, None, LATER), SCORED
    )
    assert lead(*POOLED, COMPLETED, FollowUpScheduled("follow_up", LATER + 7 * DAY, None, LATER)).pooled


def test_e06_work_begins_when_the_dealer_has_taken_it() -> None:
    routed = (CAPTURED, LeadRouted("d2", "hand", LATER, "2026-2", NOW))
    for command in (ScheduleFollowUp(CALL_BY_B, NOW), DONE):
        given(decider, *routed).when(command).rejected("acceptance_pending")
