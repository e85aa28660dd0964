# mypy: allow-untyped-calls
# aiokafka has no type annotations.
"""The subscription on aiokafka's consumer: assigned partitions and our own offsets, no group protocol (T11)."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from roadbook.bus import BusUnavailable, Delivered, OffsetOutOfRange, TopicPartition
from roadbook.kafka.admin import REQUEST_MS, partitions_for
from roadbook.logs import get_logger

log = get_logger(__name__)

CLOSE_SECONDS = 5.0
COMMIT_SECONDS = 0.5
PARTITION_FETCH_BYTES = 256 * 1024


class KafkaSubscription:
    """`roadbook.bus.Subscription`: `assign` and `seek` only. `group` is never joined; it names the committed
    offsets that standard tools read."""

    def __init__(self, bootstrap: str, *, group: str, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._client_id = client_id
        self._consumer: AIOKafkaConsumer | None = None
        self._assigned: set[KafkaPartition] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._to_commit: dict[KafkaPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._graves: set[asyncio.Task[Any]] = set()

    async def partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in await partitions_for(self._bootstrap, topic)]

    async def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        wanted = {KafkaPartition(each.topic, each.partition): offset for each, offset in positions.items()}
        if self._consumer is None or self._assigned != set(wanted) or _died(self._consumer):
            self._discard()
            self._consumer = await self._start()
            self._consumer.assign(list(wanted))
            self._assigned = set(wanted)
        for partition, offset in wanted.items():
            self._consumer.seek(partition, offset)
        self._positions = dict(positions)

    async def _start(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            request_timeout_ms=REQUEST_MS,
        )
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise BusUnavailable(type(error).__name__) from None
        _assert_consumer(consumer)
        return consumer

    async def poll(self, *, max_records: int, timeout: float) -> dict[TopicPartition, list[Delivered]]:
        if self._consumer is None:
            raise BusUnavailable("NotAssigned")
        try:
            records = await self._consumer.getmany(timeout_ms=int(timeout * 1000), max_records=max_records)
            if not records and _died(self._consumer):
                raise RuntimeError("a task of the client's ended")
            for partition in self._assigned:
                own = TopicPartition(partition.topic, partition.partition)
                self._positions[own] = await self._consumer.position(partition)
        except OffsetOutOfRangeError:
            self._discard()
            raise OffsetOutOfRange from None
        except (KafkaError, RuntimeError) as error:
            # Never go on with the same consumer: some errors have moved its position past the record (A16).
            self._discard()
            raise BusUnavailable(type(error).__name__) from None
        return {
            TopicPartition(partition.topic, partition.partition): [_delivered(record) for record in found]
            for partition, found in records.items()
        }

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        if self._consumer is None:
            raise BusUnavailable("NotAssigned")
        wanted = {KafkaPartition(each.topic, each.partition): each for each in partitions}
        try:
            ends = await self._consumer.end_offsets(list(wanted))
        except (KafkaError, RuntimeError) as error:
            raise BusUnavailable(type(error).__name__) from None
        return {wanted[partition]: offset for partition, offset in ends.items()}

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Returns at once: committing waits for a group coordinator, and nobody depends on it."""
        for each, offset in positions.items():
            self._to_commit[KafkaPartition(each.topic, each.partition)] = offset
        if self._consumer is not None and (self._committing is None or self._committing.done()):
            self._committing = asyncio.create_task(self._commit(self._consumer))

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        while self._to_commit and consumer is self._consumer:
            offsets, self._to_commit = self._to_commit, {}
            with suppress(Exception):
                await consumer.commit(offsets)
            await asyncio.sleep(COMMIT_SECONDS)

    def _discard(self) -> None:
        if self._consumer is not None:
            grave = asyncio.create_task(_bury(self._consumer))
            self._graves.add(grave)
            grave.add_done_callback(self._graves.discard)
            grave.add_done_callback(lambda done: done.exception())
        self._consumer = None
        self._assigned = set()

    async def close(self) -> None:
        if self._consumer is not None and self._to_commit:
            last = asyncio.create_task(self._consumer.commit(dict(self._to_commit)))
            last.add_done_callback(lambda done: done.exception())
            await asyncio.wait({last}, timeout=1.0)
        self._discard()
        if self._graves:
            await asyncio.wait(set(self._graves), timeout=CLOSE_SECONDS)


def _died(consumer: AIOKafkaConsumer) -> bool:
    """aiokafka's tasks in the background end for good at an error that they do not expect, as uvloop's RuntimeError at
    a write to a connection that was reset a moment ago. From then on polls find nothing, without a word, and where the
    log ends is asked for in vain."""
    return any(task.done() for task in _background(consumer))


async def _bury(consumer: AIOKafkaConsumer) -> None:
    """Stops it; where a task that died makes that fail half-way, the others are ended and the connections closed."""
    try:
        await consumer.stop()
    finally:
        for task in _background(consumer):
            task.cancel()
        for connection in list(consumer._client._conns.values()):
            connection.close()


def _background(consumer: AIOKafkaConsumer) -> list[asyncio.Task[None]]:
    fetcher, client = consumer._fetcher, consumer._client
    return [task for task in (fetcher and fetcher.error_future, client._sync_task) if task is not None]


def _assert_consumer(consumer: AIOKafkaConsumer) -> None:
    """A1, as for the producer: the defaults commit by a timer and skip to the end of a topic."""
    effective = {
        "auto_commit": consumer._enable_auto_commit,
        "auto_offset_reset": consumer._auto_offset_reset,
        "isolation_level": consumer._isolation_level,
        "group": consumer._group_id,
    }
    log.info("consumer_settings", mode="read_committed", kind="assigned")
    if (consumer._enable_auto_commit, consumer._auto_offset_reset, consumer._isolation_level) != (
        False,
        "none",
        "read_committed",
    ):
        raise RuntimeError(f"unsafe consumer settings: {effective}")


def _delivered(record: Any) -> Delivered:
    # A header without a value is legal in Kafka; nothing of ours tells it from an empty one.
    headers = tuple((name, value or b"") for name, value in record.headers)
    return Delivered(record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp)
