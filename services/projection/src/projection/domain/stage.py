"""The customer's headline stage: a sweep over the moments of all streams, in the order of time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from projection.domain.facts import Leaf
from projection.domain.streams.lead import Mark
from projection.domain.streams.stream import StreamState

STAGES: Final = ("unknown", "prospect", "hot_prospect", "in_purchase")  # the highest of all leads counts
ABSENT, PROSPECT, HOT, BUYING = range(4)
# What a mark speaks of: of two that speak of the same, the later version counts.
DIMENSIONS: Final = {
    "opened": "status",
    "lost": "status",
    "converted": "status",
    "graded": "grade",
    "recycled": "bin",
    "restored": "bin",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """`since` is when the present stage began. `dormant` says since when every intent is lost; None while one is open,
    converted, or there is none."""

    name: Leaf[str]
    since: Leaf[datetime | None]
    dormant: Leaf[datetime] | None


def stage_of(streams: Sequence[StreamState]) -> Stage:
    """At every moment the stage is that of the record as of then: a fold in version order of what had happened.

    So a backdated event counts from its own time, though not before its lead was captured. Ties of time fall by stream:
    the order of `streams` does not matter.
    """
    moments = sorted(
        (
            (mark.at, state.stream, index, mark)
            for state in streams
            if state.body is not None
            for index, mark in enumerate(state.body.marks)
        ),
        key=lambda moment: moment[:3],
    )
    sweep = _Sweep()
    for _, stream, index, mark in moments:
        sweep.take(stream, index, mark)
    return sweep.stage({mark.event: at for at, *_, mark in moments})


# ── One lead ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Lead:
    """What is said of it up to now: the mark that counts per dimension, with its index, and all indices so far."""

    captured: str | None = None
    said: dict[str, tuple[int, Mark]] = field(default_factory=dict)
    every: dict[str, list[tuple[int, Mark]]] = field(default_factory=dict)

    def level(self, said: Mapping[str, Mark | None]) -> int:
        """The stage that it alone would make."""
        status, grade, binned = said.get("status"), said.get("grade"), said.get("bin")
        if self.captured is None or status is None or (binned is not None and binned.kind == "recycled"):
            return ABSENT
        if status.kind == "converted":
            return BUYING
        return HOT if status.kind == "opened" and grade is not None and grade.grade == "hot" else PROSPECT

    @property
    def now(self) -> dict[str, Mark | None]:
        return {dimension: mark for dimension, (_, mark) in self.said.items()}

    def without(self, dimension: str) -> int:
        """The level if the mark that counts there had not been."""
        others = sorted(self.every[dimension], key=lambda each: each[0])[:-1]
        return self.level({**self.now, dimension: others[-1][1] if others else None})


def _meaning(mark: Mark | None) -> object:
    """As far as a level depends on it."""
    if mark is None or mark.kind == "restored":
        return None
    return mark.grade == "hot" or None if mark.kind == "graded" else mark.kind


# ── All leads ─────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Period:
    """Since when something has been so, and by which events: those that counted just before it began, and all that
    changed or held off a change since. Take away any other, and it began at the same time. `over` are the dimensions
    that matter to it."""

    over: tuple[str, ...]
    since: datetime | None = None
    events: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Sweep:
    leads: dict[str, _Lead] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    headline: int = ABSENT
    asleep: bool = False
    stage_began: _Period = field(default_factory=lambda: _Period(("status", "grade", "bin")))
    sleep_began: _Period = field(default_factory=lambda: _Period(("status", "bin")))

    def take(self, stream: str, index: int, mark: Mark) -> None:
        """`index` 0 is the capture: what came before it in time waits for it."""
        lead = self.leads.setdefault(stream, _Lead())
        earlier = dict(lead.said)
        told = self._say(lead, index, mark)
        self.levels[stream] = lead.level(lead.now)
        headline, asleep = max(self.levels.values()), self._asleep()
        for period, begins in (
            (self.stage_began, headline != self.headline),
            (self.sleep_began, asleep and not self.asleep),
        ):
            if begins:
                period.since = mark.at
                period.events = {*self._counting(period.over), *_counted(earlier, period.over)}
            if begins or DIMENSIONS[mark.kind] in period.over:
                period.events.update(told)
        self.headline, self.asleep = headline, asleep

    def _say(self, lead: _Lead, index: int, mark: Mark) -> list[str]:
        """The events without which it would be otherwise from here on."""
        dimension = DIMENSIONS[mark.kind]
        lead.every.setdefault(dimension, []).append((index, mark))
        told = []
        if index == 0:
            lead.captured = mark.event
            told.append(mark.event)
        known = lead.said.get(dimension)
        if known is not None and known[0] > index:
            return [*told, known[1].event]  # a later version had spoken already: without it, this mark would count
        lead.said[dimension] = (index, mark)
        if _meaning(mark) != _meaning(known[1] if known else None):
            told.append(mark.event)
        return told

    def _counting(self, over: Collection[str]) -> Iterable[str]:
        for lead in self.leads.values():
            if lead.captured is not None:
                yield lead.captured
            yield from _counted(lead.said, over)

    def _asleep(self) -> bool:
        there = [self.leads[stream].now["status"] for stream, level in self.levels.items() if level != ABSENT]
        return bool(there) and all(status is not None and status.kind == "lost" for status in there)

    def stage(self, when: Mapping[str, datetime]) -> Stage:
        def ordered(events: Iterable[str]) -> tuple[str, ...]:
            return tuple(sorted(set(events), key=lambda event: (when[event], event)))

        began, fell_asleep, dormant = self.stage_began, self.sleep_began, None
        if self.asleep and fell_asleep.since is not None:
            dormant = Leaf(fell_asleep.since, ordered(fell_asleep.events))
        name = Leaf(STAGES[self.headline], ordered(self._reasons()))
        return Stage(name, Leaf(began.since, ordered(began.events)), dormant)

    def _reasons(self) -> Iterable[str]:
        """Why it is this stage: what makes one lead such a one, and what keeps every other from being more."""
        witness = min((stream for stream, level in self.levels.items() if level == self.headline), default=None)
        if witness is not None and self.headline != ABSENT:
            yield from self._made(self.leads[witness])
        for lead in self.leads.values():
            for dimension, (_, mark) in lead.said.items():
                if lead.without(dimension) > self.headline:
                    yield mark.event

    def _made(self, lead: _Lead) -> Iterable[str]:
        if lead.captured is not None:
            yield lead.captured
        for dimension, (_, mark) in lead.said.items():
            if dimension == "status" or (dimension == "grade" and self.headline == HOT) or mark.kind == "restored":
                yield mark.event


def _counted(said: Mapping[str, tuple[int, Mark]], over: Collection[str]) -> Iterable[str]:
    return (mark.event for dimension, (_, mark) in said.items() if dimension in over)
