"""For every dealer: nothing tells that its customer is known elsewhere.

Every route is asked by every dealer in a world where customers are known to several dealers, linked, bought from and
sold to across them, and again in the world of this dealer alone. The answers are the same, byte for byte.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from deals import deal, owned
from fastapi import FastAPI

from projection.reactions import FactsHandler
from projection.service import gathered
from roadbook.position import Position, encode
from roadbook.wire import rfc3339
from roadbook_cli.postgres import Database

DEALERS = ("dealer-sh-01", "dealer-sh-02", "dealer-sh-03")
VINS = ("LSVAA49J132047371", "LSVAA49J332047372")
POINTERS = ("", "/head/stage", "/vehicles/0/intervals/0/until", "/identity/names/0")
SINGLE = ("x-correlation-id", "date", "traceparent", "content-length")  # name the single request
Question = tuple[str, str, dict[str, Any], Any]
Answer = tuple[int, bytes, tuple[tuple[str, str], ...]]


class Town:
    """One person at each dealer, linked; the first car goes through all hands."""

    def __init__(self, life: Callable[..., Any]) -> None:
        self.leads = {dealer: life(dealer=dealer).captured().qualified("hot") for dealer in DEALERS}
        self.refs = [lead.party_ref for lead in self.leads.values()]
        parties = [self._party(life, dealer) for dealer in DEALERS]
        first, second, third = DEALERS
        bought = deal(life, self.refs[0], first, VINS[0])
        owned(bought.vehicle, None, second, "trade_in", "tradein/1")
        owned(bought.vehicle, self.refs[1], second, "used_sale")
        owned(bought.vehicle, self.refs[2], third, "private")
        other = deal(life, self.refs[2], third, VINS[1], now=bought.order.now)
        self.car = bought.vehicle
        self.streams = [*self.leads.values(), *parties, *bought.streams, *other.streams]

    def _party(self, life: Callable[..., Any], dealer: str) -> Any:
        ref = self.leads[dealer].party_ref
        party = life(stream=f"partyref/{ref}", party_ref=ref, dealer=dealer)
        party.add("party_ref_registered", {"kind": "person", "source": "lead"})
        origin = f"{self.leads[DEALERS[0]].stream}/phone/1"
        return party.add("contact_point_added", {"key": "phone/1", "kind": "mobile", "origin": origin})

    async def speak(self, world: Any, dealer: str) -> None:
        await world.say(self.leads[dealer], "name", "张伟", version=7)
        await world.say(self.leads[dealer], "phone/1", {"raw": "138", "e164": "+8613812345678"}, version=8)

    async def open(self, world: Any) -> None:
        await world.publish(*(event for life in self.streams for event in life.events))
        for dealer in DEALERS:
            await self.speak(world, dealer)
        await world.link(self.refs[0], self.refs[1])
        await world.link(self.refs[1], self.refs[2])
        await world.settle()

    async def open_alone(self, world: Any, dealer: str) -> None:
        """What it did itself and nothing else, straight through the handler: the topics have been read already."""
        handler = FactsHandler(world.wakeups, asyncio.Event())
        async with world.pool.acquire() as connection, connection.transaction():
            for life in self.streams:
                state, own = handler.initial(life.stream), [e for e in life.events if e.labels.dealer == dealer]
                for event in own:
                    state = handler.fold(state, event)
                if own:
                    await handler.save(connection, own, {life.stream: state})
        await self.speak(world, dealer)
        await world.settle()

    def questions(self) -> list[Question]:
        """Every route, with every id of the town, at every time."""
        past = rfc3339(self.leads[DEALERS[0]].now)
        whens: list[dict[str, Any]] = [{}, {"as_of": past}, {"as_of": past, "known_at": past}]
        found: list[Question] = []
        for ref in self.refs:
            path = f"/v1/customers/{ref}"
            for when in whens:
                found += [("GET", path, when, None), ("GET", f"{path}/timeline", {**when, "limit": 3}, None)]
                found += [("GET", f"{path}/why", {**when, "path": pointer}, None) for pointer in POINTERS]
            found += [("GET", f"{path}/timeline", {"stream": life.stream}, None) for life in self.streams]
        waits = [(life.stream, 1) for life in self.leads.values()] + [(self.car.stream, n) for n in (1, 2, 3, 4)]
        found += [("GET", f"/v1/customers/{self.refs[0]}", {"min": encode(Position((at,)))}, None) for at in waits]
        found += [("GET", f"/v1/vehicles/{vin}", {}, None) for vin in VINS]
        found += [("GET", "/v1/shared-reads", {"stream": life.stream}, None) for life in self.streams]
        bodies = ({"name": "张"}, {"phone": "13812345678"}, *({"vin": vin} for vin in VINS))
        found += [("POST", "/v1/customers:search", {"limit": size}, body) for body in bodies for size in (1, 100)]
        return found


async def answers(reader: Any, questions: list[Question]) -> list[Answer]:
    """With all that can be seen of them, but what names the single request."""
    got: list[Answer] = []
    for method, path, query, body in questions:
        answer = await reader.client.request(method, path, params=query, json=body, headers=reader.headers)
        content = answer.content
        if answer.status_code >= 400:
            told = {name: value for name, value in answer.json().items() if name not in ("instance", "trace_id")}
            content = repr(sorted(told.items())).encode()
        headers = sorted((name, value) for name, value in answer.headers.items() if name not in SINGLE)
        got.append((answer.status_code, content, tuple(headers)))
    return got


TABLES = "facts, stream_states, stream_refs, links, customer_map, personal_values, dirty, summaries, search_keys"


async def forget(database: Database) -> None:
    """Everything, as the owner may."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("ALTER TABLE facts DISABLE TRIGGER facts_are_facts")
        await owner.execute(f"TRUNCATE {TABLES}")
        await owner.execute("ALTER TABLE facts ENABLE TRIGGER facts_are_facts")
    finally:
        await owner.close()


async def test_every_answer_is_that_of_a_world_of_ones_own(
    world: Any,
    life: Callable[..., Any],
    caller: Any,
    app: FastAPI,
    projection_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathered, "WAIT_SECONDS", 0.1)
    town = Town(life)
    questions = town.questions()
    asked = {path.replace(town.refs[0], "{customer_id}").replace(VINS[0], "{vin}") for _, path, _, _ in questions}
    assert set(app.openapi()["paths"]) <= asked
    await town.open(world)
    among_others = {dealer: await answers(caller(dealer), questions) for dealer in DEALERS}
    same = 0
    for dealer in DEALERS:
        await forget(projection_database)
        await town.open_alone(world, dealer)
        alone = await answers(caller(dealer), questions)
        assert {status for status, _, _ in alone} >= {200, 404, 503}
        for question, mine, theirs in zip(questions, alone, among_others[dealer], strict=True):
            assert mine == theirs, (dealer, question)
            same += 1
    assert same == len(DEALERS) * len(questions)
    print(f"\nnothing tells: {same} of {same} answers to {len(DEALERS)} dealers are those of worlds of their own")
