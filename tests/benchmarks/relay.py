"""Relay: from the outbox to Kafka's acknowledgement, as the service's sequencer and relay do it; the bare side is an
idempotent producer of messages that are made already."""

import asyncio
import time
from functools import partial

from aiokafka import AIOKafkaProducer

from benchmarks import lives, perf_test
from benchmarks.frame import Measures, Report, alternately, at_least
from benchmarks.peers import Peers
from benchmarks.producing import bytes_of, producer, publish
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage
from roadbook.bus import Message
from roadbook.database import Pool, create_pool
from roadbook.kafka import KafkaPublisher
from roadbook.outbox import Sequencer
from roadbook.relay import Relay
from roadbook.store.port import Write
from roadbook.store.postgres import PostgresStore
from roadbook_cli.postgres import Database

ROW = "relay"
BARE = "bare producer"
BOUND = "each event is read from PostgreSQL and made a message of 17 headers first"
AGAIN = """
INSERT INTO outbox (channel, position) SELECT channel, position FROM outbox_log;
TRUNCATE outbox_log;
UPDATE outbox_log_head SET next = 1;
UPDATE relay_cursor SET next = 1;
ANALYZE outbox
"""


async def stored(pool: Pool, count: int) -> None:
    """Events of customers in the store, as commands have put them there: all of them wait in the outbox."""
    store = PostgresStore(pool)
    streams: dict[str, Write] = {}
    for event in lives.events(count):
        known = streams.get(event.stream)
        made = Write(
            event.stream, 0, event.key, [*(known.events if known else ()), lives.new(event)],
            [*(known.labels if known else ()), event.labels], event.recorded, event.actor, event.correlation,
        )  # fmt: skip
        streams[event.stream] = made
    writes = list(streams.values())
    for start in range(0, len(writes), 200):
        await store.create_many(writes[start : start + 200])


async def ours(stage: Stage, pool: Pool, database: Database, topic: str, count: int) -> Measures:
    stage.execute(database, AGAIN)
    wake, moved, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    relay = Relay(pool, KafkaPublisher(stage.bootstrap, client_id="bench"), topic, moved)
    began = time.perf_counter()
    work = [asyncio.create_task(each(stop)) for each in (Sequencer(pool, "facts", wake, moved).run, relay.run)]
    while await pool.fetchval("SELECT next FROM relay_cursor WHERE channel = 'facts'") <= count:
        await asyncio.sleep(0.01)
    taken = time.perf_counter() - began
    stop.set()
    await asyncio.gather(*work)
    return {"rate": count / taken}


async def baseline(made: AIOKafkaProducer, topic: str, messages: list[Message]) -> Measures:
    return {"rate": len(messages) / await publish(made, topic, messages)}


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    count, topic = sizes.relayed, await stage.topic()
    messages = list(lives.messages(count))
    made = producer(stage.bootstrap)
    await made.start()
    with stage.database() as database:
        pool = await create_pool(database.url, command_seconds=60, statement_ms=60_000)
        try:
            await stored(pool, count)
            sides = {
                "ours": partial(ours, stage, pool, database, topic, count),
                BARE: partial(baseline, made, topic, messages),
            }
            runs = await alternately(sides, sizes.rounds)
            report.compare(ROW, f"{count:,} events", runs, BARE, goals=[at_least(0.5)], bounded_by=BOUND)
        finally:
            await pool.close()
            await made.stop()
    size = bytes_of(messages)
    rate = await asyncio.to_thread(perf_test.records_per_second, stage.bootstrap, topic, max(count, 100_000), size)
    bare = report.lines[-1].theirs
    assert bare is not None
    report.note(
        ROW,
        f"kafka-producer-perf-test, {size} bytes a record: {rate:,.0f}/s; {BARE} (the same bytes in key, value and 15 "
        f"headers, made in Python) is {bare.median / rate:.2f} of it",
    )
