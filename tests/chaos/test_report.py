"""What a run says of its own load."""

from run.ledger import Figures
from run.report import GOAL, OFTEN, figures, in_vain


def loaded(kind: str, times: int, accepted: int) -> Figures:
    done = Figures()
    done.kinds[kind], done.accepted[kind], done.commands = times, accepted, times
    return done


def test_a_kind_that_is_refused_each_time_loads_nothing() -> None:
    assert in_vain(loaded("book_test_drive", OFTEN, 0)) == [f"{OFTEN} times book_test_drive, none accepted"]


def test_chance_and_what_is_meant_to_be_refused_are_no_fault_of_the_load() -> None:
    assert in_vain(loaded("book_test_drive", OFTEN, 1)) == []
    assert in_vain(loaded("book_test_drive", OFTEN - 1, 0)) == []
    assert in_vain(loaded("malformed", OFTEN, 0)) == []


def test_a_rate_below_its_goal_is_called_so() -> None:
    (short,) = [line for line in figures(loaded("x", 10 * GOAL - 1, 1), 10) if line.startswith("rate")]
    (reached,) = [line for line in figures(loaded("x", 10 * GOAL, 1), 10) if line.startswith("rate")]
    assert short.endswith("of load: below 100")
    assert reached.endswith("of load")
