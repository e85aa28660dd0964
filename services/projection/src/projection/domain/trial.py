"""Evidence by trial: which of many events the sweep cannot do without."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from projection.domain.rules import Rules
from projection.domain.streams.stream import kind_of
from projection.domain.sweep import DELIVERED, Moment, Sweep, Told, Unit

Say = Callable[[Told], object]


@dataclass
class Trial:
    """`moments` in the order of time, and `told` of them by the sweep in the end. Each evidence that is asked for tries
    anew, but what one event alone makes is tried once for all of them."""

    moments: Sequence[Moment]
    told: Told
    rules: Rules
    at: datetime
    steps: int = field(default=0, compare=False)  # moments that were swept for it

    def evidence(self, say: Say) -> tuple[str, ...]:
        """The events that made what `say` says of it: enough of them to say it, none that is not needed for that, and
        every one without which all the others would say something else. In the order of time.

        By trial: whatever way the stage is decided, what it answers is true. The latest event is tried first, so that
        what was already left out is not swept again with all that came before it.
        """
        value = say(self.told)
        tape = self._tape()
        open_ = [event for event, told in self._alone.items() if say(told) == value]
        looking = True
        while looking:
            looking, there = False, set(tape.events)
            for event in [each for each in open_ if each in there]:
                if say(tape.without(event)) == value:
                    tape.leave_out(event)
                    looking = True
        self.steps += tape.sweep.steps
        return tuple(dict.fromkeys(tape.events))

    @cached_property
    def _alone(self) -> dict[str, Told]:
        """Event -> what all the others say, the latest event first."""
        times = Counter(each.mark.event for each in self.moments)
        course, tape = _Course(self.moments, Sweep(self.rules.owner_new), self.at, self.told), self._tape()
        found: dict[str, Told] = {}
        for place in reversed(range(len(self.moments))):
            event = self.moments[place].mark.event
            if event not in found:
                found[event] = course.without(place) if times[event] == 1 else tape.without(event)
        self.steps += tape.sweep.steps + course.sweep.steps
        return found

    def _tape(self) -> "_Tape":
        return _Tape(list(self.moments), Sweep(self.rules.owner_new), self.at)


@dataclass(slots=True)
class _Tape:
    """What is still kept of the moments. The sweep stands at the event that was tried last: as each is earlier than the
    one before, it only has to go on from there."""

    kept: list[Moment]
    sweep: Sweep
    at: datetime
    events: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.events = [each.mark.event for each in self.kept]

    def without(self, event: str) -> Told:
        """What the others say. `event` is one of them."""
        first = self.events.index(event)
        self.sweep.over(self.kept[len(self.sweep.taken) : first])
        self.sweep.back(first)
        self.sweep.over(each for each in self.kept[first:] if each.mark.event != event)
        told = self.sweep.at(self.at)
        self.sweep.back(first)
        return told

    def leave_out(self, event: str) -> None:
        """For good: the event that was tried last."""
        first = self.events.index(event)
        self.kept[first:] = [each for each in self.kept[first:] if each.mark.event != event]
        self.events[first:] = [each for each in self.events[first:] if each != event]


@dataclass(slots=True)
class _Course:
    """The sweep over all moments, with what was at each place. Without one of them it is the same again as soon as it
    tells the same, and what its stream is otherwise makes no difference any more: of a customer of many leads that is
    soon so for most."""

    moments: Sequence[Moment]
    sweep: Sweep
    at: datetime
    last: Told
    told: list[Told] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)  # stream -> those of its moments
    alone: dict[str, list[int]] = field(default_factory=dict)  # stream -> places at which what is told hangs on it
    # rank -> for each place the last one up to it at which a stream of that rank would make a difference, or -1
    unsure: list[list[int]] = field(default_factory=lambda: [[] for _ in range(DELIVERED + 1)])

    def __post_init__(self) -> None:
        for place, moment in enumerate(self.moments):
            self.sweep.take(moment)
            self.told.append(self.sweep.told)
            self.places.setdefault(moment.stream, []).append(place)
            highest, streams = self.sweep.sums.stands()
            for stream in streams:
                self.alone.setdefault(stream, []).append(place)
            for rank, places in enumerate(self.unsure):
                places.append(place if rank > highest else places[-1] if places else -1)

    def without(self, place: int) -> Told:
        """What all but the moment at that place say. The later ones are asked first."""
        self.sweep.back(place)
        quiet = self._quiet(place)
        if place >= quiet and self.sweep.told == self.told[place]:
            return self.last
        for later in range(place + 1, len(self.moments)):
            self.sweep.take(self.moments[later])
            if later >= quiet and self.sweep.told == self.told[later]:
                return self.last
        return self.sweep.at(self.at)

    def _quiet(self, place: int) -> int:
        """From which place on it makes no difference what the stream is without its moment at `place`."""
        stream, quiet = self.moments[place].stream, place
        places = self.places[stream]
        number = places.index(place)
        unit = other = self.sweep.units.get(stream, Unit(kind_of(stream)))
        for own, end in zip(places[number:], [*places[number + 1 :], len(self.moments)], strict=True):
            unit = unit.after(self.moments[own])
            other = other if own == place else other.after(self.moments[own])
            if (unit.rank, unit.status) != (other.rank, other.status):
                quiet = max(quiet, self._differs(stream, own, end, other.rank) + 1)
        return quiet

    def _differs(self, stream: str, first: int, end: int, rank: int) -> int:
        """The last place in there at which the stream would make a difference by that rank; before `first` if none."""
        alone = self.alone.get(stream, [])
        number = bisect_left(alone, end)
        mine = alone[number - 1] if number else -1
        last = max(self.unsure[rank][end - 1], mine)
        return last if last >= first else first - 1
