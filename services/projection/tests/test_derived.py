"""Derived events on a real database: once per change, whatever the order, doubles and kills; and on the real Kafka."""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from projection import derived
from projection.composer import Composer
from projection.domain.customer import Published
from projection.domain.record import derive
from projection.domain.rules import RULES
from projection.published import TOPIC
from roadbook.bus import TopicPartition
from roadbook.database import Pool
from roadbook.kafka import KafkaSubscription
from roadbook_cli.postgres import Database


@pytest.fixture
def world(world: Any) -> Any:
    """With a composer that has a voice."""
    world.composer = replace(world.composer, announced=lambda: None)
    return world


async def told(pool: Pool, customer: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    """(name, data) in the order of versions."""
    rows = await pool.fetch(
        "SELECT type, data FROM events WHERE $1::text IS NULL OR stream = 'customer/' || $1 ORDER BY stream, version",
        customer,
    )
    return [(row["type"].split(".")[2], json.loads(row["data"])) for row in rows]


async def test_a_life_is_told_change_by_change(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured()
    await world.live(one)
    for step in (one.enriched, one.qualified, one.lost, one.reopened, one.converted):
        step()
        await world.publish(one.last)
        await world.settle()
    assert [(name, data.get("stage")) for name, data in await told(world.pool, one.party_ref)] == [
        ("stage_changed", "prospect"),
        ("stage_changed", "hot_prospect"),
        ("stage_changed", "prospect"),
        ("customer_dormant", None),
        ("stage_changed", "hot_prospect"),
        ("stage_changed", "in_purchase"),
    ]
    name, data = (await told(world.pool, one.party_ref))[1]
    assert name == "stage_changed"
    assert data["previous"] == "prospect"
    assert one.events[2].id in data["causes"]
    assert data["rules"] == RULES.version
    row = await world.pool.fetchrow("SELECT dealer, party_ref, actor, causation FROM events LIMIT 1")
    assert tuple(row) == (None, one.party_ref, "system", None)
    assert await world.pool.fetchval("SELECT key FROM streams") == one.party_ref


async def test_one_customer_whose_evidence_fails_stops_no_other(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = life().captured(), life().captured()
    observed = derived.observed

    def fails(record: Any, now: Any) -> Any:
        if record.customer_id == one.party_ref:
            raise ZeroDivisionError
        return observed(record, now)

    monkeypatch.setattr(derived, "observed", fails)
    await world.live(one, other)
    assert await told(world.pool, one.party_ref) == []
    assert [name for name, _ in await told(world.pool, other.party_ref)] == ["stage_changed"]


async def test_links_join_and_unlinks_part(world: Any, life: Callable[..., Any]) -> None:
    """Headquarters' customer id changes when records join; the other id says where it leads."""
    first, second = sorted((life().captured(), life().captured().qualified("hot")), key=lambda each: each.party_ref)
    await world.live(first, second)
    await world.link(first.party_ref, second.party_ref)
    await world.settle()
    await world.unlink(first.party_ref, second.party_ref)
    await world.settle()
    names = [name for name, _ in await told(world.pool, second.party_ref)]
    assert names == ["stage_changed", "record_joined", "record_parted"]
    assert (await told(world.pool, second.party_ref))[1][1]["into"] == first.party_ref
    before = await told(world.pool)
    await world.pool.execute(
        "INSERT INTO dirty (party_ref) SELECT party_ref FROM stream_states WHERE party_ref IS NOT NULL"
    )
    await world.settle()
    assert await told(world.pool) == before


async def test_once_per_change_under_permutations_and_duplicates(world: Any, life: Callable[..., Any]) -> None:
    """Streams arrive mixed, doubled and in lumps; the composer looks when it happens to. Afterwards what is published
    last is what the record says, no event repeats the one before, and looking again tells nothing."""
    chance = random.Random(7)
    lives = [life().captured(), life().captured().qualified("hot").lost(), life().captured().lost().reopened()]
    lives += [life(party_ref=lives[0].party_ref).captured().converted(), life().captured().recycled().restored()]
    waiting = [list(each.events) for each in lives]
    while any(waiting):
        stream = chance.choice([each for each in waiting if each])
        await world.publish(stream[0], *([stream[0]] if chance.random() < 0.3 else []))
        stream.pop(0)
        if chance.random() < 0.4:
            await world.settle()
        if chance.random() < 0.2:
            await world.pool.execute(
                "INSERT INTO dirty (party_ref) SELECT party_ref FROM stream_states WHERE party_ref IS NOT NULL"
            )
    await world.settle()
    history = await told(world.pool)
    await world.pool.execute(
        "INSERT INTO dirty (party_ref) SELECT party_ref FROM stream_states WHERE party_ref IS NOT NULL"
    )
    await world.settle()
    assert await told(world.pool) == history
    for ref in {each.party_ref for each in lives}:
        own = await told(world.pool, ref)
        stages = [data for name, data in own if name == "stage_changed"]
        assert all(data["previous"] == before["stage"] for before, data in pairwise(stages))
        assert all(data["stage"] != data["previous"] for data in stages)
        async with world.pool.acquire() as connection:
            states = await _states(connection, ref)
        record, _ = derive(states, [], {}, RULES, world.clock.now())
        state = await _published(world.pool, ref)
        assert (state.stage, state.since) == (record.stage.name.value, record.stage.since.value)


async def _states(connection: Any, ref: str) -> list[Any]:
    from projection import service

    rows = await connection.fetch("SELECT stream FROM stream_states WHERE party_ref = $1", ref)
    return list((await service.load_states(connection, [row["stream"] for row in rows])).values())


async def _published(pool: Pool, ref: str) -> Published:
    rows = await pool.fetch("SELECT type, data FROM events WHERE stream = $1 ORDER BY version", f"customer/{ref}")
    state = derived.aggregate.decider.fold(derived.codec.decode(row["type"], row["data"]) for row in rows)
    assert isinstance(state, Published)
    return state


async def test_a_round_that_fails_tells_nothing(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Summaries and events are one transaction."""
    one = life().captured()
    await world.publish(one.last)
    await world.consumed()

    async def fails(*_: Any) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(derived, "announce", fails)
        with pytest.raises(ZeroDivisionError):
            await world.composer.round()
    assert await world.pool.fetchval("SELECT count(*) FROM summaries") == 0
    await world.composer.round()
    assert len(await told(world.pool)) == 1


ROUND = """
import asyncio, sys
from projection.composer import Composer
from projection.wakeups import Wakeups
from roadbook.clock import RealClock
from roadbook.database import create_pool

async def main():
    pool = await create_pool(sys.argv[1])
    await Composer(pool, RealClock(), Wakeups(), asyncio.Event(), lambda: None).round()

asyncio.run(main())
"""


@pytest.mark.parametrize(("point", "events"), [("compose.in_tx", 0), ("compose.after_commit", 1)])
async def test_a_kill_at_each_point_tells_it_once(
    world: Any, life: Callable[..., Any], projection_database: Database, point: str, events: int
) -> None:
    one = life().captured()
    await world.publish(one.last)
    await world.consumed()
    environment = {**os.environ, "CRASHPOINT": point, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ROUND, projection_database.url, env=environment
    )
    assert await process.wait() == -signal.SIGKILL
    assert len(await told(world.pool)) == events
    await world.composer.round()
    assert [name for name, _ in await told(world.pool)] == ["stage_changed"]


async def test_a_composer_without_a_voice_tells_nothing(world: Any, life: Callable[..., Any]) -> None:
    world.composer = Composer(world.pool, world.clock, world.wakeups, asyncio.Event())
    await world.live(life().captured())
    assert await told(world.pool) == []


async def test_on_kafka_each_stream_is_there_once_and_in_order(
    world: Any, life: Callable[..., Any], kafka_bootstrap: str, issuer: Any
) -> None:
    """The service's own relay brings them to the topic, with the headers every event has."""
    from projection import main
    from projection.settings import Settings
    from roadbook.publishing import Wakes, publishing

    one = life().captured().qualified("hot").lost()
    for event in one.events:
        await world.publish(event)
        await world.settle()
    settings = Settings.for_service("projection", {**issuer.environment, "ROADBOOK_KAFKA_BOOTSTRAP": kafka_bootstrap})
    stop = asyncio.Event()
    workers = publishing(world.pool, settings, main.MESSAGES, Wakes())
    tasks = [asyncio.create_task(work(stop)) for work in workers.values()]
    try:
        messages = await _on_topic(kafka_bootstrap, f"customer/{one.party_ref}", 4)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    assert [headers["ce_sequence"] for headers, _ in messages] == [f"{n:010}" for n in range(1, 5)]
    assert [headers["ce_type"].split(".")[2] for headers, _ in messages] == [
        *["stage_changed"] * 3,
        "customer_dormant",
    ]
    headers, data = messages[0]
    assert headers["ce_source"] == "urn:roadbook:projection"
    assert headers["ce_partitionkey"] == headers["ce_partyref"] == data["customer_id"] == one.party_ref
    assert "ce_dealer" not in headers


async def _on_topic(bootstrap: str, stream: str, count: int) -> list[tuple[dict[str, str], dict[str, Any]]]:
    subscription = KafkaSubscription(bootstrap, group="test", client_id="test")
    found: list[tuple[dict[str, str], dict[str, Any]]] = []
    try:
        partitions: list[TopicPartition] = await subscription.partitions(TOPIC)
        await subscription.assign(dict.fromkeys(partitions, 0))
        async with asyncio.timeout(20):
            while len(found) < count:
                for records in (await subscription.poll(max_records=500, timeout=0.2)).values():
                    for record in records:
                        headers = {name: raw.decode() for name, raw in record.headers}
                        if headers["ce_subject"] == stream:
                            found.append((headers, json.loads(record.value or b"")))
    finally:
        await subscription.close()
    return found
