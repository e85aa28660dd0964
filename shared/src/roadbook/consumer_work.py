"""What a consumer does with a batch inside its transaction: the handler ports, and the rules around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

import orjson

from roadbook.bus import Delivered
from roadbook.consumer_store import ConsumerTransaction
from roadbook.events import Recorded
from roadbook.telemetry import exporting, span
from roadbook.version_rule import Arrival, Held, Park, Rule, StreamView
from roadbook.wire import Undecodable, from_message

S = TypeVar("S")
T = TypeVar("T")

UNREADABLE: Final = "undecodable/"
MAX_VERSION: Final = 2**31 - 1


class FactHandler(Protocol[S]):
    """Effects of facts. `S` is the handler's state of one stream, an immutable value: `fold` returns a new one, so
    that an event whose folding fails leaves no trace (the consumer goes on with the state it had)."""

    async def load(self, connection: Any, streams: Sequence[str], /) -> Mapping[str, S]:
        """The states of these streams, one query; a stream it does not know is left out."""
        ...

    def initial(self, stream: str, /) -> S: ...

    def fold(self, state: S, event: Recorded, /) -> S:
        """Pure. `Park(reason)` parks the stream at once; any other exception is poison, tried three times first."""
        ...

    async def known_ids(self, connection: Any, pairs: Sequence[tuple[str, int]], /) -> Mapping[tuple[str, int], str]:
        """The event id stored at (stream, version); a pair that is not stored is left out."""
        ...

    async def save(self, connection: Any, applied: Sequence[Recorded], states: Mapping[str, S], /) -> None:
        """Bulk SQL. `applied` is in version order per stream, without holes but for what an operator skipped;
        `states` has every stream of it, keys sorted."""
        ...

    async def committed(self, applied: Sequence[Recorded], /) -> None:
        """After COMMIT: wakes waiters. Neither blocks nor fails."""
        ...


class RawHandler(Protocol[T]):
    """Effects of a compacted topic: no streams; the handler's SQL keeps the highest version of a key."""

    def decode(self, record: Delivered, /) -> T:
        """Pure. Any exception: the record is noted in `held` without its value, and passed over."""
        ...

    async def apply(self, connection: Any, items: Sequence[T], /) -> None:
        """Bulk SQL. Several items of one key are possible, in offset order."""
        ...

    async def committed(self, items: Sequence[T], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    applied: int
    duplicates: int = 0
    parked: Sequence[Held] = ()


class Work(Protocol):
    def take(self, records: Sequence[Delivered]) -> int:
        """How many of these, from the first on, share the next transaction: at least one, if there is one."""
        ...

    async def apply(
        self, transaction: ConsumerTransaction, records: Sequence[Delivered], retries: Sequence[str]
    ) -> Outcome | None:
        """None: a stream was moved by somebody else, the transaction must be rolled back."""
        ...

    async def committed(self) -> None:
        """Called after the commit of what the last `apply` did, or of a mere move of offsets."""
        ...


def facts(handler: FactHandler[S]) -> Work:
    return _Facts(handler)


def raw(handler: RawHandler[T]) -> Work:
    return _Raw(handler)


def decode_fact(record: Delivered) -> Recorded:
    """The event of a record, checked for everything that would only fail later, inside SQL, where the event at fault
    is no longer known (T13). Raises `Undecodable`."""
    event = from_message(record)
    if event.version > MAX_VERSION or len(event.stream) > 200:
        raise Undecodable("invalid_headers")
    if any(b"\x00" in raw for name, raw in record.headers if name.startswith("ce_")) or "\x00" in event.key:
        raise Undecodable("invalid_headers")
    try:
        UUID(event.id)
        if not isinstance(orjson.loads(event.data), dict):
            raise Undecodable("invalid_json")
    except orjson.JSONDecodeError:
        raise Undecodable("invalid_json") from None
    except ValueError:
        raise Undecodable("invalid_headers") from None
    return event


def unreadable(record: Delivered, reason: str) -> Held:
    """Such a record belongs to no stream: it gets one of its own, and stops nothing."""
    return Held(f"{UNREADABLE}{record.topic}/{record.partition}/{record.offset}", 0, "", record, reason)


class _Facts(Generic[S]):
    def __init__(self, handler: FactHandler[S]) -> None:
        self._handler = handler
        self._applied: Sequence[Recorded] = ()

    def take(self, records: Sequence[Delivered]) -> int:
        return len(records)

    async def apply(
        self, transaction: ConsumerTransaction, records: Sequence[Delivered], retries: Sequence[str]
    ) -> Outcome | None:
        self._applied = ()
        again = await self._unreadable_again(transaction, retries)
        arrivals, unread = _decode_all([*(row.record for row in again), *records])
        streams = {arrival.event.stream for arrival in arrivals}
        streams.update(stream for stream in retries if not stream.startswith(UNREADABLE))
        views = await transaction.views(sorted(streams))
        decision = (await self._rule(transaction, views, arrivals)).decide(arrivals)
        if decision.applied:
            states = {stream: decision.states[stream] for stream in sorted(decision.states)}
            await self._handler.save(transaction.connection, decision.applied, states)
        release, hold = [*again, *decision.release], [*unread, *decision.hold]
        if not await transaction.write(decision.versions, release, hold):
            return None
        self._applied = decision.applied
        return Outcome(len(decision.applied), decision.duplicates, [*unread, *decision.parked])

    async def _unreadable_again(self, transaction: ConsumerTransaction, retries: Sequence[str]) -> list[Held]:
        names = [stream for stream in retries if stream.startswith(UNREADABLE)]
        if not names:
            return []
        return [row for view in (await transaction.views(names)).values() for row in view.held]

    async def _rule(
        self, transaction: ConsumerTransaction, views: Mapping[str, StreamView], arrivals: Sequence[Arrival]
    ) -> Rule[S]:
        """Reads what deciding needs: ids of what looks like a duplicate, states of what may be folded."""
        events = [(arrival.event.stream, arrival.event.version) for arrival in arrivals]
        events += [(row.stream, row.version) for view in views.values() if view.wants_retry for row in view.held]
        pairs = sorted({(stream, version) for stream, version in events if version <= views[stream].last})
        known = await self._handler.known_ids(transaction.connection, pairs) if pairs else {}
        wanted = {
            stream
            for stream, version in events
            if version == views[stream].last + 1 and (not views[stream].parked or views[stream].wants_retry)
        }
        states = await self._handler.load(transaction.connection, sorted(wanted)) if wanted else {}
        return Rule(views, known, states, self._handler.initial, self._fold, decode_fact)

    def _fold(self, state: S, event: Recorded) -> S:
        if not exporting():
            return self._handler.fold(state, event)
        attributes: dict[str, str | bool | int | float] = {
            "roadbook.stream": event.stream,
            "roadbook.version": event.version,
            "cloudevents.event_type": event.type,
        }
        with span(f"process {event.type}", "consumer", attributes, event.traceparent):
            return self._handler.fold(state, event)

    async def committed(self) -> None:
        applied, self._applied = self._applied, ()
        if applied:
            await self._handler.committed(applied)


def _decode_all(records: Sequence[Delivered]) -> tuple[list[Arrival], list[Held]]:
    arrivals, unread = [], []
    for record in records:
        try:
            arrivals.append(Arrival(decode_fact(record), record))
        except Undecodable as error:
            unread.append(unreadable(record, error.code))
    return arrivals, unread


class _Raw(Generic[T]):
    def __init__(self, handler: RawHandler[T]) -> None:
        self._handler = handler
        self._items: Sequence[T] = ()

    def take(self, records: Sequence[Delivered]) -> int:
        return len(records)

    async def apply(
        self, transaction: ConsumerTransaction, records: Sequence[Delivered], retries: Sequence[str]
    ) -> Outcome | None:
        """`retries` is moot: values are not kept, a rewind of the consumer reads them again."""
        self._items = ()
        items: list[T] = []
        unread: list[Held] = []
        for record in records:
            try:
                items.append(self._handler.decode(record))
            except Exception as error:
                unread.append(unreadable(_without_value(record), _reason(error)))
        if items:
            await self._handler.apply(transaction.connection, items)
        if unread:
            await transaction.write({}, (), unread)
        self._items = items
        return Outcome(len(items), parked=unread)

    async def committed(self) -> None:
        items, self._items = self._items, ()
        if items:
            await self._handler.committed(items)


def _reason(error: Exception) -> str:
    if isinstance(error, Park):
        return error.reason
    return error.code if isinstance(error, Undecodable) else type(error).__name__


def _without_value(record: Delivered) -> Delivered:
    """What cannot be read may still be personal data: it must not live on in a table that no erasure knows."""
    return Delivered(record.topic, record.partition, record.offset, None, None, (), record.timestamp)
