"""The sweep over the moments of all streams that decides the headline stage. It can go back: what is swept again with
one event less begins where that event stood."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from projection.domain.rules import later
from projection.domain.streams.marks import Mark
from projection.domain.streams.stream import kind_of

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
WANTED: Final = ("opened", "signed", "placed")
# What a stream alone makes of the stage, from nothing to most; and which stage that is until something is delivered.
NOTHING, OVER, OPEN, WARM, BUYS, DELIVERED = range(6)
_STAGE_OF: Final = (ABSENT, PROSPECT, PROSPECT, HOT, BUYING)


@dataclass(frozen=True, slots=True)
class Moment:
    """A mark at its place: `index` counts the marks of its stream in the order of versions."""

    at: datetime
    stream: str
    index: int
    mark: Mark


class Told(NamedTuple):
    """What the sweep says: the stage, since when, and since when every intent is lost. `settles`: when time alone makes
    a new owner one like the others."""

    name: int = ABSENT
    since: datetime | None = None
    dormant: datetime | None = None
    settles: datetime | None = None


_BEGINNING: Final = Told()


# ── One stream ────────────────────────────────────────────────────────────────────────────────────────────────
class Unit(NamedTuple):
    """What is said of a stream up to now: what counts of its status, of its grade and of the recycle bin. Of two that
    speak of the same, the later version counts. `begun`: what came before its first mark in time waits for it."""

    kind: str
    begun: bool = False
    said: Moment | None = None
    grade: Moment | None = None
    bin: Moment | None = None
    status: Mark | None = None  # None before it began, and in the recycle bin
    rank: int = NOTHING

    def after(self, moment: Moment) -> "Unit":
        begun = self.begun or moment.index == 0
        said, grade, bin_ = self.said, self.grade, self.bin
        match moment.mark.kind:
            case "graded":
                grade = _later(grade, moment)
            case "recycled" | "restored":
                bin_ = _later(bin_, moment)
            case _:
                said = _later(said, moment)
        gone = not begun or said is None or (bin_ is not None and bin_.mark.kind == "recycled")
        status = None if gone or said is None else said.mark
        rank = _rank(self.kind, status, hot=grade is not None and grade.mark.grade == "hot")
        return Unit(self.kind, begun, said, grade, bin_, status, rank)


def _rank(kind: str, status: Mark | None, *, hot: bool) -> int:
    if status is None:
        return NOTHING
    if status.kind == "delivered":
        return DELIVERED
    if status.kind in ("converted", "signed", "placed") or (status.kind == "opened" and kind != "lead"):
        return BUYS
    if status.kind != "opened":
        return OVER
    return WARM if hot else OPEN


def _later(known: Moment | None, moment: Moment) -> Moment:
    return moment if known is None or known.index <= moment.index else known


# ── All streams ───────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Sums:
    """All streams together, kept in step with each that changes: a customer of many leads has as many moments, and
    looking through all leads at each of them made a read quadratic."""

    ranks: list[set[str]] = field(default_factory=lambda: [set() for _ in range(DELIVERED + 1)])
    delivered: dict[str, datetime] = field(default_factory=dict)
    wanted: list[datetime] = field(default_factory=list)  # since when what is so now; sorted
    leads: int = 0
    lost: int = 0

    def put(self, stream: str, unit: Unit) -> None:
        status = unit.status
        self.ranks[unit.rank].add(stream)
        if status is not None and unit.kind == "lead":
            self.leads += 1
            self.lost += status.kind == "lost"
        if status is not None and status.kind in WANTED:
            insort(self.wanted, status.at)
        if status is not None and unit.rank == DELIVERED:
            self.delivered[stream] = status.at

    def take_out(self, stream: str, unit: Unit) -> None:
        """Before it changes."""
        status = unit.status
        self.ranks[unit.rank].discard(stream)
        if status is not None and unit.kind == "lead":
            self.leads -= 1
            self.lost -= status.kind == "lost"
        if status is not None and status.kind in WANTED:
            del self.wanted[bisect_left(self.wanted, status.at)]
        self.delivered.pop(stream, None)

    @property
    def rank(self) -> int:
        """The highest of all, deliveries apart."""
        return next((rank for rank in (BUYS, WARM, OPEN, OVER) if self.ranks[rank]), NOTHING)

    @property
    def level(self) -> int:
        return _STAGE_OF[self.rank]

    def stands(self) -> tuple[int, Collection[str]]:
        """What is told now stays, whatever one stream were: unless it were of a higher rank than this, or is one of
        these. -1: nothing is sure."""
        if len(self.delivered) > 2:
            return DELIVERED, ()
        if len(self.delivered) == 2:
            return DELIVERED, tuple(self.delivered)
        for bought in self.delivered.values():
            since = len(self.wanted) - bisect_right(self.wanted, bought)
            return {0: OVER, 1: -1}.get(since, BUYS), tuple(self.delivered)
        rank = self.rank
        if rank == OVER and self.leads < 2:  # whether all leads are lost hangs on one
            return -1, ()
        return rank, self.ranks[rank].copy() if rank != NOTHING and len(self.ranks[rank]) == 1 else ()

    def again(self, bought: datetime) -> bool:
        """Whether an owner means to buy again: by what was opened, signed or ordered since. What was open before is the
        intent that was served: another dealer's lead may know nothing of it."""
        return bool(self.wanted) and self.wanted[-1] > bought

    @property
    def all_lost(self) -> bool:
        """Every lead is, and there is one."""
        return 0 < self.leads == self.lost


@dataclass(slots=True)
class Sweep:
    """`taken` are the moments that are in it, each with what was before it; `steps` counts what was ever taken."""

    new_for: timedelta
    told: Told = _BEGINNING
    units: dict[str, Unit] = field(default_factory=dict)
    sums: _Sums = field(default_factory=_Sums)
    taken: list[tuple[str, Unit, Told]] = field(default_factory=list)
    steps: int = 0

    def over(self, moments: Iterable[Moment]) -> None:
        """`moments` in the order of time."""
        for moment in moments:
            self.take(moment)

    def take(self, moment: Moment) -> None:
        stream = moment.stream
        unit = self.units.get(stream)
        if unit is None:
            unit = Unit(kind_of(stream))
            self.sums.put(stream, unit)
        self.taken.append((stream, unit, self.told))
        self.steps += 1
        self.told = self.at(moment.at)
        self._put(stream, unit, unit.after(moment))
        self.told = self._next(moment.at)

    def back(self, number: int) -> None:
        """To where it was when it had taken as many."""
        while len(self.taken) > number:
            stream, unit, self.told = self.taken.pop()
            self._put(stream, self.units[stream], unit)

    def at(self, moment: datetime) -> Told:
        """What is told when nothing happens until then."""
        settled = self.told.settles
        return self.told if settled is None or settled > moment else self._next(settled)

    def _put(self, stream: str, unit: Unit, other: Unit) -> None:
        if unit.rank == other.rank and unit.status is other.status:
            self.units[stream] = other
            return
        self.sums.take_out(stream, unit)
        self.units[stream] = other
        self.sums.put(stream, other)

    def _next(self, at: datetime) -> Told:
        name, settles = self._name(at)
        told = self.told
        since = told.since if name == told.name else at
        asleep = name == PROSPECT and self.sums.all_lost
        return Told(name, since, (told.dormant or at) if asleep else None, settles)

    def _name(self, at: datetime) -> tuple[int, datetime | None]:
        """And when time alone changes it."""
        bought = self.sums.delivered
        if not bought:
            return self.sums.level, None
        if len(bought) > 1:
            return REPEAT, None
        (first,) = bought.values()
        if self.sums.again(first):
            return AGAIN, None
        settles = later(first, self.new_for)
        return (ACTIVE, None) if settles <= at else (NEW, settles)
