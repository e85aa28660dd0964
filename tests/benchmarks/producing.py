"""Messages onto a topic as fast as aiokafka does it: the bare side of the relay, and how the other rows fill theirs."""

import asyncio
import time
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaProducer

from roadbook.bus import Message
from roadbook.kafka import partition_of
from roadbook_cli.kafka import PARTITIONS

BATCH_BYTES = 256 * 1024


def producer(bootstrap: str) -> AIOKafkaProducer:
    """Idempotent, every replica's acknowledgement, as large batches as the relay's."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, linger_ms=0
    )


async def publish(made: AIOKafkaProducer, topic: str, messages: Iterable[Message]) -> float:
    """Everything, as whole batches, several of a partition on their way at once; returns the seconds it took."""
    waiting: set[asyncio.Future[object]] = set()
    batches = {number: made.create_batch() for number in range(PARTITIONS)}
    began = time.perf_counter()

    async def send(partition: int) -> None:
        batch = batches[partition]
        batches[partition] = made.create_batch()
        batch.close()
        waiting.add(await made.send_batch(batch, topic, partition=partition))

    for message in messages:
        partition = partition_of(message.key, PARTITIONS)
        while not _append(batches[partition], message):
            await send(partition)
    for partition, batch in list(batches.items()):
        if batch.record_count():
            await send(partition)
    await asyncio.gather(*waiting)
    return time.perf_counter() - began


def _append(batch: object, message: Message) -> bool:
    done = batch.append(  # type: ignore[attr-defined]
        key=message.key, value=message.value, timestamp=None, headers=list(message.headers)
    )
    return done is not None


async def fill(bootstrap: str, topic: str, messages: Iterable[Message]) -> None:
    made = producer(bootstrap)
    await made.start()
    try:
        await publish(made, topic, messages)
    finally:
        await made.stop()


def bytes_of(messages: Sequence[Message]) -> int:
    """Mean size of key, value and headers."""
    sizes = [
        len(each.key) + len(each.value or b"") + sum(len(name) + len(raw) for name, raw in each.headers)
        for each in messages
    ]
    return sum(sizes) // len(sizes)
