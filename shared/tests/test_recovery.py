"""A store restored from a backup gets back from Kafka what it has forgotten (ADR 0007)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import Pool, create_pool
from roadbook.events import Recorded, new_id
from roadbook.kafka import (
    FACT_TOPIC_CONFIG,
    KafkaPublisher,
    KafkaSubscription,
    KafkaTransactionalPublisher,
    TopicSpec,
    create_topics,
)
from roadbook.outbox import Sequencer
from roadbook.personal_relay import PersonalRelay
from roadbook.recovery import Diverged, recover
from roadbook.relay import Relay
from roadbook.store.port import PersonalValue
from roadbook.store.postgres import PostgresStore
from roadbook.testing.boxes import CloseBox, Command, Fill, OpenBox, boxes
from roadbook_cli.postgres import Database
from roadbook_cli.stack import Stack

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class Service:
    """A store with its relays, on one database."""

    def __init__(self, pool: Pool, bootstrap: str, name: str) -> None:
        self.pool, self.bootstrap, self.name = pool, bootstrap, name
        self.store = PostgresStore(pool)

    @property
    def topic(self) -> str:
        return f"roadbook.{self.name}.v1"

    async def run(self, stream: str, command: Command, value: str | None = None) -> None:
        personal = [PersonalValue("p-1", stream + "/name", value)] if value else []
        context = CommandContext("staff-1", "c", None, NOW, new_id())
        order = Order(stream, command, may_create=True, personal=personal, personal_source="test")
        await execute(self.store, boxes, order, context)

    async def publish(self) -> None:
        wake = asyncio.Event()
        facts = KafkaPublisher(self.bootstrap, client_id=self.name)
        personal = KafkaTransactionalPublisher(
            self.bootstrap, client_id=self.name, transactional_id=f"{self.name}.personal-data"
        )
        try:
            while (
                await Sequencer(self.pool, "facts", wake, wake).step()
                + await Sequencer(self.pool, "personal", wake, wake).step()
            ):
                pass
            while await Relay(self.pool, facts, self.topic, wake).step():
                pass
            while await PersonalRelay(self.pool, personal, self.name, wake).step():
                pass
        finally:
            await facts.close()
            await personal.close()

    async def everything(self) -> dict[str, list[tuple[object, ...]]]:
        queries = {
            "events": "SELECT stream, version, id, type, time, recorded, data::text, actor FROM events ORDER BY 1, 2",
            "streams": "SELECT * FROM streams ORDER BY stream",
            "timers": "SELECT id, stream, kind, due FROM timers ORDER BY id",
            "personal": "SELECT party_ref, key, value::text, version FROM personal_data ORDER BY 1, 2",
        }
        return {name: [tuple(row) for row in await self.pool.fetch(sql)] for name, sql in queries.items()}


@pytest.fixture
async def service(lead_pool: Pool, kafka_bootstrap: str) -> Service:
    name = "toy-" + new_id()
    await create_topics(kafka_bootstrap, [TopicSpec(f"roadbook.{name}.v1", 3, 1, FACT_TOPIC_CONFIG)])
    return Service(lead_pool, kafka_bootstrap, name)


@pytest.fixture
async def backup(stack: Stack, lead_template: Database) -> AsyncIterator[Database]:
    """An empty database to restore into: the backup was taken before the first command."""
    fresh = stack.postgres.clone(lead_template, "restored_" + new_id().replace("-", ""))
    yield fresh
    stack.postgres.drop(fresh)


async def no_views(_: object, recorded: object) -> None:
    return


async def test_what_kafka_has_returns_and_the_service_goes_on(service: Service, backup: Database) -> None:
    streams = [boxes.stream(new_id()) for _ in range(20)]
    for n, stream in enumerate(streams):
        await service.run(stream, OpenBox("d-1", NOW), f"name {n}")
        await service.run(stream, Fill(n + 1, NOW + timedelta(minutes=n)))
    await service.run(streams[0], CloseBox(NOW), "renamed")
    await service.publish()
    before = await service.everything()

    owner_pool, app_pool = await create_pool(backup.owner_url), await create_pool(backup.url)
    seen: list[Recorded] = []

    async def views(_: object, recorded: list[Recorded]) -> None:
        seen.extend(recorded)

    try:
        restored = Service(app_pool, service.bootstrap, service.name)
        await restored.run(streams[1], OpenBox("d-1", NOW))  # would be v1 under another id …
        with pytest.raises(Diverged):  # … and that is noticed
            await run_recovery(owner_pool, service, views)
        connection = await asyncpg.connect(backup.owner_url)
        await connection.execute("DROP TRIGGER events_are_facts ON events; TRUNCATE events, streams, outbox, timers")
        await connection.close()

        seen.clear()
        first = await run_recovery(owner_pool, service, views)
        assert await restored.everything() == before
        assert (first.events, len(seen)) == (41, 41)
        again = await run_recovery(owner_pool, service, views)
        assert (again.events, again.personal) == (0, 0)

        await restored.run(streams[2], Fill(100, NOW), "new name")
        versions = [row[3] for row in (await restored.everything())["personal"]]
        assert len(set(versions)) == len(versions)
        newest = await app_pool.fetchval("SELECT version FROM personal_data WHERE key = $1", streams[2] + "/name")
        assert newest > max(row[3] for row in before["personal"])
        await restored.publish()
    finally:
        await owner_pool.close()
        await app_pool.close()

    await assert_topic_is_in_order(service)


async def run_recovery(pool: Pool, service: Service, views: object):  # type: ignore[no-untyped-def]
    subscription = KafkaSubscription(service.bootstrap, group="recovery", client_id="recovery")
    try:
        return await recover(
            pool, subscription, service=service.name, topic=service.topic, aggregates={"box": boxes}, views=views
        )
    finally:
        await subscription.close()


async def assert_topic_is_in_order(service: Service) -> None:
    """First occurrences 1..n per stream, and every repeat byte for byte the same."""
    subscription = KafkaSubscription(service.bootstrap, group="check", client_id="check")
    try:
        partitions = await subscription.partitions(service.topic)
        await subscription.assign(dict.fromkeys(partitions, 0))
        ends = await subscription.end_offsets(partitions)
        first: dict[tuple[str, int], object] = {}
        last: dict[str, int] = {}
        while any(subscription.position(each) < end for each, end in ends.items()):
            for records in (await subscription.poll(max_records=500, timeout=1.0)).values():
                for record in records:
                    headers = dict(record.headers)
                    stream, version = headers["ce_subject"].decode(), int(headers["ce_sequence"])
                    message = (record.key, record.value, record.headers)
                    if version > last.get(stream, 0):
                        assert version == last.get(stream, 0) + 1
                        last[stream] = version
                        first[stream, version] = message
                    assert first[stream, version] == message
        assert len(first) == 42
    finally:
        await subscription.close()
