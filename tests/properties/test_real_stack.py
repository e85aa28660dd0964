"""One hash, whatever the order: 110 interleavings of one history on real Kafka and real PostgreSQL, through the real
projection process, which is killed at each of its named crash points and rewound to the beginning meanwhile.

The history is told in 110 worlds that differ in their names only. Each world's messages come in an order of its own,
over topics and partitions, with repeats; they come in waves, and a wave is consumed before the next is sent, so that
the order in which the projection sees them is really another one.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

import asyncpg
import checker
import httpx2
import pytest
from confluent_kafka import Producer
from histories import ALL_KINDS, History, Logs, interleaved, messages_of, partitioned, renamed, repeated
from properties import examples

from projection.main import FACTS_TOPICS
from roadbook.crashpoints import POINTS
from roadbook.kafka import partition_of
from roadbook.kafka.admin import FACT_TOPIC_CONFIG, TopicSpec, create_topics
from roadbook.testing.waiting import eventually
from roadbook_cli.kafka import PARTITIONS, TOPICS
from roadbook_cli.stack import Stack

WORLDS = max(100, examples(110))
WAVES = 10
SEED = 20_260_115  # three dealers, a purchase, a used car, links made, rejected and cut
CRASHES = sorted(point for point in POINTS if point.split(".")[0] in ("proj", "compose"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of which only the projection runs: what others would publish is published here."""
    stack = Stack(tmp_path_factory.mktemp("projection") / "home", services=("projection",))
    try:
        stack.kafka.up()
        missing = [TopicSpec(topic, PARTITIONS, 1, dict(FACT_TOPIC_CONFIG)) for topic in {*FACTS_TOPICS} - {*TOPICS}]
        asyncio.run(create_topics(stack.bootstrap, missing))
        stack.up()
        yield stack
    finally:
        stack.down(wipe=True)


@pytest.fixture
async def table(alone: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(alone.endpoints["services"]["projection"]["owner_database_url"])
    yield connection
    await connection.close()


class Waves:
    """What each world sends, wave by wave."""

    def __init__(self, logs: Sequence[Logs]) -> None:
        self.left = [interleaved(repeated(log, number), number) for number, log in enumerate(logs)]
        self.orders = {tuple((place, message.key) for place, message in one) for one in self.left}
        self.ends: dict[tuple[str, int], int] = {}
        self.sent = 0

    def send(self, producer: Producer, waves_left: int) -> None:
        for number, left in enumerate(self.left):
            size = -(-len(left) // waves_left)
            for place, message in left[:size]:
                topic, partition = place
                headers = [(name, raw) for name, raw in message.headers]
                producer.produce(topic, message.value, message.key, partition, headers=headers)
                self.ends[place] = self.ends.get(place, 0) + 1
                self.sent += 1
            self.left[number] = left[size:]
        assert producer.flush(60) == 0


async def consumed(table: asyncpg.Connection, waves: Waves) -> bool:
    rows = await table.fetch("SELECT topic, partition, next FROM consumer_offsets WHERE consumer = 'projection'")
    at = {(row["topic"], row["partition"]): row["next"] for row in rows}
    return all(at.get(place, 0) >= end for place, end in waves.ends.items())


async def killed_at(stack: Stack, point: str) -> None:
    """From here on it runs armed: it dies when it first comes to the point."""
    handle = stack.service("projection")
    await asyncio.to_thread(handle.terminate)
    handle.start({"CRASHPOINT": f"{point}:1"})


async def started_again(stack: Stack) -> None:
    handle = stack.service("projection")
    assert await asyncio.to_thread(handle.wait_gone, 120), "the crash point was never reached"
    handle.start()


async def rewound(stack: Stack, table: asyncpg.Connection) -> None:
    handle = stack.service("projection")
    await asyncio.to_thread(handle.terminate)
    await table.execute("UPDATE consumer_offsets SET next = 0 WHERE consumer = 'projection'")
    handle.start()


@pytest.mark.timeout(900)  # twenty seconds of a free machine; it shares its two cores with a stack
async def test_every_interleaving_on_the_real_stack_gives_one_hash(alone: Stack, table: asyncpg.Connection) -> None:
    chance = random.Random(SEED)
    history = History(SEED, people=2, size=45, kinds=ALL_KINDS, links=True)
    messages = messages_of(history.events)
    worlds = [renamed(messages, history, number) for number in range(1, WORLDS + 1)]
    waves = Waves([partitioned(world, partition_of, PARTITIONS) for world in worlds])
    producer = Producer({"bootstrap.servers": alone.bootstrap, "enable.idempotence": True, "linger.ms": 5})
    kills = dict(zip(chance.sample(range(3, WAVES), len(CRASHES)), CRASHES, strict=True))
    for wave in range(WAVES):
        if wave in kills:
            await killed_at(alone, kills[wave])
        elif wave == 2:  # before the kills: it would heal what they lose
            await rewound(alone, table)
        waves.send(producer, WAVES - wave)
        if wave in kills:
            await started_again(alone)

        async def done() -> bool:
            return await consumed(table, waves)

        await eventually(done, seconds=180)
    await asyncio.to_thread(alone.service("projection").wait_ready)
    assert not any(waves.left)
    events = list(checker.read_topics(alone.bootstrap, FACTS_TOPICS))
    assert len(events) == waves.sent
    expected = checker.World(events)
    now = datetime.now(UTC)
    viewers = (None, *history.dealers)
    read = 0
    seen: dict[str | None, set[str]] = {}
    for dealer in viewers:
        ours = {customer: checker.digest(facts) for customer, facts in expected.customers(dealer, now).items()}
        shown = await hashes(alone, dealer, sorted(ours))
        assert {customer: hash_ for customer, (hash_, _) in shown.items()} == ours
        read += len(ours)
        by_world: dict[str, list[tuple[str, str]]] = {}
        for customer, (_, body) in shown.items():
            by_world.setdefault(customer[:8], []).append((customer, body))
        seen[dealer] = {json.dumps([unnamed(body, world) for _, body in own]) for world, own in by_world.items()}
    assert {dealer: len(bodies) for dealer, bodies in seen.items()} == dict.fromkeys(viewers, 1)
    held = await table.fetchval("SELECT count(*) FROM held")
    assert held == 0
    repeats = waves.sent - len(history.events) * WORLDS
    print(
        f"\nreal stack: {len(waves.orders)} interleavings of {len(history.events)} events in {len(waves.ends)}"
        f" partitions of {len(FACTS_TOPICS)} topics, {repeats} repeats, killed at {', '.join(CRASHES)}, rewound once:"
        f" one record each for {read} customers as headquarters and {len(history.dealers)} dealers see them,"
        f" {read} of {read} hashes equal to the independent fold"
    )
    assert len(waves.orders) >= 100


async def hashes(stack: Stack, dealer: str | None, customers: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Customer -> its hash and its facts, as the service answers."""
    scopes = ["record:read", "network:all"] if dealer is None else ["record:read"]
    token = stack.issuer.sign(subject="checker", scopes=scopes, dealer=dealer)
    gate = asyncio.Semaphore(8)
    async with httpx2.AsyncClient(
        base_url=stack.endpoints["services"]["projection"]["url"],
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
        trust_env=False,
    ) as client:

        async def one(customer: str) -> tuple[str, tuple[str, str]]:
            async with gate:
                answer = await client.get(f"/v1/customers/{customer}")
            assert answer.status_code == 200, answer.text
            body = answer.json()
            hash_ = body["head"].pop("record_hash")
            del body["head"]["as_of"]
            return customer, (hash_, json.dumps(body, sort_keys=True))

        return dict(await asyncio.gather(*(one(customer) for customer in customers)))


def unnamed(body: str, world: str) -> str:
    return body.replace(f"{world}-", "-").replace(f"J{int(world, 16):06d}", "J")
