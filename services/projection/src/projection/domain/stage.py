"""The customer's headline stage: a sweep over the moments of all streams, in the order of time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from projection.domain.facts import Leaf
from projection.domain.rules import Rules, later
from projection.domain.streams import vehicle
from projection.domain.streams.marks import Mark
from projection.domain.streams.stream import StreamState, kind_of

STAGES: Final = (
    "unknown",
    "prospect",
    "hot_prospect",
    "in_purchase",
    "owner_new",
    "owner_active",
    "repurchase_intent",
    "repeat_owner",
)
ABSENT, PROSPECT, HOT, BUYING, NEW, ACTIVE, AGAIN, REPEAT = range(8)
# What a mark speaks of: of two that speak of the same, the later version counts. All others speak of the status.
DIMENSIONS: Final = {"graded": "grade", "recycled": "bin", "restored": "bin"}


@dataclass(frozen=True, slots=True)
class Stage:
    """`since` is when the present stage began. `dormant` says since when every intent is lost; None while one is open,
    converted, or there is none."""

    name: Leaf[str]
    since: Leaf[datetime | None]
    dormant: Leaf[datetime] | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A mark at its place: `index` counts the marks of its stream in the order of versions."""

    at: datetime
    stream: str
    index: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Told:
    """What the sweep says in the end."""

    name: int
    since: datetime | None
    dormant: datetime | None


def stage_of(streams: Sequence[StreamState], rules: Rules, at: datetime) -> Stage:
    """At every moment the stage is that of the record as of then: a fold in version order of what had happened.

    So a backdated event counts from its own time, though not before its stream began. Ties of time fall by stream: the
    order of `streams` does not matter.
    """
    moments = sorted(_moments(streams), key=lambda each: (each.at, each.stream, each.index))
    told = sweep(moments, rules, at)

    def leaf(of: Callable[[Told], object]) -> tuple[str, ...]:
        return evidence(moments, lambda kept: of(sweep(kept, rules, at)))

    dormant = None if told.dormant is None else Leaf(told.dormant, leaf(lambda each: each.dormant))
    name = Leaf(STAGES[told.name], leaf(lambda each: each.name))
    return Stage(name, Leaf(told.since, leaf(lambda each: each.since)), dormant)


def _moments(streams: Iterable[StreamState]) -> Iterator[Moment]:
    for state in streams:
        for index, mark in enumerate(_marks(state)):
            yield Moment(mark.at, state.stream, index, mark)
        for each in state.owned:
            if each.start.told.cause == "used_sale":  # each is a purchase of its own, which nothing takes back
                yield Moment(each.start.told.at, f"{state.stream}#{each.start.version}", 0, _bought(each.start))


def _bought(start: vehicle.Transfer) -> Mark:
    return Mark(start.told.at, "delivered", start.event)


def _marks(state: StreamState) -> tuple[Mark, ...]:
    for body in (state.body, state.opportunity, state.contract, state.order):
        if body is not None:
            return body.marks
    return ()


# ── Evidence ──────────────────────────────────────────────────────────────────────────────────────────────────
def evidence(moments: Sequence[Moment], say: Callable[[Sequence[Moment]], object]) -> tuple[str, ...]:
    """The events that made what `say` says of the moments: enough of them to say it, none that is not needed for that,
    and every one without which all the others would say something else. In the order of time.

    By trial: whatever way the stage is decided, what it answers is true. A life has a handful of such moments.
    """
    events = list(dict.fromkeys(each.mark.event for each in reversed(moments)))
    value = say(moments)

    def without(kept: Sequence[Moment], event: str) -> list[Moment]:
        return [each for each in kept if each.mark.event != event]

    needed = {event for event in events if say(without(moments, event)) != value}
    kept, looking = list(moments), True
    while looking:
        looking = False
        for event in [each for each in events if each not in needed]:
            left = without(kept, event)
            if len(left) < len(kept) and say(left) == value:
                kept, looking = left, True
    return tuple(dict.fromkeys(each.mark.event for each in kept))


# ── One stream ────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Unit:
    """What is said of a stream up to now: the mark that counts per dimension, with its index. `begun`: what came before
    its first mark in time waits for it."""

    kind: str
    begun: bool = False
    said: dict[str, tuple[int, Mark]] = field(default_factory=dict)

    def take(self, moment: Moment) -> None:
        dimension = DIMENSIONS.get(moment.mark.kind, "status")
        self.begun = self.begun or moment.index == 0
        known = self.said.get(dimension)
        if known is None or known[0] <= moment.index:
            self.said[dimension] = (moment.index, moment.mark)

    @property
    def status(self) -> Mark | None:
        """None before it began, and in the recycle bin."""
        binned = self.said.get("bin")
        if not self.begun or "status" not in self.said or (binned is not None and binned[1].kind == "recycled"):
            return None
        return self.said["status"][1]

    @property
    def level(self) -> int:
        """The stage that it alone would make, deliveries apart."""
        status = self.status
        if status is None:
            return ABSENT
        if status.kind in ("converted", "signed", "placed"):
            return BUYING
        if status.kind != "opened":
            return PROSPECT
        grade = self.said.get("grade")
        if self.kind != "lead":
            return BUYING
        return HOT if grade is not None and grade[1].grade == "hot" else PROSPECT


# ── All streams ───────────────────────────────────────────────────────────────────────────────────────────────
def sweep(moments: Iterable[Moment], rules: Rules, at: datetime) -> Told:
    """`moments` in the order of time."""
    going = _Sweep(rules.owner_new)
    for moment in moments:
        going.until(moment.at)
        going.take(moment)
    going.until(at)
    return Told(going.name, going.since, going.asleep)


@dataclass(slots=True)
class _Sweep:
    new_for: timedelta
    units: dict[str, _Unit] = field(default_factory=dict)
    name: int = ABSENT
    since: datetime | None = None
    asleep: datetime | None = None
    settles: datetime | None = None  # when time alone makes a new owner one like the others

    def until(self, moment: datetime) -> None:
        if self.settles is not None and self.settles <= moment:
            settled, self.settles = self.settles, None
            self._say(self._name(settled), settled)

    def take(self, moment: Moment) -> None:
        unit = self.units.get(moment.stream)
        if unit is None:
            unit = self.units[moment.stream] = _Unit(kind_of(moment.stream))
        unit.take(moment)
        self._say(self._name(moment.at), moment.at)

    def _say(self, name: int, at: datetime) -> None:
        if name != self.name:
            self.name, self.since = name, at
        if not (name == PROSPECT and self._lost()):
            self.asleep = None
        elif self.asleep is None:
            self.asleep = at

    def _name(self, at: datetime) -> int:
        bought = [
            status.at
            for unit in self.units.values()
            if (status := unit.status) is not None and status.kind == "delivered"
        ]
        self.settles = None
        if not bought:
            return max((unit.level for unit in self.units.values()), default=ABSENT)
        if len(bought) > 1:
            return REPEAT
        if any(self._again(unit, bought[0]) for unit in self.units.values()):
            return AGAIN
        settles = later(bought[0], self.new_for)
        if settles <= at:
            return ACTIVE
        self.settles = settles
        return NEW

    def _again(self, unit: _Unit, bought: datetime) -> bool:
        """Whether an owner means to buy again: by what was opened, signed or ordered since. What was open before is the
        intent that was served: another dealer's lead may know nothing of it."""
        status = unit.status
        return status is not None and status.kind in ("opened", "signed", "placed") and status.at > bought

    def _lost(self) -> bool:
        """Every lead is, and there is one."""
        leads = [status.kind for unit in self.units.values() if unit.kind == "lead" and (status := unit.status)]
        return bool(leads) and all(kind == "lost" for kind in leads)
