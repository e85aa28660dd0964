"""The bus in memory, with faults to order: for tests of relays and consumers that need no broker.

`MemoryBroker` is the cluster; publishers and subscriptions are clients of it. What a broker promises holds here too:
a batch stands whole or not at all, partitions keep their order, a newer transactional producer fences the older.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from roadbook.bus import (
    BusUnavailable,
    Delivered,
    Fenced,
    Message,
    OffsetOutOfRange,
    PublishFailed,
    TopicPartition,
)
from roadbook.kafka import partition_of


@dataclass
class Faults:
    """Each number counts down: so many of the next batches suffer it.

    `refuse`: not stored, the publisher sees a failure. `lose_ack`: stored, but the publisher sees a failure.
    `duplicate`: stored twice, the publisher sees success. `down`: every call fails while it is True.
    """

    refuse: int = 0
    lose_ack: int = 0
    duplicate: int = 0
    down: bool = False
    refused_partitions: set[int] = field(default_factory=set)


class MemoryBroker:
    """Topics as lists of records. A None in a list is an offset without a record: a transaction marker, or a record
    that compaction removed."""

    def __init__(self) -> None:
        self.topics: dict[str, list[list[Delivered | None]]] = {}
        self.faults = Faults()
        self.epochs: dict[str, int] = {}
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self.changed = asyncio.Condition()

    def create_topic(self, name: str, partitions: int = 12) -> None:
        self.topics.setdefault(name, [[] for _ in range(partitions)])

    def log(self, topic: str, partition: int) -> list[Delivered | None]:
        return self.topics[topic][partition]

    def records(self, topic: str) -> list[Delivered]:
        """Every readable record, by partition and offset."""
        return [record for log in self.topics[topic] for record in log if record is not None]

    async def append(self, topic: str, partition: int, messages: Sequence[Message], marker: bool = False) -> None:
        log = self.topics[topic][partition]
        for message in messages:
            record = Delivered(
                topic, partition, len(log), message.key, message.value, message.headers, 1_700_000_000_000
            )
            log.append(record)
        if marker:
            log.append(None)
        async with self.changed:
            self.changed.notify_all()

    def compact(self, topic: str) -> None:
        """Keeps the last record of each key, as a cleaner does with closed segments."""
        for log in self.topics[topic]:
            last = {record.key: record.offset for record in log if record is not None}
            for offset, record in enumerate(log):
                if record is not None and last[record.key] != offset:
                    log[offset] = None

    def store(self, topic: str, partition: int) -> bool:
        """Whether the next batch is to be stored; raises where the broker is away."""
        if self.faults.down:
            raise PublishFailed("BrokerDown")
        if topic not in self.topics:
            raise PublishFailed("UnknownTopicOrPartitionError")
        if partition in self.faults.refused_partitions:
            return False
        if self.faults.refuse:
            self.faults.refuse -= 1
            return False
        return True


class MemoryPublisher:
    """`roadbook.bus.Publisher`. `batch_records` is how many messages fit into a batch."""

    def __init__(self, broker: MemoryBroker, *, batch_records: int = 100) -> None:
        self._broker = broker
        self._batch_records = batch_records
        self._busy: set[tuple[str, int]] = set()
        self._rebuilds = 0

    @property
    def rebuilds(self) -> int:
        return self._rebuilds

    async def partition_of(self, topic: str, key: bytes) -> int:
        if topic not in self._broker.topics:
            raise PublishFailed("UnknownTopicOrPartitionError")
        return partition_of(key, len(self._broker.topics[topic]))

    async def send(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        place = (topic, partition)
        assert place not in self._busy, "two batches of one partition under way (T10)"
        self._busy.add(place)
        try:
            return await self._send(topic, partition, messages[: self._batch_records])
        except PublishFailed:
            self._rebuilds += 1
            raise
        finally:
            self._busy.discard(place)

    async def _send(self, topic: str, partition: int, batch: Sequence[Message]) -> int:
        await asyncio.sleep(0)
        faults = self._broker.faults
        if not self._broker.store(topic, partition):
            raise PublishFailed("Refused")
        await self._broker.append(topic, partition, batch)
        if faults.duplicate:
            faults.duplicate -= 1
            await self._broker.append(topic, partition, batch)
        if faults.lose_ack:
            faults.lose_ack -= 1
            raise PublishFailed("TimeoutError")
        return len(batch)

    async def close(self) -> None:
        return None


class MemoryTransactionalPublisher:
    """`roadbook.bus.TransactionalPublisher`."""

    def __init__(self, broker: MemoryBroker, *, transactional_id: str) -> None:
        self._broker = broker
        self._id = transactional_id
        self._epoch: int | None = None
        self._rebuilds = 0

    @property
    def rebuilds(self) -> int:
        return self._rebuilds

    async def acquire(self) -> None:
        if self._epoch is not None:
            return
        if self._broker.faults.down:
            raise PublishFailed("BrokerDown")
        self._epoch = self._broker.epochs.get(self._id, -1) + 1
        self._broker.epochs[self._id] = self._epoch

    async def send_all(self, topic: str, messages: Sequence[Message]) -> None:
        if self._epoch is None:
            raise PublishFailed("NotAcquired")
        if not messages:
            return
        try:
            await self._send_all(topic, messages)
        except PublishFailed:
            self._epoch = None
            self._rebuilds += 1
            raise

    async def _send_all(self, topic: str, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0)
        by_partition: dict[int, list[Message]] = {}
        count = len(self._broker.topics.get(topic, [])) or 1
        for message in messages:
            by_partition.setdefault(partition_of(message.key, count), []).append(message)
        if self._broker.epochs[self._id] != self._epoch:
            raise Fenced("ProducerFenced")
        if not all(self._broker.store(topic, partition) for partition in by_partition):
            raise PublishFailed("Refused")
        for partition, batch in by_partition.items():
            await self._broker.append(topic, partition, batch, marker=True)
        if self._broker.faults.lose_ack:
            self._broker.faults.lose_ack -= 1
            raise PublishFailed("TimeoutError")

    async def close(self) -> None:
        self._epoch = None


class MemorySubscription:
    """`roadbook.bus.Subscription`."""

    def __init__(self, broker: MemoryBroker, *, group: str = "group") -> None:
        self._broker = broker
        self._group = group
        self._positions: dict[TopicPartition, int] = {}

    async def partitions(self, topic: str) -> list[TopicPartition]:
        self._refuse_down()
        if topic not in self._broker.topics:
            raise LookupError(f"topic {topic} does not exist")
        return [TopicPartition(topic, number) for number in range(len(self._broker.topics[topic]))]

    async def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        self._refuse_down()
        self._positions = dict(positions)

    async def poll(self, *, max_records: int, timeout: float) -> dict[TopicPartition, list[Delivered]]:
        if not self._positions:
            raise BusUnavailable("NotAssigned")
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            found = {} if self._broker.faults.down else self._take(max_records)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0:
                return found
            try:
                async with asyncio.timeout(left), self._broker.changed:
                    await self._broker.changed.wait()
            except TimeoutError:
                continue

    def _take(self, room: int) -> dict[TopicPartition, list[Delivered]]:
        found: dict[TopicPartition, list[Delivered]] = {}
        for place, position in self._positions.items():
            log = self._broker.log(place.topic, place.partition)
            if position > len(log):
                raise OffsetOutOfRange
            while position < len(log) and room > 0:
                record = log[position]
                position += 1
                if record is not None:
                    found.setdefault(place, []).append(record)
                    room -= 1
            while position < len(log) and log[position] is None:
                position += 1
            self._positions[place] = position
        return found

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self._refuse_down()
        return {each: len(self._broker.log(each.topic, each.partition)) for each in partitions}

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        for place, offset in positions.items():
            self._broker.committed[self._group, place] = offset

    async def close(self) -> None:
        self._positions = {}

    def _refuse_down(self) -> None:
        if self._broker.faults.down:
            raise BusUnavailable("BrokerDown")
