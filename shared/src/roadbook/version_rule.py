"""The per-stream version rule (T12, T13) as plain computation: no database, no bus, no clock.

`v == last + 1` is applied, `v <= last` is a duplicate, `v > last + 1` is held until the gap closes. A stream parks
when folding one of its events fails, or when two different events claim one version; everything of a parked stream
that follows is held behind it, in order, and other streams go on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from roadbook.bus import Delivered
from roadbook.events import Recorded

S = TypeVar("S")

ATTEMPTS: Final = 3
CONFLICT: Final = "conflicting_event"
# An operator asked for another try: the worker takes these rows as if they had just arrived.
RETRY: Final = "retry"


class Park(Exception):
    """Raised by a handler's `fold`: this stream waits for an operator or an upgrade. `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Held:
    """An event kept back. `reason` None: it waits for an earlier version; else its stream is parked here."""

    stream: str
    version: int
    id: str
    record: Delivered
    reason: str | None = None

    @property
    def place(self) -> tuple[int, str, int, int]:
        """Which row of the stream it is."""
        return self.version, self.record.topic, self.record.partition, self.record.offset


@dataclass(frozen=True, slots=True)
class StreamView:
    """What a consumer has of a stream: the last version applied (0 = none), and what is held of it."""

    last: int = 0
    held: tuple[Held, ...] = ()

    @property
    def parked(self) -> bool:
        return any(row.reason is not None for row in self.held)

    @property
    def wants_retry(self) -> bool:
        return any(row.reason == RETRY for row in self.held)


@dataclass(frozen=True, slots=True)
class Arrival:
    event: Recorded
    record: Delivered


@dataclass(slots=True)
class Decision(Generic[S]):
    """What the transaction has to write: rows of `release` are deleted, rows of `hold` inserted, or given their new
    reason. `versions` maps a stream to its last version before and after."""

    applied: list[Recorded] = field(default_factory=list)
    states: dict[str, S] = field(default_factory=dict)
    versions: dict[str, tuple[int, int]] = field(default_factory=dict)
    release: list[Held] = field(default_factory=list)
    hold: list[Held] = field(default_factory=list)
    duplicates: int = 0

    @property
    def parked(self) -> list[Held]:
        """The rows at which streams park now."""
        return [row for row in self.hold if row.reason is not None]


class Stream(Generic[S]):
    """One stream while a batch is decided. `state` is replaced, never changed, and only by an event that was folded
    to its end: so an event that fails leaves nothing behind."""

    def __init__(self, view: StreamView, state: S) -> None:
        self.last = view.last
        self.state = state
        self.held: dict[int, list[Held]] = {}
        for row in view.held:
            self.held.setdefault(row.version, []).append(row)

    @property
    def parked(self) -> bool:
        return any(row.reason is not None for rows in self.held.values() for row in rows)

    def take(self, row: Held) -> None:
        self.held[row.version].remove(row)
        if not self.held[row.version]:
            del self.held[row.version]


class Rule(Generic[S]):
    """Decides one batch. `known` are the ids the handler has at (stream, version), asked for duplicates only;
    `states` the states it has of streams; `decode` reads a held record again."""

    def __init__(
        self,
        views: Mapping[str, StreamView],
        known: Mapping[tuple[str, int], str],
        states: Mapping[str, S],
        initial: Callable[[str], S],
        fold: Callable[[S, Recorded], S],
        decode: Callable[[Delivered], Recorded],
    ) -> None:
        self._views = views
        self._known = dict(known)
        self._fold = fold
        self._decode = decode
        self._streams = {
            stream: Stream(view, states[stream] if stream in states else initial(stream))
            for stream, view in views.items()
        }
        self._decision: Decision[S] = Decision()

    def decide(self, arrivals: Sequence[Arrival]) -> Decision[S]:
        """First what operators want tried again, then the arrivals in their order."""
        for name, view in self._views.items():
            if view.wants_retry:
                self._retry(self._streams[name])
        for arrival in arrivals:
            self._arrive(arrival.event, arrival.record)
        for name, stream in self._streams.items():
            self._conclude(name, self._views[name], stream)
        return self._decision

    def _conclude(self, name: str, view: StreamView, stream: Stream[S]) -> None:
        """Compares what there was with what there is, so that a row held and drained in one batch is never written."""
        decision = self._decision
        if stream.last != view.last:
            decision.versions[name] = (view.last, stream.last)
            decision.states[name] = stream.state
        before = {row.place: row for row in view.held}
        after = {row.place: row for rows in stream.held.values() for row in rows}
        decision.release += [row for place, row in before.items() if place not in after]
        decision.hold += [row for place, row in after.items() if before.get(place) != row]

    def _retry(self, stream: Stream[S]) -> None:
        rows = [row for version in sorted(stream.held) for row in stream.held[version] if row.reason == RETRY]
        for row in rows:
            stream.take(row)
        for row in rows:
            event = self._read(stream, row)
            if event is not None:
                self._arrive(event, row.record)
        self._drain(stream)

    def _read(self, stream: Stream[S], row: Held) -> Recorded | None:
        """A held row's event. It could be read when it was held; should today's code refuse it, it parks."""
        try:
            return self._decode(row.record)
        except Exception as error:
            self._hold(stream, replace(row, reason=type(error).__name__))
            return None

    def _arrive(self, event: Recorded, record: Delivered) -> None:
        stream = self._streams[event.stream]
        row = Held(event.stream, event.version, event.id, record)
        rivals = stream.held.get(event.version, [])
        if any(rival.id == event.id for rival in rivals):
            self._decision.duplicates += 1
        elif event.version <= stream.last:
            known = self._known.get((event.stream, event.version))
            if known is None or known == event.id:
                self._decision.duplicates += 1
            else:
                self._hold(stream, replace(row, reason=CONFLICT))
        elif rivals:
            self._hold(stream, replace(row, reason=CONFLICT))
        elif event.version > stream.last + 1 or stream.parked:
            self._hold(stream, row)
        elif self._apply(stream, event, row):
            self._drain(stream)

    def _apply(self, stream: Stream[S], event: Recorded, row: Held) -> bool:
        try:
            state = _attempt(self._fold, stream.state, event)
        except Park as park:
            self._hold(stream, replace(row, reason=park.reason))
            return False
        stream.state = state
        stream.last = event.version
        self._known[event.stream, event.version] = event.id
        self._decision.applied.append(event)
        return True

    def _drain(self, stream: Stream[S]) -> None:
        """Successors that waited for the gap to close."""
        while not stream.parked and stream.last + 1 in stream.held:
            row = stream.held[stream.last + 1][0]
            stream.take(row)
            if row in self._decision.hold:
                self._decision.hold.remove(row)  # held by this very batch: it never reaches the table
            else:
                self._decision.release.append(row)
            event = self._read(stream, row)
            if event is None or not self._apply(stream, event, row):
                return

    def _hold(self, stream: Stream[S], row: Held) -> None:
        stream.held.setdefault(row.version, []).append(row)


def _attempt(fold: Callable[[S, Recorded], S], state: S, event: Recorded) -> S:
    """Folds, up to three times. The reason of a failure is its class name: the text may quote the event."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return fold(state, event)
        except Park:
            raise
        except Exception as error:
            if attempt == ATTEMPTS:
                raise Park(type(error).__name__) from None
    raise AssertionError
