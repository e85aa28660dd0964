"""The plan: the same for the same seed, everything in it, in time, and leaders by the minute."""

from itertools import pairwise

import pytest
from run.faults import FAULTS
from run.plan import LEADER_EVERY, plan, required

LENGTHS = (120.0, 480.0, 1800.0)


@pytest.mark.parametrize("brokers", [1, 3])
@pytest.mark.parametrize("seconds", LENGTHS)
def test_the_same_seed_is_the_same_plan(seconds: float, brokers: int) -> None:
    assert plan(7, seconds, brokers) == plan(7, seconds, brokers)
    assert plan(7, seconds, brokers) != plan(8, seconds, brokers)
    assert [each.fault for each in plan(7, seconds, brokers)] != [each.fault for each in plan(8, seconds, brokers)]


def test_a_plan_does_not_change_unseen() -> None:
    """Whoever changes what a seed means says so here: a figure of an older run is not to be had again then."""
    first = [each.fault for each in plan(1, 120, 1)]
    assert first == ["F8", "F12", "F13", "F2", "F40", "F7", "F1", "F16", "F41"]


@pytest.mark.parametrize("brokers", [1, 3])
@pytest.mark.parametrize("seed", range(20))
def test_a_run_sees_as_many_faults_as_it_must(seed: int, brokers: int) -> None:
    for seconds in LENGTHS:
        found = plan(seed, seconds, brokers)
        assert len({each.fault for each in found}) >= required(seconds)
        assert all(0 < each.at < seconds for each in found)
        assert all(one.at + one.seconds <= other.at for one, other in pairwise(found))
    assert {each.fault for each in found} == {*FAULTS}


@pytest.mark.parametrize("seed", range(5))
def test_with_three_brokers_a_leader_dies_every_minute(seed: int) -> None:
    kills = [each.at for each in plan(seed, 480, 3) if each.fault == "F13"]
    assert len(kills) >= 7
    assert all(later - earlier <= LEADER_EVERY + 25 for earlier, later in pairwise(kills))


def test_only_the_faults_that_are_asked_for() -> None:
    assert sorted(each.fault for each in plan(1, 60, 1, ["F13", "F26"])) == ["F13", "F26"]
    with pytest.raises(KeyError):
        plan(1, 60, 1, ["F99"])
