"""A lead service on a real database, without Kafka: its application, and a client per caller."""

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import lead_api
import pytest
from fastapi import FastAPI

from lead.main import application
from lead.service import Service
from lead.service.timers import on_timer
from lead.settings import SeedNetwork, Settings
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.store.postgres import PostgresStore
from roadbook.testing.http import renewed
from roadbook.timers import Timer, TimerWorker

ROOT = Path(__file__).parents[3]
SEED_FILE = ROOT / "deploy" / "seed" / "network.v1.json"
RETENTION = timedelta(days=90)


@pytest.fixture(scope="session")
def network() -> SeedNetwork:
    return SeedNetwork.read(SEED_FILE)


@pytest.fixture
def service(lead_pool: Pool, network: SeedNetwork) -> Service:
    return Service(lead_pool, PostgresStore(lead_pool), network, RETENTION)


@pytest.fixture
def app(service: Service, clock: SimulatedClock, issuer: Any, built: dict[str, FastAPI]) -> FastAPI:
    if "lead" not in built:
        settings = Settings.for_service("lead", {**issuer.environment, "ROADBOOK_SEED_FILE": str(SEED_FILE)})
        built["lead"] = application(settings, service, clock)
    made = renewed(built["lead"], clock)
    made.state.lead = service
    return made


class Api:
    """One caller's client. A POST gets an Idempotency-Key of its own unless `key` says otherwise (None: no key)."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(path, params=params, headers=self.headers)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = "", match: str | None = None, raw: bytes | None = None,
        media_type: str = "application/json",
    ) -> httpx2.Response:  # fmt: skip
        headers = {**self.headers}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key or uuid.uuid4()}"'
        if match is not None:
            headers["If-Match"] = match
        if raw is not None:
            return await self.client.post(path, content=raw, headers={**headers, "Content-Type": media_type})
        return await self.client.post(path, json=body, headers=headers)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://lead.test") as client:
        yield client


@pytest.fixture
def caller(http: httpx2.AsyncClient, issuer: Any) -> Callable[..., Api]:
    """`caller("dealer-sh-02")`, `caller(headquarters=True)`, `caller(scopes=[…])`."""

    def make(dealer: str | None = "dealer-sh-01", **options: Any) -> Api:
        return Api(http, issuer.bearer(dealer, **options))

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
def timers(service: Service, lead_pool: Pool, clock: SimulatedClock) -> TimerWorker:
    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return TimerWorker(lead_pool, clock, handle)


@pytest.fixture
def intent() -> dict[str, Any]:
    """A capture with something in every part."""
    return {
        "person": {
            "name": "张伟",
            "given_name": "伟",
            "family_name": "张",
            "birth_date": "1985-04-03",
            "phones": [{"value": "138 1234 5678", "preferred": True}, {"value": "021-6123 4567 转 801"}],
            "emails": [{"value": "Zhang.Wei@Example.com"}],
            "addresses": [{"lines": ["浦东南路 100 号"], "city": "上海", "country": "CN"}],
        },
        "consents": [{"purpose": "marketing", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
        "source": "web_form",
        "vehicles": [{"interest": "buy", "model": "volkswagen-lavida", "year": 2026, "condition": "new"}],
        "budget": {"currency": "CNY", "minimum": 10_000_000, "maximum": 15_000_000},
        "window": {"earliest": "2026-02-01", "latest": "2026-03-31"},
        "interest_text": "想要白色,有天窗",
        "comments": "周末联系",
        "dealer_wish": "dealer-sh-01",
        "campaign": "spring_2026",
    }
