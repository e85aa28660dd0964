"""The real lead service on a real database, behind a line that fails as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lead.main import application
from lead.service import Service
from lead.settings import SeedNetwork, Settings
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.store.postgres import PostgresStore
from roadbook_client import Roadbook

SEED_FILE = Path(__file__).parents[3] / "deploy" / "seed" / "network.v1.json"
Inner = Callable[[httpx2.Request], Awaitable[httpx2.Response]]
Step = Callable[[httpx2.Request, Inner], Awaitable[httpx2.Response]]


@dataclass
class Line(httpx2.AsyncBaseTransport):
    """Each request takes the next step of `steps`; when there is none, it simply reaches the service."""

    service: httpx2.AsyncBaseTransport
    steps: list[Step] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.bodies.append(await request.aread())
        if self.steps:
            return await self.steps.pop(0)(request, self.service.handle_async_request)
        return await self.service.handle_async_request(request)

    @property
    def keys(self) -> list[str | None]:
        return [request.headers.get("Idempotency-Key") for request in self.requests]


async def cut(request: httpx2.Request, inner: Inner) -> httpx2.Response:
    """The service does its work and answers; nobody hears it."""
    await (await inner(request)).aread()
    raise httpx2.ReadError("cut", request=request)


async def refused(request: httpx2.Request, inner: Inner) -> httpx2.Response:
    raise httpx2.ConnectError("refused", request=request)


async def silence(request: httpx2.Request, inner: Inner) -> httpx2.Response:
    await asyncio.Event().wait()
    raise AssertionError


def answer(status: int, body: Any = None, **headers: str) -> Step:
    """An answer in the service's place; a dict is a problem document."""

    async def step(request: httpx2.Request, inner: Inner) -> httpx2.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            kind = "application/problem+json" if status >= 400 else "application/json"
            return httpx2.Response(status, json=body, headers={"Content-Type": kind, **given}, request=request)
        return httpx2.Response(status, content=body, headers=given, request=request)

    return step


def problem(status: int, code: str, retryable: bool | None = None, **headers: str) -> Step:
    body = {"type": f"https://x.example/problems/{code}", "title": code, "status": status, "code": code}
    return answer(status, body if retryable is None else {**body, "retryable": retryable}, **headers)


@pytest.fixture
def line(lead_pool: Pool, clock: SimulatedClock, issuer: Any) -> Line:
    service = Service(lead_pool, PostgresStore(lead_pool), SeedNetwork.read(SEED_FILE), timedelta(days=90))
    settings = Settings.for_service("lead", {**issuer.environment, "ROADBOOK_SEED_FILE": str(SEED_FILE)})
    app = application(settings, service, clock)
    return Line(httpx2.ASGITransport(app=app, raise_app_exceptions=False))


@pytest.fixture
async def http(line: Line) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=line) as client:
        yield client


@pytest.fixture
def connect(http: httpx2.AsyncClient, issuer: Any) -> Callable[..., Roadbook]:
    """`connect(token=…, patience=…)`: by default a dealer, who waits at most ten seconds."""

    def make(**options: Any) -> Roadbook:
        given = {"token": issuer.token(), "patience": 10.0, **options}
        return Roadbook(lead="http://lead.test", projection="http://projection.test/", http=http, **given)

    return make


@pytest.fixture
def roadbook(connect: Callable[..., Roadbook]) -> Roadbook:
    return connect()


@pytest.fixture
def stored(lead_pool: Pool) -> Callable[[], Awaitable[int]]:
    """How many leads there are where they are stored."""

    async def count() -> int:
        return int(await lead_pool.fetchval("SELECT count(*) FROM streams WHERE stream LIKE 'lead/%'"))

    return count


def intent(n: int = 1, **changes: Any) -> Any:
    """The body of a capture, another one for every `n`."""
    person = {"name": f"张 {n}", "phones": [{"value": f"138{n:08d}"}]}
    return {"source": "web", "person": person, **changes}


def codes(errors: Sequence[Any]) -> list[str]:
    return [error.code for error in errors]
