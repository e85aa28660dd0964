"""What the store promises. `roadbook.testing.store_contract` holds every implementation to it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from roadbook.answers import Answer
from roadbook.context import Idempotency
from roadbook.events import Labels, NewEvent, Recorded


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """A value to write into personal data; `value` None removes it (the row and its version stay).

    `key` is `<stream>/<field>`; `value` is any JSON. Personal data are not facts: they never stand in an event.
    """

    party_ref: str
    key: str
    value: Any
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersonalVersion:
    party_ref: str
    key: str
    version: int


@dataclass(frozen=True, slots=True)
class TimerWanted:
    """One timer of a kind per stream; `due` is business time, None clears it."""

    kind: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The timer a command answers to: its row must still be there, unchanged, when the command commits (T18)."""

    id: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Write:
    """One command's whole effect on one stream. `expected` is the version of the last event folded, 0 for none."""

    stream: str
    expected: int
    key: str
    events: Sequence[NewEvent]
    labels: Sequence[Labels]
    now: datetime
    actor: str
    correlation: str
    causation: str | None = None
    traceparent: str | None = None
    personal: Sequence[PersonalValue] = ()
    personal_source: str = ""
    timers: Sequence[TimerWanted] = ()
    fired: TimerFired | None = None
    idempotency: Idempotency | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The write was committed. `events` are as they will be published."""

    events: Sequence[Recorded]
    version: int
    personal: Sequence[PersonalVersion]


@dataclass(frozen=True, slots=True)
class Replay:
    """The idempotency key was used before; nothing was written. `answer` is the stored one."""

    fingerprint: bytes
    answer: Answer
    stream: str | None
    personal: Sequence[PersonalVersion]


@dataclass(frozen=True, slots=True)
class Loaded:
    events: Sequence[Recorded]
    replay: Replay | None


def first_of_each(writes: Sequence[Write]) -> list[Write]:
    """The writes of `create_many` without those whose stream came before. Raises ValueError for what is no creation."""
    first: dict[str, Write] = {}
    for write in writes:
        if write.expected or not write.events or write.fired is not None or write.idempotency is not None:
            raise ValueError("create_many takes bare creations: version 0, with events, no key and no fired timer")
        first.setdefault(write.stream, write)
    return list(first.values())


class VersionConflict(Exception):
    """The stream is not at the expected version: nothing was written."""


class TimerGone(Exception):
    """The fired timer was rescheduled, or another worker did it: nothing was written."""


Views = Callable[[Any, Sequence[Recorded]], Awaitable[None]]
"""Updates the service's own read tables in the append's transaction: `(connection, recorded)`."""


class Store(Protocol):
    @property
    def joined(self) -> bool:
        """Whether its transaction is somebody else's, so that what was written holds its locks after the write."""
        ...

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Loaded:
        """The stream's events in version order (empty when there is none) and what is stored under the key, as
        one snapshot. Raises `Unavailable`."""
        ...

    async def write(self, write: Write, views: Views | None = None) -> Stored | Replay:
        """All or nothing. Raises `VersionConflict`, `TimerGone`, `IdempotencyInFlight`, `Unavailable` (nothing
        happened) or `OutcomeUnknown` (COMMIT was sent, its answer never came)."""
        ...

    async def create_many(self, writes: Sequence[Write], views: Views | None = None) -> Sequence[Stored | None]:
        """New streams, each exactly as `write` would make it, in one transaction: all or nothing. In the order of
        `writes`; None for a stream that was there already (or comes a second time): nothing was written of it.

        `writes` expect version 0 and have events, and neither a fired timer nor an idempotency key. `views` is called
        once, with every event recorded, also when there is none. Raises what `write` raises but `TimerGone`."""
        ...

    async def remember(self, idempotency: Idempotency, answer: Answer) -> Replay | None:
        """Stores an answer that comes with no write (a domain rejection); the stored one if there is one already."""
        ...
