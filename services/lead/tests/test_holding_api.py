"""C04 and M03 over HTTP: who at a dealer works a customer, and that nobody's leads are left alone."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lead_api import DEALERS, MANAGER, OTHER_SELLER, SELLER, captured, names, ok, pages, problem

from lead.service import Service, holding
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.timers import TimerWorker

pytestmark = pytest.mark.usefixtures("documented")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THEIRS = "staff-sh-02-1"
MOST = 10  # disclosures in an hour, by the seed


async def leads_of_one(hq: Any, caller: Callable[..., Any], intent: dict[str, Any], *dealers: str) -> list[str]:
    """A lead of the same customer at each of these dealers, accepted."""
    found: list[str] = []
    party: dict[str, Any] = {}
    for dealer in dealers:
        lead = await captured(hq, intent, **party)
        party = {"party_ref": ok(await hq.get(lead))["party_ref"]}
        ok(await hq.post(f"{lead}:route", {"dealer": dealer}))
        ok(await caller(dealer).post(f"{lead}:accept", {}))
        found.append(lead)
    return found


async def protections(pool: Pool) -> list[tuple[str, str]]:
    return [(row["dealer"], row["staff"]) for row in await pool.fetch("SELECT dealer, staff FROM protections")]


# ── Protection ────────────────────────────────────────────────────────────────────────────────────────────────
async def test_who_protects_is_masked_for_others_and_shown_at_home(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any]
) -> None:
    here, there = await leads_of_one(hq, caller, intent, "dealer-sh-01", "dealer-sh-02")
    second = await captured(caller(), intent, party_ref=ok(await hq.get(here))["party_ref"])
    until = "2026-01-20T08:00:00Z"
    ok(await caller().post(f"{here}:protect", {"staff": SELLER}))
    assert ok(await caller().get(here))["protection"] == {"staff": SELLER, "until": until, "period": "P15D"}

    refused = await caller("dealer-sh-02").post(f"{there}:protect", {"staff": THEIRS})
    body = problem(refused, 409, "customer_protected")
    assert body["holder"] == {"dealer": "d***", "staff": None, "until": until}
    assert len({holding.masked(dealer) for dealer in DEALERS}) == 1
    assert not any(word in refused.text for word in ("dealer-sh-01", SELLER, here.rpartition("/")[2]))
    own = problem(await caller().post(f"{second}:protect", {"staff": OTHER_SELLER}), 409, "customer_protected")
    assert own["holder"] == {"dealer": "dealer-sh-01", "staff": SELLER, "until": until}
    colleague = problem(await caller().post(f"{here}:protect", {"staff": OTHER_SELLER}), 409, "customer_protected")
    assert colleague["holder"] == own["holder"]
    known = problem(await hq.post(f"{there}:protect", {"staff": THEIRS}), 409, "customer_protected")
    assert known["holder"] == own["holder"]
    assert ok(await caller().post(f"{here}:protect", {"staff": SELLER}, key=None))["events"] == []


async def test_a_dealer_cannot_find_out_by_asking_for_everybody(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], clock: SimulatedClock
) -> None:
    here, there = await leads_of_one(hq, caller, intent, "dealer-sh-01", "dealer-sh-02")
    ok(await caller().post(f"{here}:protect", {"staff": SELLER}))
    other = caller("dealer-sh-02")
    free = await captured(other, intent)
    clock.advance(timedelta(minutes=15))
    first = await other.post(f"{there}:protect", {"staff": THEIRS}, key="the-same")
    again = await other.post(f"{there}:protect", {"staff": THEIRS}, key="the-same")
    assert problem(first, 409, "customer_protected")["holder"] == problem(again, 409, "customer_protected")["holder"]
    for _ in range(MOST - 2):
        problem(await other.post(f"{there}:protect", {"staff": THEIRS}), 409, "customer_protected")
    for lead in (there, free, "/v1/leads/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"):
        refused = await other.post(f"{lead}:protect", {"staff": THEIRS})
        assert problem(refused, 429, "asked_too_often")["retryable"] is True
        assert 45 * 60 <= int(refused.headers["retry-after"]) <= 45 * 60 + 1
        assert refused.headers["ratelimit-policy"] == f'"disclosures";q={MOST};w=3600'
        assert refused.headers["ratelimit"] == f'"disclosures";r=0;t={refused.headers["retry-after"]}'
    assert "protected" not in (await names(hq, free))
    # The holder itself is not kept from its work, nor is headquarters.
    ok(await caller().post(f"{here}:complete-follow-up", {"outcome": "reached", "staff": SELLER}))
    problem(await hq.post(f"{there}:protect", {"staff": THEIRS}), 409, "customer_protected")
    clock.advance(timedelta(minutes=44, seconds=59))
    problem(await other.post(f"{free}:protect", {"staff": THEIRS}), 429, "asked_too_often")
    clock.advance(timedelta(seconds=1))
    ok(await other.post(f"{free}:protect", {"staff": THEIRS}))
    problem(await other.post(f"{there}:protect", {"staff": THEIRS}), 409, "customer_protected")


async def test_asked_at_once_a_dealer_is_not_told_more_often(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], lead_pool: Pool
) -> None:
    here, there = await leads_of_one(hq, caller, intent, "dealer-sh-01", "dealer-sh-02")
    ok(await caller().post(f"{here}:protect", {"staff": SELLER}))
    other = caller("dealer-sh-02")
    answers = await asyncio.gather(*(other.post(f"{there}:protect", {"staff": THEIRS}) for _ in range(25)))
    codes = Counter(answer.json()["code"] for answer in answers)
    assert codes == {"customer_protected": MOST, "asked_too_often": 15}
    assert await lead_pool.fetchval("SELECT count FROM disclosures") == MOST


async def test_a_protection_that_runs_out_puts_the_lead_into_the_pool(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], timers: TimerWorker, clock: SimulatedClock,
    lead_pool: Pool,
) -> None:  # fmt: skip
    here, there = await leads_of_one(hq, caller, intent, "dealer-sh-01", "dealer-sh-02")
    api = caller()
    ok(await api.post(f"{here}:protect", {"staff": SELLER}))
    clock.advance(14 * DAY)
    await timers.step()
    ok(await api.post(f"{here}:complete-follow-up", {"outcome": "reached", "staff": SELLER}))
    assert ok(await api.get(here))["protection"]["until"] == "2026-02-03T08:00:00Z"
    assert str(await lead_pool.fetchval("SELECT until FROM protections")) == "2026-02-03 08:00:00+00:00"
    clock.advance(14 * DAY)
    await timers.step()
    visit = {"purpose": "look_around", "staff": OTHER_SELLER}  # a colleague keeps it for nobody
    ok(await api.post(f"{here}:record-visit", visit))
    assert str(await lead_pool.fetchval("SELECT until FROM protections")) == "2026-02-03 08:00:00+00:00"
    clock.advance(DAY - timedelta(seconds=1))
    await timers.step()
    assert ok(await api.get(here))["pooled"] is False
    clock.advance(timedelta(seconds=1))
    await timers.step()
    assert (await names(api, here))[-2:] == ["lead_protection_expired", "lead_released_to_pool"]
    shown = ok(await api.get(here))
    assert (shown["pooled"], shown["owner"], shown["protection"]) == (True, None, None)
    assert await protections(lead_pool) == []
    assert [item["lead"] for item in ok(await api.get("/v1/leads", pool=True))["items"]] == [shown["lead"]]
    assert ok(await caller("dealer-sh-02").get("/v1/leads", pool=True))["items"] == []
    ok(await caller("dealer-sh-02").post(f"{there}:protect", {"staff": THEIRS}))
    claimed, late = await asyncio.gather(
        api.post(f"{here}:claim", {"staff": SELLER}), api.post(f"{here}:claim", {"staff": OTHER_SELLER})
    )
    assert sorted((claimed.status_code, late.status_code)) == [200, 409]
    problem(late if claimed.status_code == 200 else claimed, 409, "not_in_pool")


async def test_a_protection_that_is_over_counts_as_none_though_its_timer_is_late(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], timers: TimerWorker, clock: SimulatedClock,
    lead_pool: Pool,
) -> None:  # fmt: skip
    here, there = await leads_of_one(hq, caller, intent, "dealer-sh-01", "dealer-sh-02")
    ok(await caller().post(f"{here}:protect", {"staff": SELLER}))
    clock.advance(15 * DAY - timedelta(seconds=1))
    problem(await caller("dealer-sh-02").post(f"{there}:protect", {"staff": THEIRS}), 409, "customer_protected")
    clock.advance(timedelta(seconds=1))
    ok(await caller("dealer-sh-02").post(f"{there}:protect", {"staff": THEIRS}))
    # Nor does work bring it back: the customer would have two protectors.
    ok(await caller().post(f"{here}:complete-follow-up", {"outcome": "reached", "staff": SELLER}))
    while await timers.step():
        pass
    assert await protections(lead_pool) == [("dealer-sh-02", THEIRS)]
    shown = ok(await hq.get(here))
    assert (shown["protection"], shown["pooled"]) == (None, True)


async def test_whatever_ends_the_work_frees_the_customer(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], lead_pool: Pool
) -> None:
    for end in ("release", "lose", "recycle", "convert", "route"):
        here, there = await leads_of_one(hq, caller, intent, "dealer-sh-01", "dealer-sh-02")
        ok(await caller().post(f"{here}:protect", {"staff": SELLER}))
        body = {"convert": {}, "route": {"dealer": "dealer-sh-03"}}.get(end, {"reason": "customer_moved"})
        ok(await hq.post(f"{here}:{end}", body))
        assert await protections(lead_pool) == [], end
        ok(await caller("dealer-sh-02").post(f"{there}:protect", {"staff": THEIRS}))
        ok(await hq.post(f"{there}:release", {"reason": "next_round"}))


async def test_of_fifty_protections_of_one_customer_at_once_one_is_made(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], service: Service, lead_pool: Pool
) -> None:
    """Through five leads at five dealers, by two members of staff each; several rounds on the real database."""
    dealers = [f"dealer-sh-0{n}" for n in range(1, 6)]
    leads = await leads_of_one(hq, caller, intent, *dealers)
    for _ in range(4):
        orders = [
            (lead, dealer, f"staff-{dealer.removeprefix('dealer-')}-{1 + n % 2}")
            for lead, dealer in zip(leads, dealers, strict=True)
            for n in range(10)
        ]
        random.shuffle(orders)
        answers = await asyncio.gather(
            *(caller(dealer).post(f"{lead}:protect", {"staff": staff}) for lead, dealer, staff in orders)
        )
        protecting = [order for order, answer in zip(orders, answers, strict=True) if answer.status_code == 200]
        made = sum(len(answer.json()["events"]) for answer in answers if answer.status_code == 200)
        assert made == 1
        assert len(set(protecting)) == 1  # repeats of the one that made it are no conflict
        refused = {answer.json()["code"] for answer in answers if answer.status_code != 200}
        assert refused <= {"customer_protected", "asked_too_often", "conflict"}
        ((lead, dealer, staff),) = set(protecting)
        assert await protections(lead_pool) == [(dealer, staff)]
        held = [ok(await hq.get(each))["protection"] for each in leads]
        assert [each for each, found in zip(leads, held, strict=True) if found] == [lead]
        ok(await hq.post(f"{lead}:release", {"reason": "next_round"}))
        await lead_pool.execute("DELETE FROM disclosures")


# ── Hand-over ─────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_lead_is_assigned_with_its_action_and_its_protection(
    api: Any, intent: dict[str, Any], lead_pool: Pool
) -> None:
    lead = await captured(api, intent)
    problem(await api.post(f"{lead}:claim", {"staff": SELLER}), 409, "not_in_pool")
    ok(await api.post(f"{lead}:assign", {"staff": SELLER, "reason": "newcomer"}))
    ok(await api.post(f"{lead}:protect", {"staff": SELLER}))
    problem(await api.post(f"{lead}:schedule-follow-up", {
        "next_action": {"kind": "call", "due": "2026-01-07T08:00:00Z", "assignee": OTHER_SELLER}
    }), 409, "customer_protected")  # fmt: skip
    ok(await api.post(f"{lead}:assign", {"staff": OTHER_SELLER, "reason": "holiday"}))
    shown = ok(await api.get(lead))
    assert {shown["owner"], shown["next_action"]["assignee"], shown["protection"]["staff"]} == {OTHER_SELLER}
    assert await protections(lead_pool) == [("dealer-sh-01", OTHER_SELLER)]
    ok(await api.post(f"{lead}:release", {"reason": "overload"}))
    ok(await api.post(f"{lead}:assign", {"staff": SELLER, "reason": "capacity"}))
    assert ok(await api.get(lead))["owner"] == SELLER
    ok(await api.post(f"{lead}:lose", {"reason": "no_answer"}))
    ok(await api.post(f"{lead}:assign", {"staff": OTHER_SELLER, "reason": "left"}))  # reopened it is not the leaver's
    row = await lead_pool.fetchrow("SELECT owner, next_action_assignee, next_action_due FROM leads")
    assert tuple(row or ()) == (OTHER_SELLER, None, None)


async def test_the_hand_over_list_is_what_somebody_would_leave_behind(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], clock: SimulatedClock
) -> None:
    api = caller()
    mine = []
    for place in range(5):
        clock.advance(timedelta(minutes=1))
        lead = await captured(api, intent, next_action={
            "kind": "call", "due": f"2026-01-0{7 + place % 2}T08:00:00Z", "assignee": SELLER
        })  # fmt: skip
        mine.append(lead.rpartition("/")[2])
    await captured(api, intent)
    ok(await api.post(f"/v1/leads/{mine[0]}:protect", {"staff": SELLER}))
    ok(await api.post(f"/v1/leads/{mine[1]}:lose", {"reason": "no_answer"}))
    path = f"/v1/hand-over/{SELLER}"
    for reader in (api, hq):
        items = await pages(reader, path)
        assert [item["lead"] for item in items] == [mine[4], mine[3], mine[2], mine[0]]
        assert [item["protected_until"] for item in items] == [None, None, None, "2026-01-20T08:05:00Z"]
        assert {item["next_action"]["assignee"] for item in items} == {SELLER}
    assert await pages(caller("dealer-sh-02"), path) == []
    assert await pages(api, f"/v1/hand-over/{OTHER_SELLER}") == []


async def test_none_of_a_leavers_leads_is_orphaned(
    caller: Callable[..., Any], hq: Any, intent: dict[str, Any], lead_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces, while colleagues go on capturing for the leaver; to the manager where `to` is not of the dealer."""
    monkeypatch.setattr(holding, "REASSIGNED_AT_ONCE", 40)
    api = caller()
    action = {"kind": "call", "due": "2026-01-07T08:00:00Z", "assignee": SELLER}
    plain = {"source": "visit", "person": {"name": "张伟"}}
    for _ in range(10):
        more = [{"next_action": action} if n else {} for n in range(10)]
        await asyncio.gather(*(captured(api, plain, **each) for each in more))
    before = await lead_pool.fetchval("SELECT count(*) FROM leads WHERE owner = $1", SELLER)
    protected = (await pages(api, f"/v1/hand-over/{SELLER}", limit=20))[:20]
    for item in protected:
        ok(await api.post(f"/v1/leads/{item['lead']}:protect", {"staff": SELLER}))
    for item in (await pages(api, f"/v1/hand-over/{SELLER}", limit=50))[-3:]:
        ok(await api.post(f"/v1/leads/{item['lead']}:lose", {"reason": "no_answer"}))  # reopened, it would be his again
    body = {"from": SELLER, "to": OTHER_SELLER, "reason": "staff_left"}
    assert ok(await caller("dealer-sh-02").post("/v1/leads:reassign", {**body, "to": THEIRS}))["moved"] == 0
    moved, rounds = Counter[str](), 0
    while True:
        answer, _ = await asyncio.gather(
            api.post("/v1/leads:reassign", body),
            captured(api, plain, next_action=action) if rounds < 3 else asyncio.sleep(0),
        )
        told = ok(answer)
        assert told["moved"] == sum(told["to"].values()) <= 40
        moved.update(told["to"])
        rounds += 1
        left = await lead_pool.fetchval("SELECT count(*) FROM leads WHERE owner = $1", SELLER)
        if left == 0:
            break
        assert rounds < 10
    assert moved == {OTHER_SELLER: before + 3}
    assert rounds >= 3
    orphans = await lead_pool.fetchval(
        "SELECT count(*) FROM leads WHERE $1 IN (owner, next_action_assignee)"
        " OR (state = 'open' AND next_action_kind IS NULL)",
        SELLER,
    )
    assert orphans == 0
    staff = await lead_pool.fetch("SELECT DISTINCT staff, count(*) AS n FROM protections GROUP BY staff")
    assert [(row["staff"], row["n"]) for row in staff] == [(OTHER_SELLER, 20)]

    again = {**body, "from": OTHER_SELLER, "to": THEIRS}  # for headquarters any staff; not of this dealer
    while ok(await hq.post("/v1/leads:reassign", again))["left"]:
        pass
    assert await lead_pool.fetchval("SELECT count(*) FROM leads WHERE owner = $1", MANAGER) == before + 3
    problem(await api.post("/v1/leads:reassign", {"from": MANAGER, "reason": "left"}), 409, "no_successor")


async def test_a_leaver_of_headquarters_leaves_nothing_behind(hq: Any, intent: dict[str, Any]) -> None:
    """A lead that no dealer holds can have somebody's next action too."""
    action = {"kind": "call", "due": "2026-01-07T08:00:00Z", "assignee": "staff-hq-1"}
    await captured(hq, intent, next_action=action)
    answer = ok(await hq.post("/v1/leads:reassign", {"from": "staff-hq-1", "to": MANAGER, "reason": "staff_left"}))
    assert answer == {"moved": 1, "to": {MANAGER: 1}, "left": 0}
    problem(await hq.post("/v1/leads:reassign", {"from": MANAGER, "reason": "staff_left"}), 409, "no_successor")


async def test_more_than_one_request_takes_are_moved_by_the_next(
    api: Any, owner_connection: Any, hq: Any, intent: dict[str, Any], lead_pool: Pool
) -> None:
    """One that another dealer got meanwhile is passed over, counted nowhere, and not left either."""
    lead = await captured(api, intent)
    ok(await api.post(f"{lead}:assign", {"staff": SELLER, "reason": "newcomer"}))
    # The row says the leaver's, as if it had been read just before the lead went elsewhere.
    await lead_pool.execute("UPDATE leads SET owner = $1", OTHER_SELLER)
    answer = ok(await api.post("/v1/leads:reassign", {"from": OTHER_SELLER, "to": MANAGER, "reason": "staff_left"}))
    assert (answer["moved"], answer["to"]) == (0, {})
