"""The lead service as a process: `lead serve | api | worker | migrate | recover`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from lead import api
from lead.service import AGGREGATES, Service, apply_views
from lead.service.timers import on_timer
from lead.settings import Network, SeedNetwork, Settings
from lead.views import documents
from roadbook import logs
from roadbook.clock import Clock, clock_from
from roadbook.database import Pool, acquire, create_pool, is_unreachable
from roadbook.errors import Unavailable
from roadbook.http.app import create_app
from roadbook.kafka import KafkaPublisher, KafkaSubscription, KafkaTransactionalPublisher
from roadbook.outbox import Sequencer
from roadbook.personal_relay import PersonalRelay
from roadbook.recovery import recover
from roadbook.relay import Relay
from roadbook.runtime import Parts, ServiceDefinition, Worker, migrations_of, run
from roadbook.store.postgres import PostgresStore, forget_answers
from roadbook.timers import Timer, TimerWorker
from roadbook.workers import pause

NAME = "lead"
TOPIC = "roadbook.lead.v1"
PURGE_SECONDS = 60.0
_log = logs.get_logger(__name__)


class Wakes:
    """Who wakes whom inside one process; between processes everybody polls (T4)."""

    def __init__(self) -> None:
        self.facts, self.facts_moved = asyncio.Event(), asyncio.Event()
        self.personal, self.personal_moved = asyncio.Event(), asyncio.Event()

    def committed(self) -> None:
        self.facts.set()
        self.personal.set()


def application(settings: Settings, service: Service, clock: Clock) -> FastAPI:
    """The HTTP side alone: what the tests of the API run."""

    async def database() -> Mapping[str, Any]:
        async with acquire(service.pool) as connection:
            await connection.fetchval("SELECT 1")
        return {}

    app = create_app(
        settings=settings,
        name=NAME,
        title="Roadbook: lead",
        description="Purchase intents, from the first sign to conversion or loss.",
        routers=api.ROUTERS,
        problems=api.PROBLEMS,
        readiness={"postgres": database},
        clock=clock,
        tags=(
            {"name": "leads", "description": "Capture, work and read leads."},
            {"name": "adf", "description": "Take ADF documents and work off what could not be read."},
        ),
    )
    app.state.lead = service
    return app


def workers(settings: Settings, service: Service, clock: Clock, wakes: Wakes) -> dict[str, Worker]:
    pool, bootstrap = service.pool, settings.kafka_bootstrap
    relay = Relay(pool, KafkaPublisher(bootstrap, client_id="lead.relay"), TOPIC, wakes.facts_moved)
    publisher = KafkaTransactionalPublisher(
        bootstrap, client_id="lead.personal-data", transactional_id="lead.personal-data"
    )

    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return {
        "sequencer": Sequencer(pool, "facts", wakes.facts, wakes.facts_moved).run,
        "personal-sequencer": Sequencer(pool, "personal", wakes.personal, wakes.personal_moved).run,
        "relay": relay.run,
        "personal-relay": PersonalRelay(pool, publisher, NAME, wakes.personal_moved).run,
        "timers": TimerWorker(pool, clock, handle).run,
        "purge": lambda stop: purge(pool, clock, stop),
    }


async def purge(pool: Pool, clock: Clock, stop: asyncio.Event, done: Callable[[], None] = lambda: None) -> None:
    """Raw documents, quarantined prospects and stored answers go when their time is up. `done`: after each round."""
    while not stop.is_set():
        try:
            async with acquire(pool) as connection:
                gone = await documents.purge(connection, clock.now()) + await forget_answers(connection)
            if gone:
                _log.info("purged", count=gone)
        except Exception as error:
            if not (isinstance(error, Unavailable) or is_unreachable(error)):
                raise
            _log.warning("purge_put_off", error_type=type(error).__name__)
        done()
        await pause(PURGE_SECONDS, stop)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Parts]:
    clock = clock_from(settings.clock)
    network: Network = SeedNetwork.read(settings.seed_file)
    pool = await create_pool(settings.dsn(), size=settings.pool_size)
    try:
        wakes = Wakes()
        store = PostgresStore(pool, wakes.committed)
        service = Service(pool, store, network, timedelta(days=settings.adf_retention_days))
        app = application(settings, service, clock)
        yield Parts(app, workers(settings, service, clock, wakes))
    finally:
        await pool.close()


async def recovered(settings: Settings) -> str:
    """After a restore, with the service stopped: docs/how-to/restore-a-service.md."""
    pool = await create_pool(settings.owner_dsn(), statement_ms=0, command_seconds=60)
    subscription = KafkaSubscription(settings.kafka_bootstrap, group="lead.recovery", client_id="lead.recovery")
    try:
        done = await recover(pool, subscription, service=NAME, topic=TOPIC, aggregates=AGGREGATES, views=apply_views)
    finally:
        await subscription.close()
        await pool.close()
    return f"put back {done.events} events and {done.personal} personal values; {done.read} records read"


DEFINITION = ServiceDefinition(NAME, Settings, build, migrations_of(__file__), recovered)


def main() -> None:
    sys.exit(run(DEFINITION))
