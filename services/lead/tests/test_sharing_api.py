"""C05 over HTTP: what another dealer reads through a share, that it was written down before, and when it is over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from lead_api import SELLER, captured, names, ok, pages, problem, same

from roadbook.clock import SimulatedClock
from roadbook.database import Pool

pytestmark = pytest.mark.usefixtures("documented")
GRANTEE = "dealer-sh-02"
UNTIL = "2026-02-01T00:00:00Z"
NEVER = "/v1/leads/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"
# All that `facts` shows, name by name: a new member of the answer has to be thought about here.
FACTS = {
    "lead", "stream", "version", "status", "party_ref", "dealer", "source", "captured_at", "vehicles", "budget",
    "window", "consents", "grade", "reasons", "next_action", "overdue", "lost_reason", "campaign", "region",
    "dealer_wish", "needs", "owner", "responsible", "routing", "feedback_due", "pooled", "score", "profile",
    "first_contact_at", "shared", "reported",
}  # fmt: skip
HOLDERS = {"contact_points", "personal", "protection", "shares"}
SAID = ("张", "138", "1234", "Zhang", "example.com", "浦东南路", "白色", "周末", "1985-04-03", "安静")


def grant(scope: str, **changes: Any) -> dict[str, Any]:
    return {"dealer": GRANTEE, "scope": scope, "until": UNTIL, "reason": "test_drive_there", **changes}


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    """A lead with something in every part, worked and protected, and noted about."""
    path = await captured(api, intent, region="sh-pudong", needs=[{"kind": "family", "value": "two_children"}])
    ok(await api.post(f"{path}:protect", {"staff": SELLER}))
    ok(await api.post(f"{path}:complete-follow-up", {"outcome": "reached", "staff": SELLER, "note": "安静的人"}))
    ok(await api.post(f"{path}:enrich", {"person": {"phones": [{"value": "139 1234 0000"}]}}))
    ok(await api.post(f"{path}:share", grant("facts", dealer="dealer-sh-03")))
    return path


async def reads(pool: Pool) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT dealer, what, scope FROM share_reads ORDER BY no")
    return [(row["dealer"], row["what"], row["scope"]) for row in rows]


async def sees_nothing(other: Any, lead: str) -> None:
    for path in (lead, lead + "/events", lead + "/share-reads"):
        answer = await other.get(path)
        problem(answer, 404, "not_found")
        assert same(answer) == same(await other.get(path.replace(lead, NEVER)))
    assert ok(await other.get("/v1/shared-leads"))["items"] == []


async def test_facts_are_all_that_a_share_of_facts_shows(api: Any, caller: Callable[..., Any], lead: str) -> None:
    other = caller(GRANTEE)
    await sees_nothing(other, lead)
    ok(await api.post(f"{lead}:share", grant("facts")))
    here, there = ok(await api.get(lead)), ok(await other.get(lead))
    assert set(there) == FACTS
    assert set(here) == FACTS | HOLDERS
    assert there["shared"] == {"scope": "facts", "until": UNTIL}
    assert {name: value for name, value in there.items() if name != "shared"} == {
        name: value for name, value in here.items() if name in FACTS - {"shared"}
    }
    told = await names(other, lead)
    assert told == [name for name in await names(api, lead) if name not in ("lead_protected", "customer_shared")]
    texts = [(await other.get(path)).text for path in (lead, f"{lead}/events", "/v1/shared-leads")]
    for word in (*SAID, "phone/", "address/", "mobile", "personal_fields", "dealer-sh-03"):
        assert not any(word in text for text in texts), word


async def test_contact_shows_how_to_reach_the_customer_and_nothing_more(
    api: Any, caller: Callable[..., Any], lead: str
) -> None:
    other = caller(GRANTEE)
    ok(await api.post(f"{lead}:share", grant("contact")))
    here, there = ok(await api.get(lead)), ok(await other.get(lead))
    assert set(there) == FACTS | {"contact_points", "personal"}
    assert there["personal"] == here["personal"]
    assert there["contact_points"] == here["contact_points"]
    assert "dealer-sh-03" not in (await other.get(lead + "/events")).text
    listed = (await other.get("/v1/shared-leads")).text
    assert not any(word in listed for word in SAID)


async def test_no_answer_without_a_note_of_it(
    api: Any, caller: Callable[..., Any], hq: Any, lead: str, owner_connection: Any, lead_pool: Pool,
    clock: SimulatedClock,
) -> None:  # fmt: skip
    other = caller(GRANTEE)
    ok(await api.post(f"{lead}:share", grant("contact")))
    for path in (lead, f"{lead}/events", "/v1/shared-leads"):
        assert (await other.get(path)).status_code == 200
    expected = [(GRANTEE, what, "contact") for what in ("read_lead", "list_lead_events", "list_shared_leads")]
    assert await reads(lead_pool) == expected
    await api.get(lead)  # its own is no read through a share
    await hq.get(lead)
    assert await reads(lead_pool) == expected

    await owner_connection.execute("REVOKE INSERT ON share_reads FROM roadbook_app")
    for path in (lead, f"{lead}/events", "/v1/shared-leads"):
        refused = await other.get(path)
        assert refused.status_code == 500
        assert not any(word in refused.text for word in ("volkswagen", "张", lead.rpartition("/")[2]))
    assert await reads(lead_pool) == expected


async def test_the_holder_reads_who_read_it(
    api: Any, caller: Callable[..., Any], hq: Any, lead: str, clock: SimulatedClock
) -> None:
    other = caller(GRANTEE, subject="staff-sh-02-1")
    ok(await api.post(f"{lead}:share", grant("facts")))
    moments = []
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        moments.append(clock.now().isoformat().replace("+00:00", "Z"))
        ok(await other.get(lead))
    for reader in (api, hq):
        items = await pages(reader, lead + "/share-reads")
        assert [item["at"] for item in items] == moments[::-1]
        read = {name: value for name, value in items[0].items() if name not in ("at", "correlation")}
        assert read == {"dealer": GRANTEE, "actor": "staff-sh-02-1", "what": "read_lead", "scope": "facts"}
    problem(await other.get(lead + "/share-reads"), 404, "not_found")
    cursor = ok(await api.get(lead + "/share-reads", limit=1))["next_cursor"]
    problem(await hq.get(lead + "/share-reads", cursor=cursor), 400, "cursor_invalid")


async def test_every_command_of_a_grantee_answers_as_on_a_lead_that_never_was(
    api: Any, caller: Callable[..., Any], lead: str, app: Any
) -> None:
    ok(await api.post(f"{lead}:share", grant("contact")))
    other, before = caller(GRANTEE), ok(await api.get(lead))
    tried = 0
    for path, item in app.openapi()["paths"].items():
        if not path.startswith("/v1/leads/{lead_id}:"):
            continue
        tried += 1
        content = item["post"].get("requestBody", {}).get("content", {}).get("application/json", {})
        body = next(iter(content.get("examples", {"": {}}).values())).get("value")
        body = orjson.loads(orjson.dumps(body).replace(b"-01-", b"-02-").replace(b"dealer-sh-02", b"dealer-sh-04"))
        foreign = await other.post(path.replace("/v1/leads/{lead_id}", lead), body)
        never = await other.post(path.replace("/v1/leads/{lead_id}", NEVER), body)
        problem(foreign, 404, "not_found")
        assert same(foreign) == same(never), path
    assert tried >= 20
    assert ok(await api.get(lead)) == before


async def test_a_share_ends_when_it_is_revoked(api: Any, caller: Callable[..., Any], lead: str) -> None:
    other = caller(GRANTEE)
    ok(await api.post(f"{lead}:share", grant("contact")))
    ok(await other.get(lead))
    ok(await api.post(f"{lead}:revoke-share", {"dealer": GRANTEE}))
    await sees_nothing(other, lead)
    assert ok(await api.post(f"{lead}:revoke-share", {"dealer": GRANTEE}, key=None))["events"] == []
    assert len(await pages(api, lead + "/share-reads")) == 1
    ok(await api.post(f"{lead}:share", grant("facts")))
    assert ok(await other.get(lead))["shared"]["scope"] == "facts"
    assert ok(await caller("dealer-sh-03").get(lead))["shared"]["scope"] == "facts"  # others' shares are their own


async def test_a_share_ends_with_its_date(
    api: Any, caller: Callable[..., Any], lead: str, clock: SimulatedClock, lead_pool: Pool
) -> None:
    other = caller(GRANTEE)
    ok(await api.post(f"{lead}:share", grant("facts", until="2026-01-05T08:10:00Z")))
    clock.advance(timedelta(minutes=9, seconds=59))
    ok(await other.get(lead))
    assert [item["lead"] for item in ok(await other.get("/v1/shared-leads"))["items"]] == [lead.rpartition("/")[2]]
    clock.advance(timedelta(seconds=1))
    await sees_nothing(other, lead)
    assert len(await reads(lead_pool)) == 2


async def test_a_new_share_replaces_the_old_one(api: Any, caller: Callable[..., Any], lead: str) -> None:
    other = caller(GRANTEE)
    ok(await api.post(f"{lead}:share", grant("contact")))
    ok(await api.post(f"{lead}:share", grant("facts", until="2026-01-20T00:00:00Z")))
    shown = ok(await other.get(lead))
    assert shown["shared"] == {"scope": "facts", "until": "2026-01-20T00:00:00Z"}
    assert "personal" not in shown
    (item,) = ok(await other.get("/v1/shared-leads"))["items"]
    assert item["shared"] == shown["shared"]


async def test_a_share_ends_when_the_lead_goes_to_another_dealer(
    api: Any, caller: Callable[..., Any], hq: Any, lead: str
) -> None:
    ok(await api.post(f"{lead}:share", grant("contact")))
    ok(await hq.post(f"{lead}:route", {"dealer": "dealer-sh-04"}))
    for dealer in ("dealer-sh-01", GRANTEE, "dealer-sh-03"):
        await sees_nothing(caller(dealer), lead)
    shown = ok(await caller("dealer-sh-04").get(lead))
    assert shown["shares"] == []
    assert GRANTEE not in (await caller("dealer-sh-04").get(lead + "/events")).text


async def test_nothing_is_seen_of_a_lead_in_the_recycle_bin(api: Any, caller: Callable[..., Any], lead: str) -> None:
    other = caller(GRANTEE)
    ok(await api.post(f"{lead}:share", grant("facts")))
    ok(await api.post(f"{lead}:recycle", {"reason": "duplicate"}))
    await sees_nothing(other, lead)
    ok(await api.post(f"{lead}:restore", {"reason": "by_mistake"}))
    ok(await other.get(lead))


async def test_what_cannot_be_shared(api: Any, hq: Any, intent: dict[str, Any], lead: str) -> None:
    problem(await api.post(f"{lead}:share", grant("facts", dealer="dealer-sh-01")), 409, "share_with_holder")
    problem(await api.post(f"{lead}:share", grant("facts", until="2026-01-05T08:00:00Z")), 409, "share_in_the_past")
    fault = problem(await api.post(f"{lead}:share", grant("facts", dealer="dealer-xx-99")), 422, "invalid_request")
    assert fault["errors"][0]["code"] == "unknown_dealer"
    problem(await api.post(f"{lead}:share", grant("everything")), 422, "invalid_request")
    unrouted = await captured(hq, intent)
    problem(await hq.post(f"{unrouted}:share", grant("facts")), 409, "lead_without_dealer")


async def test_what_is_shared_comes_in_pages_and_to_dealers_only(
    api: Any, caller: Callable[..., Any], hq: Any, intent: dict[str, Any], lead_pool: Pool
) -> None:
    shared = []
    for scope in ("facts", "contact", "facts", "facts", "contact"):
        lead = await captured(api, intent)
        ok(await api.post(f"{lead}:share", grant(scope)))
        shared.append((lead.rpartition("/")[2], scope))
    await captured(api, intent)
    items = await pages(caller(GRANTEE), "/v1/shared-leads")
    assert [(item["lead"], item["shared"]["scope"]) for item in items] == sorted(shared)
    assert len(await reads(lead_pool)) == 5
    assert ok(await hq.get("/v1/shared-leads"))["items"] == []
    assert await pages(api, "/v1/shared-leads") == []
    listed = ok(await caller(GRANTEE).get("/v1/leads"))["items"]
    assert listed == []  # a shared lead is none of one's own
    assert ok(await caller(GRANTEE).get("/v1/lead-figures"))["leads"] == 0
