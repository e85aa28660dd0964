"""Who at a dealer works a lead: protection, the pool, reassignment (C04, M03)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lead.domain.lead import (
    ClaimLead,
    FollowUpCompleted,
    FollowUpScheduled,
    Lead,
    LeadCaptured,
    LeadLost,
    LeadProtected,
    LeadProtectionExpired,
    LeadReassigned,
    LeadReleasedToPool,
    LeadReopened,
    LeadStatusReported,
    NextAction,
    NoteProtectionExpired,
    Protection,
    ProtectLead,
    ReassignLead,
    ReleaseLead,
    ReopenLead,
    Rules,
    ShowroomVisitRecorded,
    decider,
)
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
PERIOD = 15 * DAY
OVER = NOW + PERIOD
RULES = Rules("2026-2", DAY, protection=PERIOD)
CAPTURED = LeadCaptured("party-1", "web_form", "d1", None, (), None, None, (), (), "2026-2", NOW)
OPEN = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, None, NOW))
FREE = (replace(CAPTURED, dealer=None), OPEN[1])
WORKED = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, "a", NOW))
BY_A = LeadProtected("a", OVER, "2026-2", NOW)
PROTECTED = (*WORKED, BY_A)
EXPIRED = LeadProtectionExpired("a", OVER)
RELEASED = LeadReleasedToPool("protection_expired", OVER)
POOLED = (*PROTECTED, EXPIRED, RELEASED)


def lead(*history: object) -> Lead:
    state = decider.fold(history)  # type: ignore[arg-type]
    assert isinstance(state, Lead)
    return state


# ── Protection (C04) ──────────────────────────────────────────────────────────────────────────────────────────
def test_c04_who_protects_a_customer_is_the_one_who_works_it() -> None:
    given(decider, *OPEN).when(ProtectLead("a", RULES, NOW)).then(BY_A)
    given(decider, *WORKED).when(ProtectLead("a", RULES, NOW)).then(BY_A)
    state = lead(*OPEN, BY_A)
    assert (state.owner, state.protection) == ("a", Protection("a", OVER, PERIOD))


def test_c04_nobody_else_can_protect_meanwhile() -> None:
    given(decider, *PROTECTED).when(ProtectLead("a", RULES, OVER - SECOND)).then_nothing()
    given(decider, *PROTECTED).when(ProtectLead("b", RULES, OVER - SECOND)).rejected("customer_protected")


def test_c04_a_lead_that_somebody_works_is_not_taken_by_protecting_it() -> None:
    """As by claiming it: only the pool and a reassignment make it another's."""
    given(decider, *WORKED).when(ProtectLead("b", RULES, NOW)).rejected("not_in_pool")
    given(decider, *WORKED, LeadReleasedToPool("manager", NOW)).when(ProtectLead("b", RULES, NOW)).then(
        replace(BY_A, staff="b")
    )
    assert not lead(*WORKED, LeadReleasedToPool("manager", NOW), replace(BY_A, staff="b")).pooled


def test_c04_only_a_dealers_customers_are_protected() -> None:
    given(decider, *FREE).when(ProtectLead("a", RULES, NOW)).rejected("lead_without_dealer")


def test_c04_a_protection_runs_out_into_the_pool_at_its_time_however_late_the_timer() -> None:
    given(decider, *PROTECTED).when(NoteProtectionExpired(OVER, OVER)).then(EXPIRED, RELEASED)
    given(decider, *PROTECTED).when(NoteProtectionExpired(OVER, OVER + DAY)).then(EXPIRED, RELEASED)
    given(decider, *PROTECTED).when(NoteProtectionExpired(OVER, OVER - SECOND)).then_nothing()
    given(decider, *POOLED).when(NoteProtectionExpired(OVER, OVER)).then_nothing()
    assert lead(*PROTECTED, EXPIRED).protection is None
    state = lead(*POOLED)
    assert (state.owner, state.protection, state.pooled) == (None, None, True)
    assert state.next_action == NextAction("first_contact", NOW + DAY)


def test_c04_time_ends_a_protection_not_its_timer() -> None:
    """Who comes after it has run out need not wait for the timer; the facts are the same."""
    again = replace(BY_A, until=OVER + PERIOD, at=OVER)
    given(decider, *PROTECTED).when(ProtectLead("b", RULES, OVER)).then(EXPIRED, RELEASED, replace(again, staff="b"))
    given(decider, *PROTECTED).when(ProtectLead("a", RULES, OVER)).then(EXPIRED, RELEASED, again)
    given(decider, *PROTECTED).when(ClaimLead("b", OVER)).then(
        EXPIRED, RELEASED, LeadReassigned(None, "b", "claimed", OVER)
    )
    given(decider, *PROTECTED).when(ClaimLead("b", OVER - SECOND)).rejected("not_in_pool")


def test_c04_each_activity_of_the_holder_moves_the_end() -> None:
    active = NOW + 3 * DAY
    moved = Protection("a", active + PERIOD, PERIOD)
    for event in (
        FollowUpCompleted("first_contact", "reached", "a", active),
        FollowUpCompleted("first_contact", "reached", None, active),
        LeadStatusReported("negotiating", "a", active + DAY, "2026-2", active),
        ShowroomVisitRecorded("look", 2, None, active),
    ):
        assert lead(*PROTECTED, event).protection == moved
        given(decider, *PROTECTED, event).when(NoteProtectionExpired(OVER, OVER)).then_nothing()


def test_c04_what_a_colleague_does_keeps_it_for_nobody() -> None:
    """Rules: the period runs from the holder's last activity."""
    for event in (
        FollowUpCompleted("first_contact", "reached", "b", NOW + DAY),
        LeadStatusReported("negotiating", "b", NOW + DAY, "2026-2", NOW + DAY),
        ShowroomVisitRecorded("look", 2, "b", NOW + DAY),
    ):
        assert lead(*PROTECTED, event).protection == Protection("a", OVER, PERIOD)


def test_c04_an_activity_that_is_told_late_does_not_move_the_end_back() -> None:
    visit = ShowroomVisitRecorded("look", 2, "a", NOW - DAY)
    assert lead(*PROTECTED, visit).protection == Protection("a", OVER, PERIOD)


def test_c04_closing_the_lead_ends_the_protection() -> None:
    lost = (*PROTECTED, LeadLost("no_answer", None, NOW))
    assert lead(*lost).protection is None
    given(decider, *lost).when(NoteProtectionExpired(OVER, OVER)).then_nothing()


# ── The pool ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_c04_a_lead_may_be_given_back() -> None:
    given_back = LeadReleasedToPool("on_leave", NOW)
    given(decider, *PROTECTED).when(ReleaseLead("on_leave", NOW)).then(given_back)
    given(decider, *PROTECTED, given_back).when(ReleaseLead("on_leave", NOW)).then_nothing()
    given(decider, *FREE).when(ReleaseLead("on_leave", NOW)).rejected("lead_without_dealer")
    assert lead(*PROTECTED, given_back).protection is None


def test_c04_out_of_the_pool_it_has_one_owner() -> None:
    claimed = LeadReassigned(None, "b", "claimed", NOW)
    given(decider, *POOLED).when(ClaimLead("b", NOW)).then(claimed)
    given(decider, *POOLED, claimed).when(ClaimLead("b", NOW)).then_nothing()
    given(decider, *POOLED, claimed).when(ClaimLead("c", NOW)).rejected("not_in_pool")
    given(decider, *OPEN).when(ClaimLead("c", NOW)).rejected("not_in_pool")
    state = lead(*POOLED, claimed)
    assert (state.owner, state.pooled) == ("b", False)
    assert state.next_action == NextAction("first_contact", NOW + DAY, "b")


# ── Reassigned (M03) ──────────────────────────────────────────────────────────────────────────────────────────
def test_m03_the_next_action_and_a_protection_go_with_the_lead() -> None:
    moved = LeadReassigned("a", "b", "left", NOW)
    given(decider, *PROTECTED).when(ReassignLead("a", "b", "left", NOW)).then(moved)
    given(decider, *PROTECTED, moved).when(ReassignLead("a", "b", "left", NOW)).then_nothing()
    state = lead(*PROTECTED, moved)
    assert (state.owner, state.protection) == ("b", Protection("b", OVER, PERIOD))
    assert state.next_action == NextAction("first_contact", NOW + DAY, "b")


def test_m03_only_from_the_one_whose_it_is() -> None:
    given(decider, *PROTECTED).when(ReassignLead("c", "b", "left", NOW)).then_nothing()
    given(decider, *PROTECTED).when(ReassignLead("a", "a", "left", NOW)).then_nothing()


def test_m03_what_is_nobodys_may_be_given_to_somebody_what_is_somebodys_not_as_nobodys() -> None:
    from_nobody = ReassignLead(None, "b", "manager", NOW)
    given(decider, *OPEN).when(from_nobody).then(LeadReassigned(None, "b", "manager", NOW))
    given(decider, *WORKED).when(from_nobody).then_nothing()
    unassigned = (*WORKED, FollowUpScheduled("call", NOW + DAY, None, NOW))
    given(decider, *unassigned).when(from_nobody).then_nothing()
    assert not lead(*POOLED, LeadReassigned(None, "b", "manager", NOW)).pooled


def test_m03_a_closed_lead_too_leaves_its_leaver() -> None:
    """Reopened, it would be an orphan."""
    lost = (*PROTECTED, LeadLost("no_answer", None, NOW))
    moved = LeadReassigned("a", "b", "left", NOW)
    given(decider, *lost).when(ReassignLead("a", "b", "left", NOW)).then(moved)
    assert lead(*lost, moved).next_action is None
    given(decider, *lost, moved).when(ReopenLead("came_back", None, RULES, NOW)).then(
        LeadReopened("came_back", "2026-2", NOW), FollowUpScheduled("first_contact", NOW + DAY, "b", NOW)
    )
