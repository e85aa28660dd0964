"""The event store in memory: the same promises as `postgres`, for tests and simulations. One event loop only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from roadbook.answers import Answer
from roadbook.context import Idempotency
from roadbook.errors import IdempotencyInFlight
from roadbook.events import Recorded
from roadbook.store.port import (
    Loaded,
    PersonalVersion,
    Replay,
    Stored,
    TimerGone,
    VersionConflict,
    Views,
    Write,
    first_of_each,
)


@dataclass(frozen=True, slots=True)
class PersonalRow:
    value: Any
    version: int
    source: str
    recorded_at: datetime
    verified_at: datetime | None


class MemoryStore:
    """`log` holds every event in the order of commits: what a sequencer would number."""

    joined = False

    def __init__(self) -> None:
        self.streams: dict[str, list[Recorded]] = {}
        self.log: list[Recorded] = []
        self.personal: dict[tuple[str, str], PersonalRow] = {}
        self.timers: dict[str, datetime] = {}
        self._answers: dict[bytes, Replay] = {}
        self._in_flight: set[bytes] = set()
        self._position = 0

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Loaded:
        replay = self._answers.get(idempotency.key) if idempotency else None
        return Loaded(list(self.streams.get(stream, ())), replay)

    async def write(self, write: Write, views: Views | None = None) -> Stored | Replay:
        key = write.idempotency.key if write.idempotency else None
        if key is not None:
            if key in self._answers:
                return self._answers[key]
            if key in self._in_flight:
                raise IdempotencyInFlight
            self._in_flight.add(key)
        try:
            self._check(write)
            recorded = self._recorded(write)
            if views is not None and recorded:
                await views(None, recorded)
                self._check(write)  # the view may have awaited: others may have moved the stream
            return self._commit(write, recorded)
        finally:
            if key is not None:
                self._in_flight.discard(key)

    async def create_many(self, writes: Sequence[Write], views: Views | None = None) -> Sequence[Stored | None]:
        new = [write for write in first_of_each(writes) if write.stream not in self.streams]
        recorded = {write.stream: self._recorded(write) for write in new}
        if views is not None:
            await views(None, [event for events in recorded.values() for event in events])
            for write in new:
                self._check(write)  # the view may have awaited: others may have moved the stream
        stored = {write.stream: self._commit(write, recorded[write.stream]) for write in new}
        return [stored.pop(write.stream, None) for write in writes]

    async def remember(self, idempotency: Idempotency, answer: Answer) -> Replay | None:
        known = self._answers.get(idempotency.key)
        if known is None:
            self._answers[idempotency.key] = Replay(idempotency.fingerprint, answer, None, ())
        return known

    def _check(self, write: Write) -> None:
        if len(self.streams.get(write.stream, ())) != write.expected:
            raise VersionConflict
        if write.fired is not None and self.timers.get(write.fired.id) != write.fired.due:
            raise TimerGone

    def _recorded(self, write: Write) -> list[Recorded]:
        existing = self.streams.get(write.stream, ())
        recorded_at = max(write.now, existing[-1].recorded) if existing else write.now
        return [
            Recorded(
                stream=write.stream,
                version=version,
                id=event.id,
                type=event.type,
                time=event.time,
                recorded=recorded_at,
                data=event.data,
                key=existing[0].key if existing else write.key,
                labels=labels,
                actor=write.actor,
                correlation=write.correlation,
                causation=write.causation,
                traceparent=write.traceparent,
            )
            for version, (event, labels) in enumerate(
                zip(write.events, write.labels, strict=True), start=write.expected + 1
            )
        ]

    def _commit(self, write: Write, recorded: Sequence[Recorded]) -> Stored:
        if recorded:
            self.streams.setdefault(write.stream, []).extend(recorded)
            self.log.extend(recorded)
        if write.fired is not None:
            del self.timers[write.fired.id]
        for timer in write.timers:
            id_ = f"{write.stream}/{timer.kind}"
            if timer.due is None:
                self.timers.pop(id_, None)
            else:
                self.timers[id_] = timer.due
        versions = []
        for value in sorted(write.personal, key=lambda v: (v.party_ref, v.key)):
            self._position += 1
            row = PersonalRow(value.value, self._position, write.personal_source, write.now, value.verified_at)
            self.personal[value.party_ref, value.key] = row
            versions.append(PersonalVersion(value.party_ref, value.key, self._position))
        self._position += len(recorded)
        version = write.expected + len(recorded)
        if write.idempotency is not None and write.answer is not None:
            answer = replace(write.answer, version=version)
            self._answers[write.idempotency.key] = Replay(write.idempotency.fingerprint, answer, write.stream, versions)
        return Stored(recorded, version, versions)
