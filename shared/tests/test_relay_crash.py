"""Processes killed at every named point of the sequencer, the relays and the consumer (F4–F7, F10)."""

import asyncio
import json
import os
import signal
import sys

import asyncpg
import pytest

from roadbook.bus import Delivered
from roadbook.database import Pool
from roadbook.events import new_id
from roadbook.kafka import (
    PERSONAL_TOPIC_CONFIG,
    KafkaPublisher,
    KafkaSubscription,
    TopicSpec,
    create_topics,
    end_offsets,
)
from roadbook.store.port import PersonalValue
from roadbook.testing.consumer_rig import history
from roadbook.testing.relays import assert_published, write, write_streams
from roadbook.testing.rigs import effects_table_sql, postgres_rig
from roadbook.wire import to_message
from roadbook_cli.postgres import Database

RELAYS = """
import asyncio, sys
from roadbook.database import create_pool
from roadbook.kafka import KafkaPublisher, KafkaTransactionalPublisher
from roadbook.outbox import Sequencer
from roadbook.personal_relay import PersonalRelay
from roadbook.relay import Relay

async def main(dsn, bootstrap, facts, personal):
    pool = await create_pool(dsn)
    wake = asyncio.Event()
    relay = Relay(pool, KafkaPublisher(bootstrap, client_id="t"), facts, wake)
    values = PersonalRelay(pool, KafkaTransactionalPublisher(bootstrap, client_id="t", transactional_id=personal),
                           "lead", wake, topic=personal)
    while sum([await Sequencer(pool, "facts", wake, wake).step(), await Sequencer(pool, "personal", wake, wake).step(),
               await relay.step(), await values.step()]):
        pass
    await relay._publisher.close()
    await values._publisher.close()
    await pool.close()

asyncio.run(main(*sys.argv[1:]))
"""

CONSUMER = """
import asyncio, sys
from roadbook.database import create_pool
from roadbook.kafka import KafkaPublisher, KafkaSubscription
from roadbook.testing.rigs import postgres_rig

async def main(dsn, bootstrap, topic, count):
    pool = await create_pool(dsn)
    publisher = KafkaPublisher(bootstrap, client_id="t")
    rig = postgres_rig(pool, topic, publisher, lambda: KafkaSubscription(bootstrap, group=topic, client_id="t"))
    async with rig.running(rig.consumer(rig.ledger(), max_records=20)):
        await rig.until_read()
    await publisher.close()
    await pool.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def run(script: str, *arguments: str, crashpoint: str | None = None) -> int:
    """The exit code of a process of its own."""
    environment = {**os.environ}
    environment.pop("CRASHPOINT", None)
    if crashpoint is not None:
        environment["CRASHPOINT"] = crashpoint
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()
    return process.returncode


async def records_of(bootstrap: str, topic: str) -> list[Delivered]:
    """Every readable record. On a topic of transactions the ends count markers too, so it reads until it is there."""
    subscription = KafkaSubscription(bootstrap, group=topic, client_id="test")
    ends = await end_offsets(bootstrap, [topic])
    await subscription.assign(dict.fromkeys(ends, 0))
    found: list[Delivered] = []
    while any(subscription.position(place) < end for place, end in ends.items()):
        for records in (await subscription.poll(max_records=500, timeout=0.5)).values():
            found += records
    await subscription.close()
    return found


# Where the killed process had already been heard by the broker, the next one must repeat; elsewhere it must not.
POINTS = {
    "sequencer.before_commit": False,
    "sequencer.after_commit": False,
    "relay.after_read": False,
    "relay.after_send": True,
    "relay.after_ack": True,
    "relay.after_mark": False,
    "personal.after_read": False,
    "personal.after_send": False,  # the transaction was not committed: nobody ever reads it
    "personal.after_mark": False,
}


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_relay_loses_nothing_and_keeps_the_order(
    kafka_bootstrap: str, lead_pool: Pool, lead_database: Database, point: str
) -> None:
    facts, personal = "crash-" + new_id(), "crash-personal-" + new_id()
    await create_topics(kafka_bootstrap, [TopicSpec(facts, 3), TopicSpec(personal, 3, config=PERSONAL_TOPIC_CONFIG)])
    events = await write_streams(lead_pool, 5, 4)
    values = [PersonalValue("party-1", f"thing/1/f{number}", str(number)) for number in range(10)]
    events += (await write(lead_pool, "thing/1", 4, 1, values)).events
    arguments = (lead_database.url, kafka_bootstrap, facts, personal)
    assert await run(RELAYS, *arguments, crashpoint=point) == -signal.SIGKILL
    assert await run(RELAYS, *arguments) == 0
    repeats = assert_published(
        await records_of(kafka_bootstrap, facts), events, [to_message(event) for event in events]
    )
    assert (repeats > 0) is POINTS[point]
    learned = await records_of(kafka_bootstrap, personal)
    assert sorted(json.loads(record.value or b"")["value"] for record in learned) == [str(n) for n in range(10)]


@pytest.mark.parametrize("point", ["proj.in_tx:2", "proj.after_commit:2"])
async def test_a_killed_consumer_applies_once(
    kafka_bootstrap: str,
    lead_pool: Pool,
    lead_database: Database,
    owner_connection: asyncpg.Connection,
    point: str,
) -> None:
    await owner_connection.execute(effects_table_sql)
    topic = "crash-" + new_id()
    await create_topics(kafka_bootstrap, [TopicSpec(topic, 3)])
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    rig = postgres_rig(
        lead_pool, topic, publisher, lambda: KafkaSubscription(kafka_bootstrap, group=topic, client_id="t")
    )
    events = [event for number in range(20) for event in history(f"thing/{number}", 4)]
    await rig.publish(events)
    arguments = (lead_database.url, kafka_bootstrap, topic, "80")
    assert await run(CONSUMER, *arguments, crashpoint=point) == -signal.SIGKILL
    before = len(await rig.effects())
    assert 0 < before < 80
    assert await run(CONSUMER, *arguments) == 0
    await rig.until(events)
    await publisher.close()
