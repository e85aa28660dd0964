"""The whole service against the real Kafka: from messages on the topics to the record and the search."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from projection import main
from projection.settings import Settings
from projection.wakeups import Wakeups
from roadbook.bus import Message
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.events import new_id
from roadbook.kafka import KafkaPublisher, KafkaTransactionalPublisher, partition_of
from roadbook.kafka.admin import FACT_TOPIC_CONFIG, PERSONAL_TOPIC_CONFIG, TopicSpec, create_topics
from roadbook.position import Position, encode
from roadbook.store.port import PersonalVersion
from roadbook.wire import rfc3339, to_message

PARTITIONS = 3


@pytest.fixture
async def topics(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Topics of this test alone."""
    facts, personal = f"test.facts.{new_id()}", f"test.personal.{new_id()}"
    await create_topics(
        kafka_bootstrap,
        [
            TopicSpec(facts, PARTITIONS, 1, dict(FACT_TOPIC_CONFIG)),
            TopicSpec(personal, PARTITIONS, 1, dict(PERSONAL_TOPIC_CONFIG)),
        ],
    )
    monkeypatch.setattr(main, "FACTS_TOPICS", (facts,))
    monkeypatch.setattr(main, "PERSONAL_TOPICS", (personal,))
    return facts, personal


@asynccontextmanager
async def service(settings: Settings, pool: Pool, clock: SimulatedClock) -> AsyncIterator[httpx2.AsyncClient]:
    """API and workers, wired as `main` does."""
    wakeups, stop = Wakeups(), asyncio.Event()
    app = main.application(settings, pool, wakeups, clock)
    tasks = [asyncio.ensure_future(work(stop)) for work in main.workers(settings, pool, wakeups, clock).values()]
    try:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://projection.test", timeout=10) as client:
            yield client
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until_visible(client: httpx2.AsyncClient, path: str, headers: dict[str, str], token: str) -> httpx2.Response:
    """Repeats as a 503 with Retry-After asks to: the workers may still be starting."""
    for _ in range(20):
        answer = await client.get(path, params={"min": token}, headers=headers)
        if answer.status_code != 503:
            return answer
    return answer


async def test_from_kafka_to_the_record_and_on_after_a_restart(
    kafka_bootstrap: str, topics: tuple[str, str], projection_pool: Pool, clock: SimulatedClock, issuer: Any, life: Any
) -> None:
    environment = {**issuer.environment, "ROADBOOK_KAFKA_BOOTSTRAP": kafka_bootstrap}
    settings = Settings.for_service("projection", environment)
    facts, personal = topics
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    values = KafkaTransactionalPublisher(kafka_bootstrap, client_id="test", transactional_id=personal)
    one = life().captured().add("lead_teleported", {}).qualified("hot")

    async def publish(*events: Any) -> None:
        for event in events:
            message = to_message(event)
            await publisher.send(facts, partition_of(message.key, PARTITIONS), [message])

    body = {"value": "张伟", "source": "web_form", "recorded_at": rfc3339(one.now), "verified_at": None, "version": 1}
    key = f"{one.stream}/name"
    named = PersonalVersion(one.party_ref, key, 1)
    try:
        await publish(one.events[0], one.events[0], *one.events)  # with doubles
        await values.acquire()
        await values.send_all(personal, [Message(f"{one.party_ref}/lead/{key}".encode(), json.dumps(body).encode())])
        path, headers = f"/v1/customers/{one.party_ref}", issuer.bearer()
        async with service(settings, projection_pool, clock) as client:
            token = encode(Position(((one.stream, 3),), (named,)))
            record = (await until_visible(client, path, headers, token)).json()
            assert record["head"]["stage"] == "hot_prospect"
            assert record["head"]["unknown_events"] == 1
            assert record["identity"]["names"][0]["value"] == "张伟"
            found = await client.post(
                "/v1/customers:search", params={"min": token}, json={"name": "张"}, headers=headers
            )
            assert [item["customer_id"] for item in found.json()["items"]] == [one.party_ref]
        one.lost()
        await publish(*one.events)  # everything once more, and one new
        async with service(settings, projection_pool, clock) as client:
            record = (await until_visible(client, path, headers, one.token)).json()
            assert record["head"]["record_version"] == 4
            assert record["head"]["overlays"][0]["overlay"] == "dormant"
        assert await projection_pool.fetchval("SELECT count(*) FROM facts") == 4
    finally:
        await publisher.close()
        await values.close()
