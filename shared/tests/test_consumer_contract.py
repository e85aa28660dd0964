"""The consumer contract: memory and memory, memory bus and Postgres, Kafka and Postgres."""

import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from roadbook.database import Pool
from roadbook.events import new_id
from roadbook.kafka import KafkaPublisher, KafkaSubscription, TopicSpec, create_topics
from roadbook.testing.consumer_contract import ConsumerContract
from roadbook.testing.consumer_rig import PARTITIONS, Rig
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemorySubscription
from roadbook.testing.rigs import effects_table_sql, memory_rig, postgres_rig


@pytest.fixture
async def effects_table(owner_connection: asyncpg.Connection) -> None:
    await owner_connection.execute(effects_table_sql)


class TestMemory(ConsumerContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return memory_rig()


class TestMemoryBusAndPostgres(ConsumerContract):
    @pytest.fixture
    def rig(self, lead_pool: Pool, effects_table: None) -> Rig:
        broker = MemoryBroker()
        broker.create_topic("things", PARTITIONS)
        return postgres_rig(lead_pool, "things", MemoryPublisher(broker), lambda: MemorySubscription(broker))


class TestKafkaAndPostgres(ConsumerContract):
    @pytest.fixture
    async def rig(self, kafka_bootstrap: str, lead_pool: Pool, effects_table: None) -> AsyncIterator[Rig]:
        topic, numbers = "things-" + new_id(), itertools.count()
        await create_topics(kafka_bootstrap, [TopicSpec(topic, PARTITIONS)])
        publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
        yield postgres_rig(
            lead_pool,
            topic,
            publisher,
            lambda: KafkaSubscription(kafka_bootstrap, group=f"{topic}-{next(numbers)}", client_id="test"),
        )
        await publisher.close()
