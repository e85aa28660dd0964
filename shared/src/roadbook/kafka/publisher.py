# mypy: allow-untyped-calls
# aiokafka has no type annotations.
"""Publishers on aiokafka's producer."""

import asyncio
import struct
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from roadbook.bus import Fenced, Message, PublishFailed
from roadbook.crashpoints import armed, crashpoint
from roadbook.logs import get_logger

log = get_logger(__name__)

WATCHDOG_SECONDS = 30.0
CLOSE_SECONDS = 5.0
REQUEST_MS = 10_000
TRANSACTION_MS = 60_000
BATCH_BYTES = 256 * 1024
# The sender task needs this many turns of the loop to write a batch that was handed to it to its socket.
_TURNS_TO_SOCKET = 6
_FACTOR, _WORD = 0x5BD1E995, 0xFFFFFFFF  # of murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as the Java client and every other one has it."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """As aiokafka.partitioner's, in half its time (5 µs for a key of personal data): word by word, not byte by byte."""
    words = len(data) // 4
    hashed = 0x9747B28C ^ len(data)
    for word in struct.unpack_from(f"<{words}I", data):
        word = word * _FACTOR & _WORD
        hashed = (hashed * _FACTOR & _WORD) ^ ((word ^ word >> 24) * _FACTOR & _WORD)
    if rest := data[4 * words :]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * _FACTOR & _WORD
    hashed = (hashed ^ hashed >> 13) * _FACTOR & _WORD
    return hashed ^ hashed >> 15


class _ThrownAway(Exception):
    """What the batches of a discarded producer fail with."""


class _Producers:
    """The current producer, made when it is needed and thrown away when it failed."""

    def __init__(self, make: Callable[[], AIOKafkaProducer], watchdog: float) -> None:
        self._make = make
        self._watchdog = watchdog
        self._current: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[AIOKafkaProducer] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.rebuilds = 0

    @property
    def current(self) -> AIOKafkaProducer | None:
        return self._current

    async def ready(self) -> AIOKafkaProducer:
        """The started producer. One start at a time: a start that takes too long is waited for again next time."""
        if self._closed:
            raise PublishFailed("Closed")
        if self._current is not None:
            return self._current
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        starting = self._starting
        await asyncio.wait({starting}, timeout=self._watchdog)
        if not starting.done():
            raise PublishFailed("StartTimeout")
        error = starting.exception()
        if self._starting is starting:  # of all who waited, the first to come takes it over
            self._starting = None
            self._current = None if error else starting.result()
        if error is not None:
            raise PublishFailed(type(error).__name__) from None
        return await self.ready()

    async def _start(self) -> AIOKafkaProducer:
        producer = self._make()
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        _assert_producer(producer)
        return producer

    async def attempt(self, producer: AIOKafkaProducer, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` on the producer; any failure, or none within the watchdog, throws the producer away. So does the
        end of the client's task that learns who leads: uvloop's RuntimeError at a write to a connection that was just
        reset ends it, and the sender would wait for it for ever."""
        task: asyncio.Task[None] = asyncio.create_task(work)
        leaders: asyncio.Task[None] = producer.client._sync_task  # type: ignore[assignment]  # started producers have it
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        await asyncio.wait({task, leaders}, timeout=self._watchdog, return_when=asyncio.FIRST_COMPLETED)
        error = task.exception() if task.done() else RuntimeError() if leaders.done() else TimeoutError()
        if not task.done():
            task.add_done_callback(lambda late: late.exception())
        if error is None:
            return
        self.discard(producer)
        if isinstance(error, ProducerFenced | InvalidProducerEpoch):
            raise Fenced(type(error).__name__) from None
        raise PublishFailed(type(error).__name__) from None

    def discard(self, producer: AIOKafkaProducer) -> None:
        if self._current is not producer:
            return  # another partition's failure was first
        self._current = None
        self.rebuilds += 1
        grave = asyncio.create_task(_bury(producer))
        self._background.add(grave)
        grave.add_done_callback(self._background.discard)

    async def close(self) -> None:
        self._closed = True
        if self._current is not None:
            grave = asyncio.create_task(_bury(self._current))
            self._background.add(grave)
            self._current = None
        if self._starting is not None:
            late = asyncio.create_task(_bury_late(self._starting))
            self._background.add(late)
        if self._background:
            await asyncio.wait(set(self._background), timeout=CLOSE_SECONDS)


async def _bury(producer: AIOKafkaProducer) -> None:
    """Ends a producer, also while the broker is away, where its own stop() would wait for ever for its batches."""
    accumulator = producer._message_accumulator
    accumulator.fail_all(_ThrownAway())
    for batches in accumulator._batches.values():
        for batch in batches:
            if batch._drain_waiter.done():
                batch._drain_waiter.exception()  # nobody else will ask, and asyncio would complain
    with suppress(Exception):
        # Stops the sender's loop and waits for the requests on the wire: at most the request timeout.
        await producer._sender.close()
    with suppress(Exception):
        await producer.stop()
    waiter = producer._txn_manager._transaction_waiter
    if waiter is not None and waiter.done():
        waiter.exception()


async def _bury_late(starting: "asyncio.Task[AIOKafkaProducer]") -> None:
    with suppress(Exception):
        await _bury(await starting)


def _assert_producer(producer: AIOKafkaProducer) -> None:
    """A1: the library's defaults lose and reorder messages; say what is in force, and refuse to go on without it."""
    effective = {
        "acks": producer._sender._acks,
        "idempotence": producer._txn_manager is not None,
        "transactional_id": producer._txn_manager and producer._txn_manager.transactional_id,
        "request_timeout_ms": producer._request_timeout_ms,
    }
    log.info("producer_settings", mode=f"acks_{effective['acks']}", kind="idempotent")
    if effective["acks"] != -1 or not effective["idempotence"]:
        raise RuntimeError(f"unsafe producer settings: {effective}")


def _append(producer: AIOKafkaProducer, messages: Sequence[Message]) -> tuple[Any, int]:
    """A closed batch with as many of the messages as fit (at least one), and how many that are."""
    batch = producer.create_batch()
    count = 0
    for message in messages:
        if batch.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers)) is None:
            break
        count += 1
    batch.close()
    return batch, count


class KafkaPublisher:
    """`roadbook.bus.Publisher`: idempotent, acks=all, one unacknowledged batch per call (T10).

    `watchdog` is how long an acknowledgement may take, in seconds: an idempotent producer never gives up a batch by
    itself (A2).
    """

    def __init__(self, bootstrap: str, *, client_id: str, watchdog: float = WATCHDOG_SECONDS) -> None:
        self._producers = _Producers(
            lambda: AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                client_id=client_id,
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                linger_ms=0,
                request_timeout_ms=REQUEST_MS,
            ),
            watchdog,
        )
        self._counts: dict[str, int] = {}

    @property
    def rebuilds(self) -> int:
        return self._producers.rebuilds

    async def partition_of(self, topic: str, key: bytes) -> int:
        if topic not in self._counts:  # the number of partitions is fixed for ever (RELIABILITY §1.4)
            producer = await self._producers.ready()
            try:
                self._counts[topic] = len(await producer.partitions_for(topic))
            except KafkaError as error:
                raise PublishFailed(type(error).__name__) from None
        return partition_of(key, self._counts[topic])

    async def send(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        producer = await self._producers.ready()
        batch, count = _append(producer, messages)
        await self._producers.attempt(producer, self._deliver(producer, batch, topic, partition))
        return count

    async def _deliver(self, producer: AIOKafkaProducer, batch: Any, topic: str, partition: int) -> None:
        acknowledged = await producer.send_batch(batch, topic, partition=partition)
        await _sent("relay.after_send")
        await acknowledged

    async def close(self) -> None:
        await self._producers.close()


class KafkaTransactionalPublisher:
    """`roadbook.bus.TransactionalPublisher`: the broker fences every older producer of the same transactional id."""

    def __init__(
        self, bootstrap: str, *, client_id: str, transactional_id: str, watchdog: float = WATCHDOG_SECONDS
    ) -> None:
        self._producers = _Producers(
            lambda: AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                client_id=client_id,
                transactional_id=transactional_id,
                transaction_timeout_ms=TRANSACTION_MS,
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                linger_ms=0,
                request_timeout_ms=REQUEST_MS,
            ),
            watchdog,
        )

    @property
    def rebuilds(self) -> int:
        return self._producers.rebuilds

    async def acquire(self) -> None:
        await self._producers.ready()  # start() includes InitProducerId, which bumps the epoch

    async def send_all(self, topic: str, messages: Sequence[Message]) -> None:
        producer = self._producers.current
        if producer is None:
            raise PublishFailed("NotAcquired")
        if messages:
            await self._producers.attempt(producer, self._transact(producer, topic, messages))

    async def _transact(self, producer: AIOKafkaProducer, topic: str, messages: Sequence[Message]) -> None:
        count = len(await producer.partitions_for(topic))
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            by_partition.setdefault(partition_of(message.key, count), []).append(message)
        await producer.begin_transaction()
        acknowledged = []
        for partition, rest in by_partition.items():
            while rest:
                batch, taken = _append(producer, rest)
                acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
                rest = rest[taken:]
        await _sent("personal.after_send")
        outcomes = await asyncio.gather(*acknowledged, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome  # never commit without every acknowledgement: the values would be lost silently
        await producer.commit_transaction()

    async def close(self) -> None:
        await self._producers.close()


async def _sent(point: str) -> None:
    """A process that dies here dies with its batch on the wire, not with one that never left."""
    if armed(point):
        for _ in range(_TURNS_TO_SOCKET):
            await asyncio.sleep(0)
        crashpoint(point)
