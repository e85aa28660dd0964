"""The identity service as a process: `identity serve | api | worker | migrate | recover`."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from identity import api
from identity.contract import CODECS
from identity.service import AGGREGATES, Service, apply_views
from identity.settings import Settings
from roadbook.clock import Clock, clock_from
from roadbook.database import check, close_pool, create_pool
from roadbook.http.app import Check, create_app
from roadbook.messages import Messages
from roadbook.publishing import Wakes, publishing
from roadbook.publishing import recovered as recovered_from_topic
from roadbook.runtime import Parts, ServiceDefinition, contracts_of, migrations_of, run
from roadbook.store.postgres import PostgresStore

NAME = "identity"
MESSAGES = Messages(NAME, contracts_of(__file__), sends=CODECS, personal=True)


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


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Parts]:
    clock = clock_from(settings.clock)
    pool = await create_pool(settings.dsn(), size=settings.pool_size)
    try:
        wakes = Wakes()
        app = application(settings, Service(pool, PostgresStore(pool, wakes.committed)), clock)
        yield Parts(app, publishing(pool, settings, MESSAGES, wakes))
    finally:
        await close_pool(pool)


async def recovered(settings: Settings) -> str:
    return await recovered_from_topic(settings, MESSAGES, AGGREGATES, apply_views)


DEFINITION = ServiceDefinition(NAME, Settings, build, migrations_of(__file__), recovered, surface)


def main() -> None:
    sys.exit(run(DEFINITION))
