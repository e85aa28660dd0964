"""Fixtures of every suite: one real PostgreSQL and one real Kafka per test process, a database per test."""

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from roadbook.clock import SimulatedClock
from roadbook.database import Pool, create_pool
from roadbook_cli.issuer import AUDIENCE, ISSUER, Issuer
from roadbook_cli.postgres import Database
from roadbook_cli.stack import Stack

ROOT = Path(__file__).parent
SEED_FILE = ROOT / "deploy" / "seed" / "network.v1.json"

settings.register_profile(
    "roadbook",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("roadbook")
os.environ.setdefault("ROADBOOK_SEED_FILE", str(SEED_FILE))

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Parts of a stack: PostgreSQL and Kafka are started when a test first needs them. No test here pulls the plug of
    the machine, and each has a database of its own, which is not worth its flushes of the disk (tests/system keeps
    them)."""
    made = Stack(tmp_path_factory.mktemp("stack") / "home", services=())
    made.postgres.settings += "fsync = off\nfull_page_writes = off\n"
    try:
        yield made
    finally:
        made.down(wipe=True)


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Stack) -> str:
    stack.kafka.up()
    return stack.kafka.bootstrap


@pytest.fixture(scope="session")
def templates() -> dict[str, Database]:
    """Migrated databases by service, to be cloned."""
    return {}


@pytest.fixture
async def pools(stack: Stack, templates: dict[str, Database]) -> AsyncIterator[Callable[[str], Awaitable[Pool]]]:
    """`await pools("lead")`: a database of that service, freshly migrated, as the app role."""
    made: list[tuple[Database, Pool]] = []

    async def pool(service: str) -> Pool:
        if service not in templates:
            templates[service] = stack.database(service)
        fresh = stack.postgres.clone(templates[service], f"{service}_{next(_numbers)}")
        made.append((fresh, await create_pool(fresh.url)))
        return made[-1][1]

    yield pool
    for fresh, opened in made:
        await opened.close()
        stack.postgres.drop(fresh)


@pytest.fixture(scope="session")
def lead_template(stack: Stack) -> Database:
    return stack.database("lead")


@pytest.fixture(scope="session")
def projection_template(stack: Stack) -> Database:
    return stack.database("projection")


@pytest.fixture
def lead_database(stack: Stack, lead_template: Database) -> Iterator[Database]:
    fresh = stack.postgres.clone(lead_template, f"lead_{next(_numbers)}")
    yield fresh
    stack.postgres.drop(fresh)


@pytest.fixture
def projection_database(stack: Stack, projection_template: Database) -> Iterator[Database]:
    fresh = stack.postgres.clone(projection_template, f"projection_{next(_numbers)}")
    yield fresh
    stack.postgres.drop(fresh)


async def _pool(database: Database) -> AsyncIterator[Pool]:
    pool = await create_pool(database.url)
    yield pool
    await pool.close()


@pytest.fixture
async def lead_pool(lead_database: Database) -> AsyncIterator[Pool]:
    """The lead database, freshly migrated, as the app role."""
    async for pool in _pool(lead_database):
        yield pool


@pytest.fixture
async def projection_pool(projection_database: Database) -> AsyncIterator[Pool]:
    """The projection database, freshly migrated, as the app role."""
    async for pool in _pool(projection_database):
        yield pool


@pytest.fixture
async def owner_connection(lead_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The lead database as the owner role, which migrates."""
    connection = await asyncpg.connect(lead_database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(datetime(2026, 1, 5, 8, 0, tzinfo=UTC))


@dataclass(frozen=True)
class TokenIssuer:
    """Signs what the services under test accept; `settings` are the variables that make them accept it."""

    embedded: Issuer

    def token(
        self,
        dealer: str | None = "dealer-sh-01",
        scopes: Sequence[str] = ("lead:read", "lead:write", "lead:intake", "record:read"),
        *,
        headquarters: bool = False,
        subject: str = "staff-1",
    ) -> str:
        if headquarters:
            return self.embedded.sign(subject=subject, scopes=[*scopes, "network:all"])
        return self.embedded.sign(subject=subject, scopes=scopes, dealer=dealer)

    def bearer(self, dealer: str | None = "dealer-sh-01", **kwargs: Any) -> dict[str, str]:
        return {"Authorization": "Bearer " + self.token(dealer, **kwargs)}

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ROADBOOK_OIDC_ISSUER": ISSUER,
            "ROADBOOK_OIDC_AUDIENCE": AUDIENCE,
            "ROADBOOK_OIDC_JWKS": str(self.embedded.jwks),
        }


@pytest.fixture(scope="session")
def built() -> dict[str, FastAPI]:
    """The applications that were made once, by service: a second's work each, and the same for every test."""
    return {}


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    embedded = Issuer(tmp_path_factory.mktemp("issuer"))
    embedded.ensure()
    return TokenIssuer(embedded)
