"""The campaign, told as given / when / then, and what holds for every campaign."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from lead.domain.campaign import (
    Campaign,
    CampaignClosed,
    CampaignLaunched,
    CampaignResultReported,
    CloseCampaign,
    Command,
    Counters,
    Event,
    LaunchCampaign,
    Money,
    NoteEnd,
    Period,
    Plan,
    Reported,
    ReportResult,
    State,
    Unknown,
    decider,
)
from lead.service.aggregates.campaign import aggregate
from roadbook.decider import Rejected
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ENDS_AT = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
PLAN = Plan(
    regions=("sh-minhang", "sh-pudong"),
    models=("volkswagen-lavida",),
    channels=("tv",),
    starts=date(2026, 1, 1),
    ends=date(2026, 3, 31),
    budget=Money("CNY", 50_000_000),
    goals=Counters(visitors=1_000),
)
LAUNCH = LaunchCampaign("spring_2026", PLAN, ENDS_AT, NOW)
LAUNCHED = CampaignLaunched(
    code="spring_2026",
    regions=("sh-minhang", "sh-pudong"),
    models=("volkswagen-lavida",),
    channels=("tv",),
    starts=date(2026, 1, 1),
    ends=date(2026, 3, 31),
    ends_at=ENDS_AT,
    at=NOW,
    budget=Money("CNY", 50_000_000),
    goals=Counters(visitors=1_000),
)
WEEK = Period(date(2026, 1, 1), date(2026, 1, 4))
NEXT_WEEK = Period(date(2026, 1, 5), date(2026, 1, 11))
SOME, MORE = Counters(visitors=120, orders=2), Counters(visitors=130, orders=3)
CLOSED = CampaignClosed("budget_spent", LATER)


def report(counters: Counters = SOME, period: Period = WEEK, dealer: str | None = "dealer-sh-01") -> ReportResult:
    return ReportResult(Reported("sh-pudong", dealer, period, counters), LATER)


def reported(
    counters: Counters = SOME, period: Period = WEEK, dealer: str | None = "dealer-sh-01"
) -> CampaignResultReported:
    return CampaignResultReported("sh-pudong", dealer, period, counters, LATER)


# ── Launch and close ──────────────────────────────────────────────────────────────────────────────────────────
def test_a_campaign_is_launched_once() -> None:
    given(decider).when(LAUNCH).then(LAUNCHED)
    given(decider, LAUNCHED).when(replace(LAUNCH, at=LATER)).then_nothing()
    given(decider, LAUNCHED, CLOSED).when(LAUNCH).then_nothing()


def test_a_code_has_one_plan() -> None:
    other = [
        replace(PLAN, regions=("sh-pudong",)),
        replace(PLAN, models=()),
        replace(PLAN, channels=("radio",)),
        replace(PLAN, starts=date(2026, 1, 2)),
        replace(PLAN, ends=date(2026, 4, 1)),
        replace(PLAN, budget=Money("CNY", 1)),
        replace(PLAN, goals=None),
    ]
    for plan in other:
        given(decider, LAUNCHED).when(replace(LAUNCH, plan=plan)).rejected("campaign_exists")


def test_a_campaign_is_closed_once_and_keeps_its_first_reason() -> None:
    given(decider, LAUNCHED).when(CloseCampaign("budget_spent", LATER)).then(CLOSED)
    given(decider, LAUNCHED, CLOSED).when(CloseCampaign("rain", LATER)).then_nothing()


def test_it_closes_when_its_last_day_is_over_and_not_before() -> None:
    given(decider, LAUNCHED).when(NoteEnd(ENDS_AT, ENDS_AT)).then(CampaignClosed("ended", ENDS_AT))
    late = ENDS_AT + timedelta(hours=9)
    given(decider, LAUNCHED).when(NoteEnd(ENDS_AT, late)).then(CampaignClosed("ended", ENDS_AT))
    given(decider, LAUNCHED).when(NoteEnd(ENDS_AT, ENDS_AT - timedelta(seconds=1))).then_nothing()
    given(decider, LAUNCHED).when(NoteEnd(ENDS_AT - timedelta(days=1), late)).then_nothing()
    given(decider, LAUNCHED, CLOSED).when(NoteEnd(ENDS_AT, late)).then_nothing()


def test_only_an_open_campaign_waits_for_its_end() -> None:
    def due(*history: Event) -> datetime | None:
        (timer,) = aggregate.timers(decider.fold(history))
        return timer.due

    assert due() is None
    assert due(LAUNCHED) == ENDS_AT
    assert due(LAUNCHED, reported()) == ENDS_AT
    assert due(LAUNCHED, CLOSED) is None


# ── Results ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_result_is_reported_and_the_same_again_says_nothing() -> None:
    given(decider, LAUNCHED).when(report()).then(reported())
    given(decider, LAUNCHED, reported()).when(report()).then_nothing()


def test_other_numbers_for_the_period_replace_it() -> None:
    given(decider, LAUNCHED, reported()).when(report(MORE)).then(reported(MORE))
    given(decider, LAUNCHED, reported(), reported(MORE)).when(report()).then(reported())
    state = given(decider, LAUNCHED, reported(), reported(MORE)).state()
    assert isinstance(state, Campaign)
    assert [each.counters for each in state.results] == [MORE]


def test_orders_come_when_a_campaign_is_over() -> None:
    given(decider, LAUNCHED, CLOSED).when(report()).then(reported())


def test_each_dealer_and_headquarters_count_for_themselves() -> None:
    history = (LAUNCHED, reported(), reported(MORE, dealer="dealer-sh-02"))
    given(decider, *history).when(report(dealer=None)).then(reported(dealer=None))
    given(decider, *history).when(report(MORE, dealer="dealer-sh-02")).then_nothing()


def test_headquarters_counts_each_region_for_itself() -> None:
    there = ReportResult(Reported("sh-minhang", None, WEEK, SOME), LATER)
    given(decider, LAUNCHED, reported(dealer=None)).when(there).then(
        CampaignResultReported("sh-minhang", None, WEEK, SOME, LATER)
    )


def test_a_dealer_that_moved_restates_its_own_report() -> None:
    moved = ReportResult(Reported("sh-minhang", "dealer-sh-01", WEEK, SOME), LATER)
    given(decider, LAUNCHED, reported()).when(moved).then_nothing()
    overlapping = replace(moved, reported=replace(moved.reported, period=Period(WEEK.first, NEXT_WEEK.last)))
    given(decider, LAUNCHED, reported()).when(overlapping).rejected("period_overlaps")


def test_no_day_counts_twice() -> None:
    given(decider, LAUNCHED, reported()).when(report(period=NEXT_WEEK)).then(reported(period=NEXT_WEEK))
    for first, last in ((1, 11), (4, 11), (2, 3), (1, 1)):
        period = Period(date(2026, 1, first), date(2026, 1, last))
        given(decider, LAUNCHED, reported()).when(report(period=period)).rejected("period_overlaps")
        other = report(period=period, dealer="dealer-sh-02")
        given(decider, LAUNCHED, reported()).when(other).then(reported(period=period, dealer="dealer-sh-02"))


def test_a_result_belongs_to_the_campaigns_regions_and_days() -> None:
    elsewhere = ReportResult(Reported("sh-baoshan", "dealer-sh-05", WEEK, SOME), LATER)
    given(decider, LAUNCHED).when(elsewhere).rejected("region_not_in_campaign")
    early = report(period=Period(date(2025, 12, 31), date(2026, 1, 4)))
    given(decider, LAUNCHED).when(early).rejected("before_campaign")
    after = report(period=Period(date(2026, 4, 1), date(2026, 4, 7)))
    given(decider, LAUNCHED).when(after).then(reported(period=after.reported.period))


def test_what_was_not_launched_takes_nothing() -> None:
    for command in (report(), CloseCampaign("rain", NOW), NoteEnd(ENDS_AT, ENDS_AT)):
        given(decider).when(command).rejected("campaign_unknown")


# ── What holds for every campaign ─────────────────────────────────────────────────────────────────────────────
times = st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours))
words = st.sampled_from(["a", "b"])
dealers = st.none() | words
dates = st.integers(1, 4).map(lambda day: date(2026, 1, day))
periods = st.tuples(dates, dates).map(lambda pair: Period(min(pair), max(pair)))
counters = st.builds(Counters, st.integers(0, 1), visitors=st.integers(0, 1))
tuples = st.lists(words, max_size=2).map(tuple)
moneys = st.none() | st.builds(Money, st.just("CNY"), st.integers(0, 1))
plans = st.builds(Plan, tuples, tuples, tuples, dates, dates, moneys, st.none() | counters)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(LaunchCampaign, words, plans, times, times),
    st.builds(ReportResult, st.builds(Reported, words, dealers, periods, counters), times),
    st.builds(CloseCampaign, words, times),
    st.builds(NoteEnd, times, times),
)
launched: st.SearchStrategy[Any] = st.builds(
    CampaignLaunched, words, tuples, tuples, tuples, dates, dates, times, times, moneys, st.none() | counters
)
events: st.SearchStrategy[Event] = st.one_of(
    launched,
    st.builds(CampaignResultReported, words, dealers, periods, counters, times),
    st.builds(CampaignClosed, words, times),
)


def run(commands: list[Command]) -> State:
    """The state after the commands; rejected ones do nothing."""
    state: State = decider.initial
    for command in commands:
        try:
            state = decider.fold(decider.decide(command, state), state)
        except Rejected:
            continue
    return state


@settings(max_examples=300)
@over(st.lists(commands, max_size=8), commands)
def test_a_repeated_command_yields_no_events(before: list[Command], command: Command) -> None:
    state = run(before)
    try:
        decided = decider.decide(command, state)
    except Rejected:
        return
    assert list(decider.decide(command, decider.fold(decided, state))) == []


@settings(max_examples=300)
@over(st.lists(events, max_size=8), commands)
def test_decide_raises_nothing_but_rejected_and_evolve_accepts_anything(history: list[Event], command: Command) -> None:
    state = decider.fold(history)
    assert isinstance(state, Campaign | Unknown)
    try:
        decider.decide(command, state)
    except Rejected:
        return


@settings(max_examples=300)
@over(launched, st.lists(commands, max_size=12))
def test_no_day_of_anybody_ever_counts_twice(first: CampaignLaunched, then: list[Command]) -> None:
    state: State = decider.fold([first])
    for command in then:
        try:
            state = decider.fold(decider.decide(command, state), state)
        except Rejected:
            continue
    assert isinstance(state, Campaign)
    assert state.code == first.code  # the Kafka key
    for index, one in enumerate(state.results):
        for other in state.results[index + 1 :]:
            assert one.by != other.by or not one.period.overlaps(other.period)
