"""The relay of facts: first occurrences on the topic are 1, 2, 3 … whatever fails, overlaps or crashes (T10)."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from roadbook import ops
from roadbook.bus import Message, Publisher, PublishFailed
from roadbook.database import Pool
from roadbook.events import Recorded, new_id
from roadbook.kafka import KafkaPublisher, KafkaSubscription, TopicSpec, create_topics
from roadbook.outbox import Sequencer
from roadbook.relay import LogBroken, Relay
from roadbook.testing.bus_contract import read
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher
from roadbook.testing.relays import assert_published, first_occurrences, sequence, subject, write, write_streams
from roadbook.testing.waiting import eventually
from roadbook.wire import to_message
from roadbook_cli.stack import Stack

TOPIC = "things"


@pytest.fixture
def broker() -> MemoryBroker:
    made = MemoryBroker()
    made.create_topic(TOPIC, 3)
    return made


def relay_of(pool: Pool, publisher: Publisher, topic: str = TOPIC) -> Relay:
    return Relay(pool, publisher, topic, asyncio.Event())


async def cursor(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT next FROM relay_cursor WHERE channel = 'facts'"))


async def drain(relay: Relay, attempts: int = 100) -> None:
    for _ in range(attempts):
        try:
            if await relay.step() == 0:
                return
        except PublishFailed:
            continue
    raise AssertionError("not drained")


async def test_everything_is_published_byte_for_byte_as_stored(lead_pool: Pool, broker: MemoryBroker) -> None:
    events = await write_streams(lead_pool, 7, 9)
    await sequence(lead_pool)
    await drain(relay_of(lead_pool, MemoryPublisher(broker)))
    assert assert_published(broker.records(TOPIC), events, [to_message(event) for event in events]) == 0
    assert await cursor(lead_pool) == 64


async def test_t10_a_refused_batch_lets_no_later_version_through(lead_pool: Pool, broker: MemoryBroker) -> None:
    events = await write_streams(lead_pool, 2, 20)
    await sequence(lead_pool)
    relay = relay_of(lead_pool, MemoryPublisher(broker, batch_records=3))
    broker.faults.refuse = 1
    with pytest.raises(PublishFailed):
        await relay.step()
    for versions in first_occurrences(broker.records(TOPIC)).values():
        assert versions == list(range(1, len(versions) + 1))
    await drain(relay)
    assert_published(broker.records(TOPIC), events, [to_message(event) for event in events])


async def test_t10_a_lost_acknowledgement_costs_repeats_only(lead_pool: Pool, broker: MemoryBroker) -> None:
    events = await write_streams(lead_pool, 2, 20)
    await sequence(lead_pool)
    broker.faults.lose_ack = 3
    await drain(relay_of(lead_pool, MemoryPublisher(broker, batch_records=3)))
    repeats = assert_published(broker.records(TOPIC), events, [to_message(event) for event in events])
    assert repeats > 0


async def test_t10_the_cursor_moves_over_the_confirmed_prefix_only(lead_pool: Pool, broker: MemoryBroker) -> None:
    publisher = MemoryPublisher(broker)
    streams = [f"thing/{number}" for number in range(20)]
    partitions = {stream: await publisher.partition_of(TOPIC, stream.encode()) for stream in streams}
    first = next(stream for stream in streams if partitions[stream] == 0)
    blocked = next(stream for stream in streams if partitions[stream] == 1)
    for stream in (first, blocked, first, first):
        version = int(await lead_pool.fetchval("SELECT count(*) FROM events WHERE stream = $1", stream))
        await write(lead_pool, stream, version)
    await sequence(lead_pool)
    broker.faults.refused_partitions = {1}
    relay = relay_of(lead_pool, publisher)
    with pytest.raises(PublishFailed):
        await relay.step()
    assert await cursor(lead_pool) == 2  # number 1 was confirmed, 2 was not, what is confirmed above it counts not
    broker.faults.refused_partitions = set()
    await drain(relay)
    assert await cursor(lead_pool) == 5
    assert first_occurrences(broker.records(TOPIC)) == {first: [1, 2, 3], blocked: [1]}


class Frozen:
    """A publisher that stands still inside `send` until it is released, as a process that was stopped."""

    def __init__(self, inner: Publisher) -> None:
        self._inner = inner
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    @property
    def rebuilds(self) -> int:
        return self._inner.rebuilds

    async def partition_of(self, topic: str, key: bytes) -> int:
        return await self._inner.partition_of(topic, key)

    async def send(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        self.reached.set()
        await self.released.wait()
        return await self._inner.send(topic, partition, messages)

    async def close(self) -> None:
        await self._inner.close()


async def test_t10_a_relay_that_was_frozen_repeats_and_moves_nothing(lead_pool: Pool, broker: MemoryBroker) -> None:
    events = list((await write(lead_pool, "thing/1", 0, 5)).events)
    await sequence(lead_pool)
    frozen = Frozen(MemoryPublisher(broker))
    sleeping = asyncio.create_task(relay_of(lead_pool, frozen).step())
    await frozen.reached.wait()
    await drain(relay_of(lead_pool, MemoryPublisher(broker)))
    events += (await write(lead_pool, "thing/1", 5, 5)).events
    await sequence(lead_pool)
    await ops.rewind_relay(lead_pool, "facts", 3)
    frozen.released.set()
    await sleeping
    assert await cursor(lead_pool) == 3  # the compare-and-set failed: what stood there since stands
    await drain(relay_of(lead_pool, MemoryPublisher(broker)))
    assert_published(broker.records(TOPIC), events, [to_message(event) for event in events])


async def test_t10_relays_that_overlap_under_faults_keep_the_order(lead_pool: Pool) -> None:
    chance = random.Random(10)
    for round_ in range(8):
        topic = f"{TOPIC}-{round_}"
        broker = MemoryBroker()
        broker.create_topic(topic, 3)
        events: list[Recorded] = []
        for number in range(4):
            events += (await write(lead_pool, f"round{round_}/{number}", 0, 12)).events
        start = await cursor(lead_pool)
        await sequence(lead_pool)

        async def one(broker: MemoryBroker = broker, topic: str = topic) -> None:
            relay = relay_of(lead_pool, MemoryPublisher(broker, batch_records=chance.randint(1, 5)), topic)
            for _ in range(6):
                broker.faults.refuse = int(chance.random() < 0.3)
                broker.faults.lose_ack = int(chance.random() < 0.3)
                broker.faults.duplicate = int(chance.random() < 0.2)
                try:
                    await relay.step()
                except PublishFailed:
                    continue

        await asyncio.gather(one(), one(), one())
        broker.faults.refuse = broker.faults.lose_ack = 0
        await drain(relay_of(lead_pool, MemoryPublisher(broker), topic))
        assert_published(broker.records(topic), events, [to_message(event) for event in events])
        assert await cursor(lead_pool) == start + 48


async def test_a_rewound_relay_publishes_everything_again(lead_pool: Pool, broker: MemoryBroker) -> None:
    events = await write_streams(lead_pool, 3, 3)
    await sequence(lead_pool)
    relay = relay_of(lead_pool, MemoryPublisher(broker))
    await drain(relay)
    assert await ops.rewind_relay(lead_pool, "facts", 1) == 10
    await drain(relay)
    assert assert_published(broker.records(TOPIC), events, [to_message(event) for event in events]) == 9
    with pytest.raises(ValueError):
        await ops.rewind_relay(lead_pool, "facts", 99)


async def test_a_hole_in_the_log_stops_the_relay(lead_pool: Pool, broker: MemoryBroker) -> None:
    await write_streams(lead_pool, 1, 3)
    await sequence(lead_pool)
    await lead_pool.execute("DELETE FROM outbox_log WHERE no = 2")
    with pytest.raises(LogBroken):
        await relay_of(lead_pool, MemoryPublisher(broker)).step()
    assert broker.records(TOPIC) == []


async def test_t10_the_broker_is_killed_while_events_wait(stack: Stack, kafka_bootstrap: str, lead_pool: Pool) -> None:
    topic = "things-" + new_id()
    await create_topics(kafka_bootstrap, [TopicSpec(topic, 3)])
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test", watchdog=2.0)
    wake, moved, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    running = [
        asyncio.create_task(Sequencer(lead_pool, "facts", wake, moved).run(stop)),
        asyncio.create_task(Relay(lead_pool, publisher, topic, moved).run(stop)),
    ]
    events = await write_streams(lead_pool, 10, 5)

    async def behind() -> int:
        async with lead_pool.acquire() as connection:
            lag = (await ops.outbox_lag(connection))[0]
        return lag.pending + lag.behind

    async def drained() -> bool:
        return await behind() == 0

    await eventually(drained)
    await asyncio.to_thread(stack.kafka.kill)
    try:
        for number in range(10, 50):
            events += (await write(lead_pool, f"thing/{number}", 0, 5)).events
        assert await behind() >= 100

        async def gave_up() -> bool:
            return publisher.rebuilds > 0

        await eventually(gave_up, seconds=30)
    finally:
        await asyncio.to_thread(stack.kafka.start)
    await eventually(drained, seconds=60)
    stop.set()
    await asyncio.gather(*running)
    subscription = KafkaSubscription(kafka_bootstrap, group=topic, client_id="test")
    places = await subscription.partitions(topic)
    await subscription.assign(dict.fromkeys(places, 0))
    ends = await subscription.end_offsets(places)
    records = await read(subscription, sum(ends.values()))
    await subscription.close()
    assert_published(records, events, [to_message(event) for event in events])
    assert {subject(record) for record in records} == {(event.stream, event.version) for event in events}
