"""The arithmetic that the benchmarks stand on."""

import pytest

from benchmarks.frame import Goal, Line, Report, Spread, alternately, at_least, at_most, latencies, number, order


def test_a_spread_is_median_and_quartiles() -> None:
    assert Spread.of([5, 1, 3, 2, 4]) == Spread(3, 2, 4)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)
    with pytest.raises(ValueError, match="nothing was measured"):
        Spread.of([])


def test_a_goal_is_a_bound_on_the_ratio_or_on_our_own_value() -> None:
    assert at_least(0.6).met(0.6)
    assert not at_least(0.6).met(0.59)
    assert at_most(3).met(3)
    assert not at_most(3).met(3.1)
    assert at_least(0.6).missed_by(0.45) == pytest.approx(0.25)
    assert at_most(2.0).missed_by(3.0) == pytest.approx(0.5)
    assert at_most(2.0).missed_by(1.0) == 0
    assert at_least(0.6).shown("/s") == "≥ 0.60x"
    assert Goal("at most", 50, "value").shown(" ms") == "≤ 50.0 ms"


def test_a_ratio_is_taken_run_by_run_with_the_neighbour() -> None:
    """The machine halved its speed in the second run: the ratio does not know."""
    told: list[str] = []
    report = Report(told.append)
    runs = {"ours": [{"rate": 60.0}, {"rate": 30.0}], "bare": [{"rate": 100.0}, {"rate": 50.0}]}
    report.compare("append", "1 client", runs, "bare", goals=[at_least(0.6)])
    (line,) = report.lines
    assert line.ratio == Spread(0.6, 0.6, 0.6)
    assert line.met
    assert line.verdicts == ["≥ 0.60x: met"]
    assert "bare: 75.0/s" in told[0]


def test_a_row_below_its_goal_says_so_and_by_how_much() -> None:
    line = Line("relay", "", "/s", Spread(40, 40, 40), "bare", Spread(100, 99, 101), Spread(0.4, 0.4, 0.4),
                (at_least(0.5), Goal("at least", 50, "value")))  # fmt: skip
    assert not line.met
    assert line.verdicts == ["≥ 0.50x: below goal by 20%", "≥ 50.0/s: below goal by 20%"]
    assert "below goal" in line.shown()


def test_sides_must_have_run_equally_often() -> None:
    with pytest.raises(ValueError, match="zip"):
        Report(lambda _: None).compare("r", "", {"ours": [{"rate": 1.0}], "bare": []}, "bare")


async def test_sides_run_alternately_and_in_turned_order() -> None:
    seen: list[str] = []

    def side(name: str) -> object:
        async def run() -> dict[str, float]:
            seen.append(name)
            return {"rate": float(len(seen))}

        return run

    runs = await alternately({"ours": side("ours"), "bare": side("bare")}, 3)  # type: ignore[dict-item]
    assert seen == ["ours", "bare", "ours", "bare", "bare", "ours", "ours", "bare"]
    assert [run["rate"] for run in runs["ours"]] == [3.0, 6.0, 7.0]
    assert order(["a", "b", "c"], 1) == ["c", "b", "a"]


def test_percentiles_are_of_what_was_measured() -> None:
    measured = latencies([n / 1000 for n in range(100, 0, -1)])
    assert measured == {"p50": 51.0, "p99": 100.0}


def test_numbers_have_three_digits_that_count() -> None:
    assert [number(each) for each in (12345.6, 123.4, 12.34, 1.234, 0.01234)] == [
        "12,346",
        "123",
        "12.3",
        "1.23",
        "0.0123",
    ]
