"""The showroom day, told as given / when / then, and what holds for every day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from lead.domain.showroom_day import (
    Event,
    ModelEnquiries,
    ReportShowroomDay,
    ShowroomDay,
    ShowroomDayReported,
    ShowroomDayRestated,
    Traffic,
    Unknown,
    decider,
)
from lead.service.aggregates.showroom_day import aggregate
from roadbook.decider import Rejected
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
DAY = date(2026, 1, 4)
TRAFFIC = Traffic(48, 17, (ModelEnquiries("volkswagen-lavida", 9),))
REPORT = ReportShowroomDay("dealer-sh-01", "sh-pudong", DAY, TRAFFIC, None, NOW)
REPORTED = ShowroomDayReported("dealer-sh-01", "sh-pudong", DAY, TRAFFIC, NOW)
OTHERS = (
    replace(TRAFFIC, visitors=50),
    replace(TRAFFIC, enquiries=18),
    replace(TRAFFIC, by_model=()),
    replace(TRAFFIC, by_model=(ModelEnquiries("volkswagen-lavida", 8),)),
)


def test_a_day_is_reported_once() -> None:
    given(decider).when(REPORT).then(REPORTED)
    given(decider, REPORTED).when(replace(REPORT, at=LATER)).then_nothing()
    given(decider, REPORTED).when(replace(REPORT, reason="counted_wrong", at=LATER)).then_nothing()


def test_a_first_report_needs_no_reason_and_keeps_none() -> None:
    given(decider).when(replace(REPORT, reason="late")).then(REPORTED)


def test_other_numbers_restate_the_day_with_a_reason() -> None:
    for traffic in OTHERS:
        again = replace(REPORT, traffic=traffic, reason="counted_wrong", at=LATER)
        given(decider, REPORTED).when(again).then(ShowroomDayRestated(traffic, "counted_wrong", LATER))


def test_other_numbers_without_a_reason_are_refused() -> None:
    for traffic in OTHERS:
        given(decider, REPORTED).when(replace(REPORT, traffic=traffic)).rejected("reason_required")


def test_the_latest_numbers_count() -> None:
    restated = ShowroomDayRestated(OTHERS[0], "counted_wrong", LATER)
    given(decider, REPORTED, restated).when(replace(REPORT, traffic=OTHERS[0])).then_nothing()
    given(decider, REPORTED, restated).when(REPORT).rejected("reason_required")
    given(decider, REPORTED, restated).when(replace(REPORT, reason="was_right")).then(
        ShowroomDayRestated(TRAFFIC, "was_right", NOW)
    )


def test_a_day_belongs_to_its_dealer() -> None:
    restated = ShowroomDayRestated(OTHERS[0], "counted_wrong", LATER)
    for history in ((REPORTED,), (REPORTED, restated)):
        state = given(decider, *history).state()
        assert aggregate.labels(state).dealer == "dealer-sh-01"
        assert aggregate.key(state) == "showroomday/dealer-sh-01:2026-01-04"


# ── What holds for every day ──────────────────────────────────────────────────────────────────────────────────
times = st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours))
words = st.sampled_from(["a", "b"])
models = st.lists(st.builds(ModelEnquiries, words, st.integers(0, 1)), max_size=2).map(tuple)
traffic = st.builds(Traffic, st.integers(0, 1), st.integers(0, 1), models)
commands = st.builds(ReportShowroomDay, words, st.none() | words, st.just(DAY), traffic, st.none() | words, times)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(ShowroomDayReported, words, st.none() | words, st.just(DAY), traffic, times),
    st.builds(ShowroomDayRestated, traffic, words, times),
)


@settings(max_examples=300)
@over(st.lists(events, max_size=8), commands)
def test_a_repeat_says_nothing_and_only_rejected_is_raised(history: list[Event], command: ReportShowroomDay) -> None:
    state = decider.fold(history)
    assert isinstance(state, ShowroomDay | Unknown)
    try:
        decided = decider.decide(command, state)
    except Rejected:
        return
    after = decider.fold(decided, state)
    assert isinstance(after, ShowroomDay)
    assert after.traffic == command.traffic
    assert list(decider.decide(command, after)) == []
