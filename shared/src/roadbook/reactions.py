"""Reactions: another service's event becomes a command here, once (T15).

Each acting event has a transaction of its own, its offset included; runs of events that trigger nothing advance in
bulk. What the domain rejects is an outcome and is written down; what fails otherwise parks its stream, here only.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from roadbook import telemetry
from roadbook.bus import Delivered
from roadbook.consumer_store import ConsumerTransaction
from roadbook.consumer_work import Outcome, facts
from roadbook.context import CommandContext
from roadbook.database import Connection, is_transient, is_unreachable
from roadbook.decider import Rejected
from roadbook.errors import Conflict, OutcomeUnknown, Unavailable
from roadbook.events import Recorded
from roadbook.store.joined import JoinedStore
from roadbook.store.port import VersionConflict
from roadbook.version_rule import ATTEMPTS, Park

DONE: Final = "done"
_TYPE: Final = "ce_type"
# Others' doing: the whole batch begins anew, and the event is not to blame.
_INFRASTRUCTURE: Final = (Unavailable, OutcomeUnknown, Conflict, VersionConflict)


@dataclass(frozen=True, slots=True)
class Reaction:
    """`types` are full event types. Events recorded before `start` are read, for they are what versions are counted by,
    and not acted on. `act(store, event)` runs the command, with ids made from the event (`derived_id`) and the context
    of `caused_by`; it may raise `Rejected`. `note` writes down what acting needs to know of events that trigger nothing
    themselves: of every event, in bulk, from offset 0 and before any of them acts; it must not fail on what it cannot
    read."""

    name: str
    types: frozenset[str]
    start: datetime
    act: Callable[[JoinedStore, Recorded], Awaitable[object]]
    note: Callable[[Connection, Sequence[Recorded]], Awaitable[None]] | None = None

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


class Reactions:
    """`Work` for a consumer. `wake` is called after a commit in which something was done."""

    def __init__(self, reaction: Reaction, wake: Callable[[], None] = lambda: None) -> None:
        self._reaction = reaction
        self._wake = wake
        self._poison: dict[tuple[str, int], str] = {}
        self._again: set[str] = set()  # streams an operator wants tried again, until that is committed
        self._facts = facts(_Acting(self))
        self._acted = 0

    def split(self, records: Sequence[Delivered]) -> Sequence[Sequence[Delivered]]:
        """Each part ends with an event that may act."""
        parts: list[list[Delivered]] = [[]]
        for record in records:
            parts[-1].append(record)
            if self._may_act(record):
                parts.append([])
        return parts if parts[-1] or len(parts) == 1 else parts[:-1]

    def _may_act(self, record: Delivered) -> bool:
        type_ = next((raw for name, raw in record.headers if name == _TYPE), b"")
        return type_.decode("utf-8", "replace") in self._reaction.types

    async def apply(
        self, transaction: ConsumerTransaction, records: Sequence[Delivered], retries: Sequence[str]
    ) -> Outcome | None:
        wanted = set(retries) - self._again  # one more try each; should it fail, it parks with its poison
        self._poison = {place: reason for place, reason in self._poison.items() if place[0] not in wanted}
        self._again |= wanted
        self._acted = 0
        return await self._facts.apply(transaction, records, retries)

    async def committed(self) -> None:
        await self._facts.committed()
        self._again.clear()
        if self._acted:
            self._wake()

    # ── what `_Acting` asks ─────────────────────────────────────────────────────────────────────────────────────

    def refuse_poison(self, event: Recorded) -> None:
        reason = self._poison.get((event.stream, event.version))
        if reason is not None:
            raise Park(reason)

    async def note(self, connection: Connection, events: Sequence[Recorded]) -> None:
        if self._reaction.note is not None:
            await self._reaction.note(connection, events)

    async def act(self, connection: Connection, event: Recorded) -> None:
        if not self._reaction.acts(event) or not await _first_time(connection, self._reaction.name, event):
            return
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with telemetry.span(f"react {event.type}", "consumer", {}, event.traceparent):
                    async with connection.transaction():  # a savepoint: what fails leaves nothing
                        await self._reaction.act(JoinedStore(connection), event)
            except Rejected as rejection:
                await _note(connection, self._reaction.name, event, rejection.code)
            except Exception as error:
                if isinstance(error, _INFRASTRUCTURE) or is_unreachable(error) or is_transient(error):
                    raise
                if attempt < ATTEMPTS:
                    continue
                self._poison[event.stream, event.version] = type(error).__name__
                raise Poisoned(event.type) from None
            self._acted += 1
            return


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
        await self._reactions.note(connection, applied)
        for event in applied:
            await self._reactions.act(connection, event)

    async def committed(self, applied: Sequence[Recorded], /) -> None:
        return None


_FIRST = """
INSERT INTO reaction_outcomes (reaction, event, stream, version, outcome) VALUES ($1, $2, $3, $4, 'done')
ON CONFLICT (reaction, event) DO NOTHING
"""


async def _first_time(connection: Connection, reaction: str, event: Recorded) -> bool:
    done = await connection.execute(_FIRST, reaction, UUID(event.id), event.stream, event.version)
    return bool(done != "INSERT 0 0")


_NOTE = "UPDATE reaction_outcomes SET outcome = $3 WHERE reaction = $1 AND event = $2"


async def _note(connection: Connection, reaction: str, event: Recorded, code: str) -> None:
    await connection.execute(_NOTE, reaction, UUID(event.id), code)
