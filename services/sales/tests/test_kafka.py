"""The whole service against the real Kafka: from a converted lead on its topic to the deal, and after a rest."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lead_api import ok
from sales_api import signed, state
from sales_leads import converted

from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.kafka import KafkaPublisher, partition_of
from roadbook.kafka.admin import FACT_TOPIC_CONFIG, TopicSpec, create_topics
from roadbook.messages import Messages
from roadbook.publishing import Wakes
from roadbook.reactions import derived_id
from roadbook.store.postgres import PostgresStore
from roadbook.testing.waiting import eventually
from roadbook.wire import to_message
from sales import main
from sales.contract import CODECS
from sales.service import Service
from sales.settings import SeedNetwork, Settings

PARTITIONS = 3


@pytest.fixture
async def topics(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """(the leads' topic, our own) of this test alone."""
    ours = Messages(f"t{uuid.uuid4().hex}", Path(), sends=CODECS)
    leads = f"test.leads.{uuid.uuid4()}"
    specs = [TopicSpec(topic, PARTITIONS, 1, dict(FACT_TOPIC_CONFIG)) for topic in (leads, ours.topic)]
    await create_topics(kafka_bootstrap, specs)
    monkeypatch.setattr(main, "LEAD_TOPIC", leads)
    monkeypatch.setattr(main, "MESSAGES", ours)
    return leads, ours.topic


@asynccontextmanager
async def working(settings: Settings, pool: Pool, network: SeedNetwork, clock: SimulatedClock) -> AsyncIterator[None]:
    """The workers, wired as `main` does."""
    wakes, stop = Wakes(), asyncio.Event()
    service = Service(pool, PostgresStore(pool, wakes.committed), network)
    tasks = [asyncio.ensure_future(work(stop)) for work in main.workers(settings, service, clock, wakes).values()]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def test_a_lead_becomes_a_deal_and_a_rest_loses_nothing(
    kafka_bootstrap: str, topics: tuple[str, str], sales_pool: Pool, network: SeedNetwork, clock: SimulatedClock,
    issuer: Any, api: Any,
) -> None:  # fmt: skip
    environment = {**issuer.environment, "ROADBOOK_KAFKA_BOOTSTRAP": kafka_bootstrap}
    settings = Settings.for_service("sales", environment)
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")

    async def publish(events: list[Any]) -> str:
        """The opportunity that the last of them opens."""
        for event in events:
            message = to_message(event)
            await publisher.send(topics[0], partition_of(message.key, PARTITIONS), [message])
        return derived_id(events[-1], "opportunity")

    async def stands(opportunity: str, wanted: str) -> None:
        async def so() -> bool:
            answer = await api.get(f"/v1/opportunities/{opportunity}")
            return answer.status_code == 200 and answer.json()["state"] == wanted

        await eventually(so, seconds=60)

    try:
        first = converted(f"lead/{uuid.uuid4()}")
        one = await publish([*first, *first])  # with doubles
        async with working(settings, sales_pool, network, clock):
            await stands(one, "open")
            await signed(api, one)
            await stands(one, "won")  # by the contract's timer
        two = await publish(converted(f"lead/{uuid.uuid4()}"))  # while nobody works
        assert (await api.get(f"/v1/opportunities/{two}")).status_code == 404
        async with working(settings, sales_pool, network, clock):
            await stands(two, "open")
        assert len(ok(await api.get("/v1/opportunities"))["items"]) == 2
        assert await state(api, f"/v1/opportunities/{one}") == "won"
    finally:
        await publisher.close()
