"""Offsets that no record has: transaction markers and what compaction removed (T11)."""

import asyncpg
import pytest

from roadbook.bus import Message
from roadbook.consumer import raw
from roadbook.database import Pool
from roadbook.events import new_id
from roadbook.kafka import (
    PERSONAL_TOPIC_CONFIG,
    KafkaPublisher,
    KafkaSubscription,
    KafkaTransactionalPublisher,
    TopicSpec,
    create_topics,
)
from roadbook.testing.consumer_rig import Latest
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemorySubscription
from roadbook.testing.rigs import effects_table_sql, postgres_rig
from roadbook.testing.waiting import eventually


@pytest.fixture
async def effects_table(owner_connection: asyncpg.Connection) -> None:
    await owner_connection.execute(effects_table_sql)


async def test_t11_compacted_gaps_are_passed(lead_pool: Pool, effects_table: None) -> None:
    broker = MemoryBroker()
    broker.create_topic("values", 2)
    rig = postgres_rig(lead_pool, "values", MemoryPublisher(broker), lambda: MemorySubscription(broker))
    keys = [f"k{number}".encode() for number in range(6)]
    for round_ in range(5):
        await rig.publish([Message(key, str(round_).encode()) for key in keys])
    broker.compact("values")
    handler = Latest(rig.ledger().append)
    async with rig.running(rig.consumer(rig.ledger(), work=raw(handler), max_records=2)):
        await rig.until_read()

        async def seen() -> bool:  # it is told after the commit that moved the offset
            return sorted(handler.seen) == [b"4"] * 6

        await eventually(seen)
        for round_ in range(5, 8):
            await rig.publish([Message(key, str(round_).encode()) for key in keys])
        await rig.until_read()


async def test_t11_transaction_markers_are_passed_and_lag_reaches_zero(
    kafka_bootstrap: str, lead_pool: Pool, effects_table: None
) -> None:
    topic = "values-" + new_id()
    await create_topics(kafka_bootstrap, [TopicSpec(topic, 2, config=PERSONAL_TOPIC_CONFIG)])
    values = KafkaTransactionalPublisher(kafka_bootstrap, client_id="t", transactional_id=topic)
    facts = KafkaPublisher(kafka_bootstrap, client_id="t")
    rig = postgres_rig(lead_pool, topic, facts, lambda: KafkaSubscription(kafka_bootstrap, group=topic, client_id="t"))
    handler = Latest(rig.ledger().append)
    await values.acquire()
    for start in range(2):  # the second consumer starts at an offset where a marker stands before it
        sent = [Message(f"{start}-{number}".encode(), b"v") for number in range(10)]
        async with rig.running(rig.consumer(rig.ledger(), work=raw(handler))):
            await values.send_all(topic, sent)
            await rig.until_read()

        async def all_seen(count: int = 10 * (start + 1)) -> bool:
            return len(handler.seen) == count

        await eventually(all_seen)
    await values.close()
    await facts.close()
