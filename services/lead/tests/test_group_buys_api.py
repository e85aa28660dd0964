"""Group buys over HTTP on a real Postgres: no place is sold twice, and nobody sees who else is in it."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from lead.domain.lead import Lead
from lead.service import Service, leads
from lead.service.timers import on_timer
from roadbook import commands
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.timers import Timer, TimerWorker

pytestmark = pytest.mark.usefixtures("service")
HOUR = timedelta(hours=1)
CLOSES = datetime.fromisoformat("2026-01-05T18:00:00Z")  # ten hours from now
OFFER: dict[str, Any] = {
    "model": "volkswagen-lavida",
    "price": {"currency": "CNY", "minor": 11_990_000},
    "places": 3,
    "threshold": 2,
    "closes_at": CLOSES.isoformat(),
}


@pytest.fixture
def hq(caller: Callable[..., Any]) -> Any:
    return caller(None, headquarters=True)


@pytest.fixture
def other(caller: Callable[..., Any]) -> Any:
    return caller("dealer-sh-02")


@pytest.fixture
def timers(service: Service, lead_pool: Pool, clock: SimulatedClock) -> TimerWorker:
    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return TimerWorker(lead_pool, clock, handle)


@pytest.fixture
def captured(intent: dict[str, Any]) -> Callable[..., Any]:
    async def capture(api: Any, **more: Any) -> str:
        body = {**intent, **more} if more else intent
        return str((await api.post("/v1/leads", body)).json()["lead"])

    return capture


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


async def opened(api: Any, **changes: Any) -> str:
    response = await api.post("/v1/group-buys", {**OFFER, **changes})
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def joined(api: Any, path: str, lead: str) -> httpx2.Response:
    response: httpx2.Response = await api.post(f"{path}:join", {"lead": lead})
    assert response.status_code == 200, response.text
    return response


async def told(service: Service, path: str) -> list[str]:
    events = (await service.store.load("groupbuy/" + path.rpartition("/")[2])).events
    return [event.type.split(".")[2].removeprefix("group_buy_") for event in events]


async def signals(service: Service, lead: str) -> list[str]:
    state = (await leads.snapshot(service, f"lead/{lead}")).state
    assert isinstance(state, Lead)
    return [signal for signal in state.signals if signal == "group_buy"]


# ── Open, join, leave ─────────────────────────────────────────────────────────────────────────────────────────
async def test_a_group_buy_is_opened_joined_and_read(
    api: Any, captured: Callable[..., Any], service: Service, lead_pool: Pool
) -> None:
    response = await api.post("/v1/group-buys", OFFER)
    body, path = response.json(), response.headers["location"]
    assert path == f"/v1/group-buys/{body['group_buy']}"
    lead = await captured(api)
    await joined(api, path, lead)
    shown = await api.get(path)
    assert shown.headers["etag"] == '"v2"'
    assert shown.json() == {
        "group_buy": body["group_buy"],
        "dealer": "dealer-sh-01",
        "model": "volkswagen-lavida",
        "price": {"currency": "CNY", "minor": 11_990_000},
        "places": 3,
        "threshold": 2,
        "members": 1,
        "state": "open",
        "opened_at": "2026-01-05T08:00:00Z",
        "closes_at": "2026-01-05T18:00:00Z",
        "threshold_reached_at": None,
        "closed_at": None,
        "version": 2,
        "own_members": 1,
        "own": [
            {
                "lead": lead,
                "party_ref": (await api.get(f"/v1/leads/{lead}")).json()["party_ref"],
                "dealer": "dealer-sh-01",
                "joined_at": "2026-01-05T08:00:00Z",
            }
        ],
    }
    assert await lead_pool.fetchval("SELECT key FROM streams WHERE stream = $1", body["stream"]) == body["stream"]
    assert await lead_pool.fetchval("SELECT dealer FROM events WHERE stream = $1", body["stream"]) == "dealer-sh-01"


async def test_the_threshold_is_told_with_the_join_that_reaches_it(
    api: Any, captured: Callable[..., Any], service: Service
) -> None:
    path = await opened(api)
    assert len((await joined(api, path, await captured(api))).json()["events"]) == 1
    assert len((await joined(api, path, await captured(api))).json()["events"]) == 2
    assert await told(service, path) == ["opened", "joined", "joined", "threshold_reached"]
    assert (await api.get(path)).json()["threshold_reached_at"] == "2026-01-05T08:00:00Z"


async def test_a_party_has_one_place_with_whichever_of_its_leads(
    api: Any, captured: Callable[..., Any], service: Service
) -> None:
    path, lead = await opened(api), await captured(api)
    ref = (await api.get(f"/v1/leads/{lead}")).json()["party_ref"]
    second = await captured(api, party_ref=ref)
    await joined(api, path, lead)
    for again in (lead, second):
        assert (await joined(api, path, again)).json()["events"] == []
    assert await told(service, path) == ["opened", "joined"]


async def test_a_full_one_is_refused_until_somebody_leaves(api: Any, captured: Callable[..., Any]) -> None:
    path = await opened(api, places=1, threshold=1)
    first, second = await captured(api), await captured(api)
    await joined(api, path, first)
    problem(await api.post(f"{path}:join", {"lead": second}, key="second"), 409, "group_buy_full")
    left = await api.post(f"{path}:leave", {"lead": first})
    assert (left.status_code, len(left.json()["events"])) == (200, 1)
    assert (await api.post(f"{path}:leave", {"lead": first})).json()["events"] == []
    assert (await api.get(path)).json()["members"] == 0
    problem(await api.post(f"{path}:join", {"lead": second}, key="second"), 409, "group_buy_full")  # the stored word
    await joined(api, path, second)


async def test_a_closed_lead_does_not_join(api: Any, captured: Callable[..., Any]) -> None:
    path, lead = await opened(api), await captured(api)
    await api.post(f"/v1/leads/{lead}:lose", {"reason": "no_answer"})
    problem(await api.post(f"{path}:join", {"lead": lead}), 409, "lead_closed")


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"threshold": 4}, ""),
    ({"places": 10_001, "threshold": 1}, "/places"),
    ({"places": 0, "threshold": 0}, "/places"),
    ({"price": {"currency": "XXX", "minor": 1}}, "/price"),
    ({"price": {"currency": "CNY", "minor": -1}}, "/price/minor"),
    ({"model": "volkswagen-golf-x"}, "/model"),
]


@pytest.mark.parametrize(("change", "pointer"), MISFITS)
async def test_what_does_not_fit_is_refused_with_its_place(api: Any, change: dict[str, Any], pointer: str) -> None:
    refused = problem(await api.post("/v1/group-buys", {**OFFER, **change}), 422, "invalid_request")
    assert refused["errors"][0]["pointer"] == pointer


async def test_an_opening_needs_a_key_and_a_future(api: Any) -> None:
    problem(await api.post("/v1/group-buys", OFFER, key=None), 400, "idempotency_key_missing")
    past = {**OFFER, "closes_at": "2026-01-05T08:00:00Z"}
    problem(await api.post("/v1/group-buys", past), 409, "group_buy_closes_in_the_past")


async def test_the_examples_of_the_description_are_accepted(
    http: httpx2.AsyncClient, api: Any, captured: Callable[..., Any]
) -> None:
    paths, lead = (await http.get("/openapi.json")).json()["paths"], await captured(api)

    def example(path: str) -> Any:
        return paths[path]["post"]["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]

    path = (await api.post("/v1/group-buys", example("/v1/group-buys"))).headers["location"]
    for verb in ("join", "leave"):
        body = {**example(f"/v1/group-buys/{{group_buy_id}}:{verb}"), "lead": lead}
        answer = await api.post(f"{path}:{verb}", body)
        assert (answer.status_code, len(answer.json()["events"])) == (200, 1), answer.text


# ── Close ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("members", "outcome"), [(1, "missed"), (2, "reached")])
async def test_it_closes_at_its_time_however_late_the_timer_comes(
    api: Any, captured: Callable[..., Any], service: Service, timers: TimerWorker, clock: SimulatedClock,
    lead_pool: Pool, members: int, outcome: str,
) -> None:  # fmt: skip
    path = await opened(api)
    for _ in range(members):
        await joined(api, path, await captured(api))
    clock.advance(CLOSES - clock.now())
    late = await captured(api)
    problem(await api.post(f"{path}:join", {"lead": late}), 409, "group_buy_closed")  # before the timer came
    assert (await api.get(path)).json()["state"] == outcome
    assert (await api.get("/v1/group-buys", open=True)).json()["items"] == []
    clock.advance(3 * HOUR)
    await timers.step()
    shown = (await api.get(path)).json()
    assert (shown["state"], shown["members"], shown["closed_at"]) == (outcome, members, "2026-01-05T18:00:00Z")
    last = (await service.store.load("groupbuy/" + path.rpartition("/")[2])).events[-1]
    assert (last.time, last.actor) == (CLOSES, "system:timer")
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE stream LIKE 'groupbuy/%'") == 0


async def test_its_opener_closes_it_or_calls_it_off(api: Any, captured: Callable[..., Any], lead_pool: Pool) -> None:
    path, off = await opened(api), await opened(api)
    lead = await captured(api)
    await joined(api, path, lead)
    assert (await api.post(f"{path}:close")).status_code == 200
    assert (await api.post(f"{off}:cancel")).status_code == 200
    assert [(await api.get(p)).json()["state"] for p in (path, off)] == ["missed", "cancelled"]
    assert (await api.post(f"{path}:close")).json()["events"] == []
    problem(await api.post(f"{path}:cancel"), 409, "group_buy_closed")
    problem(await api.post(f"{path}:leave", {"lead": lead}), 409, "group_buy_closed")
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE kind = 'close'") == 0


# ── Who may do and see what ───────────────────────────────────────────────────────────────────────────────────
async def test_the_networks_is_joined_by_every_dealer_and_only_the_number_is_told(
    api: Any, other: Any, hq: Any, captured: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    path = await opened(hq, places=5)
    mine, theirs = await captured(api), await captured(other)
    await joined(api, path, mine)
    await joined(other, path, theirs)
    shown = (await other.get(path)).json()
    assert (shown["dealer"], shown["members"], shown["own_members"]) == (None, 2, 1)
    assert [member["lead"] for member in shown["own"]] == [theirs]
    assert mine not in (await other.get(f"{path}/members")).text
    assert (await caller("dealer-sh-03").get(path)).json()["own"] == []
    everybody = (await hq.get(f"{path}/members")).json()["items"]
    assert [(member["lead"], member["dealer"]) for member in everybody] == [
        (mine, "dealer-sh-01"), (theirs, "dealer-sh-02"),
    ]  # fmt: skip
    # With another's lead nobody joins or leaves; the network's group buy is headquarters' to close.
    for verb in ("join", "leave"):
        problem(await other.post(f"{path}:{verb}", {"lead": mine}), 404, "not_found")
    for verb in ("close", "cancel"):
        problem(await other.post(f"{path}:{verb}"), 403, "headquarters_only")
    assert (await hq.post(f"{path}:close")).status_code == 200


async def test_headquarters_joins_for_a_dealer_and_not_across_dealers(
    api: Any, other: Any, hq: Any, captured: Callable[..., Any]
) -> None:
    path, mine, theirs = await opened(api), await captured(api), await captured(other)
    problem(await hq.post(f"{path}:join", {"lead": theirs}), 404, "not_found")
    await joined(hq, path, mine)
    assert (await api.get(path)).json()["own_members"] == 1


def requests_on(path: str, lead: str) -> Iterator[tuple[str, str, Any]]:
    yield "GET", path, None
    yield "GET", f"{path}/members", None
    yield "POST", f"{path}:join", {"lead": lead}
    yield "POST", f"{path}:leave", {"lead": lead}
    yield "POST", f"{path}:close", None
    yield "POST", f"{path}:cancel", None


async def test_anothers_group_buy_answers_as_one_that_never_was(
    api: Any, other: Any, captured: Callable[..., Any]
) -> None:
    path, lead = await opened(api), await captured(other)
    never = requests_on(f"/v1/group-buys/{uuid.uuid4()}", lead)
    for (method, there, body), (_, gone, _) in zip(requests_on(path, lead), never, strict=True):
        answers = [await (other.get(p) if method == "GET" else other.post(p, body)) for p in (there, gone)]
        assert [answer.status_code for answer in answers] == [404, 404], there
        assert answers[0].content == answers[1].content
    assert (await api.get(path)).json()["version"] == 1


async def test_a_scope_opens_only_its_routes(
    api: Any, caller: Callable[..., Any], captured: Callable[..., Any]
) -> None:
    path, lead = await opened(api), await captured(api)
    reader, writer = caller(scopes=["lead:read"]), caller(scopes=["lead:write"])
    for method, target, body in [*requests_on(path, lead), ("POST", "/v1/group-buys", OFFER)]:
        wrong = writer if method == "GET" else reader
        problem(await (wrong.get(target) if method == "GET" else wrong.post(target, body)), 403, "forbidden")


# ── No oversell ───────────────────────────────────────────────────────────────────────────────────────────────
async def many_leads(owner: Any, count: int) -> list[tuple[str, str]]:
    """(lead, dealer) of as many parties, over six dealers; only the rows that say who holds them."""
    rows = await owner.fetch(
        """
        INSERT INTO leads (lead_id, party_ref, dealer, state, source, models, overdue, captured_at, updated_at, version)
        SELECT gen_random_uuid(), 'p' || n, 'dealer-sh-0' || 1 + n % 6, 'open', 'web_form', '{}', false, now(), now(), 2
        FROM generate_series(1, $1) AS n RETURNING lead_id, dealer
        """,
        count,
    )
    return [(str(row["lead_id"]), row["dealer"]) for row in rows]


async def rush(caller: Callable[..., Any], path: str, members: list[tuple[str, str]]) -> Counter[str]:
    """All at once, each repeating under its key what may be repeated, until its answer is definite. `line` stands for
    the time a client would wait when the service says that it is overloaded."""
    apis = {dealer: caller(dealer) for dealer in {dealer for _, dealer in members}}
    line = asyncio.Semaphore(64)

    async def one(lead: str, dealer: str) -> str:
        key = str(uuid.uuid4())
        while True:
            async with line:
                response = await apis[dealer].post(f"{path}:join", {"lead": lead}, key=key)
            if response.status_code == 200:
                return "joined"
            body = response.json()
            if response.status_code < 500 and not body.get("retryable"):
                return f"{response.status_code} {body['code']}"

    return Counter(await asyncio.gather(*(one(lead, dealer) for lead, dealer in members)))


async def test_1000_join_50_places_at_once_and_50_are_in(
    hq: Any, caller: Callable[..., Any], service: Service, owner_connection: Any
) -> None:
    path = await opened(hq, places=50, threshold=50)
    members = await many_leads(owner_connection, 1000)
    assert await rush(caller, path, members) == {"joined": 50, "409 group_buy_full": 950}
    assert Counter(await told(service, path)) == {"opened": 1, "joined": 50, "threshold_reached": 1}
    shown = (await hq.get(path)).json()
    assert (shown["members"], shown["own_members"], shown["version"]) == (50, 50, 52)
    assert await owner_connection.fetchval("SELECT count(*) FROM timers WHERE kind LIKE 'tell_lead/%'") == 50


async def test_no_place_is_oversold_between_processes_either(
    hq: Any, caller: Callable[..., Any], service: Service, owner_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the queue that a process keeps: as if each of them came to a process of its own."""

    @asynccontextmanager
    async def nobody_waits(*_: Any, **__: Any) -> AsyncIterator[None]:
        yield

    monkeypatch.setattr(commands, "_turn", nobody_waits)
    path = await opened(hq, places=20, threshold=10)
    members = await many_leads(owner_connection, 200)
    assert await rush(caller, path, members) == {"joined": 20, "409 group_buy_full": 180}
    assert Counter(await told(service, path)) == {"opened": 1, "joined": 20, "threshold_reached": 1}


async def test_one_party_at_once_through_many_requests_has_one_place(
    api: Any, captured: Callable[..., Any], caller: Callable[..., Any], service: Service
) -> None:
    path, lead = await opened(api), await captured(api)
    assert await rush(caller, path, [(lead, "dealer-sh-01")] * 50) == {"joined": 50}
    assert await told(service, path) == ["opened", "joined"]


# ── The leads are told ────────────────────────────────────────────────────────────────────────────────────────
async def test_each_members_lead_is_told_and_one_that_fails_holds_up_no_other(
    api: Any, captured: Callable[..., Any], service: Service, clock: SimulatedClock, lead_pool: Pool,
    timers: TimerWorker, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = await opened(api)
    members = [await captured(api) for _ in range(3)]
    events = {lead: (await joined(api, path, lead)).json()["events"][0] for lead in members}
    signal = leads.signal

    async def fails_for_the_first(running: Service, lead: str, *rest: Any) -> None:
        if lead == members[0]:
            raise RuntimeError("a defect of this one")
        await signal(running, lead, *rest)

    monkeypatch.setattr(leads, "signal", fails_for_the_first)
    await timers.step()
    assert [await signals(service, lead) for lead in members] == [[], ["group_buy"], ["group_buy"]]
    waiting = await lead_pool.fetch("SELECT kind FROM timers WHERE kind LIKE 'tell_lead/%'")
    assert [row["kind"] for row in waiting] == [f"tell_lead/{members[0]}"]
    monkeypatch.undo()
    await lead_pool.execute("UPDATE timers SET claimed = NULL")  # as when its lease has run out
    await timers.step()
    assert [await signals(service, lead) for lead in members] == [["group_buy"]] * 3
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE kind LIKE 'tell_lead/%'") == 0
    for lead in members:
        last = (await service.store.load(f"lead/{lead}")).events[-1]
        assert (last.actor, last.causation) == ("system:timer", events[lead])


async def test_a_lead_is_told_again_and_says_nothing_the_second_time(
    api: Any, captured: Callable[..., Any], service: Service, clock: SimulatedClock, lead_pool: Pool
) -> None:
    """The process may end after the lead was told and before the timer is gone."""
    path, lead = await opened(api), await captured(api)
    await joined(api, path, lead)
    seen: list[Timer] = []

    async def twice(timer: Timer) -> None:
        seen.append(timer)
        await on_timer(service, timer, clock.now())
        await on_timer(service, timer, clock.now())

    await TimerWorker(lead_pool, clock, twice).step()
    assert [timer.kind for timer in seen] == [f"tell_lead/{lead}"]
    types = [event.type for event in (await service.store.load(f"lead/{lead}")).events]
    assert await signals(service, lead) == ["group_buy"]
    assert len(types) == len((await service.store.load(f"lead/{lead}")).events)


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_lists_are_of_what_one_may_join(api: Any, other: Any, hq: Any, clock: SimulatedClock) -> None:
    async def listed(client: Any, **query: Any) -> list[str]:
        items = (await client.get("/v1/group-buys", **query)).json()["items"]
        return [f"/v1/group-buys/{item['group_buy']}" for item in items]

    paths = []
    for client, model in ((api, "volkswagen-lavida"), (hq, "volkswagen-tiguan"), (other, "volkswagen-lavida")):
        paths.append(await opened(client, model=model))
        clock.advance(timedelta(minutes=1))
    mine, networks, theirs = paths
    assert await listed(api) == [networks, mine]
    assert await listed(other) == [theirs, networks]
    assert await listed(hq) == [theirs, networks, mine]
    assert await listed(api, model="volkswagen-lavida") == [mine]
    assert await listed(api, dealer="dealer-sh-01") == [mine]
    assert await listed(api, dealer="dealer-sh-02") == []
    assert await listed(hq, dealer="dealer-sh-02") == [theirs]
    await api.post(f"{mine}:close")
    assert await listed(api, open=True) == [networks]
    clock.advance(CLOSES - clock.now())
    assert await listed(hq, open=True) == []


async def test_pages_of_group_buys_and_members_stay_right_while_others_come(
    api: Any, hq: Any, captured: Callable[..., Any], clock: SimulatedClock
) -> None:
    paths = []
    for n in range(5):
        paths.append(await opened(hq if n % 2 else api, places=20))
        clock.advance(timedelta(minutes=1))
    members = []
    for _ in range(3):
        members.append(await captured(api))
        await joined(api, paths[0], members[-1])
        clock.advance(timedelta(minutes=1))

    async def walk(path: str, name: str, meanwhile: Callable[[], Any]) -> list[str]:
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await api.get(path, limit=2, **cursor)).json()
            seen += [item[name] for item in page["items"]]
            if page["next_cursor"] is None:
                return seen
            cursor = {"cursor": page["next_cursor"]}
            await meanwhile()

    async def another() -> None:
        await opened(hq)

    seen = await walk("/v1/group-buys", "group_buy", another)
    assert [f"/v1/group-buys/{id_}" for id_ in seen] == paths[::-1]

    async def leaves() -> None:
        await api.post(f"{paths[0]}:leave", {"lead": members[0]})

    assert await walk(f"{paths[0]}/members", "lead", leaves) == members
