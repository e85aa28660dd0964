"""Lead's read tables: one statement per command, pages that stay right under writes, indexes that are used."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from lead.main import purge
from lead.service import Service, apply_views
from lead.views import documents
from lead.views import lead_lists as lists
from lead.views.lead_lists import LeadFilter
from roadbook.database import Pool
from roadbook.testing.plans import nodes

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


async def fill(owner: Any, count: int) -> None:
    """`count` leads over 50 dealers (one lead in 50 without), one per minute: a third lost, graded in turn, a tenth
    overdue, in the pool or unanswered, 500 members of staff, 200 campaigns, actions due over 100 days."""
    await owner.execute(
        """
        INSERT INTO leads (lead_id, party_ref, dealer, state, grade, source, models, overdue, captured_at, updated_at,
                           version, region, campaign, owner, pooled, accept_by, next_action_kind, next_action_due)
        SELECT gen_random_uuid(), 'p' || n, nullif('dealer-' || n % 50, 'dealer-0'),
               CASE WHEN n / 50 % 3 = 0 THEN 'lost' ELSE 'open' END,
               (ARRAY['hot', 'warm', 'cold', NULL])[1 + n / 150 % 4],
               (ARRAY['web_form', 'social:weibo'])[1 + n / 50 % 2],
               '{}', n / 50 % 10 = 1, $2::timestamptz - n * interval '1 minute', $2, 2, 'region-' || n % 8,
               'campaign_' || n / 50 % 200, 'staff-' || n % 50 || '-' || n / 50 % 10, n / 50 % 10 = 2,
               CASE WHEN n / 50 % 10 = 3 THEN $2 END, 'call', $2 + n / 50 % 100 * interval '1 day'
        FROM generate_series(1, $1) AS n
        """,
        count,
        NOW,
    )
    await owner.execute("ANALYZE leads")


SINCE, UNTIL = NOW + timedelta(days=3), NOW + timedelta(days=4)
# Filters after which so few leads are left that they may be sorted.
NARROW = frozenset({"owner", "campaign", "due_from"})


@pytest.mark.parametrize("dealer", ["dealer-7", None])
async def test_a_page_is_read_from_an_index(lead_pool: Pool, owner_connection: Any, dealer: str | None) -> None:
    """Of 20,000 leads each list reads few, in order, and sorts only where the filter leaves next to nothing."""
    await fill(owner_connection, 20_000)
    each: list[dict[str, Any]] = [
        {}, {"state": "open"}, {"state": "open", "grade": "hot"}, {"source": "social:weibo"},
        {"owner": "staff-7-3"}, {"campaign": "campaign_3"}, {"region": "region-7"}, {"overdue": True}, {"pooled": True},
        {"unanswered": True}, {"due_from": SINCE, "due_until": UNTIL}, {"state": "open", "overdue": True},
        {} if dealer else {"unrouted": True},
    ]  # fmt: skip
    for wanted in each:
        for after in (None, (NOW - timedelta(minutes=10_000), uuid.UUID(int=0))):
            statement, arguments = lists.leads_query(LeadFilter(dealer, **wanted), after, 11)
            explained = await lead_pool.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, *arguments)
            found = nodes(json.loads(explained)[0]["Plan"])
            kinds = {node["Node Type"] for node in found}
            read = sum(
                node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
                for node in found
                if node["Node Type"] in ("Index Scan", "Bitmap Heap Scan", "Seq Scan")
            )
            assert "Seq Scan" not in kinds, (wanted, kinds)
            assert {node.get("Index Name") for node in found} - {None}, wanted
            assert NARROW & wanted.keys() or not {"Sort", "Incremental Sort"} & kinds, (wanted, kinds)
            assert read <= 1_000, (wanted, read, kinds)


async def test_the_lists_beside_it_use_their_indexes(lead_pool: Pool, owner_connection: Any) -> None:
    """What a leaver leaves behind, and whose a party is: a few rows of 20,000."""
    await fill(owner_connection, 20_000)
    statements: list[str] = []
    async with lead_pool.acquire() as connection:
        with connection.query_logger(lambda record: statements.append(record.query)):
            await lists.hand_over(connection, "staff-7-3", "dealer-7", None, 11)
            await lists.worked_by(connection, "staff-7-3", None, 500)
            await lists.count_worked_by(connection, "staff-7-3", None)
    arguments: list[list[Any]] = [
        ["staff-7-3", "dealer-7", None, None, 11], ["staff-7-3", None, 500], ["staff-7-3", None]
    ]  # fmt: skip
    for statement, values in zip(statements, arguments, strict=True):
        explained = await lead_pool.fetchval("EXPLAIN (FORMAT JSON) " + statement, *values)
        found = nodes(json.loads(explained)[0]["Plan"])
        assert {"leads_by_owner", "leads_by_assignee"} <= {node.get("Index Name") for node in found}, statement
        assert "Seq Scan" not in {node["Node Type"] for node in found if node.get("Relation Name") == "leads"}


async def test_pages_stay_right_while_leads_change_and_come(
    caller: Callable[..., Any], intent: dict[str, Any], clock: Any
) -> None:
    """Nothing that was there all the time is missed or shown twice, whatever happens between two pages."""
    api = caller()
    there = []
    for _ in range(7):
        there.append((await api.post("/v1/leads", intent)).json()["lead"])
        clock.advance(timedelta(minutes=1))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await api.get("/v1/leads", limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += [item["lead"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await api.post(f"/v1/leads/{seen[-1]}:qualify", {"grade": "hot", "reasons": ["seen"]}, key=None)
        await api.post(f"/v1/leads/{there[0]}:enrich", {"comments": f"after {len(seen)}"}, key=None)
        await api.post("/v1/leads", intent)
    assert seen == there[::-1]


async def test_the_row_follows_the_lead(service: Service, lead_pool: Pool, api: Any, intent: dict[str, Any]) -> None:
    path = (await api.post("/v1/leads", intent)).headers["location"]

    async def row() -> dict[str, Any]:
        found = await lead_pool.fetchrow("SELECT * FROM leads")
        assert found is not None
        return dict(found)

    captured = await row()
    assert (captured["state"], captured["grade"], captured["version"]) == ("open", None, 2)
    assert captured["models"] == ["volkswagen-lavida"]
    assert (captured["next_action_kind"], captured["next_action_due"]) == ("first_contact", NOW + timedelta(days=1))

    await api.post(f"{path}:qualify", {"grade": "warm"})
    await api.post(f"{path}:enrich", {"vehicles": [{"model": "volkswagen-tiguan"}, {"model": "volkswagen-polo"}]})
    due = {"kind": "call", "due": "2026-01-08T08:00:00Z", "assignee": "staff-sh-01-1"}
    await api.post(f"{path}:schedule-follow-up", {"next_action": due})
    worked = await row()
    assert (worked["grade"], worked["models"]) == ("warm", ["volkswagen-tiguan", "volkswagen-polo"])
    assert (worked["next_action_kind"], worked["next_action_assignee"]) == ("call", "staff-sh-01-1")

    await api.post(f"{path}:lose", {"reason": "no_answer"})
    lost = await row()
    assert (lost["state"], lost["grade"], lost["next_action_due"]) == ("lost", "warm", None)
    await api.post(f"{path}:reopen", {"reason": "called_again"})
    reopened = await row()
    assert (reopened["state"], reopened["next_action_kind"], reopened["version"]) == ("open", "first_contact", 8)


async def test_one_command_writes_the_view_with_one_statement(
    service: Service, lead_pool: Pool, api: Any, intent: dict[str, Any]
) -> None:
    path = (await api.post("/v1/leads", intent)).headers["location"]
    events = (await service.store.load("lead/" + path.rpartition("/")[2])).events
    statements: list[str] = []
    async with lead_pool.acquire() as connection, connection.transaction():
        await connection.execute("CREATE TEMP TABLE leads (LIKE public.leads INCLUDING ALL) ON COMMIT DROP")
        with connection.query_logger(lambda record: statements.append(record.query)):
            await apply_views(connection, events)
    assert len(statements) == 1


async def test_a_party_is_known_to_who_holds_a_lead_of_it(lead_pool: Pool, owner_connection: Any) -> None:
    await fill(owner_connection, 6)
    async with lead_pool.acquire() as connection:
        assert await lists.party_known(connection, "p1", "dealer-1")
        assert not await lists.party_known(connection, "p1", "dealer-2")
        assert await lists.party_known(connection, "p1", None)
        assert not await lists.party_known(connection, "p7", None)


async def test_documents_and_quarantine_go_when_their_time_is_up(lead_pool: Pool) -> None:
    soon, later = NOW + timedelta(days=1), NOW + timedelta(days=2)
    async with lead_pool.acquire() as connection:
        for expires in (soon, later):
            document = documents.Document(uuid.uuid4(), None, "0" * 64, "text/xml", b"<a/>", [], NOW, expires)
            await documents.keep_document(connection, document)
            entry = documents.Quarantined(
                uuid.uuid4(), None, document.document, 1, ("x",), "<a/>", "open", NOW, expires
            )
            await documents.quarantine(connection, [entry])
        assert await documents.purge(connection, NOW) == 0
        assert await documents.purge(connection, soon) == 2
        assert await connection.fetchval("SELECT count(*) FROM adf_documents") == 1
        assert await connection.fetchval("SELECT count(*) FROM adf_quarantine") == 1


async def test_the_purge_worker_follows_business_time(lead_pool: Pool, clock: Any) -> None:
    async with lead_pool.acquire() as connection:
        document = documents.Document(
            uuid.uuid4(), None, "0" * 64, "text/xml", b"<a/>", [], NOW, NOW + timedelta(days=90)
        )
        await documents.keep_document(connection, document)

    async def purged(count: int) -> None:
        stop = asyncio.Event()
        worker = asyncio.create_task(purge(lead_pool, clock, stop, ran.set))
        await ran.wait()
        stop.set()
        await worker
        assert await lead_pool.fetchval("SELECT count(*) FROM adf_documents") == count
        ran.clear()

    ran = asyncio.Event()
    clock.advance(timedelta(days=89))
    await purged(1)
    clock.advance(timedelta(days=1))
    await purged(0)


async def test_the_purge_worker_outlives_a_database_that_goes_away(
    lead_pool: Pool, clock: Any, owner_connection: asyncpg.Connection
) -> None:
    """A worker that dies takes its whole process along (`roadbook.runtime`)."""
    await owner_connection.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
        "CREATE TRIGGER die BEFORE DELETE ON idempotency FOR EACH STATEMENT EXECUTE FUNCTION die()"
    )
    stop, ran = asyncio.Event(), asyncio.Event()
    worker = asyncio.create_task(purge(lead_pool, clock, stop, ran.set))
    waiting = asyncio.create_task(ran.wait())
    await asyncio.wait({worker, waiting}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    waiting.cancel()
    await asyncio.wait_for(worker, 10)  # raises what it died of
    assert ran.is_set()
