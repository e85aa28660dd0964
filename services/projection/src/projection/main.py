"""The projection service as a process: `projection serve | api | worker | migrate | recover | rebuild`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from projection import api, contract, derived, published, service
from projection.composer import Composer
from projection.reactions import FactsHandler, PersonalHandler
from projection.rebuild import Source, command
from projection.settings import Settings
from projection.wakeups import Wakeups
from roadbook import logs
from roadbook.clock import Clock, clock_from
from roadbook.consumer import Consumer, facts, raw
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool, check, close_pool, create_pool
from roadbook.http.app import Check, create_app
from roadbook.kafka import KafkaSubscription
from roadbook.messages import Messages, Receives
from roadbook.publishing import Wakes, publishing
from roadbook.publishing import recovered as recovered_from_topic
from roadbook.runtime import Parts, ServiceDefinition, Worker, contracts_of, migrations_of, run
from roadbook.workers import Backoff, pause

NAME = "projection"
FACTS_CONSUMER, FACTS_TOPICS = "projection", ("roadbook.lead.v1", "roadbook.identity.v1", "roadbook.sales.v1")
PERSONAL_CONSUMER, PERSONAL_TOPICS = "projection-personal", ("roadbook.personal-data.v1",)
MESSAGES = Messages(
    NAME,
    contracts_of(__file__),
    sends=derived.CODECS,
    sends_to=published.TOPIC,
    receives=(
        *(Receives(topic, f"roadbook.{FACTS_CONSUMER}", contract.known_types(topic)) for topic in FACTS_TOPICS),
        *(Receives(topic, f"roadbook.{PERSONAL_CONSUMER}") for topic in PERSONAL_TOPICS),
    ),
)
_log = logs.get_logger(__name__)


def surface(settings: Settings, readiness: Mapping[str, Check] | None = None, clock: Clock | None = None) -> FastAPI:
    """All that is seen from outside, with nothing behind it."""
    return create_app(
        settings=settings,
        name=NAME,
        title="Roadbook: projection",
        description="One lifetime record per customer, derived from everything that happened.",
        routers=api.ROUTERS,
        problems=api.PROBLEMS,
        readiness=readiness,
        clock=clock,
        messages=MESSAGES,
        tags=(
            {"name": "customers", "description": "Read lifetime records and timelines, find customers, ask why."},
            {"name": "vehicles", "description": "Read whose a vehicle was, from when to when."},
            {"name": "shares", "description": "Who read what was shared."},
        ),
    )


def application(settings: Settings, pool: Pool, wakeups: Wakeups, clock: Clock) -> FastAPI:
    """The HTTP side alone: what the tests of the API run."""
    app = surface(settings, {"postgres": lambda: check(pool)}, clock)
    app.state.projection = api.Running(pool, wakeups, app.state.admission)
    return app


def workers(settings: Settings, pool: Pool, wakeups: Wakeups, clock: Clock) -> dict[str, Worker]:
    compose, wakes = asyncio.Event(), Wakes()

    def consumer(name: str, topics: tuple[str, ...], work: Any) -> Consumer:
        return Consumer(
            name=name,
            store=PostgresConsumerStore(pool, name),
            subscription=KafkaSubscription(settings.kafka_bootstrap, group=f"roadbook.{name}", client_id=name),
            topics=topics,
            work=work,
            crash_prefix="proj",
            ordinal=settings.ordinal,
            replicas=settings.replicas,
        )

    return {
        "facts": consumer(FACTS_CONSUMER, FACTS_TOPICS, facts(FactsHandler(wakeups, compose))).run,
        "personal": consumer(PERSONAL_CONSUMER, PERSONAL_TOPICS, raw(PersonalHandler(wakeups, compose))).run,
        "composer": Composer(pool, clock, wakeups, compose, wakes.committed).run,
        "refold": lambda stop: refold(pool, stop),
        **publishing(pool, settings, MESSAGES, wakes),
    }


async def refold(pool: Pool, stop: asyncio.Event) -> None:
    """Once after the start: streams that this version understands better than the one before (T14)."""
    failing = Backoff(0.1, 5.0)
    while not stop.is_set():
        try:
            done = await service.refold(pool)
        except Exception as error:
            _log.warning("refold_retries", error_type=type(error).__name__)
            await pause(failing.step(), stop)
            continue
        if done:
            _log.info("refolded", streams=done)
        await stop.wait()


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Parts]:
    clock = clock_from(settings.clock)
    pool = await create_pool(settings.dsn(), size=settings.pool_size)
    try:
        wakeups = Wakeups()
        app = application(settings, pool, wakeups, clock)
        yield Parts(app, workers(settings, pool, wakeups, clock))
    finally:
        await close_pool(pool)


async def recovered(settings: Settings) -> str:
    """Derived events alone: they are this service's own. All else is read from the topics again."""
    return await recovered_from_topic(settings, MESSAGES, derived.AGGREGATES, derived.no_views)


async def rebuild(settings: Settings, argv: Sequence[str]) -> int:
    """All of it from the beginning of the topics, beside what runs: docs/how-to/rebuild-the-projection.md."""
    wakeups, nobody = Wakeups(), asyncio.Event()

    def source(name: str, work: Any) -> Source:
        group = f"roadbook.{name}.rebuild"
        return Source(name, work, KafkaSubscription(settings.kafka_bootstrap, group=group, client_id=group))

    sources = (
        source(FACTS_CONSUMER, facts(FactsHandler(wakeups, nobody))),
        source(PERSONAL_CONSUMER, raw(PersonalHandler(wakeups, nobody))),
    )
    return await command(settings, argv, sources)


DEFINITION = ServiceDefinition(NAME, Settings, build, migrations_of(__file__), recovered, surface, {"rebuild": rebuild})


def main() -> None:
    sys.exit(run(DEFINITION))
