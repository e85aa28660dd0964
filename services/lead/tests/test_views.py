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
from lead.views import leads as views
from roadbook.database import Pool

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


async def fill(owner: Any, count: int) -> None:
    """`count` leads over 50 dealers, a third lost, graded in turn; one per minute."""
    await owner.execute(
        """
        INSERT INTO leads (lead_id, party_ref, dealer, state, grade, source, models, overdue, captured_at, updated_at,
                           version)
        SELECT gen_random_uuid(), 'p' || n, 'dealer-' || n % 50,
               CASE WHEN n / 50 % 3 = 0 THEN 'lost' ELSE 'open' END,
               (ARRAY['hot', 'warm', 'cold', NULL])[1 + n / 150 % 4], 'web_form', '{}', false,
               $2::timestamptz - n * interval '1 minute', $2, 2
        FROM generate_series(1, $1) AS n
        """,
        count,
        NOW,
    )
    await owner.execute("ANALYZE leads")


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize(
    ("dealer", "state", "grade", "index"),
    [
        ("dealer-7", None, None, "leads_by_dealer"),
        ("dealer-7", "open", None, "leads_by_dealer_state"),
        ("dealer-7", "open", "hot", "leads_by_dealer_state_grade"),
        (None, None, None, "leads_by_time"),
    ],
)
async def test_a_page_is_read_from_its_index_without_sorting(
    lead_pool: Pool, owner_connection: Any, dealer: str | None, state: str | None, grade: str | None, index: str
) -> None:
    await fill(owner_connection, 20_000)
    for after in (None, (NOW - timedelta(minutes=10_000), uuid.UUID(int=0))):
        statement, arguments = views.leads_query(dealer, state, grade, after, 11)
        explained = await lead_pool.fetchval("EXPLAIN (FORMAT JSON) " + statement, *arguments)
        found = nodes(json.loads(explained)[0]["Plan"])
        assert index in {node.get("Index Name") for node in found}
        assert not {"Sort", "Incremental Sort", "Seq Scan"} & {node["Node Type"] for node in found}


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


async def test_the_table_is_a_fold_of_the_events(
    service: Service, lead_pool: Pool, api: Any, intent: dict[str, Any]
) -> None:
    """Built anew from all events at once, as after a restore, it is the same row by row."""
    for verbs in (["qualify"], ["lose"], ["lose", "reopen"], []):
        path = (await api.post("/v1/leads", intent)).headers["location"]
        for verb in verbs:
            body = {"grade": "hot"} if verb == "qualify" else {"reason": "because"}
            await api.post(f"{path}:{verb}", body)
    before = await lead_pool.fetch("SELECT * FROM leads ORDER BY lead_id")
    streams = [record["stream"] for record in await lead_pool.fetch("SELECT stream FROM streams ORDER BY stream")]
    events = [event for stream in streams for event in (await service.store.load(stream)).events]
    async with lead_pool.acquire() as connection, connection.transaction():
        await connection.execute("CREATE TEMP TABLE leads (LIKE public.leads INCLUDING ALL) ON COMMIT DROP")
        await apply_views(connection, events)
        assert await connection.fetch("SELECT * FROM leads ORDER BY lead_id") == before


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
        assert await views.party_known(connection, "p1", "dealer-1")
        assert not await views.party_known(connection, "p1", "dealer-2")
        assert await views.party_known(connection, "p1", None)
        assert not await views.party_known(connection, "p7", None)


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
