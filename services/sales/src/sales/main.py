"""The sales service as a process: `sales serve | api | worker | migrate | recover`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

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
from sales import api
from sales.contract import CODECS, lead
from sales.reactions import LEAD_TOPIC, from_lead
from sales.service import AGGREGATES, Service, apply_views, from_leads
from sales.service.timers import on_timer
from sales.settings import Network, SeedNetwork, Settings

NAME = "sales"
MESSAGES = Messages(
    NAME,
    contracts_of(__file__),
    sends=CODECS,
    receives=(heard(LEAD_TOPIC, from_leads.REACTION, lead.TYPES),),
)
PURGE_SECONDS = 60.0
_log = logs.get_logger(__name__)


def surface(settings: Settings, readiness: Mapping[str, Check] | None = None, clock: Clock | None = None) -> FastAPI:
    """All that is seen from outside, with nothing behind it."""
    return create_app(
        settings=settings,
        name=NAME,
        title="Roadbook: sales",
        description="From the opportunity to the delivered vehicle.",
        routers=api.ROUTERS,
        problems=api.PROBLEMS,
        readiness=readiness,
        clock=clock,
        messages=MESSAGES,
        tags=api.TAGS,
    )


def application(settings: Settings, service: Service, clock: Clock) -> FastAPI:
    """The HTTP side alone: what the tests of the API run."""
    app = surface(settings, {"postgres": lambda: check(service.pool)}, clock)
    app.state.sales = service
    return app


def workers(settings: Settings, service: Service, clock: Clock, wakes: Wakes) -> dict[str, Worker]:
    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return {
        **publishing(service.pool, settings, MESSAGES, wakes),
        "timers": TimerWorker(service.pool, clock, handle).run,
        "leads": reacting(service.pool, settings, LEAD_TOPIC, from_lead(service, clock), wakes.committed),
        "purge": lambda stop: purge(service.pool, stop),
    }


async def purge(pool: Pool, stop: asyncio.Event, done: Callable[[], None] = lambda: None) -> None:
    """Stored answers go when their time is up. `done`: after each round."""
    while not stop.is_set():
        try:
            async with acquire(pool) as connection:
                gone = await forget_answers(connection)
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
        service = Service(pool, PostgresStore(pool, wakes.committed), network)
        app = application(settings, service, clock)
        yield Parts(app, workers(settings, service, clock, wakes))
    finally:
        await close_pool(pool)


async def recovered(settings: Settings) -> str:
    return await recovered_from_topic(settings, MESSAGES, AGGREGATES, apply_views)


DEFINITION = ServiceDefinition(NAME, Settings, build, migrations_of(__file__), recovered, surface)


def main() -> None:
    sys.exit(run(DEFINITION))
