"""From a command to an answer: load, decide, write; the shell around every decider.

One command is one transaction on one stream, committed before the answer is returned (T1). Conflicts are decided
anew up to three times (T6); the idempotency key makes an unknown outcome safe to repeat (T5).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import orjson

from roadbook import position
from roadbook.answers import Answer
from roadbook.codec import Codec, HasTime
from roadbook.context import CommandContext
from roadbook.decider import Decider, Rejected, in_turn
from roadbook.errors import Conflict, IdempotencyKeyReused, NotFound, PreconditionFailed
from roadbook.events import Labels, NewEvent, Recorded
from roadbook.store.port import (
    PersonalValue,
    PersonalVersion,
    Replay,
    Store,
    Stored,
    TimerFired,
    TimerWanted,
    VersionConflict,
    Views,
    Write,
)

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E", bound=HasTime)

ATTEMPTS = 3
# Checked before anything is stored: what Kafka refuses for its size would stop the relay for ever (A4).
MAX_EVENT_BYTES = 256 * 1024
MAX_VALUE_BYTES = 512 * 1024


def _no_timers(_: Any) -> Sequence[TimerWanted]:
    return ()


@dataclass(frozen=True, slots=True)
class Aggregate(Generic[C, S, E]):
    """A decider with what the shell must know: its stream name, its codec, and three pure views of its state.

    `labels(state)` names holder, party reference and VIN; `key(state)` the Kafka key, the same for every state of a
    stream; `timers(state)` the timers that should be set, each kind always named (due None clears it).
    """

    name: str
    decider: Decider[C, S, E]
    codec: Codec[E]
    labels: Callable[[S], Labels]
    key: Callable[[S], str]
    timers: Callable[[S], Sequence[TimerWanted]] = _no_timers

    def stream(self, id_: str) -> str:
        return f"{self.name}/{id_}"

    def fold(self, events: Sequence[Recorded]) -> S:
        return self.decider.fold(self.codec.decode(e.type, e.data) for e in events)


def several(aggregate: Aggregate[C, S, E]) -> Aggregate[Sequence[C], S, E]:
    """For an `Order` of several commands on one stream: loaded once, decided in turn, written once. One that is
    rejected rejects them all."""
    return Aggregate(
        aggregate.name,
        in_turn(aggregate.decider),
        aggregate.codec,
        aggregate.labels,
        aggregate.key,
        aggregate.timers,
    )


@dataclass(frozen=True, slots=True)
class Order(Generic[C]):
    """A command on its way to one stream, with what travels beside it.

    `creates` says that the stream is new by construction (a freshly minted id): nothing is loaded. `may_create` lets
    the command reach a stream that does not exist yet. `status`, `extra` and `location` shape the answer.
    """

    stream: str
    command: C
    creates: bool = False
    may_create: bool = False
    personal: Sequence[PersonalValue] = ()
    personal_source: str = ""
    fired: TimerFired | None = None
    status: int = 200
    extra: Mapping[str, Any] | None = None
    location: str | None = None


async def execute(
    store: Store,
    aggregate: Aggregate[C, S, E],
    order: Order[C],
    context: CommandContext,
    views: Views | None = None,
) -> Answer:
    """Raises `Rejected` (409), `NotFound` (404), `PreconditionFailed` (412), `Conflict` (409, may be repeated),
    `IdempotencyKeyReused` (422), `IdempotencyInFlight` (409), `Unavailable` and `OutcomeUnknown` (503).

    A rejection under an idempotency key is stored and raised again on a repeat. `views` too may raise `Rejected`: a
    rule over a set of streams is a unique index among the read tables, and its word undoes the whole write.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with _turn(store, order.stream, contended=attempt > 0):
                return await _attempt(store, aggregate, order, context, views)
        except VersionConflict:
            if context.if_match is not None:
                raise PreconditionFailed from None
    raise Conflict


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


_queues: dict[str, _Queue] = {}


@asynccontextmanager
async def _turn(store: Store, stream: str, *, contended: bool) -> AsyncIterator[None]:
    """Commands of this process that met on a stream queue up, instead of undoing each other's work until the attempts
    are used up. Who meets nobody takes no lock; between processes the version alone decides (T2). Nor does a command
    inside another transaction: whom it would wait for here may wait for that transaction's locks there."""
    if store.joined or (not contended and stream not in _queues):
        yield
        return
    queue = _queues.setdefault(stream, _Queue())
    queue.waiting += 1
    try:
        async with queue.lock:
            yield
    finally:
        queue.waiting -= 1
        if not queue.waiting:
            del _queues[stream]


def creation(aggregate: Aggregate[C, S, E], order: Order[C], context: CommandContext) -> Write:
    """What `execute` would write for an order that creates its stream: for `Store.create_many`. Raises `Rejected`."""
    if not order.creates or context.idempotency is not None:
        raise ValueError("only an order that creates its stream, and without a key of its own")
    state = aggregate.fold(())
    return _write(aggregate, order, context, state, 0, aggregate.decider.decide(order.command, state))


async def _attempt(
    store: Store, aggregate: Aggregate[C, S, E], order: Order[C], context: CommandContext, views: Views | None
) -> Answer:
    events: Sequence[Recorded] = ()
    if not order.creates:
        loaded = await store.load(order.stream, idempotency=context.idempotency)
        if loaded.replay is not None:
            return _replayed(loaded.replay, context)
        events = loaded.events
    state = aggregate.fold(events)
    _guard(aggregate, order, context, state, len(events))
    try:
        decided = aggregate.decider.decide(order.command, state)
    except Rejected as rejection:
        return await _reject(store, rejection, context)
    write = _write(aggregate, order, context, state, len(events), decided)
    if not write.events and not write.personal and write.fired is None:
        return await _unchanged(store, write, context)
    try:
        outcome = await store.write(write, views)
    except Rejected as rejection:
        return await _reject(store, rejection, context)
    if isinstance(outcome, Replay):
        return _replayed(outcome, context)
    assert write.answer is not None  # _write always makes one
    return _with_position(write.answer, order.stream, outcome.personal)


def _guard(aggregate: Aggregate[C, S, E], order: Order[C], context: CommandContext, state: S, version: int) -> None:
    if version == 0:
        if not (order.creates or order.may_create):
            raise NotFound
    elif context.dealer is not None and aggregate.labels(state).dealer != context.dealer:
        raise NotFound  # exactly as if it did not exist
    if context.if_match is not None and context.if_match != version:
        raise PreconditionFailed


def _write(
    aggregate: Aggregate[C, S, E],
    order: Order[C],
    context: CommandContext,
    state: S,
    version: int,
    decided: Sequence[E],
) -> Write:
    new: list[NewEvent] = []
    labels: list[Labels] = []
    before = {t.kind: t.due for t in aggregate.timers(state)} if version else {}
    for event in decided:
        state = aggregate.decider.evolve(state, event)
        new.append(aggregate.codec.encode(event))
        labels.append(aggregate.labels(state))
    _check_sizes(new, order.personal)
    body = {
        **(order.extra or {}),
        "stream": order.stream,
        "version": version + len(new),
        "events": [event.id for event in new],
    }
    return Write(
        stream=order.stream,
        expected=version,
        key=aggregate.key(state),
        events=new,
        labels=labels,
        now=context.now,
        actor=context.actor,
        correlation=context.correlation,
        causation=context.causation,
        traceparent=context.traceparent,
        personal=order.personal,
        personal_source=order.personal_source,
        timers=[t for t in aggregate.timers(state) if t.due != before.get(t.kind)],
        fired=order.fired,
        idempotency=context.idempotency,
        answer=Answer(order.status, body, version + len(new), order.location),
    )


def _check_sizes(events: Sequence[NewEvent], personal: Sequence[PersonalValue]) -> None:
    if any(len(event.data.encode()) > MAX_EVENT_BYTES for event in events):
        raise Rejected("value_too_large")
    if any(len(orjson.dumps(value.value)) > MAX_VALUE_BYTES for value in personal):
        raise Rejected("value_too_large")


async def _unchanged(store: Store, write: Write, context: CommandContext) -> Answer:
    assert write.answer is not None
    if context.idempotency is not None:
        replay = await store.remember(context.idempotency, write.answer)
        if replay is not None:
            return _replayed(replay, context)
    return _with_position(write.answer, write.stream, ())


async def _reject(store: Store, rejection: Rejected, context: CommandContext) -> Answer:
    if context.idempotency is not None:
        answer = Answer(409, {"rejected": rejection.code})
        replay = await store.remember(context.idempotency, answer)
        if replay is not None:
            return _replayed(replay, context)
    raise rejection


def _replayed(replay: Replay, context: CommandContext) -> Answer:
    assert context.idempotency is not None
    if replay.fingerprint != context.idempotency.fingerprint:
        raise IdempotencyKeyReused
    rejected = replay.answer.body.get("rejected")
    if rejected is not None:
        raise Rejected(rejected)
    return replace(_with_position(replay.answer, replay.stream, replay.personal), replayed=True)


def _with_position(answer: Answer, stream: str | None, personal: Sequence[PersonalVersion]) -> Answer:
    """The token is made from stored columns, so a replay gives the same bytes."""
    token = position.encode(position.of(stream, answer.version, personal))
    return replace(answer, body={**answer.body, "position": token})


__all__ = ["Aggregate", "Order", "Stored", "creation", "execute", "several"]
