"""Hot queries use their indexes, also under the generic plans that a pooled connection ends up with."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from projection import service
from projection.views import links, positions, search, shares, travel
from projection.views import records as views
from projection.views.shares import Viewer
from roadbook.testing.plans import explain
from roadbook_cli.postgres import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)
FILL = """
INSERT INTO facts (stream, version, id, type, time, recorded, party_ref, actor, correlation, data)
SELECT 'lead/' || s, v, s || '-' || v, 'roadbook.lead.x.v1', '2026-01-01'::timestamptz + v * interval '1 minute',
       '2026-01-01', 'ref-' || s, 'staff', 'c', '{}'
FROM generate_series(1, 2000) s, generate_series(1, 5) v;
INSERT INTO facts (stream, version, id, type, time, recorded, party_ref, actor, correlation, data)
SELECT 'lead/0', v, '0-' || v, 'roadbook.lead.x.v1', '2026-01-01'::timestamptz + v * interval '1 minute',
       '2026-01-01', 'ref-0', 'staff', 'c', '{}'
FROM generate_series(1, 5000) v;
INSERT INTO stream_states SELECT 'lead/' || s, 'ref-' || s, 'dealer-' || s % 50, 5, 1, '{}', '{}'
FROM generate_series(0, 5000) s;
INSERT INTO links SELECT least('ref-' || s, 'ref-' || s + 1), greatest('ref-' || s, 'ref-' || s + 1), 'e-' || s
FROM generate_series(1, 5000, 5) s;
INSERT INTO customer_map SELECT ref, smaller FROM links, unnest(ARRAY[smaller, larger]) ref;
INSERT INTO stream_refs SELECT 'link/' || smaller || ':' || larger, 1, ref, NULL
FROM links, unnest(ARRAY[smaller, larger]) ref;
INSERT INTO stream_refs SELECT 'vehicle/VIN' || s, v, 'ref-' || s + v, 'dealer-' || s % 50
FROM generate_series(0, 5000) s, generate_series(1, 2) v;
INSERT INTO stream_states SELECT 'vehicle/VIN' || s, NULL, NULL, 2, 3, '{}', '{}' FROM generate_series(0, 5000) s;
INSERT INTO facts (stream, version, id, type, time, recorded, party_ref, vin, actor, correlation, data)
SELECT 'order/' || s, v, 'o-' || s || '-' || v, 'roadbook.sales.x.v1', '2026-01-01', '2026-01-01', 'ref-' || s,
       'VIN' || s, 'staff', 'c', '{}'
FROM generate_series(1, 2000) s, generate_series(1, 3) v;
INSERT INTO personal_values (party_ref, service, key, stream, version, value)
SELECT 'ref-' || s, 'lead', 'lead/' || s || '/' || f, 'lead/' || s, s, '"x"'
FROM generate_series(0, 5000) s, unnest(ARRAY['name', 'phone/1', 'email/1']) f;
INSERT INTO personal_fences SELECT 'ref-' || s, 'lead', s FROM generate_series(0, 5000, 2) s;
INSERT INTO search_keys SELECT d, 'name', 'name' || s, 'ref-' || s, 'ref-' || s
FROM generate_series(0, 5000) s, unnest(ARRAY['*', 'dealer-1']) d;
INSERT INTO summaries SELECT d, 'ref-' || s, ARRAY['ref-' || s], 'prospect', NULL, 1, 0, 5, NULL,
    CASE WHEN s % 10 = 0 THEN '2026-02-01'::timestamptz END
FROM generate_series(0, 5000) s, unnest(ARRAY['*', 'dealer-1']) d;
INSERT INTO stream_grants SELECT 'lead/' || s, 'dealer-' || (s + 1) % 50, 'facts', '2026-02-01'
FROM generate_series(0, 5000) s;
INSERT INTO shared_reads (stream, at, dealer, actor, scope, route, correlation)
SELECT 'lead/' || s % 500, '2026-01-01', 'dealer-1', 'staff', 'facts', 'read_customer', 'c'
FROM generate_series(0, 5000) s;
UPDATE search_keys SET granted = true WHERE scope <> '*' AND right(key, 1) = '1';
UPDATE summaries SET granted = ARRAY['lead/1'], granted_scopes = ARRAY['facts']
WHERE scope <> '*' AND right(customer_id, 1) = '1';
INSERT INTO dirty (party_ref) SELECT 'ref-' || s FROM generate_series(0, 5000) s;
"""


@pytest.fixture
async def filled(projection_database: Database) -> AsyncIterator[asyncpg.Connection]:
    owner = await asyncpg.connect(projection_database.owner_url)
    await owner.execute(FILL)
    await owner.execute("ANALYZE")
    await owner.execute("SET plan_cache_mode = force_generic_plan")
    yield owner
    await owner.close()


REFS, STREAMS, VERSIONS = ["ref-1", "ref-77"], ["lead/1", "lead/77"], [1, 1]
KEYS, DEALERS, NOWS = ["lead/1/name", "lead/77/name"], ["dealer-1", None], [NOW, NOW]
HOT: dict[str, tuple[str, list[Any]]] = {
    "states": (views._STATES, [STREAMS]),
    "customer": (views._CUSTOMER, [REFS[:1], None, NOW]),
    "customer of a dealer": (views._CUSTOMER, [REFS[:1], "dealer-1", NOW]),
    "links": (links._LINKS, [REFS]),
    "who is one customer": (links._MEMBERS, [REFS]),
    "unlink": (links._UNLINK, [REFS[:1], REFS[1:]]),
    "forget the map": (links._FORGET, [REFS]),
    "ever linked": (travel._EVER, [REFS[:1]]),
    "streams of links": (travel._STREAMS, [REFS]),
    "facts by id": (travel._BY_ID, [["1-1", "77-2"], STREAMS]),
    "streams of a VIN": (travel._OF_VIN, ["VIN7"]),
    "personal": (views._PERSONAL, [REFS, STREAMS]),
    "facts": (views._FACTS, [STREAMS]),
    "known ids": (views._KNOWN_IDS, [STREAMS, VERSIONS]),
    "timeline": (views._TIMELINE, [STREAMS, None, None, None, None, None, None, 101, [], None, None]),
    "timeline, next page": (views._TIMELINE, [STREAMS, None, None, None, NOW, "lead/1", 3, 101, [], None, None]),
    "timeline, as known": (views._TIMELINE, [STREAMS, None, None, None, None, None, None, 101, ["1-1"], NOW, NOW]),
    "missing": (positions._MISSING, [[0, 1], STREAMS, VERSIONS, DEALERS, NOWS,
                                     [0, 1], REFS, KEYS, VERSIONS, DEALERS, NOWS]),
    "parties": (positions._PARTIES, [STREAMS, REFS]),
    "last mark": (positions._MARKED, [REFS]),
    "not composed": (positions._UNCOMPOSED, [[0, 1], REFS, [9, 9]]),
    "names": (views._NAMES, [REFS, "dealer-1", NOW]),
    "find": (search._FIND_EXACTLY, ["*", "name", "name7", None, "", 101, NOW]),
    "find by beginning": (search._FIND, ["*", "name", "name77", "name78", "", 101, NOW]),
    "find for a dealer": (search._FIND, ["dealer-1", "name", "name77", "name78", "", 101, NOW]),
    "holds": (shares._HOLDS, ["lead/1", "dealer-1"]),
    "reads through shares": (shares._READS, ["lead/1", 0, 101]),
    "take marks": (search._TAKE, [100]),
    "due": (search._DUE, [NOW, 100]),
    "nothing to do": (search._IDLE, [NOW]),
    "drop summaries": (search._DROP_SUMMARIES, [REFS, ["*"], ["ref-1"]]),
    "drop keys": (search._DROP_KEYS, [REFS, ["*"], ["name"], ["name1"], ["ref-1"], ["ref-1"], [False]]),
}  # fmt: skip


@pytest.mark.parametrize("name", HOT)
async def test_no_hot_query_reads_a_whole_table(filled: asyncpg.Connection, name: str) -> None:
    found = await explain(filled, HOT[name][0], *HOT[name][1])
    scanned = [node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"]
    assert scanned == []


async def test_a_late_page_of_a_long_timeline_starts_in_the_index(filled: asyncpg.Connection) -> None:
    """Page 45 of 5,000 events touches one page of rows, not what lies before it."""
    at = datetime(2026, 1, 4, 3, 0, tzinfo=UTC)
    arguments = [["lead/0"], None, None, None, at, "lead/0", 4500, 101, [], None, None]
    found = await explain(filled, views._TIMELINE, *arguments, analyze=True)
    read = [
        node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        for node in found
        if node.get("Relation Name") == "facts" and node["Node Type"].startswith("Index")
    ]
    assert max(read) < 200


async def test_a_search_by_beginning_reads_only_what_begins_so(filled: asyncpg.Connection) -> None:
    found = await explain(filled, HOT["find by beginning"][0], *HOT["find by beginning"][1], analyze=True)
    conditions = " ".join(node.get("Index Cond", "") for node in found if node.get("Relation Name") == "search_keys")
    assert re.search(r"key >= .* AND \(?key < ", conditions)
    assert search.after_prefix("name77") == "name78"
    assert search.after_prefix("\ud7ff") == "\ue000"
    assert search.after_prefix("a\U0010ffff") == "b"


async def test_a_record_is_two_queries_whatever_it_holds(world: Any, life: Any, dealer: Any) -> None:
    """No N + 1: one for the streams, one for the personal values, and one for links only where there are several
    references."""
    one = life().captured().qualified("hot")
    viewer = Viewer("dealer-sh-01", world.clock.now(), "staff-1", "read_customer", "c")
    lives = [one, *(life(party_ref=one.party_ref).captured() for _ in range(9))]
    await world.live(*lives)
    seen: list[str] = []
    async with world.pool.acquire() as connection:
        with connection.query_logger(lambda record: seen.append(record.query)):
            for _ in range(2):
                states, _ = await service.own_streams(connection, one.party_ref, viewer)
                await service.personal(connection, states, viewer.dealer, viewer.at)
            await asyncio.sleep(0)  # the log of a statement is handed over by the loop
    ours = [query for query in seen if "stream_states" in query or "personal_values" in query or "FROM links" in query]
    assert len(states) == 10
    assert len(ours) == 4


async def test_a_record_through_a_share_is_one_query_more(world: Any, life: Any, caller: Any) -> None:
    """The audit's: written before the answer, and nothing else."""
    one = life().captured().shared("dealer-sh-02", world.clock.now() + timedelta(days=1), "contact")
    await world.live(one)
    counts = []
    async with world.pool.acquire() as connection:
        for dealer in ("dealer-sh-01", "dealer-sh-01", "dealer-sh-02"):  # the first teaches the connection its types
            seen: list[str] = []
            viewer = Viewer(dealer, world.clock.now(), "staff-1", "read_customer", "c")
            with connection.query_logger(lambda record, seen=seen: seen.append(record.query)):
                states, _ = await service.own_streams(connection, one.party_ref, viewer)
                await service.personal(connection, states, viewer.dealer, viewer.at)
                await asyncio.sleep(0)  # the log of a statement is handed over by the loop
            counts.append(len(seen))
    assert counts[1:] == [2, 3]
