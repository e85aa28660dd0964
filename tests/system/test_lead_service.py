"""The whole life of leads on the real stack, on a simulated clock: every event that the lead service can tell is on
Kafka as its schema says, and what many want at once only as many get as there is."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from harness import Net, check_order, lead_body, read_topic, read_when_visible, until
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with check-jsonschema

from lead.contract import CODECS
from roadbook_cli.stack import Stack

CONTRACTS = Path(__file__).parents[2] / "contracts" / "events" / "lead"
START = datetime(2026, 1, 5, 1, tzinfo=UTC)  # nine o'clock in Shanghai
CAR = "LSVAA49J6T2900010"  # the first demonstrator of dealer-sh-01
HERE, NEIGHBOUR = "dealer-sh-01", "dealer-sh-02"
STAFF, COLLEAGUE = "staff-sh-01-1", "staff-sh-01-2"


@dataclass
class Business:
    """A running stack on a clock that the test moves, and who acts in it."""

    net: Net
    clock: Path
    clients: dict[str | None, httpx2.AsyncClient]
    now: datetime

    def later(self, **by: float) -> datetime:
        """Moves the clock; every service reads it from the file."""
        self.now += timedelta(**by)
        new = self.clock.with_suffix(".new")
        new.write_text(self.now.isoformat())
        new.replace(self.clock)
        return self.now

    def at(self, **by: float) -> str:
        return (self.now + timedelta(**by)).isoformat()

    async def post(self, dealer: str | None, path: str, body: Any = None, expect: int = 0) -> dict[str, Any]:
        """Asks again with the same key until the answer is definite; `expect` 0 is any success."""
        headers = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        while True:
            answer = await self.clients[dealer].post(path, json=body, headers=headers)
            retry = answer.status_code == 503 or (answer.status_code == 409 and answer.json().get("retryable"))
            if not retry:
                break
        assert answer.status_code == expect if expect else answer.is_success, (path, answer.text)
        return dict(answer.json())

    async def get(self, dealer: str | None, path: str, **params: Any) -> dict[str, Any]:
        answer = await self.clients[dealer].get(path, params=params)
        assert answer.status_code == 200, (path, answer.text)
        return dict(answer.json())

    async def lead(self, n: int, dealer: str | None = HERE, **changes: Any) -> str:
        """The path of a new lead."""
        return f"/v1/leads/{(await self.post(dealer, '/v1/leads', lead_body(n, **changes)))['lead']}"

    async def seen(self, dealer: str | None, path: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What a read shows once a timer has done what is due."""

        async def look() -> dict[str, Any] | None:
            shown = await self.get(dealer, path)
            return shown if condition(shown) else None

        return dict(await until(look))


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Net, Path]]:
    folder = tmp_path_factory.mktemp("clocked")
    clock = folder / "clock"
    clock.write_text(START.isoformat())
    stack = Stack(folder / "home")
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("ROADBOOK_CLOCK", f"file:{clock}")
            stack.up()
            yield Net(stack), clock
    finally:
        stack.down(wipe=True)


@pytest.fixture
async def business(clocked: tuple[Net, Path]) -> AsyncIterator[Business]:
    net, clock = clocked
    dealers = (None, *(f"dealer-sh-0{n}" for n in range(1, 7)))
    clients = {dealer: net.client("lead", dealer) for dealer in dealers}
    try:
        yield Business(net, clock, clients, datetime.fromisoformat(clock.read_text()))
    finally:
        for client in clients.values():
            await client.aclose()


async def test_every_event_of_the_lead_service_is_on_kafka_as_its_schema_says(business: Business) -> None:
    await routed(business)
    await held(business)
    await worked(business)
    await ended(business)
    await driven(business)
    await grouped(business)
    await marketed(business)

    every = {codec.type_name(each.cls) for codec in CODECS.values() for each in codec.types}

    async def all_there() -> bool:
        return every <= {message.headers["ce_type"] for message in await messages(business.net)}

    await until(all_there, seconds=60, every=0.5)
    told = await messages(business.net)
    for message in told:
        name, version = message.headers["ce_type"].removeprefix("roadbook.lead.").rsplit(".", 1)
        schema = json.loads((CONTRACTS / f"{name}.{version}.schema.json").read_text())
        Draft202012Validator(schema).validate(json.loads(message.value or b""))
    assert check_order(told).duplicates == 0  # and per stream 1, 2, 3 …
    counts = Counter(message.headers["ce_type"] for message in told)
    print(f"\n{len(told)} events of {len(counts)} types on the topic, each as its schema says")


async def messages(net: Net) -> list[Any]:
    return await asyncio.to_thread(read_topic, net.stack.bootstrap, "roadbook.lead.v1")


async def routed(b: Business) -> None:
    """E06, E07: by wish, declined, lapsed, and on to the next dealer each time."""
    path = await b.lead(1, None, region="sh-pudong", dealer_wish=NEIGHBOUR)
    await b.post(None, f"{path}:qualify", {"grade": "hot", "reasons": ["asked_for_call"]})
    assert (await b.get(None, path))["dealer"] == NEIGHBOUR
    await b.post(NEIGHBOUR, f"{path}:decline", {"reason": "no_capacity"})
    second = (await b.get(None, path))["dealer"]
    assert second == HERE  # the nearest to the customer
    await b.post(NEIGHBOUR, f"{path}:accept", {"staff": "staff-sh-02-1"}, expect=404)
    b.later(hours=5)
    third = (await b.seen(None, path, lambda lead: lead["dealer"] != second))["dealer"]
    assert third not in (HERE, NEIGHBOUR)
    staff = f"staff-{third.removeprefix('dealer-')}-1"
    await b.post(third, f"{path}:accept", {"staff": staff})
    await b.post(third, f"{path}:complete-follow-up", {"outcome": "reached", "staff": staff})
    await b.post(third, f"{path}:report-status", {"status": "negotiating", "staff": staff})
    b.later(hours=80)  # no word for longer than the rules allow
    await b.seen(third, path, lambda lead: lead["feedback_due"] is None)


async def held(b: Business) -> None:
    """C04, C05, M03: protected until it runs out, into the pool and out of it; shared and revoked."""
    path = await b.lead(2)
    await b.post(HERE, f"{path}:protect", {"staff": STAFF})
    b.later(days=16)
    await b.seen(HERE, path, lambda lead: bool(lead["pooled"]))
    await b.post(HERE, f"{path}:claim", {"staff": STAFF})
    theirs = (await b.get(HERE, f"/v1/hand-over/{STAFF}"))["items"]  # whatever other tests left with them
    assert path.rpartition("/")[2] in {lead["lead"] for lead in theirs}
    moved = await b.post(HERE, "/v1/leads:reassign", {"from": STAFF, "to": COLLEAGUE, "reason": "staff_left"})
    assert (moved["moved"], moved["left"]) == (len(theirs), 0)
    lead = path.rpartition("/")[2]
    party = (await b.get(HERE, path))["party_ref"]
    shared = {"dealer": NEIGHBOUR, "scope": "contact", "until": b.at(days=30), "reason": "test_drive_there"}
    answer = await b.post(HERE, f"{path}:share", shared)
    assert (await b.get(NEIGHBOUR, path))["lead"] == lead
    async with b.net.client("projection", NEIGHBOUR) as record:
        await read_when_visible(record, f"/v1/customers/{party}", answer["position"])
        revoked = await b.post(HERE, f"{path}:revoke-share", {"dealer": NEIGHBOUR})
        async with b.net.client("projection", HERE) as holder:
            await read_when_visible(holder, f"/v1/customers/{party}", revoked["position"])
        assert (await record.get(f"/v1/customers/{party}")).status_code == 404
    reads = (await b.get(HERE, f"{path}/share-reads"))["items"]
    assert [(read["dealer"], read["what"]) for read in reads] == [(NEIGHBOUR, "read_lead")]


async def worked(b: Business) -> None:
    """C03, D06, E10, E11, E13: learned, seen, scored; a promised call that nobody makes."""
    path = await b.lead(3)
    await b.post(HERE, f"{path}:record-visit", {"purpose": "look_around", "persons": 2, "staff": STAFF})
    tried = {"model": "volkswagen-lavida", "feature": "interior_360", "seconds": 95, "site": "lavida_site"}
    await b.post(HERE, f"{path}:record-experience", tried)
    needs = [{"kind": "use", "value": "commute", "source": "advice_call"}]
    await b.post(HERE, f"{path}:enrich", {"needs": needs, "vehicles": [{"model": "volkswagen-lavida"}]})
    call = {"kind": "call_back", "due": b.at(hours=1), "assignee": STAFF}
    await b.post(HERE, f"{path}:schedule-follow-up", {"next_action": call})
    b.later(hours=2)
    await b.seen(HERE, path, lambda lead: bool(lead["overdue"]))


async def ended(b: Business) -> None:
    """C07 and the other ends."""
    lost, sold = await b.lead(4), await b.lead(5, vehicles=[{"model": "volkswagen-polo"}])
    await b.post(HERE, f"{lost}:lose", {"reason": "bought_elsewhere"})
    await b.post(HERE, f"{lost}:reopen", {"reason": "called_again"})
    before = (await b.get(HERE, f"{lost}/events"))["items"]
    await b.post(HERE, f"{lost}:recycle", {"reason": "duplicate"})
    await b.post(HERE, f"{lost}:restore", {"reason": "by_mistake"})
    assert (await b.get(HERE, f"{lost}/events"))["items"][: len(before)] == before
    await b.post(HERE, f"{sold}:convert", {})
    await sales_lost_it(b, sold)


async def sales_lost_it(b: Business, lead: str) -> None:
    """The opportunity that came of the lead is lost, and the lead is open again."""
    async with b.net.client("sales", HERE) as sales:

        async def opened() -> str | None:
            items = (await sales.get("/v1/opportunities")).json()["items"]
            return next(
                (each["opportunity"] for each in items if each["lead"] == f"lead/{lead.rpartition('/')[2]}"), None
            )

        opportunity = await until(opened)
        answer = await sales.post(f"/v1/opportunities/{opportunity}:lose", json={"reason": "finance"})
        assert answer.status_code == 200, answer.text
    await b.seen(HERE, lead, lambda shown: shown["status"] == "open")


async def driven(b: Business) -> None:
    """E14: booked, moved, taken; cancelled; missed by the timer."""
    path = await b.lead(6)
    lead = path.rpartition("/")[2]
    start = datetime.combine((b.now + timedelta(days=1)).date(), datetime.min.time(), UTC) + timedelta(hours=2)

    def slot(n: int) -> str:
        return (start + timedelta(hours=n)).isoformat()

    async def book(n: int, expect: int = 0) -> str:
        wanted = {"lead": lead, "vin": CAR, "starts": slot(n), "minutes": 30, "staff": STAFF}
        return str((await b.post(HERE, "/v1/test-drives", wanted, expect)).get("test_drive"))

    taken, cancelled, missed = [await book(n) for n in (0, 1, 2)]
    await book(0, expect=409)
    await b.post(HERE, f"/v1/test-drives/{taken}:reschedule", {"starts": slot(3), "minutes": 45})
    await b.post(HERE, f"/v1/test-drives/{cancelled}:cancel", {"reason": "customer_ill"})
    b.later(days=1, hours=2 + 24)
    await b.seen(HERE, f"/v1/test-drives/{missed}", lambda drive: drive["state"] == "missed")
    start += timedelta(days=7)
    fourth = await book(0)
    b.later(seconds=(start - b.now).total_seconds() + 20 * 60)
    form = {"ratings": {"design": 5, "comfort": 4}, "recommend": 9, "comment": "很安静"}
    await b.post(HERE, f"/v1/test-drives/{fourth}:complete", form)
    scored = await b.seen(HERE, path, lambda lead: bool(lead["score"]))
    assert "test_drive" in {part["signal"] for part in scored["score"]["parts"]}


async def grouped(b: Business) -> None:
    """E15: joined, left, the threshold reached, closed by time."""
    wanted = {
        "model": "volkswagen-polo", "price": {"currency": "CNY", "minor": 8_990_000}, "places": 3, "threshold": 2,
        "closes_at": b.at(days=7),
    }  # fmt: skip
    group = f"/v1/group-buys/{(await b.post(None, '/v1/group-buys', wanted))['group_buy']}"
    leads = [(await b.lead(n, dealer)).rpartition("/")[2] for n, dealer in ((7, HERE), (8, NEIGHBOUR), (9, HERE))]
    for lead, dealer in zip(leads, (HERE, NEIGHBOUR, HERE), strict=True):
        await b.post(dealer, f"{group}:join", {"lead": lead})
    await b.post(HERE, f"{group}:leave", {"lead": leads[2]})
    b.later(days=8)
    await b.seen(None, group, lambda shown: shown["state"] == "reached")


async def marketed(b: Business) -> None:
    """E17, E19, E23, D12: a campaign and what it brought, showroom days, money spent."""
    today = b.now.date()
    plan = {
        "code": "spring_2026", "regions": ["sh-pudong", "sh-minhang"], "channels": ["radio"],
        "starts": today.isoformat(), "ends": (today + timedelta(days=10)).isoformat(),
    }  # fmt: skip
    await b.post(None, "/v1/campaigns", plan)
    result = {"first_day": today.isoformat(), "last_day": today.isoformat(), "counters": {"reach": 900, "visitors": 20}}
    await b.post(HERE, "/v1/campaigns/spring_2026/results", result)
    day = {"date": today.isoformat(), "visitors": 31, "enquiries": 12}
    await b.post(HERE, "/v1/showroom-days", day)
    await b.post(HERE, "/v1/showroom-days", {**day, "visitors": 33, "reason": "counted_again"})
    spend = {
        "region": "sh-pudong", "day": today.isoformat(), "medium": "radio",
        "amount": {"currency": "CNY", "minor": 5_000_000}, "campaign": "spring_2026",
    }  # fmt: skip
    await b.post(None, "/v1/media-spend", spend)
    b.later(days=12)


# ── Many at once ──────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_thousand_joins_of_fifty_places_are_fifty(business: Business) -> None:
    b = business
    wanted = {
        "model": "volkswagen-polo", "price": {"currency": "CNY", "minor": 8_990_000}, "places": 50, "threshold": 40,
        "closes_at": b.at(days=7),
    }  # fmt: skip
    group = f"/v1/group-buys/{(await b.post(None, '/v1/group-buys', wanted))['group_buy']}"
    gate = asyncio.Semaphore(32)

    async def capture(n: int) -> str:
        async with gate:
            return (await b.lead(10_000 + n)).rpartition("/")[2]

    leads = await asyncio.gather(*(capture(n) for n in range(1000)))

    async def join(n: int, lead: str) -> int:
        headers = {"Idempotency-Key": f'"join-{n}"'}
        while True:
            try:
                answer = await b.clients[HERE].post(f"{group}:join", json={"lead": lead}, headers=headers)
            except httpx2.HTTPError:
                continue
            if answer.status_code != 503 and not (answer.status_code == 409 and answer.json().get("retryable")):
                return answer.status_code

    statuses = Counter(await asyncio.gather(*(join(n, lead) for n, lead in enumerate(leads))))
    assert statuses == {200: 50, 409: 950}
    assert (await b.get(None, group))["members"] == 50

    async def all_joins() -> bool:
        stream = "groupbuy/" + group.rpartition("/")[2]
        types = [m.headers["ce_type"] for m in await messages(b.net) if m.headers["ce_subject"] == stream]
        joined = types.count("roadbook.lead.group_buy_joined.v1")
        return joined == 50 and types.count("roadbook.lead.group_buy_threshold_reached.v1") == 1

    await until(all_joins, every=0.5)


async def test_fifty_protections_of_one_customer_are_one(business: Business) -> None:
    b = business
    first = await b.lead(20_000, None, vehicles=[{"model": "volkswagen-polo"}])
    party = (await b.get(None, first))["party_ref"]
    paths = [first] + [await b.lead(20_000, None, party_ref=party) for _ in range(4)]
    dealers = [f"dealer-sh-0{n}" for n in range(1, 6)]
    for path, dealer in zip(paths, dealers, strict=True):
        await b.post(None, f"{path}:route", {"dealer": dealer})
        await b.post(dealer, f"{path}:accept", {"staff": f"staff-{dealer.removeprefix('dealer-')}-1"})

    async def protect(n: int) -> int:
        dealer = dealers[n % 5]
        staff = f"staff-{dealer.removeprefix('dealer-')}-{1 + n // 5 % 2}"
        while True:
            answer = await b.clients[dealer].post(f"{paths[n % 5]}:protect", json={"staff": staff})
            if answer.status_code != 503 and not (answer.status_code == 409 and answer.json().get("retryable")):
                return answer.status_code

    statuses = Counter(await asyncio.gather(*(protect(n) for n in range(50))))
    assert set(statuses) <= {200, 409, 429}
    protected = [await b.get(None, path) for path in paths]
    assert sum(lead["protection"] is not None for lead in protected) == 1
    events = [m for m in await messages(b.net) if m.headers["ce_type"] == "roadbook.lead.lead_protected.v1"]
    assert len({m.headers["ce_id"] for m in events if m.headers["ce_partyref"] == party}) <= 1
