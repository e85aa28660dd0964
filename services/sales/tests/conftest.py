"""A sales service on a real database, without Kafka: its application, and a client per caller."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import lead_api
import pytest
from fastapi import FastAPI

from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.store.postgres import PostgresStore
from roadbook.testing.http import renewed
from roadbook.timers import Timer, TimerWorker
from sales.main import application
from sales.service import Service
from sales.service.timers import on_timer
from sales.settings import SeedNetwork, Settings

ROOT = Path(__file__).parents[3]
SEED_FILE = ROOT / "deploy" / "seed" / "network.v1.json"
SCOPES = ("sales:read", "sales:write")


@pytest.fixture(scope="session")
def network() -> SeedNetwork:
    return SeedNetwork.read(SEED_FILE)


@pytest.fixture
async def sales_pool(pools: Callable[[str], Awaitable[Pool]]) -> Pool:
    return await pools("sales")


@pytest.fixture
def service(sales_pool: Pool, network: SeedNetwork) -> Service:
    return Service(sales_pool, PostgresStore(sales_pool), network)


@pytest.fixture
def app(service: Service, clock: SimulatedClock, issuer: Any, built: dict[str, FastAPI]) -> FastAPI:
    if "sales" not in built:
        settings = Settings.for_service("sales", {**issuer.environment, "ROADBOOK_SEED_FILE": str(SEED_FILE)})
        built["sales"] = application(settings, service, clock)
    made = renewed(built["sales"], clock)
    made.state.sales = service
    return made


class Api:
    """One caller's client. A POST gets an Idempotency-Key of its own unless `key` says otherwise (None: no key)."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **params: Any) -> httpx2.Response:
        return await self.client.get(path, params=params, headers={**self.headers, **(headers or {})})

    async def post(
        self, path: str, body: Any = None, *, key: str | None = "", match: str | None = None
    ) -> httpx2.Response:
        headers = {**self.headers}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key or uuid.uuid4()}"'
        if match is not None:
            headers["If-Match"] = match
        return await self.client.post(path, json=body, headers=headers)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sales.test") as client:
        yield client


@pytest.fixture
def caller(http: httpx2.AsyncClient, issuer: Any) -> Callable[..., Api]:
    """`caller("dealer-sh-02")`, `caller(None, headquarters=True)`, `caller(scopes=[…])`."""

    def make(dealer: str | None = "dealer-sh-01", **options: Any) -> Api:
        return Api(http, issuer.bearer(dealer, **{"scopes": SCOPES, **options}))

    return make


@pytest.fixture
def api(caller: Callable[..., Api]) -> Api:
    return caller()


@pytest.fixture
def hq(caller: Callable[..., Api]) -> Api:
    return caller(None, headquarters=True)


@pytest.fixture
def documented(app: FastAPI, http: httpx2.AsyncClient) -> None:
    """Every answer of the test has to stand in the OpenAPI document."""
    http.event_hooks = {**http.event_hooks, "response": [lead_api.documented(app)]}


@pytest.fixture
def timers(service: Service, sales_pool: Pool, clock: SimulatedClock) -> TimerWorker:
    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return TimerWorker(sales_pool, clock, handle)
