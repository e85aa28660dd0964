"""The lead, told as given / when / then: every branch of `decide`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from lead.domain.lead import (
    Budget,
    CaptureLead,
    Consent,
    ContactPoint,
    EnrichLead,
    FollowUpMissed,
    FollowUpScheduled,
    Lead,
    LeadCaptured,
    LeadEnriched,
    LeadLost,
    LeadQualified,
    LeadReopened,
    LoseLead,
    NextAction,
    NoteOverdue,
    QualifyLead,
    ReopenLead,
    Rules,
    ScheduleFollowUp,
    Unknown,
    VehicleInterest,
    Window,
    decider,
    evolve,
)
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=3)
LATER = NOW + timedelta(hours=5)
DAY = timedelta(days=1)
RULES = Rules("2026-1", DAY)
PHONE = ContactPoint("phone/1", "mobile", True, True)
MAIL = ContactPoint("email/1", "email", True, True)
CAR = VehicleInterest("buy", "volkswagen-lavida", 2026, "new")
CONSENT = Consent("marketing", "phone", True, "privacy-2026-01")
BUDGET = Budget("CNY", None, 15_000_000)
WINDOW = Window(date(2026, 2, 1), None)

CAPTURE = CaptureLead(
    party_ref="party-1",
    source="web_form",
    dealer="dealer-sh-01",
    dealer_wish=None,
    vehicles=(CAR,),
    budget=None,
    window=None,
    contact_points=(PHONE,),
    consents=(CONSENT,),
    next_action=None,
    rules=RULES,
    at=EARLIER,
    now=NOW,
    campaign="spring_2026",
    personal_fields=("name",),
)
CAPTURED = LeadCaptured(
    party_ref="party-1",
    source="web_form",
    dealer="dealer-sh-01",
    dealer_wish=None,
    vehicles=(CAR,),
    budget=None,
    window=None,
    contact_points=(PHONE,),
    consents=(CONSENT,),
    rules="2026-1",
    at=EARLIER,
    campaign="spring_2026",
    personal_fields=("name",),
)
FIRST_CONTACT = FollowUpScheduled("first_contact", NOW + DAY, None, NOW)
OPEN = (CAPTURED, FIRST_CONTACT)
LOST = (*OPEN, LeadLost("no_answer", None, LATER))
CALL = NextAction("call", LATER, "staff-sh-01-1")


# ── Capture ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_capture_schedules_the_first_contact_from_when_it_reached_us() -> None:
    given(decider).when(CAPTURE).then(CAPTURED, FIRST_CONTACT)


def test_a_capture_may_name_its_next_action() -> None:
    given(decider).when(replace(CAPTURE, next_action=CALL)).then(
        CAPTURED, FollowUpScheduled("call", LATER, "staff-sh-01-1", NOW)
    )


def test_a_capture_cannot_schedule_the_past() -> None:
    past = replace(CAPTURE, next_action=NextAction("call", NOW - timedelta(seconds=1)))
    given(decider).when(past).rejected("follow_up_in_the_past")


def test_a_next_action_may_be_due_at_once() -> None:
    given(decider).when(replace(CAPTURE, next_action=NextAction("call", NOW))).then(
        CAPTURED, FollowUpScheduled("call", NOW, None, NOW)
    )


def test_the_same_capture_again_says_nothing() -> None:
    given(decider, *OPEN).when(CAPTURE).then_nothing()
    given(decider, *LOST).when(CAPTURE).then_nothing()


def test_another_party_cannot_be_captured_into_the_same_lead() -> None:
    given(decider, *OPEN).when(replace(CAPTURE, party_ref="party-2")).rejected("lead_exists")


def test_nothing_can_be_done_with_a_lead_that_is_not_there() -> None:
    for command in (
        EnrichLead(NOW, budget=BUDGET),
        QualifyLead("hot", (), RULES, NOW),
        ScheduleFollowUp(CALL, NOW),
        NoteOverdue(NOW, NOW, RULES),
        LoseLead("no_answer", NOW),
        ReopenLead("back", None, RULES, NOW),
    ):
        given(decider).when(command).rejected("lead_unknown")


# ── Enrich ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_enriching_tells_only_what_is_new() -> None:
    command = EnrichLead(
        NOW,
        vehicles=(CAR,),
        budget=BUDGET,
        window=WINDOW,
        contact_points=(PHONE, MAIL),
        removed_contact_points=("phone/9",),
        consents=(CONSENT,),
        personal_fields=("name", "comments"),
    )
    given(decider, *OPEN).when(command).then(LeadEnriched(NOW, None, BUDGET, WINDOW, (MAIL,), (), (), ("comments",)))


def test_enriching_with_what_is_known_says_nothing() -> None:
    given(decider, *OPEN).when(EnrichLead(NOW, (CAR,), None, None, (PHONE,), (), (CONSENT,), ("name",))).then_nothing()
    given(decider, *OPEN).when(EnrichLead(NOW)).then_nothing()


def test_a_contact_point_of_a_known_key_is_replaced() -> None:
    better = replace(PHONE, preferred=True)
    given(decider, *OPEN).when(EnrichLead(NOW, contact_points=(better,))).then(
        LeadEnriched(NOW, contact_points=(better,))
    )
    state = given(decider, *OPEN, LeadEnriched(NOW, contact_points=(better,))).state()
    assert isinstance(state, Lead)
    assert state.contact_points == (better,)


def test_a_contact_point_can_be_removed() -> None:
    command = EnrichLead(NOW, removed_contact_points=("phone/1",))
    given(decider, *OPEN).when(command).then(LeadEnriched(NOW, removed_contact_points=("phone/1",)))
    given(decider, *OPEN, LeadEnriched(NOW, removed_contact_points=("phone/1",))).when(command).then_nothing()


def test_a_contact_point_said_anew_is_not_removed() -> None:
    command = EnrichLead(NOW, contact_points=(PHONE,), removed_contact_points=("phone/1",))
    given(decider, *OPEN).when(command).then_nothing()


def test_of_two_contact_points_under_one_key_the_later_counts() -> None:
    better = replace(PHONE, preferred=True)
    command = EnrichLead(NOW, contact_points=(PHONE, better))
    event = LeadEnriched(NOW, contact_points=(better,))
    given(decider, *OPEN).when(command).then(event)
    given(decider, *OPEN, event).when(command).then_nothing()


def test_a_consent_given_again_after_a_refusal_is_news() -> None:
    refused = replace(CONSENT, granted=False)
    history = (*OPEN, LeadEnriched(NOW, consents=(refused,)))
    given(decider, *history).when(EnrichLead(LATER, consents=(refused,))).then_nothing()
    given(decider, *history).when(EnrichLead(LATER, consents=(CONSENT,))).then(LeadEnriched(LATER, consents=(CONSENT,)))
    given(decider, *history).when(EnrichLead(LATER, consents=(CONSENT, refused))).then_nothing()


def test_vehicles_are_replaced_as_a_list() -> None:
    given(decider, *OPEN).when(EnrichLead(NOW, vehicles=())).then(LeadEnriched(NOW, vehicles=()))
    given(decider, *OPEN, LeadEnriched(NOW, vehicles=())).when(EnrichLead(NOW, vehicles=())).then_nothing()


# ── Qualify ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_grade_keeps_the_version_of_its_rules() -> None:
    given(decider, *OPEN).when(QualifyLead("hot", ("test_drive",), RULES, NOW)).then(
        LeadQualified("hot", ("test_drive",), "2026-1", NOW)
    )


def test_the_same_grade_for_the_same_reasons_says_nothing() -> None:
    history = (*OPEN, LeadQualified("hot", ("test_drive",), "2026-1", NOW))
    given(decider, *history).when(QualifyLead("hot", ("test_drive",), RULES, LATER)).then_nothing()


def test_the_same_grade_for_other_reasons_is_news() -> None:
    history = (*OPEN, LeadQualified("hot", ("test_drive",), "2026-1", NOW))
    given(decider, *history).when(QualifyLead("hot", ("came_back",), RULES, LATER)).then(
        LeadQualified("hot", ("came_back",), "2026-1", LATER)
    )


# ── Follow-up ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_next_action_can_be_moved() -> None:
    given(decider, *OPEN).when(ScheduleFollowUp(CALL, NOW)).then(FollowUpScheduled("call", LATER, "staff-sh-01-1", NOW))


def test_the_same_next_action_again_says_nothing() -> None:
    history = (*OPEN, FollowUpScheduled("call", LATER, "staff-sh-01-1", NOW))
    given(decider, *history).when(ScheduleFollowUp(CALL, NOW)).then_nothing()


def test_the_next_action_cannot_be_in_the_past() -> None:
    given(decider, *OPEN).when(ScheduleFollowUp(CALL, LATER + DAY)).rejected("follow_up_in_the_past")


def test_a_missed_action_cannot_be_set_again_to_the_same_past() -> None:
    history = (*OPEN, FollowUpMissed("first_contact", NOW + DAY))
    same = NextAction("first_contact", NOW + DAY)
    given(decider, *history).when(ScheduleFollowUp(same, NOW + 2 * DAY)).rejected("follow_up_in_the_past")


# ── Overdue ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_action_is_missed_at_its_due_time_however_late_the_timer() -> None:
    given(decider, *OPEN).when(NoteOverdue(NOW + DAY, NOW + 3 * DAY, RULES)).then(
        FollowUpMissed("first_contact", NOW + DAY)
    )


def test_an_action_is_missed_once() -> None:
    history = (*OPEN, FollowUpMissed("first_contact", NOW + DAY))
    given(decider, *history).when(NoteOverdue(NOW + DAY, NOW + 3 * DAY, RULES)).then_nothing()


def test_a_timer_that_comes_early_says_nothing() -> None:
    given(decider, *OPEN).when(NoteOverdue(NOW + DAY, NOW + DAY - timedelta(seconds=1), RULES)).then_nothing()


def test_a_timer_of_an_action_that_was_moved_says_nothing() -> None:
    history = (*OPEN, FollowUpScheduled("call", NOW + 5 * DAY, None, NOW))
    given(decider, *history).when(NoteOverdue(NOW + DAY, NOW + 2 * DAY, RULES)).then_nothing()


def test_a_timer_of_a_lost_lead_says_nothing() -> None:
    given(decider, *LOST).when(NoteOverdue(NOW + DAY, NOW + 2 * DAY, RULES)).then_nothing()


def test_a_new_action_ends_being_overdue() -> None:
    history = (*OPEN, FollowUpMissed("first_contact", NOW + DAY))
    state = given(decider, *history, FollowUpScheduled("call", NOW + 5 * DAY, None, NOW + 2 * DAY)).state()
    assert isinstance(state, Lead)
    assert not state.overdue


# ── Lose and reopen ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_lead_is_lost_for_a_reason() -> None:
    given(decider, *OPEN).when(LoseLead("bought_elsewhere", LATER, "toyota-corolla")).then(
        LeadLost("bought_elsewhere", "toyota-corolla", LATER)
    )


def test_losing_it_again_for_the_same_reason_says_nothing() -> None:
    given(decider, *LOST).when(LoseLead("no_answer", LATER)).then_nothing()


def test_losing_it_again_for_another_reason_is_refused() -> None:
    given(decider, *LOST).when(LoseLead("moved_away", LATER)).rejected("lead_closed")


def test_a_lost_lead_has_no_next_action() -> None:
    state = given(decider, *LOST).state()
    assert isinstance(state, Lead)
    assert state.next_action is None


def test_a_lost_lead_takes_no_news() -> None:
    for command in (
        EnrichLead(LATER, budget=BUDGET),
        QualifyLead("hot", (), RULES, LATER),
        ScheduleFollowUp(CALL, NOW),
    ):
        given(decider, *LOST).when(command).rejected("lead_closed")


def test_a_reopened_lead_has_a_next_action_again() -> None:
    given(decider, *LOST).when(ReopenLead("called_again", None, RULES, LATER)).then(
        LeadReopened("called_again", "2026-1", LATER), FollowUpScheduled("first_contact", LATER + DAY, None, LATER)
    )
    given(decider, *LOST).when(ReopenLead("called_again", CALL, RULES, LATER)).then(
        LeadReopened("called_again", "2026-1", LATER), FollowUpScheduled("call", LATER, "staff-sh-01-1", LATER)
    )


def test_reopening_cannot_schedule_the_past() -> None:
    given(decider, *LOST).when(ReopenLead("called_again", CALL, RULES, LATER + DAY)).rejected("follow_up_in_the_past")


def test_reopening_an_open_lead_says_nothing() -> None:
    given(decider, *OPEN).when(ReopenLead("called_again", None, RULES, LATER)).then_nothing()


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_lead_begins_with_its_capture() -> None:
    assert evolve(Unknown(), FIRST_CONTACT) == Unknown()
    assert evolve(decider.fold(OPEN), CAPTURED) == decider.fold(OPEN)
