"""Lists and figures over HTTP against a count in Python: every filter, days in Shanghai, pages under writes."""

import random
import statistics
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lead_api import DEALERS, SELLER, captured, ok, pages, problem

from roadbook.clock import SimulatedClock

pytestmark = pytest.mark.usefixtures("documented")
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Row:
    """A lead as it stands in the table; all but `received_at` is shown."""

    lead_id: uuid.UUID
    party_ref: str
    dealer: str | None
    state: str
    grade: str | None
    source: str
    models: list[str]
    next_action_kind: str | None
    next_action_due: datetime | None
    next_action_assignee: str | None
    overdue: bool
    captured_at: datetime
    updated_at: datetime
    version: int
    region: str | None
    campaign: str | None
    owner: str | None
    accept_by: datetime | None
    feedback_overdue: bool
    pooled: bool
    score: int | None
    first_contact_at: datetime | None
    closed_at: datetime | None
    received_at: datetime


def some(rng: random.Random) -> Row:
    captured_at = NOW - rng.randrange(600) * 10 * MINUTE  # several in the same moment
    due = rng.choice((None, NOW + rng.randrange(96) * timedelta(minutes=30)))
    staff = rng.choice((None, SELLER, "staff-sh-01-2"))
    return Row(
        lead_id=uuid.UUID(int=rng.getrandbits(128), version=4),
        party_ref=f"p{rng.randrange(50)}",
        dealer=rng.choice([*DEALERS[:3], None]),
        state=rng.choice(("open", "open", "open", "lost", "recycled", "converted")),
        grade=rng.choice((None, "hot", "warm", "cold")),
        source=rng.choice(("web_form", "social:weibo", "visit")),
        models=[],
        next_action_kind=None if due is None else "call",
        next_action_due=due,
        next_action_assignee=None if due is None else staff,
        overdue=rng.random() < 0.3,
        captured_at=captured_at,
        updated_at=NOW,
        version=rng.randrange(2, 9),
        region=rng.choice((None, "sh-pudong", "sh-centre")),
        campaign=rng.choice((None, "spring_2026", "summer_2026")),
        owner=staff,
        accept_by=rng.choice((None, NOW)),
        feedback_overdue=rng.random() < 0.2,
        pooled=rng.random() < 0.2,
        score=rng.choice((None, 10, 65)),
        first_contact_at=rng.choice((None, captured_at + rng.randrange(1, 9_999) * timedelta(seconds=7))),
        closed_at=None,
        received_at=captured_at + rng.randrange(3) * timedelta(seconds=3),
    )


@pytest.fixture
async def rows(owner_connection: Any) -> list[Row]:
    """Random leads of three dealers and of nobody, newest first."""
    rng = random.Random(7)
    made = [some(rng) for _ in range(400)]
    columns = [field.name for field in fields(Row)]
    await owner_connection.copy_records_to_table(
        "leads", records=[[getattr(row, name) for name in columns] for row in made], columns=columns
    )
    return sorted(made, key=lambda row: (row.captured_at, row.lead_id), reverse=True)


FILTERS: dict[str, tuple[Sequence[Any], Callable[[Row, Any], bool]]] = {
    "state": (("open", "lost", "recycled", "converted"), lambda row, value: row.state == value),
    "grade": (("hot", "warm", "cold"), lambda row, value: row.grade == value),
    "dealer": ((*DEALERS[:3], "dealer-xx-99"), lambda row, value: row.dealer == value),
    "source": (("web_form", "social:weibo", "fax"), lambda row, value: row.source == value),
    "owner": ((SELLER, "nobody"), lambda row, value: row.owner == value),
    "campaign": (("spring_2026", "winter"), lambda row, value: row.campaign == value),
    "region": (("sh-pudong", "sh-qingpu"), lambda row, value: row.region == value),
    "overdue": ((True, False), lambda row, value: row.overdue is value),
    "pool": ((True, False), lambda row, value: row.pooled is value),
    "unrouted": ((True, False), lambda row, value: (row.dealer is None) is value),
    "feedback_overdue": ((True, False), lambda row, value: row.feedback_overdue is value),
    "unanswered": ((True, False), lambda row, value: (row.accept_by is not None) is value),
    "due_on": (
        ("2026-01-05", "2026-01-06", "2026-01-07", "2026-02-01"),
        lambda row, value: (
            row.next_action_due is not None
            and row.next_action_due.astimezone(SHANGHAI).date().isoformat() == value
        ),
    ),
}  # fmt: skip


def fits(row: Row, query: dict[str, Any]) -> bool:
    return all(FILTERS[name][1](row, value) for name, value in query.items())


async def test_every_filter_and_every_two_of_them_give_what_a_count_gives(
    caller: Callable[..., Any], hq: Any, rows: list[Row]
) -> None:
    """Each value of each alone and each pair of filters once, as headquarters and as a dealer."""
    rng = random.Random(1)
    queries: list[dict[str, Any]] = [{}]
    queries += [{name: value} for name, (values, _) in FILTERS.items() for value in values]
    several = sorted(FILTERS)
    for one in several:
        for other in several:
            if one < other:
                queries.append({name: rng.choice(FILTERS[name][0]) for name in (one, other)})
    queries += [{name: rng.choice(FILTERS[name][0]) for name in rng.sample(several, 4)} for _ in range(10)]
    found = 0
    for reader, own in ((hq, None), (caller("dealer-sh-02"), "dealer-sh-02")):
        for query in queries:
            expected = [row for row in rows if fits(row, query) and own in (None, row.dealer)]
            page = ok(await reader.get("/v1/leads", limit=200, **query))
            assert [item["lead"] for item in page["items"]] == [str(row.lead_id) for row in expected][:200], query
            assert page["has_more"] is (len(expected) > 200)
            found += bool(expected)
    assert found > len(queries)  # most of them find something


async def test_a_row_is_shown_as_it_stands(hq: Any, rows: list[Row]) -> None:
    items = await pages(hq, "/v1/leads", limit=150)
    assert len(items) == len(rows)
    for row, item in zip(rows, items, strict=True):
        action = item.pop("next_action")
        assert (action and action["due"]) == _json(row.next_action_due)
        shown = {field.name: _json(getattr(row, field.name)) for field in fields(Row)}
        elsewhere = ("lead_id", "received_at", "next_action_kind", "next_action_due", "next_action_assignee")
        assert item == {"lead": str(row.lead_id), **{n: v for n, v in shown.items() if n not in elsewhere}}


def _json(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


async def test_a_day_is_the_dealers_day(api: Any, intent: dict[str, Any]) -> None:
    """Midnight in Shanghai is 16:00 UTC."""
    dues = {
        "2026-01-07T15:59:59.999999Z": "2026-01-07",
        "2026-01-07T16:00:00Z": "2026-01-08",
        "2026-01-08T00:00:00Z": "2026-01-08",
        "2026-01-08T15:59:59.999999Z": "2026-01-08",
        "2026-01-08T16:00:00Z": "2026-01-09",
    }
    leads = {}
    for due in dues:
        path = await captured(api, intent, next_action={"kind": "call", "due": due})
        leads[path.rpartition("/")[2]] = dues[due]
    for day in ("2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10"):
        items = ok(await api.get("/v1/leads", due_on=day))["items"]
        assert {item["lead"] for item in items} == {lead for lead, on in leads.items() if on == day}, day


async def test_what_is_no_filter_is_refused(api: Any) -> None:
    misfits: list[dict[str, str]] = [
        {"state": "sold"}, {"grade": "tepid"}, {"source": "Web"}, {"owner": "张"}, {"region": "SH"},
        {"overdue": "often"}, {"due_on": "tomorrow"}, {"due_on": "2026-02-30"}, {"due_on": "9999-12-31"},
        {"due_on": "0001-01-01"}, {"due_on": "1899-12-31"}, {"pooled": "true"}, {"limit": "0"}, {"limit": "201"},
    ]  # fmt: skip
    for query in misfits:
        problem(await api.get("/v1/leads", **query), 422, "invalid_request")


async def test_pages_of_a_filter_stay_right_while_leads_come_and_go(
    caller: Callable[..., Any], intent: dict[str, Any], clock: SimulatedClock
) -> None:
    """What fits all the time is there once; all were captured in the same moment, so that only their ids order them."""
    api = caller()
    there = [(await captured(api, intent)).rpartition("/")[2] for _ in range(9)]
    going = there[1::4]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = ok(await api.get("/v1/leads", limit=2, state="open", **({"cursor": cursor} if cursor else {})))
        seen += [item["lead"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        for lead in (going.pop() for _ in going[:1]):
            ok(await api.post(f"/v1/leads/{lead}:lose", {"reason": "no_answer"}))
        await captured(api, intent, occurred_at="2026-01-05T08:00:00Z")
        await captured(caller("dealer-sh-02"), intent)
        ok(await api.post(f"/v1/leads/{there[0]}:enrich", {"comments": f"after {len(seen)}"}))
        clock.advance(MINUTE)
    assert len(seen) == len(set(seen))
    stayed = set(there) - set(there[1::4])
    assert [lead for lead in seen if lead in stayed] == sorted(stayed, reverse=True)


async def test_a_cursor_of_another_list_is_none_here(hq: Any, api: Any, rows: list[Row]) -> None:
    cursor = ok(await hq.get("/v1/leads", limit=2, overdue=True))["next_cursor"]
    for path in ("/v1/leads", f"/v1/hand-over/{SELLER}", "/v1/shared-leads"):
        problem(await api.get(path, cursor=cursor), 400, "cursor_invalid")


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────
def counted(rows: list[Row]) -> dict[str, Any]:
    alive = [row for row in rows if row.state == "open"]
    contacts = [row.first_contact_at - row.received_at for row in rows if row.first_contact_at is not None]
    converted = sum(row.state == "converted" for row in rows)
    kept = sum(row.state != "recycled" for row in rows)
    return {
        "leads": len(rows),
        "by_state": Counter(row.state for row in rows),
        "by_grade": Counter(row.grade or "ungraded" for row in rows),
        "by_source": Counter(row.source for row in rows),
        "by_dealer": Counter(row.dealer or "unrouted" for row in rows),
        "overdue": sum(row.overdue for row in alive),
        "feedback_overdue": sum(row.feedback_overdue for row in alive),
        "unanswered": sum(row.accept_by is not None for row in alive),
        "pooled": sum(row.pooled for row in alive),
        "contacted": len(contacts),
        "median_seconds_to_first_contact": (
            int(statistics.median_low(contacts).total_seconds()) if contacts else None
        ),
        "converted": converted,
        "conversion_percent": round(100 * converted / kept, 1) if kept else None,
    }  # fmt: skip


async def test_the_figures_are_what_a_count_gives(caller: Callable[..., Any], hq: Any, rows: list[Row]) -> None:
    rng = random.Random(3)
    moments = [None, *(NOW - rng.randrange(6_000) * MINUTE for _ in range(6)), rows[10].captured_at]
    for _ in range(40):
        reader, own = rng.choice(((hq, None), (caller("dealer-sh-02"), "dealer-sh-02")))
        since, until, dealer = rng.choice(moments), rng.choice(moments), rng.choice((None, "dealer-sh-02"))
        query = {"since": _json(since), "until": _json(until), "dealer": dealer}
        expected = [
            row
            for row in rows
            if (since is None or row.captured_at >= since)
            and (until is None or row.captured_at < until)
            and (dealer or own) in (None, row.dealer)
        ]
        query = {name: value for name, value in query.items() if value is not None}
        assert ok(await reader.get("/v1/lead-figures", **query)) == counted(expected), query


async def test_who_has_nothing_sees_nothing(caller: Callable[..., Any], rows: list[Row]) -> None:
    empty = counted([])
    assert ok(await caller("dealer-sh-06").get("/v1/lead-figures")) == empty
    assert ok(await caller("dealer-sh-06").get("/v1/leads"))["items"] == []
    foreign = caller("dealer-sh-02")
    assert ok(await foreign.get("/v1/lead-figures", dealer="dealer-sh-01")) == empty
    assert ok(await foreign.get("/v1/leads", dealer="dealer-sh-01"))["items"] == []
    never = ok(await foreign.get("/v1/leads", dealer="dealer-xx-99"))
    assert never == ok(await foreign.get("/v1/leads", dealer="dealer-sh-01"))


async def test_the_time_to_the_first_contact_runs_from_when_the_lead_reached_us(
    api: Any, intent: dict[str, Any], clock: SimulatedClock
) -> None:
    """An intent that was expressed days before it was handed in was not waited with for days."""
    lead = await captured(api, intent, occurred_at="2026-01-01T08:00:00Z")
    clock.advance(timedelta(hours=2))
    ok(await api.post(f"{lead}:complete-follow-up", {"outcome": "reached"}))
    assert ok(await api.get("/v1/lead-figures"))["median_seconds_to_first_contact"] == 2 * 3600
