# mypy: allow-untyped-calls
# aiokafka has no type annotations.
"""Topics: what we ask of them, making them, asking how long they are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from roadbook.bus import BusUnavailable, TopicPartition

REQUEST_MS = 10_000
TOPIC_EXISTS = 36

# Events live for ever, and a client's clock must not decide what is deleted (DESIGN §5, A19).
FACT_TOPIC_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}
PERSONAL_TOPIC_CONFIG = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True)
class TopicSpec:
    name: str
    partitions: int = 12
    replication: int = 1
    config: Mapping[str, str] = field(default_factory=lambda: FACT_TOPIC_CONFIG)


async def create_topics(bootstrap: str, specs: Sequence[TopicSpec]) -> list[str]:
    """Creates what is missing and waits until it can be used; returns the names created. An existing topic with
    another number of partitions is refused with `ValueError`: keys would map anew, and streams lose their order."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS)
    created = []
    try:
        await admin.start()
        response = await admin.create_topics(
            [NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=dict(spec.config)) for spec in specs]
        )
        for name, code, *_ in response.topic_errors:  # type: ignore[attr-defined]
            if code not in (0, TOPIC_EXISTS):
                raise RuntimeError(f"topic {name} could not be created: Kafka error {code}")
            if code == 0:
                created.append(name)
    except KafkaError as error:
        raise BusUnavailable(type(error).__name__) from None
    finally:
        await admin.close()
    for spec in specs:
        count = len(await _until_known(bootstrap, spec.name))
        if count != spec.partitions:
            raise ValueError(f"topic {spec.name} has {count} partitions, not {spec.partitions}")
    return created


async def _until_known(bootstrap: str, topic: str) -> list[int]:
    for _ in range(50):
        try:
            return await partitions_for(bootstrap, topic)
        except LookupError:
            await asyncio.sleep(0.1)
    return await partitions_for(bootstrap, topic)


async def end_offsets(bootstrap: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
    """The offset after the last committed record of every partition. Raises `LookupError`, `BusUnavailable`."""
    wanted = [KafkaPartition(topic, number) for topic in topics for number in await partitions_for(bootstrap, topic)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        request_timeout_ms=REQUEST_MS,
    )
    try:
        await consumer.start()
        found = await consumer.end_offsets(wanted)
    except KafkaError as error:
        raise BusUnavailable(type(error).__name__) from None
    finally:
        await consumer.stop()
    return {TopicPartition(each.topic, each.partition): offset for each, offset in found.items()}


async def partitions_for(bootstrap: str, topic: str) -> list[int]:
    """The topic's partition numbers, ascending; `LookupError` while it does not exist, `BusUnavailable`."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS)
    try:
        await client.bootstrap()
        found = (await client.fetch_all_metadata()).partitions_for_topic(topic)
    except KafkaError as error:
        raise BusUnavailable(type(error).__name__) from None
    finally:
        await client.close()
    if not found:
        raise LookupError(f"topic {topic} does not exist")
    return sorted(found)
