"""The customer's headline stage: a sweep over the moments of all streams, in the order of time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from projection.domain.facts import Leaf
from projection.domain.rules import Rules
from projection.domain.streams import vehicle
from projection.domain.streams.marks import Mark
from projection.domain.streams.stream import StreamState
from projection.domain.sweep import STAGES, Moment, Sweep
from projection.domain.trial import Trial


@dataclass(frozen=True, slots=True)
class Headline:
    """`since` is when the present stage began. `dormant` says since when every intent is lost; None while one is open,
    converted, or there is none."""

    name: str
    since: datetime | None
    dormant: datetime | None


@dataclass(frozen=True)
class Stage:
    """`value` is all that a record shows, and known at once. Its parts as leaves name the events that made them: found
    by trial when somebody asks, and once. Of a customer of hundreds of leads that takes seconds at worst."""

    value: Headline
    trial: Trial

    @cached_property
    def name(self) -> Leaf[str]:
        return Leaf(self.value.name, self.trial.evidence(lambda told: told.name))

    @cached_property
    def since(self) -> Leaf[datetime | None]:
        return Leaf(self.value.since, self.trial.evidence(lambda told: told.since))

    @cached_property
    def dormant(self) -> Leaf[datetime] | None:
        if self.value.dormant is None:
            return None
        return Leaf(self.value.dormant, self.trial.evidence(lambda told: told.dormant))


def stage_of(streams: Sequence[StreamState], rules: Rules, at: datetime) -> Stage:
    """At every moment the stage is that of the record as of then: a fold in version order of what had happened.

    So a backdated event counts from its own time, though not before its stream began. Ties of time fall by stream: the
    order of `streams` does not matter.
    """
    moments = sorted(_moments(streams), key=lambda each: (each.at, each.stream, each.index))
    sweep = Sweep(rules.owner_new)
    sweep.over(moments)
    told = sweep.at(at)
    return Stage(Headline(STAGES[told.name], told.since, told.dormant), Trial(moments, told, rules, at))


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
