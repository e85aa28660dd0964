"""C03, C07, D05 and M05 over HTTP: follow-ups that are done, and the ends a lead can come to and come back from."""

from datetime import timedelta
from typing import Any

import pytest
from lead_api import OTHER_SELLER, SELLER, captured, events, names, ok, problem

from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.timers import TimerWorker

pytestmark = pytest.mark.usefixtures("documented")
DAY = timedelta(days=1)


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    return await captured(api, intent)


# ── Follow-ups (C03) ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_follow_up_that_is_done_sets_the_next_one_by_the_rules(
    api: Any, lead: str, clock: SimulatedClock, lead_pool: Pool
) -> None:
    clock.advance(timedelta(hours=3))
    ok(await api.post(f"{lead}:assign", {"staff": SELLER, "reason": "newcomer"}))
    ok(await api.post(f"{lead}:complete-follow-up", {"outcome": "reached", "staff": SELLER, "note": "周六再来"}))
    assert (await names(api, lead))[-2:] == ["follow_up_scheduled", "lead_scored"]
    shown = ok(await api.get(lead))
    assert shown["first_contact_at"] == "2026-01-05T11:00:00Z"
    assert shown["next_action"] == {"kind": "follow_up", "due": "2026-01-12T11:00:00Z", "assignee": SELLER}
    assert shown["personal"]["note/1"]["value"] == {"about": "follow_up", "text": "周六再来"}
    (done,) = [event for event in await events(api, lead) if "follow_up_completed" in event["type"]]
    assert done["data"] == {
        "kind": "first_contact",
        "outcome": "reached",
        "staff": SELLER,
        "at": "2026-01-05T11:00:00Z",
    }
    assert ok(await api.get("/v1/lead-figures"))["median_seconds_to_first_contact"] == 3 * 3600

    clock.advance(DAY)
    action = {"kind": "call", "due": "2026-01-08T08:00:00Z", "assignee": OTHER_SELLER}
    ok(await api.post(f"{lead}:complete-follow-up", {"outcome": "no_answer", "next_action": action}))
    shown = ok(await api.get(lead))
    assert (shown["next_action"], shown["owner"]) == (action, OTHER_SELLER)
    assert shown["first_contact_at"] == "2026-01-05T11:00:00Z"  # the first contact is the first
    assert str(await lead_pool.fetchval("SELECT first_contact_at FROM leads")) == "2026-01-05 11:00:00+00:00"


async def test_the_same_follow_up_told_twice_is_done_once(api: Any, lead: str) -> None:
    body = {"outcome": "reached", "staff": SELLER}
    first = await api.post(f"{lead}:complete-follow-up", body, key="k1")
    assert (await api.post(f"{lead}:complete-follow-up", body, key="k1")).content == first.content
    assert ok(await api.post(f"{lead}:complete-follow-up", body, key="k2"))["events"] == []
    assert (await names(api, lead)).count("follow_up_completed") == 1
    problem(await api.post(f"{lead}:complete-follow-up", body, key=None), 400, "idempotency_key_missing")
    past = {**body, "outcome": "later", "next_action": {"kind": "call", "due": "2026-01-05T07:59:59Z"}}
    problem(await api.post(f"{lead}:complete-follow-up", past), 409, "follow_up_in_the_past")
    foreign = {**body, "staff": "staff-sh-02-1"}
    fault = problem(await api.post(f"{lead}:complete-follow-up", foreign), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in fault["errors"]] == [("/staff", "unknown_staff")]


async def test_a_missed_follow_up_can_still_be_done(
    api: Any, lead: str, timers: TimerWorker, clock: SimulatedClock
) -> None:
    clock.advance(DAY)
    assert await timers.step() == 1
    assert [item["lead"] for item in ok(await api.get("/v1/leads", overdue=True))["items"]] == [lead.rpartition("/")[2]]
    ok(await api.post(f"{lead}:complete-follow-up", {"outcome": "reached", "staff": SELLER}))
    shown = ok(await api.get(lead))
    assert (shown["overdue"], shown["next_action"]["due"]) == (False, "2026-01-13T08:00:00Z")
    assert ok(await api.get("/v1/leads", overdue=True))["items"] == []
    clock.advance(7 * DAY)
    assert await timers.step() == 1
    missed = [event for event in await events(api, lead) if "follow_up_missed" in event["type"]]
    assert [(event["data"]["kind"], event["time"]) for event in missed] == [
        ("first_contact", "2026-01-06T08:00:00Z"), ("follow_up", "2026-01-13T08:00:00Z")
    ]  # fmt: skip


# ── The recycle bin (C07) ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("before", ["open", "lost"])
async def test_restored_it_has_the_same_history(
    api: Any, lead: str, lead_pool: Pool, timers: TimerWorker, clock: SimulatedClock, before: str
) -> None:
    ok(await api.post(f"{lead}:qualify", {"grade": "warm", "note": "下周来店"}))
    ok(await api.post(f"{lead}:assign", {"staff": SELLER, "reason": "newcomer"}))
    if before == "lost":
        ok(await api.post(f"{lead}:lose", {"reason": "no_answer"}))
    shown, history = ok(await api.get(lead)), await events(api, lead)
    ok(await api.post(f"{lead}:recycle", {"reason": "duplicate"}))
    assert ok(await api.post(f"{lead}:recycle", {"reason": "duplicate"}, key=None))["events"] == []
    binned = ok(await api.get(lead))
    assert (binned["status"], binned["next_action"], binned["personal"]) == ("recycled", None, shown["personal"])
    assert [item["state"] for item in ok(await api.get("/v1/leads", state="recycled"))["items"]] == ["recycled"]
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0
    for verb, body in {"qualify": {"grade": "hot"}, "lose": {"reason": "x"}, "reopen": {"reason": "x"}}.items():
        problem(await api.post(f"{lead}:{verb}", body), 409, "lead_closed")

    clock.advance(30 * DAY)
    assert await timers.step() == 0
    ok(await api.post(f"{lead}:restore", {"reason": "by_mistake"}))
    restored = ok(await api.get(lead))
    assert (await events(api, lead))[: len(history)] == history
    changed = {name for name in shown if shown[name] != restored[name]}
    assert changed == ({"version", "next_action"} if before == "open" else {"version"})
    assert await lead_pool.fetchval("SELECT state FROM leads") == before
    if before == "open":
        assert restored["next_action"] == {
            "kind": "first_contact", "due": "2026-02-05T08:00:00Z", "assignee": SELLER
        }  # fmt: skip
    assert ok(await api.post(f"{lead}:restore", {"reason": "by_mistake"}, key=None))["events"] == []


async def test_what_waits_for_an_answer_waits_anew_when_it_is_restored(
    api: Any, hq: Any, intent: dict[str, Any], timers: TimerWorker, clock: SimulatedClock
) -> None:
    lead = await captured(hq, intent)
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01"}))
    ok(await hq.post(f"{lead}:recycle", {"reason": "duplicate"}))
    clock.advance(DAY)
    assert await timers.step() == 0
    ok(await hq.post(f"{lead}:restore", {"reason": "by_mistake"}))
    assert ok(await api.get(lead))["routing"] == {"dealer": "dealer-sh-01", "accept_by": "2026-01-06T12:00:00Z"}
    ok(await api.post(f"{lead}:accept", {}))


# ── Converted and lost (M05, E21) ─────────────────────────────────────────────────────────────────────────────
async def test_a_thin_profile_is_no_sale(api: Any) -> None:
    thin = await captured(api, {"source": "visit", "person": {"name": "张伟"}})
    body = problem(await api.post(f"{thin}:convert", {}, key="k1"), 409, "profile_incomplete")
    assert body["missing"] == ["contact_point", "model"]
    assert problem(await api.post(f"{thin}:convert", {}, key="k1"), 409, "profile_incomplete")["missing"] == [
        "contact_point", "model"
    ]  # fmt: skip
    profile = ok(await api.get(thin))["profile"]
    assert profile == {
        "percent": 12,
        "known": ["name"],
        "missing": ["contact_point", "address", "model", "budget", "window", "needs", "consent"],
        "missing_for_hot": ["contact_point"],
        "missing_for_conversion": ["contact_point", "model"],
    }
    phone = {"person": {"phones": [{"value": "138 1234 5678"}]}}
    ok(await api.post(f"{thin}:enrich", phone))
    assert problem(await api.post(f"{thin}:convert", {}), 409, "profile_incomplete")["missing"] == ["model"]
    ok(await api.post(f"{thin}:enrich", {"vehicles": [{"model": "volkswagen-lavida"}]}))
    ok(await api.post(f"{thin}:convert", {"note": "订购朗逸"}))


async def test_a_full_profile_is_complete(api: Any, intent: dict[str, Any]) -> None:
    lead = await captured(api, intent, needs=[{"kind": "use", "value": "commute"}])
    profile = ok(await api.get(lead))["profile"]
    assert (profile["percent"], profile["missing"]) == (100, [])


async def test_a_converted_lead_is_closed_and_counted(
    api: Any, lead: str, intent: dict[str, Any], lead_pool: Pool
) -> None:
    for _ in range(2):
        await captured(api, intent)
    ok(await api.post(f"{await captured(api, intent)}:recycle", {"reason": "duplicate"}))
    ok(await api.post(f"{lead}:convert", {}))
    assert ok(await api.post(f"{lead}:convert", {}, key=None))["events"] == []
    shown = ok(await api.get(lead))
    assert (shown["status"], shown["next_action"]) == ("converted", None)
    figures = ok(await api.get("/v1/lead-figures"))
    assert (figures["converted"], figures["leads"], figures["conversion_percent"]) == (1, 4, 33.3)
    assert str(await lead_pool.fetchval("SELECT max(closed_at) FROM leads")) == "2026-01-05 08:00:00+00:00"
    problem(await api.post(f"{lead}:recycle", {"reason": "duplicate"}), 409, "lead_closed")
    ok(await api.post(f"{lead}:reopen", {"reason": "withdrew"}))
    assert ok(await api.get(lead))["next_action"]["kind"] == "first_contact"
    assert await lead_pool.fetchval("SELECT max(closed_at) FROM leads") is None


# ── Sources that need a consent (D05) ─────────────────────────────────────────────────────────────────────────
async def test_a_follower_becomes_a_lead_only_with_consent(api: Any, intent: dict[str, Any], lead_pool: Pool) -> None:
    consent = intent["consents"][0]
    for consents in ([], [{**consent, "granted": False}]):
        for source in ("social:weibo", "social"):
            body = {**intent, "source": source, "consents": consents}
            problem(await api.post("/v1/leads", body), 409, "consent_required")
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 0
    assert await lead_pool.fetchval("SELECT count(*) FROM personal_data") == 0
    lead = await captured(api, intent, source="social:weibo")
    assert ok(await api.get(lead))["source"] == "social:weibo"
    assert len(ok(await api.get("/v1/leads", source="social:weibo"))["items"]) == 1
    assert ok(await api.get("/v1/leads", source="social:wechat"))["items"] == []
    await captured(api, intent, source="visit", consents=[])
