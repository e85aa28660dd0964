"""Media spend, told as given / when / then, and what holds for all of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from lead.domain.media_spend import Amount, MediaSpendRecorded, Place, RecordMediaSpend, Spend, Unknown, decider
from lead.service.aggregates.media_spend import aggregate
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
PLACE = Place("sh-pudong", date(2026, 1, 4), "tv", "spring_2026")
AMOUNT = Amount("CNY", 5_000_000)
RECORD = RecordMediaSpend(PLACE, AMOUNT, NOW)
RECORDED = MediaSpendRecorded("sh-pudong", date(2026, 1, 4), "tv", "spring_2026", AMOUNT, NOW)


def test_an_amount_is_recorded_once() -> None:
    given(decider).when(RECORD).then(RECORDED)
    given(decider, RECORDED).when(replace(RECORD, at=LATER)).then_nothing()


def test_another_amount_supersedes_it() -> None:
    for amount in (Amount("CNY", 4_000_000), Amount("CNY", 0), Amount("EUR", 5_000_000)):
        corrected = replace(RECORDED, amount=amount, at=LATER)
        given(decider, RECORDED).when(RecordMediaSpend(PLACE, amount, LATER)).then(corrected)
        given(decider, RECORDED, corrected).when(RecordMediaSpend(PLACE, amount, NOW)).then_nothing()
        given(decider, RECORDED, corrected).when(RECORD).then(RECORDED)


def test_each_region_day_medium_and_campaign_has_a_stream_of_its_own() -> None:
    places = [
        PLACE,
        replace(PLACE, region="sh-putuo"),
        replace(PLACE, day=date(2026, 1, 5)),
        replace(PLACE, medium="radio"),
        replace(PLACE, campaign="summer_2026"),
        replace(PLACE, campaign=None),
    ]
    assert PLACE.name() == "sh-pudong:2026-01-04:tv:spring_2026"
    assert places[-1].name() == "sh-pudong:2026-01-04:tv"
    assert len({place.name() for place in places}) == len(places)
    assert aggregate.key(given(decider, RECORDED).state()) == f"mediaspend/{PLACE.name()}"


# ── What holds for all of it ──────────────────────────────────────────────────────────────────────────────────
times = st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours))
words = st.sampled_from(["a", "b"])
amounts = st.builds(Amount, words, st.integers(0, 1))
days = st.sampled_from([date(2026, 1, 4), date(2026, 1, 5)])
commands = st.builds(RecordMediaSpend, st.builds(Place, words, days, words, st.none() | words), amounts, times)
events = st.builds(MediaSpendRecorded, words, days, words, st.none() | words, amounts, times)


@settings(max_examples=300)
@over(st.lists(events, max_size=8), commands)
def test_a_repeat_says_nothing_and_nothing_is_raised(
    history: list[MediaSpendRecorded], command: RecordMediaSpend
) -> None:
    state = decider.fold(history)
    assert isinstance(state, Spend | Unknown)
    after = decider.fold(decider.decide(command, state), state)
    assert isinstance(after, Spend)
    assert after.amount == command.amount
    assert list(decider.decide(command, after)) == []
    if isinstance(state, Spend):
        assert after.place == state.place  # the Kafka key
