"""What the consumer contract runs on: a bus, a store, and a handler that shows every event applied twice or never."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from roadbook.bus import Delivered, Message, Publisher, Subscription, TopicPartition
from roadbook.consumer import Consumer, Park, facts
from roadbook.consumer_store import ConsumerStore, ConsumerTransaction
from roadbook.consumer_work import Outcome, Work
from roadbook.events import Labels, Recorded, new_id
from roadbook.testing.waiting import eventually
from roadbook.version_rule import RETRY
from roadbook.wire import to_message

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PARTITIONS = 3

Row = tuple[str, int, str]  # stream, version, event id


def an_event(stream: str, version: int, type_name: str = "happened") -> Recorded:
    return Recorded(
        stream=stream,
        version=version,
        id=new_id(),
        type=f"roadbook.thing.{type_name}.v1",
        time=NOW,
        recorded=NOW,
        data=json.dumps({"n": version}),
        key=stream,
        labels=Labels(),
        actor="staff-1",
        correlation="c-1",
    )


def history(stream: str, versions: int) -> list[Recorded]:
    return [an_event(stream, version) for version in range(1, versions + 1)]


@dataclass
class Ledger:
    """A handler that writes one row per event, without any protection against doubles: the consumer is that.

    Its state is the tuple of versions folded. `poison` and `newer` types fail until `cured`.
    """

    append: Callable[[Any, Sequence[Row]], Awaitable[None]]
    read: Callable[[Any, Sequence[str]], Awaitable[list[Row]]]
    cured: bool = False
    dense: bool = True  # whether folding insists on versions without holes
    failures: list[Exception] = field(default_factory=list)  # raised by the next saves
    folds: list[tuple[str, int]] = field(default_factory=list)
    committed_events: int = 0
    saves: int = 0

    async def load(self, connection: Any, streams: Sequence[str], /) -> Mapping[str, tuple[int, ...]]:
        assert list(streams) == sorted(streams)
        states: dict[str, tuple[int, ...]] = {}
        for stream, version, _ in await self.read(connection, streams):
            states[stream] = (*states.get(stream, ()), version)
        return states

    def initial(self, stream: str, /) -> tuple[int, ...]:
        return ()

    def fold(self, state: tuple[int, ...], event: Recorded, /) -> tuple[int, ...]:
        self.folds.append((event.stream, event.version))
        if not self.cured and "poison" in event.type:
            raise ZeroDivisionError(event.data)
        if not self.cured and "newer" in event.type:
            raise Park("newer_version")
        assert not self.dense or state == tuple(range(1, event.version)), "folded out of order, or on a torn state"
        return (*state, event.version)

    async def known_ids(self, connection: Any, pairs: Sequence[tuple[str, int]], /) -> Mapping[tuple[str, int], str]:
        rows = await self.read(connection, sorted({stream for stream, _ in pairs}))
        return {(stream, version): id_ for stream, version, id_ in rows if (stream, version) in set(pairs)}

    async def save(
        self, connection: Any, applied: Sequence[Recorded], states: Mapping[str, tuple[int, ...]], /
    ) -> None:
        assert list(states) == sorted(states)
        assert set(states) == {event.stream for event in applied}
        self.saves += 1
        await self.append(connection, [(event.stream, event.version, event.id) for event in applied])
        if self.failures:
            raise self.failures.pop()

    async def committed(self, applied: Sequence[Recorded], /) -> None:
        self.committed_events += len(applied)


@dataclass
class Latest:
    """A raw handler: the last value of each key; records whose value is `broken` cannot be decoded."""

    apply_to: Callable[[Any, Sequence[Row]], Awaitable[None]]
    seen: list[bytes] = field(default_factory=list)

    def decode(self, record: Delivered, /) -> Delivered:
        if record.value == b"broken":
            raise ValueError("someone's name")
        return record

    async def apply(self, connection: Any, items: Sequence[Delivered], /) -> None:
        await self.apply_to(connection, [((item.key or b"").decode(), item.offset, "") for item in items])

    async def committed(self, items: Sequence[Delivered], /) -> None:
        self.seen += [item.value or b"" for item in items]


@dataclass
class Rig:
    """A bus with one fresh topic of three partitions, and a store that is not shared with another test."""

    topic: str
    publisher: Publisher
    subscription: Callable[[], Subscription]
    store: Callable[[], ConsumerStore]
    ledger: Callable[[], Ledger]
    effects: Callable[[], Awaitable[list[Row]]]
    held: Callable[[], Awaitable[list[tuple[str, int, str | None]]]]  # stream, version, reason
    unpark: Callable[[str], Awaitable[Any]]
    set_offsets: Callable[[int], Awaitable[Any]]
    offsets: Callable[[], Awaitable[dict[int, int]]]

    async def publish(self, events: Sequence[Recorded | Message]) -> None:
        by_partition: dict[int, list[Message]] = {}
        for event in events:
            message = to_message(event) if isinstance(event, Recorded) else event
            by_partition.setdefault(await self.publisher.partition_of(self.topic, message.key), []).append(message)
        for partition, rest in by_partition.items():
            while rest:
                rest = rest[await self.publisher.send(self.topic, partition, rest) :]

    def consumer(self, ledger: Ledger, **settings: Any) -> Consumer:
        settings = {"name": "thing", "store": self.store(), "work": facts(ledger), **settings}
        settings.setdefault("subscription", self.subscription())
        return Consumer(topics=[self.topic], replaced=0.3, tick=0.1, **settings)

    @asynccontextmanager
    async def running(self, *consumers: Consumer) -> AsyncIterator[None]:
        """Runs them; whatever they raise is raised at the end."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(consumer.run(stop)) for consumer in consumers]
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(30):
                await asyncio.gather(*tasks)

    async def until(self, events: Sequence[Recorded]) -> None:
        """Until the effects are exactly these events, each stream's in version order."""
        wanted = by_stream((event.stream, event.version, event.id) for event in events)

        async def equal() -> bool:
            return by_stream(await self.effects()) == wanted

        await eventually(equal)

    async def until_held(self, count: int) -> list[tuple[str, int, str | None]]:
        """Rows that an operator wants tried again do not count: a worker is about to."""

        async def enough() -> tuple[list[tuple[str, int, str | None]]] | None:
            found = await self.held()
            settled = len(found) == count and all(reason != RETRY for _, _, reason in found)
            return (found,) if settled else None

        (rows,) = await eventually(enough)
        return sorted(rows, key=lambda row: row[:2])

    async def until_read(self) -> None:
        """Until the stored offsets have reached the topic's ends."""
        subscription = self.subscription()
        places = await subscription.partitions(self.topic)
        await subscription.assign(dict.fromkeys(places, 0))

        async def reached() -> bool:
            ends = await subscription.end_offsets(places)
            return await self.offsets() == {place.partition: end for place, end in ends.items()}

        await eventually(reached)
        await subscription.close()


def by_stream(rows: Any) -> dict[str, list[tuple[int, str]]]:
    """In the order of the rows: it is the order in which they were applied."""
    found: dict[str, list[tuple[int, str]]] = {}
    for stream, version, id_ in rows:
        found.setdefault(stream, []).append((version, id_))
    return found


@dataclass
class OneByOne:
    """Work that has a transaction for each record, and takes its time."""

    inner: Work
    seconds: float

    def take(self, records: Sequence[Delivered]) -> int:
        return min(1, len(records))

    async def apply(
        self, transaction: ConsumerTransaction, records: Sequence[Delivered], retries: Sequence[str]
    ) -> Outcome | None:
        await asyncio.sleep(self.seconds)
        return await self.inner.apply(transaction, records, retries)

    async def committed(self) -> None:
        await self.inner.committed()


class Deaf:
    """A subscription that hears nothing, as a client that hangs after a broker's restart (RELIABILITY A12)."""

    def __init__(self, inner: Subscription) -> None:
        self._inner = inner

    async def partitions(self, topic: str) -> list[TopicPartition]:
        return await self._inner.partitions(topic)

    async def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        await self._inner.assign(positions)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._inner.end_offsets(partitions)

    async def poll(self, *, max_records: int, timeout: float) -> dict[TopicPartition, list[Delivered]]:
        await asyncio.sleep(min(timeout, 0.05))
        return {}

    def position(self, partition: TopicPartition) -> int:
        return self._inner.position(partition)

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        await self._inner.commit(positions)

    async def close(self) -> None:
        await self._inner.close()
