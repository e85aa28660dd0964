"""What every service that publishes runs: sequencers and relays, and `recover` after a restore."""

import asyncio
from collections.abc import Mapping
from typing import Any

from roadbook.commands import Aggregate
from roadbook.database import Pool, create_pool
from roadbook.kafka import KafkaPublisher, KafkaSubscription, KafkaTransactionalPublisher
from roadbook.messages import Messages
from roadbook.outbox import Sequencer
from roadbook.personal_relay import PersonalRelay
from roadbook.recovery import recover
from roadbook.relay import Relay
from roadbook.runtime import Worker
from roadbook.settings import Settings
from roadbook.store.port import Views


class Wakes:
    """Who wakes whom inside one process; between processes everybody polls (T4)."""

    def __init__(self) -> None:
        self.facts, self.facts_moved = asyncio.Event(), asyncio.Event()
        self.personal, self.personal_moved = asyncio.Event(), asyncio.Event()

    def committed(self) -> None:
        self.facts.set()
        self.personal.set()


def publishing(pool: Pool, settings: Settings, messages: Messages, wakes: Wakes) -> dict[str, Worker]:
    """The workers that bring events, and personal data where the service has any, to Kafka."""
    name, bootstrap = messages.service, settings.kafka_bootstrap
    relay = Relay(pool, KafkaPublisher(bootstrap, client_id=f"{name}.relay"), messages.topic, wakes.facts_moved)
    facts: dict[str, Worker] = {
        "sequencer": Sequencer(pool, "facts", wakes.facts, wakes.facts_moved).run,
        "relay": relay.run,
    }
    if not messages.personal:
        return facts
    client = f"{name}.personal-data"
    publisher = KafkaTransactionalPublisher(bootstrap, client_id=client, transactional_id=client)
    return {
        **facts,
        "personal-sequencer": Sequencer(pool, "personal", wakes.personal, wakes.personal_moved).run,
        "personal-relay": PersonalRelay(pool, publisher, name, wakes.personal_moved).run,
    }


async def recovered(
    settings: Settings, messages: Messages, aggregates: Mapping[str, Aggregate[Any, Any, Any]], views: Views
) -> str:
    """After a restore, with the service stopped: docs/how-to/restore-a-service.md. Returns what was done, in words."""
    name = messages.service
    pool = await create_pool(settings.owner_dsn(), statement_ms=0, command_seconds=60)
    subscription = KafkaSubscription(settings.kafka_bootstrap, group=f"{name}.recovery", client_id=f"{name}.recovery")
    try:
        done = await recover(pool, subscription, service=name, topic=messages.topic, aggregates=aggregates, views=views)
    finally:
        await subscription.close()
        await pool.close()
    return f"put back {done.events} events and {done.personal} personal values; {done.read} records read"
