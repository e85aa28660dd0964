"""The lead service as a process: `lead serve | api | worker | migrate | recover`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from lead import api, reactions
from lead.contract import CODECS
from lead.service import AGGREGATES, Service, apply_views
from lead.service.timers import on_timer
from lead.settings import Network, SeedNetwork, Settings
from lead.views import documents, holding, imports
from roadbook import logs
from roadbook.clock import Clock, clock_from
from roadbook.database import Pool, acquire, check, close_pool, create_pool, is_unreachable
from roadbook.errors import Unavailable
from roadbook.http.app import Check, create_app
from roadbook.messages import Messages
from roadbook.publishing import Wakes, publishing
from roadbook.publishing import recovered as recovered_from_topic
from roadbook.reacting import heard, reacting
from roadbook.runtime import Parts, ServiceDefinition, Worker, contracts_of, migrations_of, run
from roadbook.store.postgres import PostgresStore, forget_answers
from roadbook.timers import Timer, TimerWorker
from roadbook.workers import pause

NAME = "lead"
MESSAGES = Messages(
    NAME,
    contracts_of(__file__),
    sends=CODECS,
    personal=True,
    receives=(heard(reactions.TOPIC, reactions.OUTCOME, reactions.TYPES),),
)
PURGE_SECONDS = 60.0
_log = logs.get_logger(__name__)


def surface(settings: Settings, readiness: Mapping[str, Check] | None = None, clock: Clock | None = None) -> FastAPI:
    """All that is seen from outside, with nothing behind it."""
    return create_app(
        settings=settings,
        name=NAME,
        title="Roadbook: lead",
        description="Purchase intents, from the first sign to conversion or loss.",
        routers=api.ROUTERS,
        problems=api.PROBLEMS,
        readiness=readiness,
        clock=clock,
        messages=MESSAGES,
        tags=(
            {"name": "leads", "description": "Capture, work and read leads."},
            {"name": "work", "description": "Route, accept, protect, share, hand on and close leads."},
            {"name": "imports", "description": "Import lists of leads, and see what became of each row."},
            {"name": "adf", "description": "Take ADF documents and work off what could not be read."},
            {"name": "campaigns", "description": "Launch campaigns, report and compare what came of them."},
            {"name": "market", "description": "Report showroom days, record media spend, follow its effect."},
            {"name": "test-drives", "description": "Book demonstrator cars, and report what came of it."},
            {"name": "group-buys", "description": "Open group buys and join them; no more than there are places."},
        ),
    )


def application(settings: Settings, service: Service, clock: Clock) -> FastAPI:
    """The HTTP side alone: what the tests of the API run."""
    app = surface(settings, {"postgres": lambda: check(service.pool)}, clock)
    app.state.lead = service
    return app


def workers(settings: Settings, service: Service, clock: Clock, wakes: Wakes) -> dict[str, Worker]:
    pool = service.pool

    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return {
        **publishing(pool, settings, MESSAGES, wakes),
        "timers": TimerWorker(pool, clock, handle).run,
        "outcome": reacting(pool, settings, reactions.TOPIC, reactions.outcome(service, clock), wakes.committed),
        "purge": lambda stop: purge(pool, clock, stop),
    }


async def purge(pool: Pool, clock: Clock, stop: asyncio.Event, done: Callable[[], None] = lambda: None) -> None:
    """Raw documents, quarantined prospects, what became of imports, stored answers and counts of disclosures go when
    their time is up. `done`: after each round."""
    while not stop.is_set():
        try:
            async with acquire(pool) as connection:
                gone = await documents.purge(connection, clock.now()) + await forget_answers(connection)
                gone += await holding.forget_disclosures(connection, clock.now())
                while lists := await imports.purge(connection, clock.now()):
                    gone += lists
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
        await close_pool(pool)


async def recovered(settings: Settings) -> str:
    return await recovered_from_topic(settings, MESSAGES, AGGREGATES, apply_views)


DEFINITION = ServiceDefinition(NAME, Settings, build, migrations_of(__file__), recovered, surface)


def main() -> None:
    sys.exit(run(DEFINITION))
