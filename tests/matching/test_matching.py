"""`make test-matching`: the matcher over references whose truth is known, and what it costs for ever more of them."""

from itertools import pairwise

import pytest
from labelled import references
from measured import measure

SIZES = (25_000, 50_000, 100_000)
MOST_PER_DOUBLING = 2.3


def test_automatic_links_are_right_and_little_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2, 3):
        figures = measure(references(12_000, seed))
        with capsys.disabled():
            print("\n" + figures.line(), end="")
        assert figures.precision >= 0.995
        assert figures.precision_joined >= 0.995
        assert figures.recall >= 0.9


def test_the_cost_grows_with_the_references(capsys: pytest.CaptureFixture[str]) -> None:
    times = []
    measure(references(2_000, 9))  # tables are read once
    for size in SIZES:
        figures = measure(references(size, 4))
        times.append(figures.seconds)
        with capsys.disabled():
            print("\n" + figures.line(), end="")
        assert figures.precision >= 0.995
        assert figures.recall >= 0.9
    ratios = [later / former for former, later in pairwise(times)]
    with capsys.disabled():
        print(f"\nper doubling: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    assert max(ratios) <= MOST_PER_DOUBLING
