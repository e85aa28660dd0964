"""An identity service on a real database, without Kafka: its application, a client per caller, and other services'
events and values as they would arrive."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2
import lead_api
import orjson
import pytest
from fastapi import FastAPI

from identity import reactions
from identity.contract import others
from identity.main import application
from identity.service import Service
from identity.service.matching import match_some
from identity.settings import Settings
from roadbook.bus import Delivered
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.events import Labels, Recorded, new_id
from roadbook.reactions import Reactions
from roadbook.store.postgres import PostgresStore
from roadbook.testing.http import renewed

SCOPES = ("identity:read", "identity:write", "identity:steward")
SECRET = b"a secret of the tests"


@pytest.fixture
async def pool(pools: Any) -> Pool:
    made: Pool = await pools("identity")
    return made


@pytest.fixture
def service(pool: Pool) -> Service:
    return Service(pool, PostgresStore(pool))


@pytest.fixture
def app(service: Service, clock: SimulatedClock, issuer: Any, built: dict[str, FastAPI]) -> FastAPI:
    if "identity" not in built:
        built["identity"] = application(Settings.for_service("identity", issuer.environment), service, clock)
    made = renewed(built["identity"], clock)
    made.state.identity = service
    return made


class Api:
    """One caller's client. A POST gets an Idempotency-Key of its own unless `key` says otherwise (None: no key)."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(path, params=params, headers=self.headers)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = "", match: str | None = None
    ) -> httpx2.Response:
        return await self.client.post(path, json=body, headers=self._headers(key, match))

    async def delete(self, path: str, *, match: str | None = None, **params: Any) -> httpx2.Response:
        return await self.client.delete(path, params=params, headers=self._headers("", match))

    def _headers(self, key: str | None, match: str | None) -> dict[str, str]:
        headers = {**self.headers}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key or uuid.uuid4()}"'
        if match is not None:
            headers["If-Match"] = match
        return headers


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://identity.test") as client:
        client.event_hooks = {**client.event_hooks, "response": [lead_api.documented(app)]}
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


@dataclass
class World:
    """Other services: their events and values arrive here as they would from their topics."""

    pool: Pool
    service: Service
    clock: SimulatedClock
    versions: dict[str, int] = field(default_factory=dict)
    values: int = 0

    def event(
        self,
        stream: str,
        type_: str,
        data: dict[str, Any],
        dealer: str | None,
        ref: str | None,
        at: datetime | None = None,
    ) -> Recorded:
        """The next event of this stream."""
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        now = at or self.clock.now()
        text = orjson.dumps({**data, "at": now}).decode()
        labels = Labels(dealer, ref, None)
        return Recorded(stream, version, new_id(), type_, now, now, text, ref or stream, labels, "staff-1", new_id())

    async def react(self, *events: Recorded) -> None:
        """Every reaction acts on them, in this order; what was acted on once is not acted on again."""
        made = (
            Reactions(reactions.party_refs(self.clock)),
            Reactions(reactions.consents(self.clock)),
            Reactions(reactions.owners()),
        )
        for event in events:
            for each in made:
                async with self.pool.acquire() as connection, connection.transaction():
                    await each.act_on(connection, [event])

    async def learn(self, ref: str, key: str, value: Any, service: str = "lead", version: int | None = None) -> None:
        """A message of the personal-data topic; value None is a tombstone."""
        self.values += 1
        number = version or self.values
        body = None if value is None else orjson.dumps({"value": value, "version": number})
        headers = (("sequence", str(number).encode()),)
        record = Delivered("personal", 0, number, f"{ref}/{service}/{key}".encode(), body, headers, 0)
        handler = reactions.PersonalHandler(SECRET, asyncio.Event())
        async with self.pool.acquire() as connection, connection.transaction():
            await handler.apply(connection, [handler.decode(record)])

    async def lead(
        self, ref: str | None = None, dealer: str | None = "dealer-sh-01", *, consents: Any = (), **said: Any
    ) -> tuple[str, str]:
        """(party reference, lead's stream) of a captured lead; `said`: `name`, `phone`, `email`, `birth_date` …"""
        ref, stream = ref or str(uuid.uuid4()), f"lead/{uuid.uuid4()}"
        points = [
            {"key": f"{family}/1", "kind": kind, "valid": True, "linkable": True, "preferred": False}
            for family, kind in (("phone", "mobile"), ("email", "email"))
            if family in said
        ]
        data = {"party_ref": ref, "source": "web_form", "contact_points": points, "consents": list(consents)}
        await self.react(self.event(stream, others.CAPTURED, data, dealer, ref))
        for name, value in said.items():
            field_ = f"{name}/1" if name in ("phone", "email", "address") else name
            shaped = {"raw": value} if name in ("phone", "email") else value
            await self.learn(ref, f"{stream}/{field_}", shaped)
        return ref, stream

    async def match(self) -> None:
        while await match_some(self.service, 20, self.clock.now()):
            pass

    async def types(self, stream: str) -> list[str]:
        rows = await self.pool.fetch("SELECT type FROM events WHERE stream = $1 ORDER BY version", stream)
        return [row["type"].split(".")[2] for row in rows]


@pytest.fixture
def world(pool: Pool, service: Service, clock: SimulatedClock) -> World:
    return World(pool, service, clock)
