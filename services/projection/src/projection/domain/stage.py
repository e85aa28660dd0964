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
    known: dict[tuple[str, ...], Told] = {}  # the three leaves try much the same

    def tried(kept: Sequence[Moment]) -> Told:
        events = tuple(each.mark.event for each in kept)
        if events not in known:
            known[events] = sweep(kept, rules, at)
        return known[events]

    told = tried(moments)

    def leaf(of: Callable[[Told], object]) -> tuple[str, ...]:
        return evidence(moments, lambda kept: of(tried(kept)))

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
class _Sums:
    """All streams together, kept in step with each that changes: a customer of many leads has as many moments, and
    looking through all leads at each of them made a read quadratic."""

    levels: list[int] = field(default_factory=lambda: [0] * len(STAGES))
    delivered: dict[str, datetime] = field(default_factory=dict)
    wanted: dict[str, datetime] = field(default_factory=dict)  # opened, signed or placed, and when
    leads: int = 0
    lost: int = 0

    def count(self, stream: str, unit: _Unit, sign: int) -> None:
        """`sign` 1 puts the unit in as it is now, -1 takes it out before it changes."""
        self.levels[unit.level] += sign
        status = unit.status
        if status is None:
            return
        if unit.kind == "lead":
            self.leads += sign
            self.lost += sign * (status.kind == "lost")
        if status.kind in ("delivered", "opened", "signed", "placed"):
            places = self.delivered if status.kind == "delivered" else self.wanted
            if sign > 0:
                places[stream] = status.at
            else:
                del places[stream]

    @property
    def level(self) -> int:
        return next((level for level in reversed(range(len(STAGES))) if self.levels[level]), ABSENT)

    def again(self, bought: datetime) -> bool:
        """Whether an owner means to buy again: by what was opened, signed or ordered since. What was open before is the
        intent that was served: another dealer's lead may know nothing of it."""
        return any(at > bought for at in self.wanted.values())

    @property
    def all_lost(self) -> bool:
        """Every lead is, and there is one."""
        return 0 < self.leads == self.lost


@dataclass(slots=True)
class _Sweep:
    new_for: timedelta
    units: dict[str, _Unit] = field(default_factory=dict)
    sums: _Sums = field(default_factory=_Sums)
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
        else:
            self.sums.count(moment.stream, unit, -1)
        unit.take(moment)
        self.sums.count(moment.stream, unit, 1)
        self._say(self._name(moment.at), moment.at)

    def _say(self, name: int, at: datetime) -> None:
        if name != self.name:
            self.name, self.since = name, at
        if not (name == PROSPECT and self.sums.all_lost):
            self.asleep = None
        elif self.asleep is None:
            self.asleep = at

    def _name(self, at: datetime) -> int:
        bought = self.sums.delivered
        self.settles = None
        if not bought:
            return self.sums.level
        if len(bought) > 1:
            return REPEAT
        (first,) = bought.values()
        if self.sums.again(first):
            return AGAIN
        settles = later(first, self.new_for)
        if settles <= at:
            return ACTIVE
        self.settles = settles
        return NEW
