"""The bus contract on memory and on Kafka."""

import itertools
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from roadbook.bus import Publisher, Subscription, TransactionalPublisher
from roadbook.events import new_id
from roadbook.kafka import (
    KafkaPublisher,
    KafkaSubscription,
    KafkaTransactionalPublisher,
    TopicSpec,
    create_topics,
)
from roadbook.testing.bus_contract import Bus, BusContract
from roadbook.testing.memory_bus import (
    MemoryBroker,
    MemoryPublisher,
    MemorySubscription,
    MemoryTransactionalPublisher,
)

T = TypeVar("T", Publisher, TransactionalPublisher, Subscription)


class TestMemory(BusContract):
    @pytest.fixture
    def bus(self) -> Bus:
        broker, numbers = MemoryBroker(), itertools.count()

        async def topic(partitions: int) -> str:
            name = f"topic-{next(numbers)}"
            broker.create_topic(name, partitions)
            return name

        return Bus(
            topic,
            lambda: MemoryPublisher(broker),
            lambda name: MemoryTransactionalPublisher(broker, transactional_id=name),
            lambda: MemorySubscription(broker),
        )


class TestKafka(BusContract):
    @pytest.fixture
    async def bus(self, kafka_bootstrap: str) -> AsyncIterator[Bus]:
        made: list[Publisher | TransactionalPublisher | Subscription] = []

        def kept(client: T) -> T:
            made.append(client)
            return client

        async def topic(partitions: int) -> str:
            name = "test-" + new_id()
            await create_topics(kafka_bootstrap, [TopicSpec(name, partitions)])
            return name

        yield Bus(
            topic,
            lambda: kept(KafkaPublisher(kafka_bootstrap, client_id="test")),
            lambda name: kept(KafkaTransactionalPublisher(kafka_bootstrap, client_id="test", transactional_id=name)),
            lambda: kept(KafkaSubscription(kafka_bootstrap, group="test-" + new_id(), client_id="test")),
        )
        for client in made:
            await client.close()
