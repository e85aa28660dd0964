"""The customer's headline stage: a sweep over the moments of all streams, in the order of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from projection.domain.facts import Leaf
from projection.domain.streams.lead import Mark
from projection.domain.streams.stream import StreamState


@dataclass(frozen=True, slots=True)
class Stage:
    """`name`: unknown, prospect or hot_prospect; `since` is when the present stage began. `dormant` says since when no
    intent is open any more; None while one is."""

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


@dataclass(slots=True)
class _Sweep:
    """What is open and hot up to now, by stream, and which events are to thank for it.

    `hot` holds why each hot stream is hot, `closed` why one is not open, `cooled` why one was not hot between: take one
    of those events away, and it was. `bridge` is the stream whose heat carries the present hot stage: when it ends
    while another is hot, that one takes over, and both are needed to say since when.
    """

    status: dict[str, tuple[int, Mark]] = field(default_factory=dict)
    graded: dict[str, tuple[int, Mark]] = field(default_factory=dict)
    captured: dict[str, str] = field(default_factory=dict)
    hot: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cooled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    closed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bridge: str | None = None
    since: datetime | None = None
    began: tuple[str, ...] = ()
    dormant: datetime | None = None

    def take(self, stream: str, index: int, mark: Mark) -> None:
        """`index` 0 is the capture: what came before it in time waits for it."""
        said = self.graded if mark.kind == "graded" else self.status
        if stream in said and said[stream][0] > index:
            self._shielded(stream, said[stream][1].event)
        else:
            said[stream] = (index, mark)
        if index == 0:
            self.captured[stream] = mark.event
        if stream not in self.captured:
            return
        if self.since is None:
            self.since, self.began = mark.at, (mark.event,)
        self._heat(stream, mark, self._change(stream, mark))
        if len(self.closed) < len(self.captured):
            self.dormant = None
        elif self.dormant is None:
            self.dormant = mark.at

    def _shielded(self, stream: str, event: str) -> None:
        """A later version had spoken already: without it this mark would count, so it is part of the reasons."""
        self.began = (*self.began, event)
        heat = self.hot if stream in self.hot else self.cooled
        heat[stream] = (*heat.get(stream, ()), event)
        if stream in self.closed:
            self.closed[stream] = (*self.closed[stream], event)

    def _change(self, stream: str, mark: Mark) -> tuple[str, ...] | None:
        """Looks at the stream anew; why it was hot, if it ceases to be."""
        status = self.status[stream][1]
        grade = self.graded[stream][1] if stream in self.graded else None
        if status.kind == "opened":
            self.closed.pop(stream, None)
        else:
            self.closed.setdefault(stream, (self.captured[stream], status.event))
        if status.kind == "opened" and grade is not None and grade.grade == "hot":
            self.hot.setdefault(stream, (self.captured[stream], status.event, grade.event))
        elif stream in self.hot:
            self.cooled[stream] = (mark.event,)
            return self.hot.pop(stream)
        return None

    def _heat(self, stream: str, mark: Mark, cause: tuple[str, ...] | None) -> None:
        if stream in self.hot and self.bridge is None:
            self.bridge, self.since = stream, mark.at
            self.began = (*_all(self.cooled), *self.hot[stream])
        elif cause is not None and stream == self.bridge:
            self.bridge = min(self.hot, default=None)
            if self.bridge is None:
                self.since, self.began = mark.at, (*cause, *_all(self.cooled))
            else:
                self.began = (*self.began, *self.hot[self.bridge])

    def stage(self, when: dict[str, datetime]) -> Stage:
        def leaf_events(events: Iterable[str]) -> tuple[str, ...]:
            return tuple(sorted(set(events), key=lambda event: (when[event], event)))

        if self.bridge is not None:
            name = Leaf("hot_prospect", leaf_events(self.hot[self.bridge]))
        elif self.since is not None:
            name = Leaf("prospect", leaf_events(_all(self.cooled) or self.began))
        else:
            name = Leaf("unknown", ())
        dormant = None if self.dormant is None else Leaf(self.dormant, leaf_events(_all(self.closed)))
        return Stage(name, Leaf(self.since, leaf_events(self.began)), dormant)


def _all(reasons: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(event for events in reasons.values() for event in events)
