"""Campaigns, showroom days and media spend over HTTP on a real Postgres: who may do what, and who learns what."""

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from lead.api import market_models
from lead.domain.campaign import Counters, Period
from lead.service import Service, apply_views
from lead.service import campaigns as service_of
from lead.settings import SeedNetwork
from lead.views import campaigns, media_spend, showroom_days
from roadbook.clock import SimulatedClock
from roadbook.context import CommandContext
from roadbook.database import Pool
from roadbook.events import Recorded
from roadbook.testing.plans import nodes
from roadbook.timers import TimerWorker

LAUNCH: dict[str, Any] = market_models.LAUNCH
RESULT: dict[str, Any] = market_models.RESULT
REPORT: dict[str, Any] = market_models.SHOWROOM_DAY
SPEND: dict[str, Any] = market_models.SPEND
CAMPAIGN = "/v1/campaigns/spring_2026"
DAY = "/v1/showroom-days/dealer-sh-01/2026-01-04"
TABLES = ("campaigns", "campaign_results", "showroom_days", "media_spend")
CANARY = "CANARY7f3e9c1a"
pytestmark = pytest.mark.usefixtures("documented")


@pytest.fixture
def network(network: SeedNetwork) -> SeedNetwork:
    """The pilot network, but its first three dealers stand in one region."""
    together = ("dealer-sh-01", "dealer-sh-02", "dealer-sh-03")
    moved = {code: replace(network.dealers[code], region="sh-pudong") for code in together}
    return replace(network, dealers={**network.dealers, **moved})


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


def fault(response: httpx2.Response) -> tuple[str, str]:
    (error,) = problem(response, 422, "invalid_request")["errors"]
    return error.get("pointer", error.get("parameter")), error["code"]


async def ok(response: Any) -> dict[str, Any]:
    answer = await response
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def leads(
    owner: Any,
    count: int = 1,
    *,
    dealer: str | None = "dealer-sh-01",
    region: str | None = "sh-pudong",
    campaign: str | None = "spring_2026",
    state: str = "open",
    grade: str | None = None,
    at: datetime = datetime(2026, 1, 4, 3, 0, tzinfo=UTC),
) -> None:
    """Rows as captures leave them."""
    for _ in range(count):
        await owner.execute(
            "INSERT INTO leads (lead_id, party_ref, dealer, state, grade, source, models, overdue, captured_at,"
            " updated_at, version, region, campaign)"
            " VALUES ($1, 'p', $2, $3, $4, 'web_form', '{}', false, $5, $5, 2, $6, $7)",
            uuid.uuid4(), dealer, state, grade, at, region, campaign,
        )  # fmt: skip


async def events_of(pool: Pool, stream: str) -> list[dict[str, Any]]:
    rows = await pool.fetch("SELECT type, data, dealer, party_ref FROM events WHERE stream = $1", stream)
    return [{**dict(row), "data": json.loads(row["data"])} for row in rows]


# ── Launch and close ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_launched_campaign_is_everybodys_to_read(hq: Any, api: Any, lead_pool: Pool) -> None:
    answer = await hq.post("/v1/campaigns", LAUNCH)
    assert (answer.status_code, answer.headers["location"]) == (200, CAMPAIGN), answer.text
    assert (answer.json()["campaign"], answer.json()["stream"]) == ("spring_2026", "campaign/spring_2026")
    shown = await api.get(CAMPAIGN)
    assert shown.headers["etag"] == '"v1"'
    assert shown.json() == {
        "campaign": "spring_2026",
        "state": "open",
        "regions": ["sh-minhang", "sh-pudong"],
        "models": ["volkswagen-lavida"],
        "channels": ["social", "tv"],
        "starts": "2026-01-01",
        "ends": "2026-03-31",
        "budget": {"currency": "CNY", "minor": 50_000_000},
        "goals": {
            "reach": 200_000, "followers_gained": 0, "visitors": 1_000, "enquiries": 0, "test_drives": 0, "orders": 40,
        },
        "launched_at": "2026-01-05T08:00:00Z",
        "closed_at": None,
        "close_reason": None,
        "version": 1,
    }  # fmt: skip
    (event,) = await events_of(lead_pool, "campaign/spring_2026")
    assert (event["type"], event["dealer"], event["party_ref"]) == ("roadbook.lead.campaign_launched.v1", None, None)
    assert event["data"]["ends_at"] == "2026-03-31T16:00:00Z"  # midnight in Shanghai
    key = await lead_pool.fetchval("SELECT key FROM streams WHERE stream = 'campaign/spring_2026'")
    assert key == "campaign/spring_2026"


async def test_the_same_launch_says_nothing_and_another_is_refused(hq: Any) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    shuffled = {**LAUNCH, "regions": ["sh-minhang", "sh-pudong", "sh-minhang"], "channels": ["social", "tv"]}
    for body in (LAUNCH, shuffled):
        assert (await ok(hq.post("/v1/campaigns", body)))["events"] == []
    problem(await hq.post("/v1/campaigns", {**LAUNCH, "ends": "2026-04-01"}), 409, "campaign_exists")


async def test_fifty_launches_at_once_launch_once(hq: Any, lead_pool: Pool) -> None:
    answers = await asyncio.gather(*(hq.post("/v1/campaigns", LAUNCH) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers if a.status_code != 200]
    assert sum(len(answer.json()["events"]) for answer in answers) == 1
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 1


async def test_launching_closing_and_spending_are_headquarters(hq: Any, api: Any, lead_pool: Pool) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    before = await lead_pool.fetchval("SELECT count(*) FROM events")
    problem(await api.post("/v1/campaigns", {**LAUNCH, "code": "ours"}), 403, "headquarters_only")
    problem(await api.post("/v1/campaigns", LAUNCH), 403, "headquarters_only")
    problem(await api.post(f"{CAMPAIGN}:close", {"reason": "rain"}), 403, "headquarters_only")
    problem(await api.post("/v1/campaigns/never:close", {"reason": "rain"}), 403, "headquarters_only")
    problem(await api.post("/v1/media-spend", SPEND), 403, "headquarters_only")
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == before


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"regions": ["sh-pudong", "sh-nowhere"]}, "/regions/1", "unknown_region"),
        ({"regions": []}, "/regions", "too_short"),
        ({"models": ["volkswagen-golf-x"]}, "/models/0", "unknown_model"),
        ({"starts": "2026-04-01"}, "", "days_order"),
        ({"ends": "9999-12-31"}, "/ends", "day_out_of_range"),
        ({"starts": "1999-12-31"}, "/starts", "day_out_of_range"),
        ({"code": CANARY}, "/code", "string_pattern_mismatch"),
        ({"channels": [CANARY]}, "/channels/0", "string_pattern_mismatch"),
        ({"budget": {"currency": "XXQ", "minor": 1}}, "/budget", "currency"),
        ({"budget": {"currency": "CNY", "minor": -1}}, "/budget/minor", "greater_than_equal"),
        ({"goals": {"orders": -1}}, "/goals/orders", "greater_than_equal"),
        ({"goals": {"smiles": 1}}, "/goals", "unknown_field"),
    ],
)
async def test_a_plan_that_does_not_fit_is_refused_with_its_place(
    hq: Any, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await hq.post("/v1/campaigns", {**LAUNCH, **change})
    assert fault(answer) == (pointer, code)
    assert answer.json()["errors"][0]["detail"] != "is not valid"  # it says what is wrong
    assert CANARY not in answer.text


async def test_a_campaign_is_closed_by_command_and_still_takes_results(hq: Any, api: Any, lead_pool: Pool) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    assert len((await ok(hq.post(f"{CAMPAIGN}:close", {"reason": "budget_spent"}, key=None)))["events"]) == 1
    assert (await ok(hq.post(f"{CAMPAIGN}:close", {"reason": "rain"}, key=None)))["events"] == []
    shown = await ok(api.get(CAMPAIGN))
    assert (shown["state"], shown["close_reason"]) == ("closed", "budget_spent")
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0
    assert len((await ok(api.post(f"{CAMPAIGN}/results", RESULT)))["events"]) == 1
    problem(await hq.post("/v1/campaigns/never:close", {"reason": "rain"}), 404, "not_found")


async def test_a_campaign_closes_when_its_last_day_is_over_where_the_dealers_are(
    hq: Any, timers: TimerWorker, clock: SimulatedClock
) -> None:
    await hq.post("/v1/campaigns", {**LAUNCH, "ends": "2026-01-05"})
    clock.advance(timedelta(hours=8) - timedelta(seconds=1))  # 23:59:59 in Shanghai
    assert await timers.step() == 0
    clock.advance(timedelta(hours=5))
    assert await timers.step() == 1
    shown = await ok(hq.get(CAMPAIGN))
    assert (shown["close_reason"], shown["closed_at"]) == ("ended", "2026-01-05T16:00:00Z")
    assert await timers.step() == 0
    assert (await ok(hq.post("/v1/campaigns", {**LAUNCH, "ends": "2026-01-05"})))["events"] == []


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_campaigns_are_listed_by_region_model_and_whether_they_run(hq: Any, api: Any) -> None:
    plans: dict[str, dict[str, Any]] = {
        "c_old": {"starts": "2025-06-01"},
        "b_all": {"models": []},
        "a_polo": {"models": ["volkswagen-polo"], "regions": ["sh-baoshan"]},
    }
    for code, change in plans.items():
        await ok(hq.post("/v1/campaigns", {**LAUNCH, **change, "code": code}))
    await ok(hq.post("/v1/campaigns/c_old:close", {"reason": "over"}))

    async def listed(**asked: Any) -> list[str]:
        return [item["campaign"] for item in (await ok(api.get("/v1/campaigns", **asked)))["items"]]

    assert await listed() == ["b_all", "a_polo", "c_old"]
    assert await listed(region="sh-pudong") == ["b_all", "c_old"]
    assert await listed(model="volkswagen-polo") == ["b_all", "a_polo"]
    assert await listed(open="true") == ["b_all", "a_polo"]
    assert await listed(open="false") == ["c_old"]
    assert await listed(region="sh-pudong", model="volkswagen-lavida", open="false") == ["c_old"]
    assert await listed(region="sh-nowhere") == []


async def test_pages_of_campaigns_stay_right_while_others_are_launched(hq: Any, caller: Callable[..., Any]) -> None:
    for code in "abcde":
        await ok(hq.post("/v1/campaigns", {**LAUNCH, "code": code}))
    page = await ok(hq.get("/v1/campaigns", limit=2))
    cursor, seen = page["next_cursor"], [item["campaign"] for item in page["items"]]
    problem(await caller().get("/v1/campaigns", cursor=cursor), 400, "cursor_invalid")
    problem(await hq.get("/v1/campaigns", cursor=cursor, open="true"), 400, "cursor_invalid")
    while cursor:
        await ok(hq.post("/v1/campaigns", {**LAUNCH, "code": f"z{len(seen)}"}))
        await ok(hq.post(f"/v1/campaigns/{seen[-1]}:close", {"reason": "over"}))
        page = await ok(hq.get("/v1/campaigns", limit=2, cursor=cursor))
        cursor = page["next_cursor"]
        seen += [item["campaign"] for item in page["items"]]
    assert seen == ["e", "d", "c", "b", "a"]


# ── Results ───────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_result_is_the_reporters_and_replaces_its_period(hq: Any, api: Any, lead_pool: Pool) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    for body, events in ((RESULT, 1), (RESULT, 0), ({**RESULT, "counters": {"visitors": 130}}, 1)):
        assert len((await ok(api.post(f"{CAMPAIGN}/results", body)))["events"]) == events
    again = {**RESULT, "first_day": "2026-01-05", "last_day": "2026-01-05", "counters": {"visitors": 5}}
    await ok(api.post(f"{CAMPAIGN}/results", again))
    count = {"region": "sh-pudong", "counters": {"reach": 80_000}}
    await ok(hq.post(f"{CAMPAIGN}/results", {**RESULT, **count}))
    body = await ok(hq.get(f"{CAMPAIGN}/results"))
    (region,) = body["regions"]
    assert (region["headquarters"]["reach"], region["dealers"]["visitors"]) == (80_000, 135)
    (dealer,) = body["dealers"]
    assert (dealer["dealer"], dealer["periods"], dealer["reported"]["visitors"]) == ("dealer-sh-01", 2, 135)
    reported = [event for event in await events_of(lead_pool, "campaign/spring_2026") if "period" in event["data"]]
    assert [(e["data"]["dealer"], e["dealer"]) for e in reported] == [("dealer-sh-01", None)] * 3 + [(None, None)]
    assert (await ok(api.get(CAMPAIGN)))["version"] == 5


async def test_a_result_restated_from_another_region_counts_there(
    service: Service, hq: Any, network: SeedNetwork, clock: SimulatedClock
) -> None:
    """The network moved the dealer between its two reports of one period."""
    await hq.post("/v1/campaigns", LAUNCH)
    moved = {**network.dealers, "dealer-sh-01": replace(network.dealers["dealer-sh-01"], region="sh-minhang")}
    context = CommandContext("staff-1", "test", "dealer-sh-01", clock.now(), str(uuid.uuid4()))
    period = Period(date(2026, 1, 1), date(2026, 1, 4))
    for there, visitors in ((network, 1), (replace(network, dealers=moved), 2)):
        running = replace(service, network=there)
        await service_of.report(running, "spring_2026", None, period, Counters(visitors=visitors), context)
    body = await ok(hq.get(f"{CAMPAIGN}/results"))
    assert [(each["region"], each["dealers"]["visitors"]) for each in body["regions"]] == [("sh-minhang", 2)]


async def test_results_that_do_not_fit_are_refused(hq: Any, api: Any, caller: Callable[..., Any]) -> None:
    await hq.post("/v1/campaigns", {**LAUNCH, "regions": ["sh-pudong"]})
    path = f"{CAMPAIGN}/results"
    assert fault(await hq.post(path, RESULT)) == ("/region", "missing")
    assert fault(await api.post(path, {**RESULT, "region": "sh-pudong"})) == ("/region", "not_yours")
    assert fault(await hq.post(path, {**RESULT, "region": "sh-nowhere"})) == ("/region", "unknown_region")
    assert fault(await api.post(path, {**RESULT, "last_day": "2026-01-06"})) == ("/last_day", "in_the_future")
    assert fault(await api.post(path, {**RESULT, "first_day": "2026-01-05"})) == ("", "days_order")
    problem(await api.post(path, {**RESULT, "first_day": "2025-12-31"}), 409, "before_campaign")
    problem(await caller("dealer-sh-04").post(path, RESULT), 409, "region_not_in_campaign")
    problem(await caller("dealer-zz-99").post(path, RESULT), 409, "region_not_in_campaign")
    problem(await hq.post(path, {**RESULT, "region": "sh-minhang"}), 409, "region_not_in_campaign")
    for someone in (api, caller("dealer-zz-99")):
        problem(await someone.post("/v1/campaigns/never/results", RESULT), 404, "not_found")
    await ok(api.post(path, RESULT))
    problem(await api.post(path, {**RESULT, "last_day": "2026-01-05"}), 409, "period_overlaps")


async def test_reports_of_many_dealers_at_once_all_count(hq: Any, caller: Callable[..., Any]) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    dealers = [caller(f"dealer-sh-0{n}") for n in (1, 2, 3)]
    answers = await asyncio.gather(*(dealer.post(f"{CAMPAIGN}/results", RESULT) for dealer in dealers * 5))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(len(answer.json()["events"]) for answer in answers) == 3


async def test_no_dealer_learns_another_dealers_report(hq: Any, caller: Callable[..., Any]) -> None:
    """A sum is shown when none or at least two others have a part in it: of one other, one's own could be taken off."""
    await hq.post("/v1/campaigns", LAUNCH)

    async def seen(dealer: str | None) -> tuple[Any, bool, list[str]]:
        someone = hq if dealer is None else caller(dealer)
        body = await ok(someone.get(f"{CAMPAIGN}/results"))
        (region,) = body["regions"]
        visitors = region["dealers"] and region["dealers"]["visitors"]
        return visitors, region["dealers_withheld"], [each["dealer"] for each in body["dealers"]]

    async def report(dealer: str, visitors: int) -> None:
        await ok(caller(dealer).post(f"{CAMPAIGN}/results", {**RESULT, "counters": {"visitors": visitors}}))

    await report("dealer-sh-01", 100)
    assert await seen("dealer-sh-01") == (100, False, ["dealer-sh-01"])
    assert await seen("dealer-sh-02") == (None, True, [])
    assert await seen("dealer-sh-04") == (None, True, [])
    await report("dealer-sh-02", 20)
    assert await seen("dealer-sh-01") == (None, True, ["dealer-sh-01"])
    assert await seen("dealer-sh-03") == (120, False, [])
    assert await seen("dealer-sh-04") == (120, False, [])
    await report("dealer-sh-03", 3)
    assert await seen("dealer-sh-01") == (123, False, ["dealer-sh-01"])
    assert await seen(None) == (123, False, ["dealer-sh-01", "dealer-sh-02", "dealer-sh-03"])


async def test_the_leads_of_a_campaign_are_counted_and_withheld_alike(
    hq: Any, caller: Callable[..., Any], owner_connection: Any
) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    await leads(owner_connection, 3, grade="hot")
    await leads(owner_connection, 2, state="converted", grade="hot")
    await leads(owner_connection, 1, state="lost")
    await leads(owner_connection, 1, dealer=None)
    await leads(owner_connection, 4, dealer="dealer-sh-04", region=None)
    await leads(owner_connection, 9, campaign="summer_2026")

    async def regions(dealer: str | None) -> dict[Any, Any]:
        someone = hq if dealer is None else caller(dealer)
        return {each["region"]: each for each in (await ok(someone.get(f"{CAMPAIGN}/results")))["regions"]}

    pudong = {
        "captured": 7,
        "converted": 2,
        "by_state": {"converted": 2, "lost": 1, "open": 4},
        "by_grade": {"hot": 5, "none": 2},
    }
    own = await regions("dealer-sh-01")
    assert own["sh-pudong"]["leads"] == pudong  # its own, and those that are nobody's yet
    assert (own[None]["leads"], own[None]["leads_withheld"]) == (None, True)
    assert (await regions("dealer-sh-02"))["sh-pudong"]["leads"] is None
    everything = await regions(None)
    assert (everything["sh-pudong"]["leads"], everything[None]["leads"]["captured"]) == (pudong, 4)
    (dealer,) = (await ok(caller().get(f"{CAMPAIGN}/results")))["dealers"]
    assert (dealer["dealer"], dealer["leads"]["captured"]) == ("dealer-sh-01", 6)
    problem(await caller().get("/v1/campaigns/never/results"), 404, "not_found")


async def test_a_lead_captured_for_a_campaign_is_counted(hq: Any, api: Any, intent: dict[str, Any]) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    captured = await api.post("/v1/leads", {**intent, "campaign": "spring_2026", "region": "sh-pudong"})
    assert captured.status_code == 201, captured.text
    (region,) = (await ok(api.get(f"{CAMPAIGN}/results")))["regions"]
    assert (region["region"], region["leads"]["captured"]) == ("sh-pudong", 1)
    effect = await ok(api.get("/v1/media-effect", **{"from": "2026-01-05", "to": "2026-01-05"}))
    assert [(row["region"], row["leads"]) for row in effect["items"]] == [("sh-pudong", 1)]


# ── Which activity fits the local market ──────────────────────────────────────────────────────────────────────
async def ranked(someone: Any, **asked: Any) -> dict[str, Any]:
    return {item["campaign"]: item for item in (await ok(someone.get("/v1/campaign-results", **asked)))["items"]}


async def test_campaigns_of_a_region_are_ranked_by_what_a_lead_costs(
    hq: Any, api: Any, caller: Callable[..., Any], owner_connection: Any
) -> None:
    for code in ("dear", "cheap", "free_many", "free_few", "two_coins"):
        await ok(hq.post("/v1/campaigns", {**LAUNCH, "code": code}))
    await ok(hq.post("/v1/campaigns", {**LAUNCH, "code": "elsewhere", "regions": ["sh-baoshan"]}))
    await ok(hq.post("/v1/campaigns", {**LAUNCH, "code": "polo", "models": ["volkswagen-polo"]}))
    for code, count in (("dear", 3), ("cheap", 2), ("free_many", 5), ("free_few", 1), ("two_coins", 1)):
        await leads(owner_connection, count, campaign=code)
    await leads(owner_connection, 1, campaign="cheap", state="converted")
    await leads(owner_connection, 9, campaign="cheap", region="sh-minhang")
    for code, medium, currency, minor in (
        ("dear", "tv", "CNY", 900), ("dear", "radio", "CNY", 101), ("cheap", "tv", "CNY", 400),
        ("two_coins", "tv", "CNY", 1), ("two_coins", "radio", "EUR", 1), ("polo", "tv", "CNY", 7),
    ):  # fmt: skip
        amount = {"currency": currency, "minor": minor}
        await ok(hq.post("/v1/media-spend", {**SPEND, "medium": medium, "campaign": code, "amount": amount}))
    await ok(hq.post("/v1/media-spend", {**SPEND, "region": "sh-minhang", "campaign": "cheap"}))

    found = await ranked(api)  # a dealer's own region
    assert list(found) == ["cheap", "dear", "free_many", "free_few", "two_coins", "polo"]
    assert found["cheap"]["cost_per_lead"] == {"currency": "CNY", "minor": 133}  # 400 / 3
    assert found["dear"]["cost_per_lead"] == {"currency": "CNY", "minor": 334}  # 1001 / 3, rounded
    assert found["dear"]["spend"] == [{"currency": "CNY", "minor": 1001}]
    assert found["two_coins"]["cost_per_lead"] is None
    assert found["polo"]["cost_per_lead"] is None
    assert (found["cheap"]["leads"], found["cheap"]["converted"]) == (3, 1)
    assert found["cheap"]["own"] == {"leads": 3, "converted": 1}
    assert list(await ranked(api, model="volkswagen-polo")) == ["polo"]
    assert list(await ranked(api, limit=2)) == ["cheap", "dear"]
    assert list(await ranked(caller("dealer-sh-05"))) == ["elsewhere"]
    every = await ranked(hq, region="sh-pudong")
    assert every["cheap"] == {**found["cheap"], "own": None}
    assert fault(await hq.get("/v1/campaign-results")) == ("region", "missing")


async def test_a_ranking_withholds_what_would_be_one_dealers(
    hq: Any, caller: Callable[..., Any], owner_connection: Any
) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    amount = {"currency": "CNY", "minor": 6}
    await ok(hq.post("/v1/media-spend", {**SPEND, "campaign": "spring_2026", "amount": amount}))
    await leads(owner_connection, 2)
    await leads(owner_connection, 1, dealer="dealer-sh-02", state="converted")
    own = (await ranked(caller()))["spring_2026"]
    assert (own["leads"], own["converted"], own["cost_per_lead"], own["withheld"]) == (None, None, None, True)
    assert own["own"] == {"leads": 2, "converted": 0}
    assert own["spend"] == [{"currency": "CNY", "minor": 6}]
    third = (await ranked(caller("dealer-sh-03")))["spring_2026"]
    assert (third["leads"], third["converted"], third["cost_per_lead"]["minor"]) == (3, 1, 2)
    assert third["own"] == {"leads": 0, "converted": 0}
    assert (await ranked(hq, region="sh-pudong"))["spring_2026"]["leads"] == 3


# ── Showroom days ─────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_reported_day_is_its_dealers(api: Any, hq: Any, lead_pool: Pool, caller: Callable[..., Any]) -> None:
    answer = await api.post("/v1/showroom-days", REPORT)
    assert (answer.status_code, answer.headers["location"]) == (200, DAY)
    shown = await ok(api.get(DAY))
    assert shown == {
        "dealer": "dealer-sh-01",
        "date": "2026-01-04",
        "region": "sh-pudong",
        "visitors": 48,
        "enquiries": 17,
        "by_model": [
            {"model": "volkswagen-lavida", "enquiries": 9}, {"model": "volkswagen-tiguan", "enquiries": 5},
        ],
        "restated": 0,
        "reported_at": "2026-01-05T08:00:00Z",
        "updated_at": "2026-01-05T08:00:00Z",
        "version": 1,
    }  # fmt: skip
    (event,) = await events_of(lead_pool, "showroomday/dealer-sh-01:2026-01-04")
    assert (event["type"], event["dealer"]) == ("roadbook.lead.showroom_day_reported.v1", "dealer-sh-01")
    key = await lead_pool.fetchval("SELECT key FROM streams")
    assert key == "showroomday/dealer-sh-01:2026-01-04"
    assert await ok(hq.get(DAY)) == shown
    other = caller("dealer-sh-02")
    for path in (DAY, f"{DAY}/events"):
        never = await other.get(path.replace("dealer-sh-01", "dealer-zz-99"))
        assert problem(await other.get(path), 404, "not_found") == problem(never, 404, "not_found")
    problem(await api.get(DAY.replace("04", "03")), 404, "not_found")
    problem(await api.get(DAY.replace("04", "03") + "/events"), 404, "not_found")


async def test_a_day_is_restated_with_a_reason_and_both_facts_stay(api: Any, clock: SimulatedClock) -> None:
    await ok(api.post("/v1/showroom-days", REPORT))
    assert (await ok(api.post("/v1/showroom-days", REPORT)))["events"] == []
    swapped = {**REPORT, "by_model": REPORT["by_model"][::-1]}
    assert (await ok(api.post("/v1/showroom-days", swapped)))["events"] == []
    corrected = {**REPORT, "visitors": 51}
    for _ in range(2):  # the refusal is remembered under its key
        problem(await api.post("/v1/showroom-days", corrected, key="k1"), 422, "reason_required")
    clock.advance(timedelta(days=1))
    await ok(api.post("/v1/showroom-days", {**corrected, "reason": "counted_wrong"}))
    shown = await ok(api.get(DAY))
    assert (shown["visitors"], shown["restated"], shown["version"]) == (51, 1, 2)
    assert (shown["reported_at"], shown["updated_at"]) == ("2026-01-05T08:00:00Z", "2026-01-06T08:00:00Z")
    told = (await ok(api.get(f"{DAY}/events")))["items"]
    assert [event["data"]["traffic"]["visitors"] for event in told] == [48, 51]
    assert told[1]["data"]["reason"] == "counted_wrong"
    await ok(api.post("/v1/showroom-days", {**REPORT, "reason": "was_right"}))
    shown = await ok(api.get(DAY))
    assert (shown["visitors"], shown["restated"]) == (48, 2)


async def test_fifty_reports_of_one_day_at_once_report_once(api: Any, lead_pool: Pool) -> None:
    answers = await asyncio.gather(*(api.post("/v1/showroom-days", REPORT) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers if a.status_code != 200]
    assert sum(len(answer.json()["events"]) for answer in answers) == 1
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 1


async def test_headquarters_names_the_dealer_and_a_dealer_only_itself(hq: Any, api: Any, lead_pool: Pool) -> None:
    assert fault(await hq.post("/v1/showroom-days", REPORT)) == ("/dealer", "missing")
    assert fault(await hq.post("/v1/showroom-days", {**REPORT, "dealer": "dealer-zz-99"})) == (
        "/dealer", "unknown_dealer",
    )  # fmt: skip
    foreign = await api.post("/v1/showroom-days", {**REPORT, "dealer": "dealer-sh-02"})
    never = await api.post("/v1/showroom-days", {**REPORT, "dealer": "dealer-zz-99"})
    assert problem(foreign, 404, "dealer_unknown") == problem(never, 404, "dealer_unknown")
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 0
    await ok(api.post("/v1/showroom-days", {**REPORT, "dealer": "dealer-sh-01"}))
    assert (await ok(hq.post("/v1/showroom-days", {**REPORT, "dealer": "dealer-sh-01"})))["events"] == []
    await ok(hq.post("/v1/showroom-days", {**REPORT, "dealer": "dealer-sh-02"}))


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"date": "2026-01-06"}, "/date", "in_the_future"),
        ({"by_model": [{"model": "volkswagen-golf-x", "enquiries": 1}]}, "/by_model/0/model", "unknown_model"),
        ({"by_model": [{"model": "volkswagen-lavida", "enquiries": 18}]}, "", "by_model_sum"),
        ({"by_model": [{"model": "volkswagen-lavida", "enquiries": 1}] * 2}, "", "model_twice"),
        ({"visitors": -1}, "/visitors", "greater_than_equal"),
        ({"reason": CANARY}, "/reason", "string_pattern_mismatch"),
    ],
)
async def test_a_day_that_does_not_fit_is_refused_with_its_place(
    api: Any, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await api.post("/v1/showroom-days", {**REPORT, **change})
    assert fault(answer) == (pointer, code)
    assert CANARY not in answer.text


async def test_today_is_the_dealers_day(api: Any, hq: Any, clock: SimulatedClock) -> None:
    await ok(api.post("/v1/showroom-days", {**REPORT, "date": "2026-01-05"}))
    clock.advance(timedelta(hours=8))  # 00:00 of the 6th in Shanghai, still the 5th in Greenwich
    await ok(api.post("/v1/showroom-days", {**REPORT, "date": "2026-01-06"}))
    await ok(hq.post("/v1/media-spend", {**SPEND, "day": "2026-01-06"}))
    assert fault(await api.post("/v1/showroom-days", {**REPORT, "date": "2026-01-07"})) == ("/date", "in_the_future")
    assert fault(await hq.post("/v1/media-spend", {**SPEND, "day": "2026-01-07"})) == ("/day", "in_the_future")


async def test_days_are_listed_by_dealer_and_range(hq: Any, api: Any, caller: Callable[..., Any]) -> None:
    for dealer in ("dealer-sh-01", "dealer-sh-02"):
        for day in ("2026-01-02", "2026-01-03", "2026-01-04"):
            await ok(caller(dealer).post("/v1/showroom-days", {**REPORT, "date": day}))

    async def listed(someone: Any, **asked: Any) -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        cursor: str | None = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            page = await ok(someone.get("/v1/showroom-days", limit=2, **asked, **more))
            seen += [(item["dealer"][-2:], item["date"][-2:]) for item in page["items"]]
            cursor = page["next_cursor"]
        return seen

    own = [("01", "04"), ("01", "03"), ("01", "02")]
    assert await listed(api) == own
    assert await listed(api, dealer="dealer-sh-01") == own
    assert await listed(api, dealer="dealer-sh-02") == []
    assert await listed(api, **{"from": "2026-01-03"}) == own[:2]
    assert await listed(api, to="2026-01-03") == own[1:]
    both = [("02", "04"), ("01", "04"), ("02", "03"), ("01", "03"), ("02", "02"), ("01", "02")]
    assert await listed(hq) == both
    assert await listed(hq, dealer="dealer-sh-02") == both[::2]
    page = await ok(api.get("/v1/showroom-days", limit=1))
    problem(await hq.get("/v1/showroom-days", cursor=page["next_cursor"]), 400, "cursor_invalid")


# ── Media spend and its effect ────────────────────────────────────────────────────────────────────────────────
async def test_spend_is_recorded_corrected_and_everybodys_to_read(hq: Any, api: Any, lead_pool: Pool) -> None:
    await ok(hq.post("/v1/media-spend", SPEND))
    assert (await ok(hq.post("/v1/media-spend", SPEND)))["events"] == []
    await ok(hq.post("/v1/media-spend", {**SPEND, "amount": {"currency": "CNY", "minor": 4_000_000}}))
    (row,) = (await ok(api.get("/v1/media-spend")))["items"]
    assert row == {
        "spend": "sh-pudong:2026-01-04:tv",
        "region": "sh-pudong",
        "day": "2026-01-04",
        "medium": "tv",
        "campaign": None,
        "amount": {"currency": "CNY", "minor": 4_000_000},
        "corrected": 1,
        "recorded_at": "2026-01-05T08:00:00Z",
        "updated_at": "2026-01-05T08:00:00Z",
        "version": 2,
    }
    told = await events_of(lead_pool, "mediaspend/sh-pudong:2026-01-04:tv")
    assert [(e["data"]["amount"]["minor"], e["dealer"]) for e in told] == [(5_000_000, None), (4_000_000, None)]
    key = await lead_pool.fetchval("SELECT key FROM streams")
    assert key == "mediaspend/sh-pudong:2026-01-04:tv"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"region": "sh-nowhere"}, "/region", "unknown_region"),
        ({"campaign": "never"}, "/campaign", "unknown_campaign"),
        ({"day": "2026-01-06"}, "/day", "in_the_future"),
        ({"amount": {"currency": "CNY", "minor": -1}}, "/amount/minor", "greater_than_equal"),
        ({"amount": {"currency": "CNY", "minor": 10**12 + 1}}, "/amount/minor", "less_than_equal"),
        ({"amount": {"currency": "XXQ", "minor": 1}}, "/amount", "currency"),
        ({"medium": CANARY}, "/medium", "string_pattern_mismatch"),
    ],
)
async def test_spend_that_does_not_fit_is_refused_with_its_place(
    hq: Any, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await hq.post("/v1/media-spend", {**SPEND, **change})
    assert fault(answer) == (pointer, code)
    assert CANARY not in answer.text


async def test_spend_is_listed_by_region_campaign_and_range(hq: Any) -> None:
    await hq.post("/v1/campaigns", LAUNCH)
    for change in ({}, {"region": "sh-putuo"}, {"campaign": "spring_2026"}, {"day": "2026-01-03"}):
        await ok(hq.post("/v1/media-spend", {**SPEND, **change}))

    async def listed(**asked: Any) -> list[str]:
        return [item["spend"] for item in (await ok(hq.get("/v1/media-spend", **asked)))["items"]]

    with_campaign, plain, earlier = (
        "sh-pudong:2026-01-04:tv:spring_2026", "sh-pudong:2026-01-04:tv", "sh-pudong:2026-01-03:tv",
    )  # fmt: skip
    putuo = "sh-putuo:2026-01-04:tv"
    assert await listed() == [putuo, with_campaign, plain, earlier]
    assert await listed(region="sh-pudong") == [with_campaign, plain, earlier]
    assert await listed(campaign="spring_2026") == [with_campaign]
    assert await listed(**{"from": "2026-01-04", "to": "2026-01-04"}) == [putuo, with_campaign, plain]
    page = await ok(hq.get("/v1/media-spend", limit=3))
    rest = await ok(hq.get("/v1/media-spend", limit=3, cursor=page["next_cursor"]))
    assert [item["spend"] for item in rest["items"]] == [earlier]


async def test_the_effect_of_media_stands_beside_what_was_spent(
    hq: Any, api: Any, caller: Callable[..., Any], owner_connection: Any
) -> None:
    for change in ({}, {"medium": "radio"}, {"region": "sh-putuo"}, {"day": "2026-01-05"}):
        await ok(hq.post("/v1/media-spend", {**SPEND, **change}))
    await ok(hq.post("/v1/campaigns", LAUNCH))
    await ok(hq.post("/v1/media-spend", {**SPEND, "campaign": "spring_2026"}))
    for dealer, visitors in (("dealer-sh-01", 48), ("dealer-sh-02", 20)):
        await ok(caller(dealer).post("/v1/showroom-days", {**REPORT, "visitors": visitors}))
    late = datetime(2026, 1, 3, 16, 0, tzinfo=UTC)  # midnight of the 4th in Shanghai
    await leads(owner_connection, 2, at=late)
    await leads(owner_connection, 1, at=late - timedelta(seconds=1))
    await leads(owner_connection, 4, dealer="dealer-sh-02")
    await leads(owner_connection, 1, region=None)
    asked = {"from": "2026-01-04", "to": "2026-01-05"}

    async def rows(someone: Any, **more: Any) -> list[Any]:
        body = await ok(someone.get("/v1/media-effect", **asked, **more))
        assert body["traffic"] == ("network" if someone is hq else "own")
        return [
            (row["day"][-2:], row["region"], sum(each["minor"] for each in row["spend"]), row["showrooms"],
             row["visitors"], row["enquiries"], row["leads"])
            for row in body["items"]
        ]  # fmt: skip

    assert await rows(hq) == [
        ("04", None, 0, 0, None, None, 1),
        ("04", "sh-pudong", 15_000_000, 2, 68, 34, 6),
        ("04", "sh-putuo", 5_000_000, 0, None, None, 0),
        ("05", "sh-pudong", 5_000_000, 0, None, None, 0),
    ]
    assert await rows(api) == [
        ("04", None, 0, 0, None, None, 1),
        ("04", "sh-pudong", 15_000_000, 1, 48, 17, 2),
        ("04", "sh-putuo", 5_000_000, 0, None, None, 0),
        ("05", "sh-pudong", 5_000_000, 0, None, None, 0),
    ]
    assert (await rows(caller("dealer-sh-04")))[0] == ("04", "sh-pudong", 15_000_000, 0, None, None, 0)
    assert [row[1] for row in await rows(hq, region="sh-putuo")] == ["sh-putuo"]
    body = await ok(hq.get("/v1/media-effect", **asked, region="sh-pudong"))
    assert body["items"][0]["spend"] == [
        {"medium": "radio", "currency": "CNY", "minor": 5_000_000},
        {"medium": "tv", "currency": "CNY", "minor": 10_000_000},
    ]
    paged: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await ok(hq.get("/v1/media-effect", **asked, limit=1, **({"cursor": cursor} if cursor else {})))
        paged += page["items"]
        cursor = page["next_cursor"]
    assert paged == (await ok(hq.get("/v1/media-effect", **asked)))["items"]


async def test_an_effect_is_asked_for_a_season_at_most(hq: Any) -> None:
    await ok(hq.get("/v1/media-effect", **{"from": "2026-01-01", "to": "2026-04-02"}))
    too_long = await hq.get("/v1/media-effect", **{"from": "2026-01-01", "to": "2026-04-03"})
    assert fault(too_long) == ("to", "range_too_long")
    backwards = await ok(hq.get("/v1/media-effect", **{"from": "2026-01-02", "to": "2026-01-01"}))
    assert backwards["items"] == []


# ── What holds for all three ──────────────────────────────────────────────────────────────────────────────────
async def test_what_creates_needs_a_key_and_repeats_byte_for_byte(hq: Any, lead_pool: Pool) -> None:
    report = {**REPORT, "dealer": "dealer-sh-01"}
    result = {**RESULT, "region": "sh-pudong"}
    bodies = {
        "/v1/campaigns": LAUNCH, "/v1/showroom-days": report, "/v1/media-spend": SPEND, f"{CAMPAIGN}/results": result,
    }  # fmt: skip
    for path, body in bodies.items():
        problem(await hq.post(path, body, key=None), 400, "idempotency_key_missing")
        first, again = await hq.post(path, body, key="k1"), await hq.post(path, body, key="k1")
        assert (first.status_code, first.content) == (200, again.content), path
        assert again.headers["idempotency-replayed"] == "true"
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == len(bodies)


async def test_scopes_open_only_their_routes(caller: Callable[..., Any]) -> None:
    reads, writes = caller(scopes=["lead:read"]), caller(scopes=["lead:write"])
    for path, body in (
        ("/v1/campaigns", LAUNCH), (f"{CAMPAIGN}:close", {"reason": "rain"}), (f"{CAMPAIGN}/results", RESULT),
        ("/v1/showroom-days", REPORT), ("/v1/media-spend", SPEND),
    ):  # fmt: skip
        problem(await reads.post(path, body), 403, "forbidden")
    for path in (
        "/v1/campaigns", CAMPAIGN, f"{CAMPAIGN}/results", "/v1/campaign-results", "/v1/showroom-days", DAY,
        f"{DAY}/events", "/v1/media-spend", "/v1/media-effect",
    ):  # fmt: skip
        problem(await writes.get(path), 403, "forbidden")


async def test_the_examples_of_the_description_are_accepted(hq: Any, api: Any, http: httpx2.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    mine = ("/v1/campaigns", "/v1/campaigns/{code}/results", "/v1/campaigns/{code}:close", "/v1/showroom-days",
            "/v1/media-spend")  # fmt: skip
    for path in mine:
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            someone = api if path.endswith(("results", "days")) else hq
            answer = await someone.post(path.replace("{code}", "spring_2026"), example["value"])
            assert answer.status_code == 200, (path, answer.text)


async def everything(hq: Any, caller: Callable[..., Any]) -> None:
    """Some of each kind of event, restated and corrected."""
    for code in ("spring_2026", "summer_2026"):
        await ok(hq.post("/v1/campaigns", {**LAUNCH, "code": code}))
        for dealer in ("dealer-sh-01", "dealer-sh-02"):
            for visitors in (1, 2):
                body = {**RESULT, "counters": {"visitors": visitors}}
                await ok(caller(dealer).post(f"/v1/campaigns/{code}/results", body))
        await ok(hq.post(f"/v1/campaigns/{code}/results", {**RESULT, "region": "sh-pudong"}))
        for minor in (1, 2):
            amount = {"currency": "CNY", "minor": minor}
            await ok(hq.post("/v1/media-spend", {**SPEND, "campaign": code, "amount": amount}))
    await ok(hq.post(f"{CAMPAIGN}:close", {"reason": "over"}))
    for dealer in ("dealer-sh-01", "dealer-sh-02"):
        for visitors in (20, 30, 40):
            await ok(caller(dealer).post("/v1/showroom-days", {**REPORT, "visitors": visitors, "reason": "recount"}))


async def test_the_tables_are_a_fold_of_the_events_in_any_order_of_streams(
    hq: Any, caller: Callable[..., Any], service: Service, lead_pool: Pool
) -> None:
    await everything(hq, caller)

    async def rows(connection: Any) -> dict[str, list[Any]]:
        return {
            table: [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table} t ORDER BY t::text")]
            for table in TABLES
        }

    before = await rows(lead_pool)
    assert all(before.values())
    streams = [row["stream"] for row in await lead_pool.fetch("SELECT stream FROM streams ORDER BY stream")]
    loaded = {stream: list((await service.store.load(stream)).events) for stream in streams}
    for seed in range(5):
        shuffled = interleaved(loaded, random.Random(seed))
        async with lead_pool.acquire() as connection, connection.transaction():
            for table in TABLES:
                await connection.execute(
                    f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP"
                )
            half = len(shuffled) // 2
            await apply_views(connection, shuffled[:half])
            await apply_views(connection, shuffled[half:])
            assert await rows(connection) == before, seed


def interleaved(streams: dict[str, list[Recorded]], random: random.Random) -> list[Recorded]:
    """Each stream in its order, the streams among each other in none."""
    waiting = {name: list(events) for name, events in streams.items()}
    mixed = []
    while waiting:
        name = random.choice(sorted(waiting))
        mixed.append(waiting[name].pop(0))
        if not waiting[name]:
            del waiting[name]
    return mixed


async def test_a_command_writes_its_tables_with_one_statement(
    hq: Any, caller: Callable[..., Any], service: Service, lead_pool: Pool
) -> None:
    await everything(hq, caller)
    for stream in ("campaign/spring_2026", "showroomday/dealer-sh-01:2026-01-04",
                   "mediaspend/sh-pudong:2026-01-04:tv:spring_2026"):  # fmt: skip
        events = (await service.store.load(stream)).events
        statements: list[str] = []
        async with lead_pool.acquire() as connection, connection.transaction():
            for table in TABLES:
                await connection.execute(
                    f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP"
                )
            with connection.query_logger(lambda record: statements.append(record.query)):  # noqa: B023
                await apply_views(connection, events)
        assert len(statements) == len(events), stream


LAST = (date(2025, 6, 1), "x")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (showroom_days.days_query("dealer-7", None, None, None, 11), "showroom_days_pkey"),
        (showroom_days.days_query("dealer-7", date(2025, 1, 1), date(2025, 9, 1), LAST, 11), "showroom_days_pkey"),
        (showroom_days.days_query(None, None, None, LAST, 11), "showroom_days_by_day"),
        (media_spend.spend_query(None, None, None, None, LAST, 11), "media_spend_by_day"),
        (media_spend.spend_query("region-7", None, date(2025, 1, 1), None, LAST, 11), "media_spend_by_region"),
        (campaigns.campaigns_query(None, None, None, LAST, 11), "campaigns_by_start"),
        (campaigns.campaigns_query(None, None, True, LAST, 11), "campaigns_open"),
    ],
)
async def test_a_page_is_read_from_its_index(
    lead_pool: Pool, owner_connection: Any, query: tuple[str, list[Any]], index: str
) -> None:
    await owner_connection.execute(
        """
        INSERT INTO showroom_days SELECT 'dealer-' || d, '2024-01-01'::date + n, 'region-1', 1, 1, '[]', 0, now(),
            now(), 1 FROM generate_series(1, 30) d, generate_series(0, 700) n;
        INSERT INTO media_spend SELECT r || ':' || n, 'region-' || r, '2024-01-01'::date + n, 'tv', NULL, 'CNY', 1, 0,
            now(), now(), 1 FROM generate_series(1, 30) r, generate_series(0, 700) n;
        INSERT INTO campaigns SELECT 'c' || n, '{}', '{}', '{}', '2000-01-01'::date + n, '2000-01-02'::date + n, NULL,
            NULL, NULL, now(), CASE WHEN n % 20 > 0 THEN now() END, NULL, 1 FROM generate_series(1, 10000) n;
        ANALYZE showroom_days, media_spend, campaigns
        """
    )
    statement, arguments = query
    explained = await lead_pool.fetchval("EXPLAIN (FORMAT JSON) " + statement, *arguments)
    found = nodes(json.loads(explained)[0]["Plan"])
    assert index in {node.get("Index Name") for node in found}, explained
    assert not {"Sort", "Incremental Sort", "Seq Scan"} & {node["Node Type"] for node in found}
