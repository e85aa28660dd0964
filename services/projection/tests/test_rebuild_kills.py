"""`projection rebuild` as a process on the real Kafka: killed at each of its named points, it goes on from there."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from projection import main
from projection.rebuild import tables
from projection.settings import Settings
from projection.wakeups import Wakeups
from roadbook.bus import Message
from roadbook.clock import SimulatedClock
from roadbook.crashpoints import POINTS
from roadbook.database import Pool
from roadbook.events import new_id
from roadbook.kafka import KafkaPublisher, KafkaTransactionalPublisher, partition_of
from roadbook.kafka.admin import FACT_TOPIC_CONFIG, PERSONAL_TOPIC_CONFIG, TopicSpec, create_topics
from roadbook.testing.waiting import eventually
from roadbook.wire import rfc3339, to_message
from roadbook_cli.postgres import Database

PARTITIONS = 3
# In the order in which a rebuild comes by.
IN_ORDER = (
    "rebuild.begun",
    "rebuild.in_tx",
    "rebuild.after_commit",
    "rebuild.composed",
    "rebuild.compared",
    "rebuild.in_switch",
    "rebuild.after_switch",
    "rebuild.after_drop",
)


def test_every_point_is_here() -> None:
    assert set(IN_ORDER) == {point for point in POINTS if point.startswith("rebuild.")}


@pytest.fixture
async def filled(
    kafka_bootstrap: str,
    projection_pool: Pool,
    clock: SimulatedClock,
    issuer: Any,
    life: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """A projection with some customers, whose workers have ended; the environment it ran in."""
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
    lives = [life().captured().qualified("hot").experienced() for _ in range(40)]
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    values = KafkaTransactionalPublisher(kafka_bootstrap, client_id="test", transactional_id=personal)
    try:
        for event in (event for each in lives for event in each.events):
            message = to_message(event)
            await publisher.send(facts, partition_of(message.key, PARTITIONS), [message])
        await values.acquire()
        await values.send_all(personal, [_name(each, number) for number, each in enumerate(lives, start=1)])
    finally:
        await publisher.close()
        await values.close()
    environment = {**issuer.environment, "ROADBOOK_KAFKA_BOOTSTRAP": kafka_bootstrap}
    settings, stop = Settings.for_service("projection", environment), asyncio.Event()
    workers = main.workers(settings, projection_pool, Wakeups(), clock)
    tasks = [asyncio.create_task(work(stop)) for work in workers.values()]

    async def settled() -> bool:
        rows = await projection_pool.fetchrow(
            "SELECT (SELECT count(*) FROM facts) = 120 AND (SELECT count(*) FROM personal_values) = 40"
            " AND NOT EXISTS (SELECT FROM dirty)"
        )
        assert rows is not None
        return bool(rows[0])

    await eventually(settled)
    stop.set()
    await asyncio.gather(*tasks)
    return environment


def _name(life: Any, version: int) -> Message:
    body = {"value": "张伟", "source": "web_form", "recorded_at": rfc3339(life.now), "verified_at": None}
    key = f"{life.party_ref}/lead/{life.stream}/name".encode()
    return Message(key, json.dumps({**body, "version": version}).encode())


async def test_killed_at_every_point_in_turn_it_goes_on(
    filled: dict[str, str], projection_database: Database, projection_pool: Pool
) -> None:
    owner = await asyncpg.connect(projection_database.owner_url)
    try:
        before, shape = await _contents(owner), await tables.shape(owner, "public")
        events = await owner.fetch("SELECT * FROM events ORDER BY position")
        assert events
        for point in IN_ORDER:
            process = await _rebuild(filled, projection_database, CRASHPOINT=point)
            assert await process.wait() == -signal.SIGKILL, point
            switched = IN_ORDER.index(point) >= IN_ORDER.index("rebuild.after_switch")
            state = await owner.fetchval("SELECT state FROM generations WHERE number = 2")
            assert state == ("live" if switched else "building"), point
            assert await _contents(owner) == before, point  # whatever is live is whole
        assert await owner.fetchval("SELECT max(number) FROM generations") == 2
        process = await _rebuild(filled, projection_database)
        answer = json.loads((await process.communicate())[0])
        assert process.returncode == 0
        assert (answer["generation"], answer["resumed"], answer["switched"]) == (3, False, True)
        assert answer["records"] == 160
        assert await _contents(owner) == before
        assert await tables.shape(owner, "public") == shape
        assert await owner.fetch("SELECT * FROM events ORDER BY position") == events
    finally:
        await owner.close()


async def _rebuild(filled: dict[str, str], database: Database, **more: str) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        **filled,
        "ROADBOOK_PROJECTION_DATABASE_URL": database.url,
        "ROADBOOK_PROJECTION_OWNER_DATABASE_URL": database.owner_url,
        **more,
    }
    program = str(Path(sys.executable).with_name("projection"))
    return await asyncio.create_subprocess_exec(
        program, "rebuild", "--json", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )


async def _contents(connection: Any) -> dict[str, list[str]]:
    kept = [table for table in tables.GENERATIONAL if table not in ("dirty", "composer", "link_map")]
    return {
        table: sorted(row[0] for row in await connection.fetch(f"SELECT to_json(t)::text FROM {table} t"))
        for table in kept
    }
