"""Who stood still, from what the monitor sees."""

from run.faults import FAULTS
from run.still import STANDING, Still


def seen(*sights: tuple[float, int, int]) -> Still:
    still = Still()
    for at, behind, place in sights:
        still.see(at, {"projection": behind}, {"projection": place})
    return still


def test_with_events_waiting_and_the_same_place_it_stands() -> None:
    still = seen((0, 3, 10), (30, 5, 10), (STANDING, 9, 10))
    assert still.longest == {"projection": STANDING}
    assert still.wrong() == [f"projection stood still for {STANDING:.0f} s with events waiting"]


def test_whoever_moves_or_has_nothing_to_do_stands_not() -> None:
    assert seen((0, 3, 10), (49, 3, 11), (98, 90, 12)).wrong() == []
    assert seen((0, 0, 10), (100, 0, 10), (149, 1, 10)).wrong() == []


def test_while_a_fault_takes_everything_away_the_clock_stands_still() -> None:
    still = seen((0, 3, 10), (10, 3, 10))
    still.away(12)
    still.see(60, {"projection": 9}, {"projection": 10})
    assert still.longest == {"projection": 12}
    still.back(80)
    still.see(100, {"projection": 9}, {"projection": 10})
    assert still.longest == {"projection": 32}
    still.see(118, {"projection": 9}, {"projection": 10})
    assert still.wrong() == ["projection stood still for 50 s with events waiting"]


def test_faults_of_the_network_and_of_servers_take_it_away() -> None:
    assert [code for code, fault in FAULTS.items() if fault.away] == [
        "F13", "F14", "F16", "F17", "F18", "F19", "F20", "F21", "F27",
    ]  # fmt: skip
