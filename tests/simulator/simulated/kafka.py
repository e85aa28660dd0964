"""Kafka as far as the kit relies on it, and aiokafka's producer as far as `roadbook.kafka` does.

The broker: a batch stands whole or not at all. Of a producer id it knows in a partition it takes the next sequence
number only, and acknowledges one it has; of one it does not know it takes *any* first number (measured: T10). A newer
producer with the same transactional id fences the older, whose open transaction is aborted; who reads committed reads
up to the first open transaction.

The producer: idempotent, one request in flight per partition, the batches behind it wait; what gets no answer is sent
again for ever (A2); a refused batch has used up its sequence numbers (A4).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
)

from roadbook.bus import BusUnavailable, Delivered, Message, OffsetOutOfRange, TopicPartition
from simulated.world import Process, Request, World


@dataclass(eq=False)
class KafkaTransaction:
    state: str = "open"
    places: set[tuple[str, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Entry:
    """`record` None: the marker of a transaction's end."""

    record: Delivered | None
    transaction: KafkaTransaction | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    producer: int
    epoch: int
    transactional: str | None


class Broker:
    def __init__(self, world: World, topics: Mapping[str, int]) -> None:
        self.world = world
        self.topics: dict[str, list[list[Entry]]] = {name: [[] for _ in range(n)] for name, n in topics.items()}
        self.appended: list[Delivered] = []  # of all topics, in the order of arrival
        self.away: set[int] = set()  # partitions that take nothing now
        self._producers = 0
        self._next: dict[tuple[Identity, str, int], int] = {}
        self._current: dict[str, Identity] = {}
        self._open: dict[str, KafkaTransaction] = {}

    def init_producer(self, transactional: str | None) -> Identity:
        if transactional is None:
            self._producers += 1
            return Identity(self._producers, 0, None)
        before = self._current.get(transactional)
        if before is None:
            self._producers += 1
            identity = Identity(self._producers, 0, transactional)
        else:
            self._end(transactional, "aborted")
            identity = Identity(before.producer, before.epoch + 1, transactional)
        self._current[transactional] = identity
        return identity

    def produce(self, who: Identity, topic: str, partition: int, sequence: int, messages: Sequence[Message]) -> None:
        self._refuse_fenced(who)
        if partition in self.away:
            raise refused()
        place = (who, topic, partition)
        wanted = self._next.get(place, sequence)
        if sequence < wanted:
            return
        if sequence > wanted:
            raise OutOfOrderSequenceNumber
        self._next[place] = sequence + len(messages)
        transaction = None
        if who.transactional is not None:
            transaction = self._open.setdefault(who.transactional, KafkaTransaction())
            transaction.places.add((topic, partition))
        self.append(topic, partition, messages, transaction)

    def append(
        self, topic: str, partition: int, messages: Sequence[Message], transaction: KafkaTransaction | None = None
    ) -> None:
        log = self.topics[topic][partition]
        for message in messages:
            record = Delivered(topic, partition, len(log), message.key, message.value, message.headers, 1)
            log.append(Entry(record, transaction))
            self.appended.append(record)

    def end_transaction(self, who: Identity) -> None:
        self._refuse_fenced(who)
        assert who.transactional is not None
        self._end(who.transactional, "committed")

    def _refuse_fenced(self, who: Identity) -> None:
        if who.transactional is not None and self._current[who.transactional] != who:
            raise InvalidProducerEpoch

    def _end(self, transactional: str, state: str) -> None:
        transaction = self._open.pop(transactional, None)
        if transaction is None:
            return
        transaction.state = state
        for topic, partition in transaction.places:
            self.topics[topic][partition].append(Entry(None))

    def readable(self, topic: str, partition: int) -> int:
        """The offset up to which a committed reader may read."""
        log = self.topics[topic][partition]
        for offset, entry in enumerate(log):
            if entry.transaction is not None and entry.transaction.state == "open":
                return offset
        return len(log)

    def committed(self, topic: str) -> list[Delivered]:
        """What a committed reader sees, by partition and offset."""
        return [
            entry.record
            for partition, log in enumerate(self.topics[topic])
            for entry in log[: self.readable(topic, partition)]
            if _visible(entry) and entry.record is not None
        ]


def _visible(entry: Entry) -> bool:
    if entry.record is None:
        return False
    return entry.transaction is None or entry.transaction.state == "committed"


class Batch:
    """Takes `room` messages; its end in bytes is nothing a model needs."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.messages: list[Message] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Any:
        if len(self.messages) == self.room:
            return None
        self.messages.append(Message(key, value, tuple(headers)))
        return self

    def close(self) -> None:
        return None


@dataclass(eq=False)
class Waiting:
    batch: Batch
    sequence: int
    future: Any


class SimProducer:
    """`AIOKafkaProducer`, with the inner parts that `roadbook.kafka.publisher` looks at."""

    _request_timeout_ms = 10_000

    def __init__(self, broker: Broker, process: Process, room: int, transactional_id: str | None = None) -> None:
        self._broker = broker
        self._process = process
        self._room = room
        self._identity: Identity | None = None
        self._sequences: dict[tuple[str, int], int] = defaultdict(int)
        self._queues: dict[tuple[str, int], deque[Waiting]] = defaultdict(deque)
        self._closed = False
        self._txn_manager = _TransactionManager(transactional_id)
        self._sender = _Sender(self)
        self._message_accumulator = _Accumulator(self)
        self.client = _Client(broker.world.loop.create_future())

    async def start(self) -> None:
        transactional = self._txn_manager.transactional_id
        self._identity = await self._ask("init", lambda: self._broker.init_producer(transactional))

    async def stop(self) -> None:
        self._closed = True

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(len(self._broker.topics[topic])))

    def create_batch(self) -> Batch:
        return Batch(self._room)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        place = (topic, partition)
        waiting = Waiting(batch, self._sequences[place], self._broker.world.loop.create_future())
        self._sequences[place] += len(batch.messages)
        self._queues[place].append(waiting)
        if len(self._queues[place]) == 1:
            self._send_first(place)
        return waiting.future

    def _send_first(self, place: tuple[str, int]) -> None:
        waiting, who = self._queues[place][0], self._identity
        assert who is not None
        answered = self._broker.world.loop.create_future()
        answered.add_done_callback(lambda done: self._answered(place, done))

        def again() -> None:
            if not self._closed and self._process.alive:
                send()

        def send() -> None:
            work = self._producing(who, place, waiting)
            self._broker.world.requests.append(
                Request(
                    self._process, "produce", work, answered, outlives=True, on_loss=again, loss=KafkaConnectionError
                )
            )

        send()

    def _producing(self, who: Identity, place: tuple[str, int], waiting: Waiting) -> Callable[[], None]:
        return lambda: self._broker.produce(who, *place, waiting.sequence, waiting.batch.messages)

    def _answered(self, place: tuple[str, int], answered: Any) -> None:
        queue = self._queues[place]
        if not queue:
            answered.exception()
            return
        waiting = queue.popleft()
        error = answered.exception()
        if not waiting.future.done():
            if error is None:
                waiting.future.set_result(None)
            else:
                waiting.future.set_exception(error)
        if queue and not self._closed and self._process.alive:
            self._send_first(place)

    async def begin_transaction(self) -> None:
        return None

    async def commit_transaction(self) -> None:
        who = self._identity
        assert who is not None
        await self._ask("end", lambda: self._broker.end_transaction(who), outlives=True)

    async def _ask(self, kind: str, work: Callable[[], Any], **more: Any) -> Any:
        return await self._broker.world.ask(self._process, kind, work, loss=KafkaConnectionError, **more)


@dataclass
class _TransactionManager:
    transactional_id: str | None
    _transaction_waiter: Any = None


@dataclass
class _Client:
    _sync_task: Any  # learns who leads; here it never ends


class _Sender:
    _acks = -1

    def __init__(self, producer: SimProducer) -> None:
        self._producer = producer

    async def close(self) -> None:
        self._producer._closed = True


class _Accumulator:
    def __init__(self, producer: SimProducer) -> None:
        self._producer = producer
        self._batches: dict[Any, Any] = {}

    def fail_all(self, error: Exception) -> None:
        """The requests on the wire are none of its business: they arrive."""
        for queue in self._producer._queues.values():
            for waiting in queue:
                if not waiting.future.done():
                    waiting.future.set_exception(error)
                    waiting.future.exception()
            queue.clear()


def refused() -> Exception:
    """What a broker answers to a batch that it will never take."""
    return MessageSizeTooLargeError()


class SimSubscription:
    """`roadbook.bus.Subscription` for readers of what is committed; positions jump over markers."""

    def __init__(self, broker: Broker, process: Process, most: int = 3) -> None:
        self._broker = broker
        self._process = process
        self._most = most
        self._positions: dict[TopicPartition, int] = {}

    async def partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(len(self._broker.topics[topic]))]

    async def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        self._positions = dict(positions)

    async def poll(self, *, max_records: int, timeout: float) -> dict[TopicPartition, list[Delivered]]:
        loop = self._broker.world.loop
        deadline = loop.now + timeout
        loop.call_at(deadline, lambda: None)
        polling = Request(
            self._process,
            "poll",
            lambda: self._take(min(max_records, self._most)),
            loop.create_future(),
            loss=lambda: BusUnavailable("KafkaConnectionError"),
            blocked=lambda: loop.now < deadline and not self._anything(),
        )
        return await self._broker.world.send(polling)

    def _anything(self) -> bool:
        return any(self._broker.readable(*_place(each)) != offset for each, offset in self._positions.items())

    def _take(self, room: int) -> dict[TopicPartition, list[Delivered]]:
        found: dict[TopicPartition, list[Delivered]] = {}
        for place, position in self._positions.items():
            log, end = self._broker.topics[place.topic][place.partition], self._broker.readable(*_place(place))
            if position > len(log):
                raise OffsetOutOfRange
            while position < end and (room or not _visible(log[position])):
                record = log[position].record
                if _visible(log[position]) and record is not None:
                    found.setdefault(place, []).append(record)
                    room -= 1
                position += 1
            self._positions[place] = position
        return found

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: self._broker.readable(*_place(each)) for each in partitions}

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        return None

    async def close(self) -> None:
        self._positions = {}


def _place(partition: TopicPartition) -> tuple[str, int]:
    return partition.topic, partition.partition
