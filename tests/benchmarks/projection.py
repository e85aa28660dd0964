"""Projection: a topic of facts read from its beginning into the tables, as the service's consumer does it; the bare
side decodes, copies the events and upserts one row per stream, in a transaction with its offsets."""

import asyncio
import time
from functools import partial
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import lives
from benchmarks.frame import Goal, Measures, Report, alternately, at_least
from benchmarks.peers import Peers
from benchmarks.producing import fill
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage
from projection.reactions import FactsHandler
from projection.wakeups import Wakeups
from roadbook.consumer import Consumer, facts
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool, create_pool
from roadbook.kafka import KafkaSubscription
from roadbook_cli.kafka import PARTITIONS

ROW = "projection"
BARE = "bare COPY + upsert"
PEER = "FastStream"
BOUND = "Python's time for an event on one core: headers, the version rule, the typed event, the fold, the state's JSON"
COLUMNS = ("stream", "version", "id", "type", "time", "data")
SCHEMA = """
CREATE TABLE bare_facts (stream text, version int, id text, type text, time text, data text);
CREATE TABLE bare_states (stream text PRIMARY KEY, version int NOT NULL, state text NOT NULL);
CREATE TABLE bare_offsets (partition int PRIMARY KEY, next bigint NOT NULL)
"""
UPSERT = """
INSERT INTO bare_states SELECT * FROM unnest($1::text[], $2::int[], $3::text[])
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, state = excluded.state
"""
MOVE = """
INSERT INTO bare_offsets SELECT * FROM unnest($1::int[], $2::bigint[])
ON CONFLICT (partition) DO UPDATE SET next = excluded.next
"""
POLLED = 2_000


def consumer(stage: Stage, pool: Pool, topics: tuple[str, ...]) -> Consumer:
    """As `projection.main` makes it, of other topics."""
    return Consumer(
        name="projection",
        store=PostgresConsumerStore(pool, "projection"),
        subscription=KafkaSubscription(stage.bootstrap, group=f"bench.{topics[0]}", client_id="bench"),
        topics=topics,
        work=facts(FactsHandler(Wakeups(), asyncio.Event())),
    )


async def projected(stage: Stage, pool: Pool, topics: tuple[str, ...], count: int) -> float:
    """Runs the consumer until `count` records are behind it; returns the seconds."""
    stop, began = asyncio.Event(), time.perf_counter()
    task = asyncio.create_task(consumer(stage, pool, topics).run(stop))
    while (await pool.fetchval("SELECT sum(next) FROM consumer_offsets WHERE consumer = 'projection'") or 0) < count:
        if task.done():
            await task
        await asyncio.sleep(0.02)
    taken = time.perf_counter() - began
    stop.set()
    await task
    return taken


async def ours(stage: Stage, topic: str, count: int) -> Measures:
    with stage.database("projection") as database:
        pool = await create_pool(database.url)
        try:
            return {"rate": count / await projected(stage, pool, (topic,), count)}
        finally:
            await pool.close()


async def baseline(stage: Stage, topic: str, count: int) -> Measures:
    with stage.database("projection") as database:
        stage.execute(database, SCHEMA)
        connection = await asyncpg.connect(database.owner_url)
        reader = AIOKafkaConsumer(bootstrap_servers=stage.bootstrap, enable_auto_commit=False)
        began = time.perf_counter()
        await reader.start()
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        reader.assign(partitions)
        await reader.seek_to_beginning(*partitions)
        read = 0
        while read < count:
            polled = await reader.getmany(timeout_ms=250, max_records=POLLED)
            read += await _write(connection, polled)
        taken = time.perf_counter() - began
        await reader.stop()
        await connection.close()
    return {"rate": count / taken}


async def _write(connection: asyncpg.Connection, polled: dict[Any, list[Any]]) -> int:
    rows, states = [], {}
    for records in polled.values():
        for record in records:
            headers = {name: raw.decode() for name, raw in record.headers}
            event = orjson.loads(record.value)
            stream, version = headers["ce_subject"], int(headers["ce_sequence"])
            rows.append(
                (stream, version, headers["ce_id"], headers["ce_type"], headers["ce_time"], record.value.decode())
            )
            states[stream] = (stream, version, orjson.dumps({**event, "last": headers["ce_type"]}).decode())
    if not rows:
        return 0
    async with connection.transaction():
        await connection.copy_records_to_table("bare_facts", records=rows, columns=COLUMNS)
        await connection.execute(UPSERT, *zip(*sorted(states.values()), strict=True))
        places = [(each.partition, records[-1].offset + 1) for each, records in polled.items()]
        await connection.execute(MOVE, *zip(*places, strict=True))
    return len(rows)


async def peer(stage: Stage, peers: Peers, topic: str, count: int) -> Measures:
    """FastStream: a handler per message with one upsert; ends after `count`."""
    with stage.database("projection") as database:
        stage.execute(database, SCHEMA)
        async with peers.process("faststream_peer", DSN=database.owner_url, BOOTSTRAP=stage.bootstrap) as process:
            return await process.ask({"topic": topic, "count": count})


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    count, topic = sizes.projected, await stage.topic()
    await fill(stage.bootstrap, topic, lives.messages(count))
    sides = {"ours": partial(ours, stage, topic, count), BARE: partial(baseline, stage, topic, count)}
    runs = await alternately(sides, sizes.rounds)
    goals = [at_least(0.6), Goal("at least", 10_000, "value")]
    report.compare(ROW, f"{count:,} events", runs, BARE, goals=goals, bounded_by=BOUND)
    other = {"ours": sides["ours"], PEER: partial(peer, stage, peers, topic, sizes.one_by_one)}
    runs = await alternately(other, sizes.peer_rounds, warm=False)
    report.compare(ROW, "beside a peer", runs, PEER, goals=[at_least(10)], bounded_by=BOUND)
