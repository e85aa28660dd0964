"""Sales targets and forecasts, told as given / when / then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from roadbook.testing.spec import given
from sales.domain import forecast as fc
from sales.domain import salestarget as st

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
SET = st.SetSalesTarget("d1", "2026-01", None, st.Target(20, 300_000_000, "CNY"), NOW)
WAS_SET = st.SalesTargetSet("d1", "2026-01", None, 20, 300_000_000, "CNY", NOW)
PUBLISH = fc.PublishForecast("d1", "2026-01", NOW, 12_350, 180_000_000, "CNY", "2026-3", NOW)
PUBLISHED = fc.ForecastPublished("d1", "2026-01", NOW, 12_350, 180_000_000, "CNY", "2026-3", NOW)


def test_a_target_is_set_once_and_can_be_set_anew() -> None:
    given(st.decider).when(SET).then(WAS_SET)
    given(st.decider, WAS_SET).when(replace(SET, at=LATER)).then_nothing()
    other = replace(SET, target=st.Target(25, None, "CNY"), at=LATER)
    given(st.decider, WAS_SET).when(other).then(replace(WAS_SET, units=25, amount=None, at=LATER))


def test_each_of_the_staff_has_a_target_of_their_own_beside_the_dealers() -> None:
    own = replace(SET, staff="staff-1", target=st.Target(5, None, "CNY"))
    own_set = replace(WAS_SET, staff="staff-1", units=5, amount=None)
    given(st.decider, WAS_SET).when(own).then(own_set)
    given(st.decider, WAS_SET, own_set).when(SET).then_nothing()
    state = given(st.decider, WAS_SET, own_set).state()
    assert isinstance(state, st.SalesTarget)
    assert state.targets == {None: st.Target(20, 300_000_000, "CNY"), "staff-1": st.Target(5, None, "CNY")}


def test_a_forecast_is_published_as_often_as_it_says_something_new() -> None:
    given(fc.decider).when(PUBLISH).then(PUBLISHED)
    given(fc.decider, PUBLISHED).when(replace(PUBLISH, at=LATER)).then_nothing()
    later = replace(PUBLISH, as_of=LATER, at=LATER)
    told = replace(PUBLISHED, as_of=LATER, at=LATER)
    given(fc.decider, PUBLISHED).when(later).then(told)
    given(fc.decider, PUBLISHED, told).when(replace(PUBLISH, at=LATER)).then_nothing()
    given(fc.decider, PUBLISHED).when(replace(PUBLISH, amount=1)).then(replace(PUBLISHED, amount=1))
