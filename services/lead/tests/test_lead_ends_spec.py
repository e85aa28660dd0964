"""How a lead ends, and how it comes back: lost, converted, the recycle bin (C07, E21)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lead.domain.lead import (
    ConvertLead,
    CustomerShared,
    Event,
    FollowUpMissed,
    FollowUpScheduled,
    Lead,
    LeadAccepted,
    LeadCaptured,
    LeadConverted,
    LeadLost,
    LeadOutcomeRecorded,
    LeadProtected,
    LeadRecycled,
    LeadReleasedToPool,
    LeadReopened,
    LeadRestored,
    LeadRouted,
    LoseLead,
    NextAction,
    NoteOverdue,
    RecordOutcome,
    RecycleLead,
    ReopenLead,
    RestoreLead,
    Routing,
    Rules,
    VehicleInterest,
    decider,
)
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 2 * HOUR
RULES = Rules("2026-2", DAY, accept=4 * HOUR, required_conversion=("model",))
CAPTURED = LeadCaptured(
    "party-1", "web_form", "d1", None, (VehicleInterest("buy", "volkswagen-polo"),), None, None, (), (), "2026-2", NOW
)
OPEN = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, "a", NOW))
ROUTED = (*OPEN, LeadRouted("d2", "hand", NOW + 4 * HOUR, "2026-2", NOW))
LOST = (*OPEN, LeadLost("no_answer", None, NOW))
CONVERTED = (*OPEN, LeadConverted("2026-2", NOW))
RECYCLED = LeadRecycled("duplicate", NOW)
RESTORE = RestoreLead("mistake", None, RULES, LATER)
RESTORED = LeadRestored("mistake", LATER)
FIRST = FollowUpScheduled("first_contact", LATER + DAY, "a", LATER)


def lead(*history: object) -> Lead:
    state = decider.fold(history)  # type: ignore[arg-type]
    assert isinstance(state, Lead)
    return state


def decided(command: object, *history: Event) -> tuple[Event, ...]:
    return (*history, *decider.decide(command, decider.fold(history)))  # type: ignore[arg-type]


# ── Converted ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_lead_is_converted_once() -> None:
    convert = ConvertLead(RULES, NOW)
    given(decider, *OPEN).when(convert).then(LeadConverted("2026-2", NOW))
    given(decider, *CONVERTED).when(convert).then_nothing()
    given(decider, *LOST).when(convert).rejected("lead_closed")
    assert lead(*CONVERTED).status == "converted"


def test_m05_what_is_converted_names_a_model() -> None:
    """M05: fields required by the stage."""
    given(decider, replace(CAPTURED, vehicles=()), OPEN[1]).when(ConvertLead(RULES, NOW)).rejected("profile_incomplete")


def test_a_converted_lead_is_neither_lost_nor_recycled_but_may_be_reopened() -> None:
    given(decider, *CONVERTED).when(LoseLead("no_answer", NOW)).rejected("lead_closed")
    given(decider, *CONVERTED).when(RecycleLead("duplicate", NOW)).rejected("lead_closed")
    given(decider, *CONVERTED).when(ReopenLead("order_cancelled", None, RULES, LATER)).then(
        LeadReopened("order_cancelled", "2026-2", LATER), FIRST
    )


def test_a_closed_lead_has_neither_action_nor_timer_nor_place_in_the_pool() -> None:
    busy = (
        *OPEN,
        LeadAccepted("d1", "a", NOW + DAY, "2026-2", NOW),
        LeadProtected("a", NOW + DAY, "2026-2", NOW),
        FollowUpMissed("first_contact", NOW + DAY),
    )
    for end in (LeadLost("no_answer", None, NOW), LeadConverted("2026-2", NOW), RECYCLED):
        state = lead(*busy, end)
        assert (state.next_action, state.overdue, state.protection, state.feedback_due) == (None, False, None, None)
        assert not lead(*busy, LeadReleasedToPool("manager", NOW), end).pooled


def test_m03_a_reopened_lead_is_its_owners_again() -> None:
    given(decider, *LOST).when(ReopenLead("came_back", None, RULES, LATER)).then(
        LeadReopened("came_back", "2026-2", LATER), FIRST
    )
    assert lead(*LOST).lost_reason == "no_answer"
    assert lead(*LOST, LeadReopened("came_back", "2026-2", LATER)).lost_reason is None


# ── The recycle bin (C07) ─────────────────────────────────────────────────────────────────────────────────────
def test_c07_an_open_a_routed_or_a_lost_lead_may_be_recycled_once() -> None:
    recycle = RecycleLead("duplicate", NOW)
    for history in (OPEN, ROUTED, LOST):
        given(decider, *history).when(recycle).then(RECYCLED)
        given(decider, *history, RECYCLED).when(recycle).then_nothing()


def test_c07_what_is_not_in_the_bin_is_not_restored() -> None:
    for history in (OPEN, ROUTED, LOST, CONVERTED, (*OPEN, RECYCLED, RESTORED, FIRST)):
        given(decider, *history).when(RESTORE).then_nothing()


def test_c07_in_the_bin_only_restoring_helps() -> None:
    for command in (LoseLead("no_answer", NOW), ConvertLead(RULES, NOW), ReopenLead("x", None, RULES, NOW)):
        given(decider, *OPEN, RECYCLED).when(command).rejected("lead_closed")
    given(decider, *OPEN, RECYCLED).when(NoteOverdue(NOW + DAY, NOW + DAY, RULES)).then_nothing()
    given(decider, *ROUTED, RECYCLED).when(NoteOverdue(NOW + 4 * HOUR, NOW + DAY, RULES)).then_nothing()


def test_c07_a_restored_lead_is_open_with_a_next_action_of_its_owner() -> None:
    """E21."""
    given(decider, *OPEN, RECYCLED).when(RESTORE).then(RESTORED, FIRST)
    asked = replace(RESTORE, next_action=NextAction("call", LATER + HOUR, "b"))
    given(decider, *OPEN, RECYCLED).when(asked).then(RESTORED, FollowUpScheduled("call", LATER + HOUR, "b", LATER))
    past = replace(RESTORE, next_action=NextAction("call", NOW))
    given(decider, *OPEN, RECYCLED).when(past).rejected("follow_up_in_the_past")


def test_c07_a_lost_lead_comes_back_lost_and_may_be_reopened() -> None:
    given(decider, *LOST, RECYCLED).when(RESTORE).then(RESTORED)
    state = lead(*LOST, RECYCLED, RESTORED)
    assert (state.status, state.lost_reason) == ("lost", "no_answer")
    given(decider, *LOST, RECYCLED, RESTORED).when(ReopenLead("came_back", None, RULES, LATER)).then(
        LeadReopened("came_back", "2026-2", LATER), FIRST
    )


def test_c07_a_lead_whose_dealer_had_not_answered_is_given_to_it_anew() -> None:
    """E06: the time to answer begins again."""
    again = LeadRouted("d2", "hand", LATER + 4 * HOUR, "2026-2", LATER)
    given(decider, *ROUTED, RECYCLED).when(RESTORE).then(RESTORED, again)
    state = lead(*ROUTED, RECYCLED, RESTORED, again)
    assert (state.dealer, state.routing) == ("d2", Routing("d2", LATER + 4 * HOUR))
    assert state.next_action == NextAction("accept", LATER + 4 * HOUR)


def test_c07_so_too_when_the_new_deadline_is_the_old_one() -> None:
    """E21: recycled and restored at one moment, it still has a next action."""
    at_once = replace(RESTORE, at=NOW)
    history = decided(at_once, *ROUTED, RECYCLED)
    state = lead(*history)
    assert state.status == "open"
    assert state.next_action == NextAction("accept", NOW + 4 * HOUR)


@pytest.mark.parametrize(
    "before",
    [
        OPEN,
        (*OPEN, FollowUpMissed("first_contact", NOW + DAY)),
        (*OPEN, LeadProtected("a", NOW + 15 * DAY, "2026-2", NOW)),
        (*OPEN, LeadReleasedToPool("manager", NOW)),
        (*OPEN, CustomerShared("d3", "contact", NOW + 9 * DAY, "help", NOW)),
        ROUTED,
        LOST,
    ],
    ids=["open", "overdue", "protected", "pooled", "shared", "routed", "lost"],
)
def test_c07_restoring_gives_the_same_history_and_a_workable_lead(before: tuple[Event, ...]) -> None:
    """C07, E21: nothing is taken from the history; who held and worked it holds and works it; it has a next action."""
    history = decided(RESTORE, *decided(RecycleLead("duplicate", NOW), *before))
    assert history[: len(before)] == before
    was, now = lead(*before), lead(*history)
    assert (now.status, now.dealer, now.owner, now.tried) == (was.status, was.dealer, was.owner, was.tried)
    assert now.lost_reason == was.lost_reason
    assert (now.next_action is not None) == (now.status == "open")
    if was.routing is None:
        assert now.shares == was.shares
        assert now.routing is None
    again = decided(replace(RESTORE, at=LATER + DAY), *decided(RecycleLead("duplicate", LATER), *history))
    assert lead(*again).status == was.status


# ── What sales makes of it ────────────────────────────────────────────────────────────────────────────────────
def outcome(what: str, opportunity: str = "opportunity/1") -> RecordOutcome:
    return RecordOutcome(opportunity, what, "finance" if what == "lost" else None, RULES, LATER)


def test_a_converted_lead_learns_that_the_opportunity_was_won() -> None:
    won = LeadOutcomeRecorded("opportunity/1", "won", None, LATER)
    given(decider, *CONVERTED).when(outcome("won")).then(won)
    given(decider, *CONVERTED, won).when(outcome("won")).then_nothing()
    given(decider, *CONVERTED, won).when(outcome("won", "opportunity/2")).then(
        LeadOutcomeRecorded("opportunity/2", "won", None, LATER)
    )


def test_a_lost_opportunity_brings_the_lead_back_to_work_with_a_next_action() -> None:
    lost = (
        LeadOutcomeRecorded("opportunity/1", "lost", "finance", LATER),
        LeadReopened("opportunity_lost", "2026-2", LATER),
        FollowUpScheduled("first_contact", LATER + DAY, "a", LATER),
    )
    given(decider, *CONVERTED).when(outcome("lost")).then(*lost)
    given(decider, *CONVERTED, *lost).when(outcome("lost")).then_nothing()


def test_what_is_open_or_closed_otherwise_only_learns_it() -> None:
    lost = LeadOutcomeRecorded("opportunity/1", "lost", "finance", LATER)
    for life in (OPEN, LOST, (*CONVERTED, LeadReopened("again", "2026-2", NOW)), (*OPEN, RECYCLED)):
        given(decider, *life).when(outcome("lost")).then(lost)
