"""E06 and E07 over HTTP: to which dealer a lead goes, who answers in time, and who sees it from then on."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lead_api import DEALERS, SELLER, captured, events, names, ok, problem, same

from lead.service import Service
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.timers import TimerWorker

pytestmark = pytest.mark.usefixtures("documented")
HOUR = timedelta(hours=1)
HOT = {"grade": "hot", "reasons": ["budget_confirmed"]}
# From the centre, by the seed's kilometres; the wish comes before all of them.
NEAREST = ["dealer-sh-01", "dealer-sh-03", "dealer-sh-02", "dealer-sh-05", "dealer-sh-04", "dealer-sh-06"]


@pytest.fixture
async def lead(hq: Any, intent: dict[str, Any]) -> str:
    """A lead of headquarters: the customer wishes for dealer 4 and lives in the centre."""
    return await captured(hq, intent, dealer_wish="dealer-sh-04", region="sh-centre")


async def routed(api: Any, lead: str) -> list[tuple[str, str]]:
    """(dealer, by which rule) of every routing."""
    return [
        (event["data"]["dealer"], event["data"]["by"])
        for event in await events(api, lead)
        if event["type"] == "roadbook.lead.lead_routed.v1"
    ]


async def sees_nothing(api: Any, lead: str) -> None:
    problem(await api.get(lead), 404, "not_found")
    problem(await api.get(lead + "/events"), 404, "not_found")
    problem(await api.post(f"{lead}:accept", {}), 404, "not_found")
    problem(await api.post(f"{lead}:decline", {"reason": "late"}), 404, "not_found")
    assert ok(await api.get("/v1/leads"))["items"] == []


async def test_by_wish_then_distance_until_none_is_left(
    caller: Callable[..., Any], hq: Any, lead: str, timers: TimerWorker, clock: SimulatedClock
) -> None:
    """Half of them decline, half let it lapse; whoever had it is out, and the last word is headquarters'."""
    ok(await hq.post(f"{lead}:route", {}))
    order = ["dealer-sh-04", *(dealer for dealer in NEAREST if dealer != "dealer-sh-04")]
    for place, dealer in enumerate(order):
        shown = ok(await caller(dealer).get(lead))
        assert shown["dealer"] == dealer
        assert shown["next_action"]["kind"] == "accept"
        assert shown["routing"] == {"dealer": dealer, "accept_by": shown["next_action"]["due"]}
        if place % 2:
            ok(await caller(dealer).post(f"{lead}:decline", {"reason": "no_capacity", "note": "voll"}))
        else:
            clock.advance(4 * HOUR - timedelta(seconds=1))
            assert await timers.step() == 0
            clock.advance(timedelta(seconds=1))
            assert await timers.step() == 1
        await sees_nothing(caller(dealer), lead)
    assert await routed(hq, lead) == [(order[0], "wish"), *((dealer, "distance") for dealer in order[1:])]
    told = await names(hq, lead)
    assert (told.count("lead_declined"), told.count("lead_feedback_overdue")) == (3, 3)

    shown = ok(await hq.get(lead))
    assert (shown["dealer"], shown["routing"], shown["next_action"]["kind"]) == (None, None, "route_by_hand")
    assert set(shown["tried"]) == set(DEALERS)
    assert [item["lead"] for item in ok(await hq.get("/v1/leads", unrouted=True))["items"]] == [shown["lead"]]
    problem(await hq.post(f"{lead}:route", {}), 409, "no_dealer_left")
    clock.advance(24 * HOUR)
    await timers.step()
    assert ok(await hq.get(lead))["overdue"] is True  # nobody routed it by hand: an alarm, no dealer's fault
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-02"}))
    assert (await routed(hq, lead))[-1] == ("dealer-sh-02", "hand")
    ok(await caller("dealer-sh-02").post(f"{lead}:accept", {"staff": "staff-sh-02-1"}))


async def test_without_wish_and_region_the_load_decides(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any]
) -> None:
    plain = {name: value for name, value in intent.items() if name != "dealer_wish"}
    for dealer, count in zip(DEALERS, (2, 1, 3, 2, 1, 1), strict=True):
        for _ in range(count):
            await captured(caller(dealer), plain)
    closed = await captured(caller("dealer-sh-05"), plain)
    found = []
    for _ in range(3):
        lead = await captured(hq, plain)
        ok(await hq.post(f"{lead}:route", {}))
        found += await routed(hq, lead)
    ok(await caller("dealer-sh-05").post(f"{closed}:lose", {"reason": "no_answer"}))  # a closed one is no load
    lead = await captured(hq, plain)
    ok(await hq.post(f"{lead}:route", {}))
    found += await routed(hq, lead)
    # 2 has one and 6 has one; then both have two as 1, 4 and 5 do, and of equals the first by name comes first.
    assert found == [(dealer, "load") for dealer in ("dealer-sh-02", "dealer-sh-06", "dealer-sh-01", "dealer-sh-05")]


async def test_what_headquarters_finds_hot_is_at_a_dealer_in_the_same_transaction(
    caller: Callable[..., Any], hq: Any, lead: str, service: Service
) -> None:
    answer = ok(await hq.post(f"{lead}:qualify", HOT))
    told = (await events(hq, lead))[-2:]
    assert [event["type"].split(".")[2] for event in told] == ["lead_qualified", "lead_routed"]
    assert answer["events"] == [event["id"] for event in told]
    assert len({event["correlation"] for event in told}) == len({event["recorded"] for event in told}) == 1
    assert ok(await caller("dealer-sh-04").get(lead))["grade"] == "hot"
    assert ok(await hq.post(f"{lead}:qualify", HOT, key=None))["events"] == []


async def test_what_a_dealer_finds_hot_stays_there(api: Any, intent: dict[str, Any]) -> None:
    lead = await captured(api, intent, dealer_wish="dealer-sh-04", region="sh-songjiang")
    ok(await api.post(f"{lead}:qualify", HOT))
    assert (await names(api, lead))[-1] == "lead_qualified"
    assert ok(await api.get(lead))["dealer"] == "dealer-sh-01"


async def test_a_lead_that_nobody_can_reach_is_not_hot_and_goes_nowhere(hq: Any) -> None:
    lead = await captured(hq, {"source": "web_form", "person": {"name": "张伟"}})
    refused = problem(await hq.post(f"{lead}:qualify", HOT), 409, "profile_incomplete")
    assert refused["missing"] == ["contact_point"]
    assert ok(await hq.get(lead))["dealer"] is None
    for grade in ("warm", "cold"):
        ok(await hq.post(f"{lead}:qualify", {"grade": grade}))
    assert ok(await hq.get(lead))["dealer"] is None


async def test_acceptance_begins_the_work(
    caller: Callable[..., Any], hq: Any, lead: str, clock: SimulatedClock, lead_pool: Pool
) -> None:
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01"}))
    api = caller()
    assert [item["lead"] for item in ok(await api.get("/v1/leads", unanswered=True))["items"]]
    action = {"kind": "call", "due": "2026-01-07T08:00:00Z"}
    for verb, body in {
        "schedule-follow-up": {"next_action": action},
        "complete-follow-up": {"outcome": "reached"},
        "report-status": {"status": "contacted"},
        "protect": {"staff": SELLER},
        "claim": {"staff": SELLER},
        "release": {"reason": "holiday"},
        "lose": {"reason": "no_answer"},
        "convert": {},
        "assign": {"staff": SELLER, "reason": "holiday"},
        "share": {"dealer": "dealer-sh-02", "scope": "facts", "until": "2026-02-01T00:00:00Z", "reason": "help"},
    }.items():
        problem(await api.post(f"{lead}:{verb}", body), 409, "acceptance_pending")
    clock.advance(HOUR)
    ok(await api.post(f"{lead}:accept", {"staff": SELLER}))
    assert ok(await api.post(f"{lead}:accept", {"staff": SELLER}, key=None))["events"] == []
    problem(await api.post(f"{lead}:decline", {"reason": "no_capacity"}), 409, "nothing_to_accept")
    shown = ok(await api.get(lead))
    assert (shown["owner"], shown["responsible"], shown["routing"]) == (SELLER, SELLER, None)
    assert shown["feedback_due"] == "2026-01-08T09:00:00Z"
    assert shown["next_action"] == {"kind": "first_contact", "due": "2026-01-06T09:00:00Z", "assignee": SELLER}
    assert ok(await api.get("/v1/leads", unanswered=True))["items"] == []
    row = await lead_pool.fetchrow("SELECT owner, accept_by, next_action_assignee FROM leads")
    assert tuple(row or ()) == (SELLER, None, SELLER)


async def test_accepted_by_nobody_in_person_it_is_the_managers(api: Any, hq: Any, lead: str) -> None:
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01"}))
    ok(await api.post(f"{lead}:accept", {}))
    shown = ok(await api.get(lead))
    assert (shown["owner"], shown["responsible"]) == (None, "staff-sh-01-manager")


async def test_time_decides_and_not_the_timer(api: Any, hq: Any, lead: str, clock: SimulatedClock) -> None:
    by = "2026-01-05T08:10:00Z"
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01", "accept_by": by}))
    clock.advance(timedelta(minutes=10))
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01", "accept_by": "2026-01-05T08:20:00Z"}))
    clock.advance(timedelta(minutes=10, seconds=1))
    problem(await api.post(f"{lead}:accept", {}), 409, "acceptance_overdue")
    problem(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01", "accept_by": by}), 409, "accept_by_in_the_past")


async def test_accept_and_decline_at_once_are_one_of_both(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any]
) -> None:
    api = caller()
    for _ in range(5):
        lead = await captured(hq, intent, region="sh-centre")
        ok(await hq.post(f"{lead}:route", {}))
        accepted, declined = await asyncio.gather(
            api.post(f"{lead}:accept", {"staff": SELLER}), api.post(f"{lead}:decline", {"reason": "no_capacity"})
        )
        told = await names(hq, lead)
        assert told.count("lead_accepted") + told.count("lead_declined") == 1
        if accepted.status_code == 200:
            problem(declined, 409, "nothing_to_accept")
        else:
            problem(accepted, 404, "not_found")
            assert ok(declined)["events"]
            assert ok(await hq.get(lead))["dealer"] == "dealer-sh-03"


async def test_a_status_is_owed_and_its_absence_noted(
    api: Any, hq: Any, lead: str, timers: TimerWorker, clock: SimulatedClock, lead_pool: Pool
) -> None:
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01"}))
    ok(await api.post(f"{lead}:accept", {"staff": SELLER}))
    ok(await api.post(f"{lead}:complete-follow-up", {"outcome": "reached", "staff": SELLER}))
    clock.advance(71 * HOUR)
    answer = ok(await api.post(f"{lead}:report-status", {"status": "negotiating", "staff": SELLER, "note": "还在考虑"}))
    again = ok(await api.post(f"{lead}:report-status", {"status": "negotiating", "staff": SELLER}))
    assert (len(answer["events"]), again["events"]) == (1, [])
    clock.advance(71 * HOUR)
    assert await timers.step() == 0

    async def overdue() -> bool:
        return bool(await lead_pool.fetchval("SELECT feedback_overdue FROM leads"))

    assert not await overdue()
    clock.advance(HOUR)
    assert await timers.step() == 1
    (event,) = [e for e in await events(hq, lead) if e["type"].endswith("lead_feedback_overdue.v1")]
    assert event["data"] == {"dealer": "dealer-sh-01", "awaited": "status", "at": "2026-01-11T07:00:00Z"}
    assert await overdue()
    assert ok(await hq.get("/v1/lead-figures"))["feedback_overdue"] == 1
    assert ok(await api.get(lead))["dealer"] == "dealer-sh-01"  # it keeps the lead: only an unaccepted one moves on
    ok(await api.post(f"{lead}:report-status", {"status": "test_drive_agreed"}))
    assert not await overdue()
    assert ok(await hq.get(lead))["feedback_due"] == "2026-01-14T07:00:00Z"


async def test_a_lead_taken_away_by_hand_is_gone_for_its_dealer(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any]
) -> None:
    one, two = caller(), caller("dealer-sh-02")
    lead = await captured(one, intent)
    ok(await one.post(f"{lead}:protect", {"staff": SELLER}))
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-02"}))
    await sees_nothing(one, lead)
    shown = ok(await two.get(lead))
    assert (shown["owner"], shown["protection"], shown["dealer"]) == (None, None, "dealer-sh-02")
    ok(await two.post(f"{lead}:accept", {}))
    ok(await two.post(f"{lead}:protect", {"staff": "staff-sh-02-1"}))


async def test_who_had_it_before_is_for_headquarters(caller: Callable[..., Any], hq: Any, lead: str) -> None:
    """A dealer is told of the lead, and not which other dealers declined it."""
    ok(await hq.post(f"{lead}:route", {}))
    ok(await caller("dealer-sh-04").post(f"{lead}:decline", {"reason": "no_capacity"}))
    api = caller("dealer-sh-01")
    ok(await api.post(f"{lead}:accept", {}))
    shown = await api.get(lead)
    assert "tried" not in ok(shown)
    for text in (shown.text.replace('"dealer_wish":"dealer-sh-04"', ""), (await api.get(lead + "/events")).text):
        assert "dealer-sh-04" not in text.replace('"dealer_wish":"dealer-sh-04"', "")
    assert await names(api, lead) == [
        "lead_captured", "follow_up_scheduled", "lead_routed", "lead_accepted", "follow_up_scheduled"
    ]  # fmt: skip
    assert "lead_declined" in await names(hq, lead)


async def test_routing_is_headquarters_alone(caller: Callable[..., Any], hq: Any, intent: dict[str, Any]) -> None:
    api = caller()
    lead = await captured(api, intent)
    problem(await api.post(f"{lead}:route", {}), 403, "headquarters_only")
    foreign = await caller("dealer-sh-02").post(f"{lead}:route", {})
    never = await caller("dealer-sh-02").post("/v1/leads/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42:route", {})
    problem(foreign, 404, "not_found")
    assert same(foreign) == same(never)
    assert ok(await hq.post(f"{lead}:route", {}))["events"] == []  # held: only a hand takes it away
    fault = problem(await hq.post(f"{lead}:route", {"dealer": "dealer-xx-99"}), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in fault["errors"]] == [("/dealer", "unknown_dealer")]


async def test_staff_of_another_dealer_cannot_take_it_even_by_headquarters(hq: Any, lead: str) -> None:
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-01"}))
    bodies = {
        "accept": {"staff": "staff-sh-02-1"},
        "assign": {"staff": "staff-sh-02-1", "reason": "holiday"},
        "claim": {"staff": "staff-sh-02-1"},
        "protect": {"staff": "staff-sh-02-1"},
        "report-status": {"status": "contacted", "staff": "staff-sh-02-1"},
        "complete-follow-up": {"outcome": "reached", "staff": "staff-sh-02-1"},
        "record-visit": {"purpose": "look_around", "staff": "staff-sh-02-1"},
        "schedule-follow-up": {
            "next_action": {"kind": "call", "due": "2026-01-07T08:00:00Z", "assignee": "staff-sh-02-1"}
        },
    }
    for verb, body in bodies.items():
        fault = problem(await hq.post(f"{lead}:{verb}", body), 422, "invalid_request")
        assert [error["code"] for error in fault["errors"]] == ["unknown_staff"], verb
    ok(await hq.post(f"{lead}:accept", {"staff": SELLER}))
    assert ok(await hq.get(lead))["owner"] == SELLER
