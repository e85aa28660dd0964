"""Alternate runs, medians, quartiles, ratios and goals: the arithmetic of every row, and how a row is printed."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Literal

Measures = dict[str, float]
"""What one run of one side gave: `rate` in 1/s, `p50` and `p99` in ms, and what else the row wants to tell."""

Side = Callable[[], Awaitable[Measures]]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of the runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Raises ValueError when there is none. One value is its own quartiles."""
        if not values:
            raise ValueError("nothing was measured")
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def shown(self, unit: str) -> str:
        return f"{number(self.median)}{unit} [{number(self.low)}–{number(self.high)}]"


@dataclass(frozen=True, slots=True)
class Goal:
    """`of`: whether the bound is on the ratio (ours : other side) or on our own value."""

    kind: Literal["at least", "at most"]
    bound: float
    of: Literal["ratio", "value"] = "ratio"

    def met(self, value: float) -> bool:
        return value >= self.bound if self.kind == "at least" else value <= self.bound

    def missed_by(self, value: float) -> float:
        """The part of the bound that is missing, 0 when it is met."""
        return 0.0 if self.met(value) else abs(value - self.bound) / self.bound

    def shown(self, unit: str) -> str:
        sign = "≥" if self.kind == "at least" else "≤"
        return f"{sign} {number(self.bound)}{'x' if self.of == 'ratio' else unit}"


def at_least(ratio: float) -> Goal:
    return Goal("at least", ratio)


def at_most(ratio: float) -> Goal:
    return Goal("at most", ratio)


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison of a row. `other` names what stands beside ours; None: ours alone. `ratio` is of the runs taken
    in pairs: each of ours to the one of the other side that ran next to it. `bounded_by`: what a missed goal is due
    to."""

    row: str
    case: str
    unit: str
    ours: Spread
    other: str | None = None
    theirs: Spread | None = None
    ratio: Spread | None = None
    goals: tuple[Goal, ...] = ()
    bounded_by: str = ""

    def judged(self, goal: Goal) -> float:
        if goal.of == "value":
            return self.ours.median
        assert self.ratio is not None  # a goal on a ratio is set only where there is another side
        return self.ratio.median

    @property
    def verdicts(self) -> list[str]:
        """One for each goal."""
        return [self._verdict(goal) for goal in self.goals]

    def _verdict(self, goal: Goal) -> str:
        value = self.judged(goal)
        if goal.met(value):
            return f"{goal.shown(self.unit)}: met"
        return f"{goal.shown(self.unit)}: below goal by {goal.missed_by(value):.0%}"

    @property
    def met(self) -> bool:
        return all(goal.met(self.judged(goal)) for goal in self.goals)

    def shown(self) -> str:
        parts = [f"{self.row:<14} {self.case:<32} {self.ours.shown(self.unit):<32}"]
        if self.theirs is not None:
            parts.append(f"{self.other}: {self.theirs.shown(self.unit)}")
        if self.ratio is not None:
            parts.append(f"ratio {self.ratio.shown('')}")
        return "  ".join([*parts, *self.verdicts])


@dataclass
class Report:
    """Lines as they come, and figures of others printed beside them (`pgbench`)."""

    tell: Callable[[str], None] = print
    lines: list[Line] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.tell(line.shown())

    def note(self, row: str, text: str) -> None:
        self.notes.append({"row": row, "text": text})
        self.tell(f"{'':<14} {text}")

    def compare(
        self,
        row: str,
        case: str,
        runs: Mapping[str, Sequence[Measures]],
        other: str,
        *,
        measure: str = "rate",
        unit: str = "/s",
        goals: Sequence[Goal] = (),
        bounded_by: str = "",
    ) -> None:
        """Ours (`runs["ours"]`) beside `runs[other]`."""
        ours = [run[measure] for run in runs["ours"]]
        theirs = [run[measure] for run in runs[other]]
        ratio = Spread.of([a / b for a, b in zip(ours, theirs, strict=True)])
        line = Line(row, case, unit, Spread.of(ours), other, Spread.of(theirs), ratio, tuple(goals), bounded_by)
        self.add(line)

    def alone(
        self, row: str, case: str, values: Sequence[float], unit: str, goals: Sequence[Goal] = (), bounded_by: str = ""
    ) -> None:
        self.add(Line(row, case, unit, Spread.of(values), goals=tuple(goals), bounded_by=bounded_by))

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "lines": [{**asdict(each), "verdicts": each.verdicts, "met": each.met} for each in self.lines],
            "notes": self.notes,
        }


async def alternately(sides: Mapping[str, Side], rounds: int, *, warm: bool = True) -> dict[str, list[Measures]]:
    """Every side once per round, the order turned in each (A B, B A, …), so that neither always goes first on a machine
    that grows warm. `warm`: a first round that does not count."""
    runs: dict[str, list[Measures]] = {name: [] for name in sides}
    if warm:
        for run in sides.values():
            await run()
    for round_ in range(rounds):
        for name in order(list(sides), round_):
            runs[name].append(await sides[name]())
    return runs


def order(names: Sequence[str], round_: int) -> list[str]:
    return list(names) if round_ % 2 == 0 else list(reversed(names))


def latencies(seconds: Sequence[float]) -> Measures:
    """`p50` and `p99` in ms."""
    ordered = sorted(seconds)
    return {"p50": 1000 * percentile(ordered, 0.50), "p99": 1000 * percentile(ordered, 0.99)}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank, of values in ascending order."""
    assert all(a <= b for a, b in pairwise(ordered[:10]))
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def number(value: float) -> str:
    """Three digits that count: 12,345 123 12.3 1.23 0.123."""
    size = abs(value)
    return (
        f"{value:,.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
        if size >= 0.1
        else f"{value:.3g}"
    )
