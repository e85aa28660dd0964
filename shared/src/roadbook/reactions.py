"""Reactions: another service's event becomes a command here, once (T15).

Acting events share transactions, their offsets and outcomes included (ADR 0037); after a failure each has one of its
own, until it works again. Runs of events that trigger nothing advance in bulk. What the domain rejects is an outcome
and is written down; what fails otherwise parks its stream, here only.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from roadbook import telemetry
from roadbook.bus import Delivered
from roadbook.commands import ATTEMPTS as DECIDED
from roadbook.consumer_store import ConsumerTransaction
from roadbook.consumer_work import Outcome, facts
from roadbook.context import CommandContext
from roadbook.database import Connection, is_transient, is_unreachable
from roadbook.decider import Rejected
from roadbook.errors import Conflict, OutcomeUnknown, Overtaken, Unavailable
from roadbook.events import Recorded
from roadbook.store.joined import JoinedStore
from roadbook.store.port import VersionConflict
from roadbook.version_rule import ATTEMPTS, Park

DONE: Final = "done"
TOGETHER: Final = 16
"""The most acting events that share a transaction."""
SECONDS: Final = 0.1
"""How long acting may take in a shared transaction, at the pace seen so far: its locks are held until its end."""
_TYPE: Final = "ce_type"
# Others' doing: the whole batch begins anew, and the event is not to blame.
_INFRASTRUCTURE: Final = (Unavailable, OutcomeUnknown, Conflict, VersionConflict)


@dataclass(frozen=True, slots=True)
class Reaction:
    """`types` are full event types. Events recorded before `start` are read, for they are what versions are counted by,
    and not acted on. `act(store, event)` runs the command, with ids made from the event (`derived_id`) and the context
    of `caused_by`; it may raise `Rejected`. `note` writes down what acting needs to know of events that trigger nothing
    themselves: of every event, in bulk, from offset 0, of each one before it acts; it must not fail on what it cannot
    read. `stream` names the one that acting on an event will load, if it will: those of a transaction are read in one
    round trip."""

    name: str
    types: frozenset[str]
    start: datetime
    act: Callable[[JoinedStore, Recorded], Awaitable[object]]
    note: Callable[[Connection, Sequence[Recorded]], Awaitable[None]] | None = None
    stream: Callable[[Recorded], str | None] = lambda _: None

    def acts(self, event: Recorded) -> bool:
        return event.type in self.types and event.recorded >= self.start


def derived_id(event: Recorded, what: str) -> str:
    """The same id for the same event and purpose, whenever it is made."""
    return str(uuid5(UUID(event.id), what))


def caused_by(event: Recorded, reaction: str, service: str, now: datetime) -> CommandContext:
    """The context of a command that `event` sets off: its correlation goes on, and it is the cause."""
    return CommandContext(
        actor=f"system:{reaction}",
        client=service,
        dealer=None,
        now=now,
        correlation=event.correlation,
        causation=event.id,
        traceparent=telemetry.current_traceparent() or event.traceparent,
    )


class Poisoned(Exception):
    """Acting on an event failed for good: the next attempt parks its stream."""


class FailedTogether(Exception):
    """Acting on an event failed among others: all of them are acted on anew, one by one."""


class Reactions:
    """`Work` for a consumer. `wake` is called after a commit in which something was done."""

    def __init__(self, reaction: Reaction, wake: Callable[[], None] = lambda: None) -> None:
        self._reaction = reaction
        self._wake = wake
        self._poison: dict[tuple[str, int], str] = {}
        self._again: set[str] = set()  # streams an operator wants tried again, until that is committed
        self._facts = facts(_Acting(self))
        self._room = 1  # how many acting events the next transaction may have
        self._under_way: int | None = None  # how many this one was given; None after its commit
        self._acted = 0
        self._seconds = 0.0  # spent on acting in this transaction

    def take(self, records: Sequence[Delivered]) -> int:
        """Ends with an event that may act, the last of those there is room for."""
        if self._under_way is not None:  # it was never committed, whatever stopped it
            self._room, self._under_way = 1, None
        room = self._room
        for number, record in enumerate(records, start=1):
            room -= self._may_act(record)
            if not room:
                return number
        return len(records)

    def _may_act(self, record: Delivered) -> bool:
        type_ = next((raw for name, raw in record.headers if name == _TYPE), b"")
        return type_.decode("utf-8", "replace") in self._reaction.types

    async def apply(
        self, transaction: ConsumerTransaction, records: Sequence[Delivered], retries: Sequence[str]
    ) -> Outcome | None:
        wanted = set(retries) - self._again  # one more try each; should it fail, it parks with its poison
        self._poison = {place: reason for place, reason in self._poison.items() if place[0] not in wanted}
        self._again |= wanted
        self._under_way = sum(map(self._may_act, records))
        self._acted, self._seconds = 0, 0.0
        return await self._facts.apply(transaction, records, retries)

    async def committed(self) -> None:
        await self._facts.committed()
        self._again.clear()
        given, self._under_way = self._under_way, None
        acted, self._acted = self._acted, 0
        if given:
            self._room = min(TOGETHER, 2 * self._room, self._in_time(acted))
        if acted:
            self._wake()

    def _in_time(self, acted: int) -> int:
        """How many events there is time for, at the pace of these. Acting alone is counted: what a commit costs is a
        reason to share it."""
        return max(1, int(SECONDS * acted / self._seconds)) if acted and self._seconds else TOGETHER

    async def act_on(self, connection: Connection, events: Sequence[Recorded]) -> None:
        """Notes and acts, in the order of the events, in a transaction of the caller's: an event acts on what was noted
        up to itself, and on what those before it wrote."""
        began, store, noted = time.monotonic(), JoinedStore(connection), 0
        acting = [event for event in events if self._reaction.acts(event)]
        new = await _first_times(connection, self._reaction.name, acting)
        streams = [self._reaction.stream(event) for event in acting if UUID(event.id) in new]
        await store.read_ahead([stream for stream in streams if stream is not None])
        for number, event in enumerate(events, start=1):
            if UUID(event.id) in new:
                new.remove(UUID(event.id))
                await self._note(connection, events[noted:number])
                noted = number
                await self.act(store, event)
        await self._note(connection, events[noted:])
        self._seconds += time.monotonic() - began

    async def _note(self, connection: Connection, events: Sequence[Recorded]) -> None:
        if events and self._reaction.note is not None:
            await self._reaction.note(connection, events)

    async def act(self, store: JoinedStore, event: Recorded) -> None:
        """One event that was never acted on."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with telemetry.span(f"react {event.type}", "consumer", {}, event.traceparent):
                    await self._decided(store, event)
            except Rejected as rejection:
                await _rejected(store.connection, self._reaction.name, event, rejection.code)
            except Exception as error:
                if isinstance(error, _INFRASTRUCTURE) or is_unreachable(error) or is_transient(error):
                    raise
                if self._shared():
                    raise FailedTogether(event.type) from None
                if attempt < ATTEMPTS:
                    continue
                self._poison[event.stream, event.version] = type(error).__name__
                raise Poisoned(event.type) from None
            self._acted += 1
            return

    async def _decided(self, store: JoinedStore, event: Recorded) -> None:
        """Anew where others were first on its stream, as a command of its own would be."""
        for _ in range(1, DECIDED):
            with suppress(Overtaken):
                async with store.all_or_nothing():
                    await self._reaction.act(store, event)
                return
        async with store.all_or_nothing():
            await self._reaction.act(store, event)

    def _shared(self) -> bool:
        return self._under_way is not None and self._under_way > 1

    def refuse_poison(self, event: Recorded) -> None:
        """Raises `Park` for an event on which acting failed for good."""
        reason = self._poison.get((event.stream, event.version))
        if reason is not None:
            raise Park(reason)


class _Acting:
    """`FactHandler` without a state: the version rule decides what is new, and what is new is acted on."""

    def __init__(self, reactions: Reactions) -> None:
        self._reactions = reactions

    async def load(self, connection: Any, streams: Sequence[str], /) -> Mapping[str, None]:
        return {}

    def initial(self, stream: str, /) -> None:
        return None

    def fold(self, state: None, event: Recorded, /) -> None:
        self._reactions.refuse_poison(event)

    async def known_ids(self, connection: Any, pairs: Sequence[tuple[str, int]], /) -> Mapping[tuple[str, int], str]:
        return {}  # two events under one version are for the projection to find: it keeps them all

    async def save(self, connection: Any, applied: Sequence[Recorded], states: Mapping[str, None], /) -> None:
        await self._reactions.act_on(connection, applied)

    async def committed(self, applied: Sequence[Recorded], /) -> None:
        return None


_FIRST = """
INSERT INTO reaction_outcomes (reaction, event, stream, version, outcome)
SELECT $1, e.id, e.stream, e.version, 'done' FROM unnest($2::uuid[], $3::text[], $4::int[]) AS e (id, stream, version)
ON CONFLICT (reaction, event) DO NOTHING RETURNING event
"""


async def _first_times(connection: Connection, reaction: str, events: Sequence[Recorded]) -> set[UUID]:
    """The ids of those that were never acted on, entered as done."""
    if not events:
        return set()
    rows = {UUID(event.id): (event.stream, event.version) for event in reversed(events)}  # of doubles the first
    ids = sorted(rows)
    columns = [rows[id_][0] for id_ in ids], [rows[id_][1] for id_ in ids]
    return {row["event"] for row in await connection.fetch(_FIRST, reaction, ids, *columns)}


_NOTE = "UPDATE reaction_outcomes SET outcome = $3 WHERE reaction = $1 AND event = $2"


async def _rejected(connection: Connection, reaction: str, event: Recorded, code: str) -> None:
    await connection.execute(_NOTE, reaction, UUID(event.id), code)
