"""What is known of a customer to be, signs of interest, and the score they make (D05, D06, E09, E10, E11, E13, M05)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lead.domain.lead import (
    Budget,
    CaptureLead,
    Consent,
    ContactPoint,
    EnrichLead,
    FollowUpScheduled,
    Lead,
    LeadCaptured,
    LeadEnriched,
    LeadLost,
    LeadScored,
    Need,
    NoteSignal,
    OnlineExperienceRecorded,
    RecordExperience,
    RecordVisit,
    Rules,
    ScoreLead,
    ScorePart,
    ScoreRule,
    ShowroomVisitRecorded,
    VehicleInterest,
    Window,
    decider,
)
from lead.domain.lead.profile import completeness, known, missing, score
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
POINTS = {
    "budget": 10,
    "online_experience": 5,
    "showroom_visit": 15,
    "test_drive": 20,
    "group_buy": 0,
    "window_near": 3,
}
RULES = Rules(
    "2026-2", DAY, window_near=30 * DAY, score=tuple(ScoreRule(signal, points) for signal, points in POINTS.items())
)
CAPTURED = LeadCaptured("party-1", "web_form", "d1", None, (), None, None, (), (), "2026-2", NOW)
OPEN = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, None, NOW))
BUDGET = Budget("CNY", None, 15_000_000)
PHONE = ContactPoint("phone/1", "mobile", True, True)
CONSENT = Consent("marketing", "phone", True, "privacy-2026-01")


def lead(*history: object) -> Lead:
    state = decider.fold(history)  # type: ignore[arg-type]
    assert isinstance(state, Lead)
    return state


def scored(*signals: str, at: datetime = NOW) -> LeadScored:
    parts = tuple(ScorePart(signal, POINTS[signal]) for signal in signals)
    return LeadScored(sum(POINTS[signal] for signal in signals), parts, "2026-2", at)


# ── Capture (D05, E09) ────────────────────────────────────────────────────────────────────────────────────────
def test_d05_a_follower_becomes_a_lead_only_with_a_consent() -> None:
    rules = replace(RULES, consent_for=("social",))
    capture = CaptureLead("party-1", "social:weibo", "d1", None, (), None, None, (), (CONSENT,), None, rules, NOW, NOW)
    captured = replace(CAPTURED, source="social:weibo", consents=(CONSENT,))
    given(decider).when(capture).then(captured, OPEN[1])
    given(decider).when(replace(capture, consents=())).rejected("consent_required")
    given(decider).when(replace(capture, consents=(replace(CONSENT, granted=False),))).rejected("consent_required")
    given(decider).when(replace(capture, source="social", consents=())).rejected("consent_required")
    given(decider).when(replace(capture, source="web_form", consents=())).then(CAPTURED, OPEN[1])


def test_e13_needs_are_kept_as_they_were_said() -> None:
    """E09, E13: everything a capture says is in its fact and in the lead."""
    need = Need("use", "commute", "survey")
    capture = CaptureLead(
        "party-1", "web_form", None, "d2", (VehicleInterest("buy"),), BUDGET, Window(date(2026, 2, 1)), (PHONE,),
        (CONSENT,), None, RULES, NOW - DAY, NOW, "spring_2026", ("name",), "sh", (need,),
    )  # fmt: skip
    captured = LeadCaptured(
        "party-1", "web_form", None, "d2", (VehicleInterest("buy"),), BUDGET, Window(date(2026, 2, 1)), (PHONE,),
        (CONSENT,), "2026-2", NOW - DAY, "spring_2026", ("name",), "sh", (need,),
    )  # fmt: skip
    given(decider).when(capture).then(captured, OPEN[1])
    state = lead(captured)
    assert (state.status, state.party_ref, state.source, state.dealer) == ("open", "party-1", "web_form", None)
    assert (state.vehicles, state.budget, state.window) == (captured.vehicles, BUDGET, captured.window)
    assert (state.contact_points, state.consents, state.personal_fields) == ((PHONE,), (CONSENT,), ("name",))
    assert (state.captured_at, state.campaign, state.region) == (NOW - DAY, "spring_2026", "sh")
    assert (state.dealer_wish, state.needs, state.tried) == ("d2", (need,), ())


# ── Needs (E13) ───────────────────────────────────────────────────────────────────────────────────────────────
def test_e13_a_need_of_a_kind_replaces_the_one_before() -> None:
    commute, track = Need("use", "commute", "survey"), Need("use", "track", "staff")
    family = Need("family", "two_children", "survey")
    first = LeadEnriched(NOW, needs=(commute, family))
    given(decider, *OPEN).when(EnrichLead(NOW, needs=(commute, family))).then(first)
    given(decider, *OPEN, first).when(EnrichLead(NOW, needs=(commute, family))).then_nothing()
    given(decider, *OPEN, first).when(EnrichLead(NOW, needs=(commute, track))).then(LeadEnriched(NOW, needs=(track,)))
    assert lead(*OPEN, first, LeadEnriched(NOW, needs=(track,))).needs == (family, track)


def test_e09_a_region_is_learned_and_stays() -> None:
    learned = LeadEnriched(NOW, region="sh")
    given(decider, *OPEN).when(EnrichLead(NOW, region="sh")).then(learned)
    given(decider, *OPEN, learned).when(EnrichLead(NOW, region="sh")).then_nothing()
    assert lead(*OPEN, learned, LeadEnriched(NOW, budget=BUDGET)).region == "sh"


def test_e09_what_is_not_said_anew_stays() -> None:
    window = Window(date(2026, 2, 1))
    cars = (VehicleInterest("buy"),)
    learned = LeadEnriched(NOW, cars, BUDGET, window, (PHONE,), (), (CONSENT,), ("name",))
    state = lead(*OPEN, learned, LeadEnriched(NOW, region="sh"))
    assert (state.vehicles, state.budget, state.window) == (cars, BUDGET, window)
    assert (state.contact_points, state.consents, state.personal_fields) == ((PHONE,), (CONSENT,), ("name",))


# ── Signs of interest (D06, E11) ──────────────────────────────────────────────────────────────────────────────
EXPERIENCE = RecordExperience("volkswagen-lavida", "assistant", 90, "configurator", RULES, NOW, NOW + DAY)
EXPERIENCED = OnlineExperienceRecorded("volkswagen-lavida", "assistant", 90, "configurator", NOW)
VISIT = RecordVisit("look", 2, "a", RULES, NOW, NOW + DAY)
VISITED = ShowroomVisitRecorded("look", 2, "a", NOW)


def test_e11_an_online_experience_is_a_sign_of_interest() -> None:
    """E10: scored when it reached us."""
    given(decider, *OPEN).when(EXPERIENCE).then(EXPERIENCED, scored("online_experience", at=NOW + DAY))


def test_d06_a_visit_to_the_showroom_is_a_sign_of_interest() -> None:
    given(decider, *OPEN).when(VISIT).then(VISITED, scored("showroom_visit", at=NOW + DAY))


@pytest.mark.parametrize(
    ("command", "told", "signal"),
    [(EXPERIENCE, EXPERIENCED, "online_experience"), (VISIT, VISITED, "showroom_visit")],
)
def test_e11_d06_told_again_it_says_nothing_told_anew_it_counts_once(command, told, signal) -> None:  # type: ignore[no-untyped-def]
    """E10: a signal counts once however often it was seen."""
    history = (*OPEN, told, scored(signal))
    given(decider, *history).when(command).then_nothing()
    given(decider, *history).when(replace(command, at=NOW + DAY)).then(replace(told, at=NOW + DAY))
    assert lead(*history, replace(told, at=NOW + DAY)).signals == (signal,)


def test_e11_of_two_experiences_at_one_moment_both_are_told() -> None:
    """Sites count in whole minutes."""
    history = (*OPEN, EXPERIENCED, scored("online_experience"))
    for other in ({"model": "volkswagen-polo"}, {"feature": "colour"}, {"seconds": 5}, {"site": "app"}):
        given(decider, *history).when(replace(EXPERIENCE, **other)).then(replace(EXPERIENCED, **other))
    given(decider, *history).when(replace(VISIT, purpose="assistant")).then(
        replace(VISITED, purpose="assistant"), scored("online_experience", "showroom_visit", at=NOW + DAY)
    )


# ── The score (E10) ───────────────────────────────────────────────────────────────────────────────────────────
def test_e10_what_other_streams_tell_counts_once() -> None:
    drive = NoteSignal("test_drive", RULES, NOW)
    given(decider, *OPEN).when(drive).then(scored("test_drive"))
    given(decider, *OPEN, scored("test_drive")).when(drive).then_nothing()
    given(decider, *OPEN, scored("test_drive"), EXPERIENCED).when(ScoreLead(RULES, NOW)).then(
        scored("online_experience", "test_drive")
    )


def test_e10_a_signal_that_nobody_tells_is_nothing() -> None:
    given(decider, *OPEN).when(NoteSignal("budget", RULES, NOW)).then_nothing()
    given(decider, *OPEN).when(NoteSignal("horoscope", RULES, NOW)).then_nothing()
    assert lead(*OPEN, scored("budget", "test_drive")).signals == ("test_drive",)
    assert lead(*OPEN, scored("test_drive"), scored("test_drive", "budget")).signals == ("test_drive",)


def test_e10_one_without_points_is_not_a_part() -> None:
    given(decider, *OPEN).when(NoteSignal("group_buy", RULES, NOW)).then(scored())
    given(decider, *OPEN, scored()).when(NoteSignal("group_buy", RULES, NOW)).then_nothing()


def test_e10_the_parts_stand_in_the_order_of_the_rules() -> None:
    given(decider, *OPEN, VISITED, EXPERIENCED, LeadEnriched(NOW, budget=BUDGET)).when(ScoreLead(RULES, NOW)).then(
        scored("budget", "online_experience", "showroom_visit")
    )


def test_e10_a_lead_once_scored_is_scored_anew_by_what_is_learned() -> None:
    learned = LeadEnriched(NOW, budget=BUDGET)
    enrich = EnrichLead(NOW, budget=BUDGET, rules=RULES)
    given(decider, *OPEN, scored()).when(enrich).then(learned, scored("budget"))
    given(decider, *OPEN).when(enrich).then(learned)
    given(decider, *OPEN, scored()).when(replace(enrich, rules=None)).then(learned)
    given(decider, *OPEN, scored()).when(EnrichLead(NOW, region="sh", rules=RULES)).then(LeadEnriched(NOW, region="sh"))


def test_e10_the_score_goes_with_the_rules() -> None:
    stricter = replace(RULES, version="2026-3", score=(ScoreRule("budget", 4),))
    given(decider, *OPEN, LeadEnriched(NOW, budget=BUDGET), scored("budget")).when(ScoreLead(stricter, NOW)).then(
        LeadScored(4, (ScorePart("budget", 4),), "2026-3", NOW)
    )


@pytest.mark.parametrize(
    ("window", "near"),
    [
        (None, False),
        (Window(), False),
        (Window(date(2026, 2, 4), None), True),
        (Window(date(2026, 2, 5), None), False),
        (Window(date(2026, 1, 4), None), False),
        (Window(date(2026, 1, 5), None), True),
        (Window(None, date(2026, 1, 5)), True),
        (Window(None, date(2026, 1, 4)), False),
        (Window(date(2025, 12, 1), date(2026, 1, 5)), True),
        (Window(date(2025, 12, 1), date(2026, 1, 4)), False),
        (Window(date(2026, 2, 4), date(2026, 6, 1)), True),
        (Window(date(2026, 2, 5), date(2026, 6, 1)), False),
    ],
)
def test_e10_a_buying_window_scores_when_it_is_near(window: Window | None, near: bool) -> None:
    """It is now, or begins within 30 days."""
    state = lead(replace(CAPTURED, window=window))
    assert (ScorePart("window_near", 3) in score(state, RULES, NOW)) is near


def test_e10_a_closed_lead_takes_no_signal() -> None:
    for command in (EXPERIENCE, VISIT, NoteSignal("test_drive", RULES, NOW), ScoreLead(RULES, NOW)):
        given(decider, *OPEN, LeadLost("no_answer", None, NOW)).when(command).rejected("lead_closed")


# ── The profile (M05) ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("said", "item"),
    [
        ({"personal_fields": ("family_name",)}, "name"),
        ({"personal_fields": ("comments",)}, None),
        ({"contact_points": (PHONE,)}, "contact_point"),
        ({"contact_points": (replace(PHONE, valid=False),)}, None),
        ({"contact_points": (replace(PHONE, kind="address", valid=False),)}, "address"),
        ({"vehicles": (VehicleInterest("buy", "volkswagen-polo"),)}, "model"),
        ({"vehicles": (VehicleInterest("buy", vin="LSVAA49JXT2900060"),)}, "model"),
        ({"vehicles": (VehicleInterest("buy"),)}, None),
        ({"budget": BUDGET}, "budget"),
        ({"window": Window(date(2026, 2, 1))}, "window"),
        ({"region": "sh"}, "region"),
        ({"needs": (Need("use", "commute", "survey"),)}, "needs"),
        ({"consents": (CONSENT,)}, "consent"),
        ({"consents": (replace(CONSENT, granted=False),)}, None),
    ],
)
def test_m05_what_is_known_of_a_customer(said: dict[str, object], item: str | None) -> None:
    state = lead(replace(CAPTURED, **said))  # type: ignore[arg-type]
    assert known(state) == ({item} if item else frozenset())


def test_m05_how_complete_the_profile_is_and_what_it_lacks() -> None:
    rules = replace(RULES, complete=("name", "budget", "region"))
    state = lead(replace(CAPTURED, budget=BUDGET, window=Window(date(2026, 2, 1)), personal_fields=("name",)))
    assert completeness(state, rules) == 66
    assert missing(state, rules.complete) == ("region",)
    assert completeness(lead(CAPTURED), rules) == 0
    assert completeness(lead(CAPTURED), RULES) == 0
