"""The identity service as a process: `identity serve | api | worker | migrate | recover`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from identity import api, reactions
from identity.contract import CODECS
from identity.service import AGGREGATES, Service, apply_views
from identity.service.matching import match_some
from identity.settings import Settings
from roadbook import logs
from roadbook.clock import Clock, clock_from
from roadbook.consumer import Consumer, raw
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool, acquire, check, close_pool, create_pool, is_unreachable
from roadbook.errors import Unavailable
from roadbook.http.app import Check, create_app
from roadbook.kafka import KafkaSubscription
from roadbook.messages import Messages, Receives
from roadbook.publishing import Wakes, publishing
from roadbook.publishing import recovered as recovered_from_topic
from roadbook.reacting import heard, reacting
from roadbook.reactions import Reaction
from roadbook.runtime import Parts, ServiceDefinition, Worker, contracts_of, migrations_of, run
from roadbook.store.postgres import PostgresStore, forget_answers
from roadbook.workers import Backoff, pause

NAME = "identity"
LEAD, SALES, PERSONAL = "roadbook.lead.v1", "roadbook.sales.v1", "roadbook.personal-data.v1"
MESSAGES = Messages(
    NAME,
    contracts_of(__file__),
    sends=CODECS,
    personal=True,
    receives=(
        heard(LEAD, reactions.PARTY_REFS, reactions.HEARD[reactions.PARTY_REFS]),
        heard(LEAD, reactions.CONSENTS, reactions.HEARD[reactions.CONSENTS]),
        heard(SALES, reactions.OWNERS, reactions.HEARD[reactions.OWNERS]),
        Receives(PERSONAL, f"roadbook.{reactions.PERSONAL}"),
    ),
)
PURGE_SECONDS, MATCH_SECONDS = 60.0, 1.0
_log = logs.get_logger(__name__)


def surface(settings: Settings, readiness: Mapping[str, Check] | None = None, clock: Clock | None = None) -> FastAPI:
    """All that is seen from outside, with nothing behind it."""
    return create_app(
        settings=settings,
        name=NAME,
        title="Roadbook: identity",
        description="Who a party is, how to reach it, what it agreed to, and which references are one customer.",
        routers=api.ROUTERS,
        problems=api.PROBLEMS,
        readiness=readiness,
        clock=clock,
        messages=MESSAGES,
        tags=(
            {"name": "party-refs", "description": "Register, list and read party references."},
            {"name": "contact-points", "description": "Contact points, profile, owner kind and relationships."},
            {"name": "consents", "description": "Consents per purpose, channel and brand; restriction of processing."},
            {"name": "links", "description": "Which references are one customer, and why."},
            {"name": "proposals", "description": "The steward's queue of pairs that may be one customer."},
        ),
    )


def application(settings: Settings, service: Service, clock: Clock) -> FastAPI:
    """The HTTP side alone: what the tests of the API run."""
    app = surface(settings, {"postgres": lambda: check(service.pool)}, clock)
    app.state.identity = service
    return app


def workers(settings: Settings, service: Service, clock: Clock, wakes: Wakes) -> dict[str, Worker]:
    matching = asyncio.Event()

    def done() -> None:
        wakes.committed()
        matching.set()

    def reaction(topic: str, wanted: Reaction) -> Worker:
        return reacting(service.pool, settings, topic, wanted, done)

    secret = settings.matching_secret.get_secret_value().encode()
    return {
        **publishing(service.pool, settings, MESSAGES, wakes),
        "party-refs": reaction(LEAD, reactions.party_refs(clock)),
        "consents": reaction(LEAD, reactions.consents(clock)),
        "owners": reaction(SALES, reactions.owners()),
        "personal": personal(service.pool, settings, secret, matching),
        "matcher": lambda stop: match(service, settings.match_batch, clock, matching, stop),
        "purge": lambda stop: purge(service.pool, stop),
    }


def personal(pool: Pool, settings: Settings, secret: bytes, matching: asyncio.Event) -> Worker:
    name = reactions.PERSONAL
    return Consumer(
        name=name,
        store=PostgresConsumerStore(pool, name),
        subscription=KafkaSubscription(settings.kafka_bootstrap, group=f"roadbook.{name}", client_id=name),
        topics=(PERSONAL,),
        work=raw(reactions.PersonalHandler(secret, matching)),
        crash_prefix="react",
        ordinal=settings.ordinal,
        replicas=settings.replicas,
    ).run


async def match(service: Service, batch: int, clock: Clock, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """References that changed, for ever; woken in this process, and looking by itself now and then."""
    failing = Backoff(0.1, 5.0)
    while not stop.is_set():
        wake.clear()
        try:
            matched = await match_some(service, batch, clock.now())
        except Exception as error:
            _log.warning("match_put_off", error_type=type(error).__name__)
            await pause(failing.step(), stop)
            continue
        failing.reset()
        if not matched:
            await pause(MATCH_SECONDS, stop, wake)


async def purge(pool: Pool, stop: asyncio.Event) -> None:
    """Stored answers go when their time is up."""
    while not stop.is_set():
        try:
            async with acquire(pool) as connection:
                await forget_answers(connection)
        except Exception as error:
            if not (isinstance(error, Unavailable) or is_unreachable(error)):
                raise
            _log.warning("purge_put_off", error_type=type(error).__name__)
        await pause(PURGE_SECONDS, stop)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Parts]:
    clock = clock_from(settings.clock)
    pool = await create_pool(settings.dsn(), size=settings.pool_size)
    try:
        wakes = Wakes()
        service = Service(pool, PostgresStore(pool, wakes.committed))
        app = application(settings, service, clock)
        yield Parts(app, workers(settings, service, clock, wakes))
    finally:
        await close_pool(pool)


async def recovered(settings: Settings) -> str:
    return await recovered_from_topic(settings, MESSAGES, AGGREGATES, apply_views)


DEFINITION = ServiceDefinition(NAME, Settings, build, migrations_of(__file__), recovered, surface)


def main() -> None:
    sys.exit(run(DEFINITION))
