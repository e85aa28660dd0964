"""A projection on a real database with the bus in memory: its consumers, its composer, its application."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from projection.api import Running
from projection.composer import Composer
from projection.main import FACTS_CONSUMER, FACTS_TOPICS, PERSONAL_CONSUMER, application
from projection.reactions import FactsHandler, PersonalHandler
from projection.settings import Settings
from projection.wakeups import Wakeups
from roadbook.bus import Message
from roadbook.clock import SimulatedClock
from roadbook.consumer import Consumer, facts, raw
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool
from roadbook.events import Labels, Recorded, new_id
from roadbook.kafka import partition_of
from roadbook.position import Position, encode
from roadbook.store.port import PersonalVersion
from roadbook.testing.http import renewed
from roadbook.testing.memory_bus import MemoryBroker, MemorySubscription
from roadbook.testing.waiting import eventually
from roadbook.wire import rfc3339, to_message

DAY = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
PERSONAL_TOPIC = "roadbook.personal-data.v1"
SERVICES = {
    "identity": ("partyref", "consent", "link"),
    "sales": ("opportunity", "quote", "contract", "order", "accessorysale", "tradein", "vehicle", "commission"),
}


@dataclass
class Life:
    """One stream, told step by step as its service would publish it. Written by hand from the contract, not with its
    code: what is read here is what stands on the topic."""

    dealer: str | None = "dealer-sh-01"
    party_ref: str | None = field(default_factory=new_id)
    stream: str = field(default_factory=lambda: f"lead/{new_id()}")
    now: datetime = DAY
    events: list[Recorded] = field(default_factory=list)

    @property
    def service(self) -> str:
        """Whose stream it is; what nobody knows is the lead service's."""
        kind = self.stream.partition("/")[0]
        return next((name for name, kinds in SERVICES.items() if kind in kinds), "lead")

    def add(
        self,
        name: str,
        data: dict[str, Any],
        *,
        at: datetime | None = None,
        version: int = 1,
        vin: str | None = None,
    ) -> "Life":
        self.now += timedelta(minutes=1)
        at = at or self.now
        self.events.append(
            Recorded(
                stream=self.stream,
                version=len(self.events) + 1,
                id=new_id(),
                type=f"roadbook.{self.service}.{name}.v{version}",
                time=at,
                recorded=self.now,
                data=json.dumps({**data, "at": rfc3339(at)}),
                key=self.party_ref or self.stream.partition("/")[2],
                labels=Labels(self.dealer, self.party_ref, vin),
                actor="staff-1",
                correlation=new_id(),
            )
        )
        return self

    def captured(self, **changes: Any) -> "Life":
        data = {
            "party_ref": self.party_ref,
            "source": "web_form",
            "dealer": self.dealer,
            "dealer_wish": None,
            "vehicles": [{"interest": "buy", "model": "volkswagen-lavida"}],
            "budget": None,
            "window": None,
            "contact_points": [{"key": "phone/1", "kind": "mobile", "valid": True, "linkable": True}],
            "consents": [],
            "rules": "2026-1",
            "campaign": None,
            "personal_fields": ["name"],
        }
        return self.add("lead_captured", data | changes)

    def enriched(self, **changes: Any) -> "Life":
        return self.add("lead_enriched", changes)

    def qualified(self, grade: str = "hot", *reasons: str) -> "Life":
        return self.add("lead_qualified", {"grade": grade, "reasons": list(reasons), "rules": "2026-1"})

    def scheduled(self, due: datetime, kind: str = "call", assignee: str | None = None) -> "Life":
        return self.add("follow_up_scheduled", {"kind": kind, "due": rfc3339(due), "assignee": assignee})

    def missed(self, due: datetime, kind: str = "call") -> "Life":
        return self.add("follow_up_missed", {"kind": kind}, at=due)

    def lost(self, reason: str = "bought_elsewhere", competitor: str | None = None) -> "Life":
        return self.add("lead_lost", {"reason": reason, "competitor": competitor})

    def reopened(self, reason: str = "called_back") -> "Life":
        return self.add("lead_reopened", {"reason": reason, "rules": "2026-1"})

    # ── Routing: the label says who holds it after the event
    def routed(self, dealer: str, accept_by: datetime | None = None, by: str = "wish") -> "Life":
        self.dealer = dealer
        due = accept_by or self.now + timedelta(hours=4)
        return self.add("lead_routed", {"dealer": dealer, "by": by, "accept_by": rfc3339(due), "rules": "2026-2"})

    def accepted(self, staff: str | None = "staff-7", feedback_due: datetime | None = None) -> "Life":
        due = rfc3339(feedback_due or self.now + timedelta(days=3))
        data = {"dealer": self.dealer, "staff": staff, "feedback_due": due, "rules": "2026-2"}
        return self.add("lead_accepted", data)

    def declined(self, reason: str = "no_capacity") -> "Life":
        dealer, self.dealer = self.dealer, None
        return self.add("lead_declined", {"dealer": dealer, "reason": reason})

    def overdue(self, awaited: str = "acceptance", at: datetime | None = None) -> "Life":
        dealer, self.dealer = self.dealer, None if awaited == "acceptance" else self.dealer
        return self.add("lead_feedback_overdue", {"dealer": dealer, "awaited": awaited}, at=at)

    def reported(self, status: str = "negotiating", feedback_due: datetime | None = None) -> "Life":
        due = rfc3339(feedback_due or self.now + timedelta(days=3))
        data = {"status": status, "staff": "staff-7", "feedback_due": due, "rules": "2026-2"}
        return self.add("lead_status_reported", data)

    # ── Work
    def completed(self, outcome: str = "reached", at: datetime | None = None, staff: str = "staff-7") -> "Life":
        return self.add("follow_up_completed", {"kind": "call", "outcome": outcome, "staff": staff}, at=at)

    def protected(self, until: datetime, staff: str = "staff-7") -> "Life":
        return self.add("lead_protected", {"staff": staff, "until": rfc3339(until), "rules": "2026-2"})

    def protection_expired(self) -> "Life":
        return self.add("lead_protection_expired", {"staff": "staff-7"})

    def pooled(self, reason: str = "protection_expired") -> "Life":
        return self.add("lead_released_to_pool", {"reason": reason})

    def reassigned(self, staff: str, previous: str | None = "staff-7") -> "Life":
        return self.add("lead_reassigned", {"previous": previous, "staff": staff, "reason": "staff_left"})

    # ── Shares
    def shared(self, dealer: str, until: datetime, scope: str = "facts") -> "Life":
        data = {"dealer": dealer, "scope": scope, "until": rfc3339(until), "reason": "test_drive_there"}
        return self.add("customer_shared", data)

    def revoked(self, dealer: str) -> "Life":
        return self.add("share_revoked", {"dealer": dealer})

    # ── Interest and ends
    def experienced(self, feature: str = "interior_360", seconds: int = 95) -> "Life":
        data = {"model": "volkswagen-lavida", "feature": feature, "seconds": seconds, "site": "lavida_site"}
        return self.add("online_experience_recorded", data)

    def visited(self, persons: int = 2, at: datetime | None = None, staff: str = "staff-7") -> "Life":
        data = {"purpose": "look_around", "persons": persons, "staff": staff}
        return self.add("showroom_visit_recorded", data, at=at)

    def scored(self, **points: int) -> "Life":
        parts = [{"signal": signal, "points": given} for signal, given in points.items()]
        return self.add("lead_scored", {"points": sum(points.values()), "parts": parts, "rules": "2026-2"})

    def converted(self) -> "Life":
        return self.add("lead_converted", {"rules": "2026-2"})

    def recycled(self, reason: str = "duplicate") -> "Life":
        return self.add("lead_recycled", {"reason": reason})

    def restored(self, reason: str = "by_mistake") -> "Life":
        return self.add("lead_restored", {"reason": reason})

    # ── Test drives: streams of their own, `life(stream="testdrive/…", party_ref=…)`
    def booked(self, starts: datetime) -> "Life":
        hour = timedelta(hours=1)
        data = {"lead": "lead-1", "party_ref": self.party_ref, "vin": "LSVAA49J132047371", "model": "volkswagen-lavida",
                "dealer": self.dealer, "starts": rfc3339(starts), "ends": rfc3339(starts + hour),
                "report_by": rfc3339(starts + 2 * hour), "staff": "staff-7", "rules": "2026-2"}  # fmt: skip
        return self.add("test_drive_booked", data)

    def rescheduled(self, starts: datetime) -> "Life":
        hour = timedelta(hours=1)
        data = {"starts": rfc3339(starts), "ends": rfc3339(starts + hour), "report_by": rfc3339(starts + 2 * hour)}
        return self.add("test_drive_rescheduled", {**data, "rules": "2026-2"})

    def taken(self, **ratings: int) -> "Life":
        data = {"ratings": ratings, "recommend": 9, "odometer_out": 10, "odometer_in": 25, "personal_fields": []}
        return self.add("test_drive_taken", data)

    @property
    def last(self) -> Recorded:
        return self.events[-1]

    @property
    def token(self) -> str:
        return encode(Position(((self.stream, len(self.events)),)))


@dataclass
class World:
    """Everything of one projection service but Kafka and HTTP's socket."""

    pool: Pool
    clock: SimulatedClock
    broker: MemoryBroker
    wakeups: Wakeups
    composer: Composer
    versions: int = 0
    links: dict[str, Life] = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    running: list[asyncio.Task[None]] = field(default_factory=list)

    async def publish(self, *events: Recorded) -> None:
        for event in events:
            message = to_message(event)
            topic = f"roadbook.{event.type.split('.')[1]}.v1"
            await self.broker.append(topic, partition_of(message.key, 12), [message])

    async def say(
        self, life: Life, name: str, value: Any, *, version: int | None = None, service: str = "lead"
    ) -> PersonalVersion:
        """Publishes a personal value (None: a tombstone); returns the version for a position token."""
        self.versions += 1
        version = version or self.versions
        key = f"{life.stream}/{name}"
        body = None
        if value is not None:
            shape = {"value": value, "source": "web_form", "recorded_at": rfc3339(DAY), "verified_at": None}
            body = json.dumps({**shape, "version": version}).encode()
        message = Message(
            f"{life.party_ref}/{service}/{key}".encode(), body, (("sequence", str(version).zfill(10).encode()),)
        )
        await self.broker.append(PERSONAL_TOPIC, partition_of(message.key, 12), [message])
        return PersonalVersion(life.party_ref, key, version)

    def consumers(self, compose: asyncio.Event) -> list[Consumer]:
        return [
            Consumer(
                name=name,
                store=PostgresConsumerStore(self.pool, name),
                subscription=MemorySubscription(self.broker, group=name),
                topics=topics,
                work=work,
            )
            for name, topics, work in (
                (FACTS_CONSUMER, FACTS_TOPICS, facts(FactsHandler(self.wakeups, compose))),
                (PERSONAL_CONSUMER, (PERSONAL_TOPIC,), raw(PersonalHandler(self.wakeups, compose))),
            )
        ]

    def start(self) -> None:
        """Consumers at work in the background until the end of the test."""
        if not self.running:
            self.running = [asyncio.create_task(each.run(self.stop)) for each in self.consumers(self.composer.wake)]

    async def end(self) -> None:
        self.stop.set()
        await asyncio.gather(*self.running)

    @asynccontextmanager
    async def composing(self) -> AsyncIterator[None]:
        """The composer at work, too."""
        self.start()
        stop = asyncio.Event()
        task = asyncio.create_task(self.composer.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def consumed(self) -> None:
        """Everything published is in the tables."""
        self.start()
        await eventually(self._consumed)

    async def settle(self) -> None:
        """Everything published is in the tables and composed."""
        await self.consumed()
        while await self.composer.round():
            pass

    async def _consumed(self) -> bool:
        rows = await self.pool.fetch("SELECT topic, partition, next FROM consumer_offsets")
        at = {(row["topic"], row["partition"]): row["next"] for row in rows}
        return all(
            at.get((topic, number), 0) >= len(log)
            for topic, logs in self.broker.topics.items()
            for number, log in enumerate(logs)
        )

    async def live(self, *lives: Life) -> None:
        await self.publish(*(event for life in lives for event in life.events))
        await self.settle()

    async def link(self, one: str, other: str) -> None:
        await self._said_of(one, other, "party_refs_linked")

    async def unlink(self, one: str, other: str) -> None:
        await self._said_of(one, other, "party_refs_unlinked")

    async def _said_of(self, one: str, other: str, name: str) -> None:
        """As identity says it, on the stream of the pair."""
        smaller, larger = sorted((one, other))
        stream = f"link/{smaller}:{larger}"
        told = self.links.setdefault(stream, Life(dealer=None, party_ref=None, stream=stream))
        told.add(name, {"smaller": smaller, "larger": larger, "by": "rule", "evidence": [], "matcher": "m-1"})
        await self.publish(told.last)
        await self.consumed()


@pytest.fixture
async def world(projection_pool: Pool, clock: SimulatedClock) -> AsyncIterator[World]:
    broker = MemoryBroker()
    for topic in (*FACTS_TOPICS, PERSONAL_TOPIC):
        broker.create_topic(topic)
    wakeups = Wakeups()
    composer = Composer(projection_pool, clock, wakeups, asyncio.Event())
    made = World(projection_pool, clock, broker, wakeups, composer)
    yield made
    await made.end()


@pytest.fixture
def life() -> Callable[..., Life]:
    """`life(dealer="dealer-sh-02").captured().qualified("hot")`."""
    return Life


@pytest.fixture
def app(world: World, issuer: Any, built: dict[str, FastAPI]) -> FastAPI:
    if "projection" not in built:
        settings = Settings.for_service("projection", issuer.environment)
        built["projection"] = application(settings, world.pool, world.wakeups, world.clock)
    made = renewed(built["projection"], world.clock)
    made.state.projection = Running(world.pool, world.wakeups, made.state.admission)
    return made


class Reader:
    """One caller's client."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx2.Response:
        return await self.client.get(path, params=params, headers={**self.headers, **(headers or {})})

    async def record(self, ref: str, **params: Any) -> dict[str, Any]:
        answer = await self.get(f"/v1/customers/{ref}", **params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def timeline(self, ref: str, **params: Any) -> list[dict[str, Any]]:
        """All pages."""
        items: list[dict[str, Any]] = []
        while True:
            answer = await self.get(f"/v1/customers/{ref}/timeline", **params)
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            if not answer.json()["has_more"]:
                return items
            params["cursor"] = answer.json()["next_cursor"]

    async def search(self, body: dict[str, Any], **params: Any) -> httpx2.Response:
        return await self.client.post("/v1/customers:search", params=params, json=body, headers=self.headers)

    async def found(self, **criterion: str) -> list[str]:
        answer = await self.search(criterion)
        assert answer.status_code == 200, answer.text
        return [item["customer_id"] for item in answer.json()["items"]]


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://projection.test") as client:
        yield client


@pytest.fixture
def caller(http: httpx2.AsyncClient, issuer: Any) -> Callable[..., Reader]:
    """`caller("dealer-sh-02")`, `caller(headquarters=True)`."""

    def make(dealer: str | None = "dealer-sh-01", **options: Any) -> Reader:
        return Reader(http, issuer.bearer(dealer, **options))

    return make


@pytest.fixture
def dealer(caller: Callable[..., Reader]) -> Reader:
    return caller()


@pytest.fixture
def headquarters(caller: Callable[..., Reader]) -> Reader:
    return caller(headquarters=True)
