"""Lists of leads over HTTP: the same events as single captures, a result per row, nothing doubled."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from lead.api.imports import COLUMNS
from lead.service import Service, imports
from lead.service.import_files import MAX_LINE
from lead.service.import_rows import lead_id
from lead.views import imports as views
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.errors import OutcomeUnknown, Unavailable
from roadbook.http.body import ClientGone
from roadbook.store.port import Store, Views, Write

NDJSON, CSV = "application/x-ndjson", "text/csv"


def ndjson(rows: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def table(header: Sequence[str], *rows: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def someone(n: int, **changes: Any) -> dict[str, Any]:
    return {"row_id": f"row-{n}", "person": {"name": f"测试 {n}", "phones": [{"value": f"138{n:08d}"}]}, **changes}


class Lists:
    """One caller's imports."""

    def __init__(self, api: Any) -> None:
        self.api = api

    async def send(
        self, content: Any, media_type: str = NDJSON, *, source: str = "fair", dry_run: bool = False, **headers: Any
    ) -> httpx2.Response:
        answer: httpx2.Response = await self.api.client.post(
            "/v1/leads:import",
            params={"source": source, "dry_run": str(dry_run).lower()},
            content=content,
            headers={**self.api.headers, "Content-Type": media_type, **headers},
        )
        return answer

    async def done(self, content: Any, media_type: str = NDJSON, **options: Any) -> dict[str, Any]:
        answer = await self.send(content, media_type, **options)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def results(self, done: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await self.api.get(done["results"], limit=97, **cursor)).json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def rejects(self, done: dict[str, Any]) -> bytes:
        answer = await self.api.get(done["rejects"])
        assert answer.status_code == 200
        return bytes(answer.content)


@pytest.fixture
def lists(api: Any) -> Lists:
    return Lists(api)


def counts(done: dict[str, Any]) -> tuple[int, int, int]:
    assert done["rows"] == done["created"] + done["known"] + done["rejected"]
    return done["created"], done["known"], done["rejected"]


_STORED = {
    "events": "SELECT stream, version, type, time, recorded, data::text AS data, actor, dealer, vin, party_ref"
    " FROM events ORDER BY stream, version",
    "personal": "SELECT party_ref, key, value::text AS value, source, recorded_at FROM personal_data ORDER BY key",
    "timers": "SELECT id, kind, due FROM timers ORDER BY id",
    "streams": "SELECT stream, version, key FROM streams ORDER BY stream",
    "leads": "SELECT l.* FROM leads l ORDER BY lead_id",
}


async def stored(pool: Pool, names: dict[str, str]) -> dict[str, list[str]]:
    """All tables a lead leaves, as text, with ids replaced by `names`."""
    found = {}
    for table_name, sql in _STORED.items():
        rows = [str(sorted(dict(row).items())) for row in await pool.fetch(sql)]
        for id_, name in names.items():
            rows = [row.replace(id_, name) for row in rows]
        found[table_name] = sorted(rows)
    return found


async def test_a_list_leaves_what_single_captures_leave(
    lists: Lists, api: Any, lead_pool: Pool, owner_connection: Any, intent: dict[str, Any], clock: SimulatedClock
) -> None:
    bodies = [
        intent,
        {"source": "web_form", "person": {"emails": [{"value": "not an address"}]},
         "occurred_at": "2026-01-02T03:04:05Z"},
        {"source": "fair", "person": {"name": "Li Na"}, "vehicles": [{"vin": "LSVAA49J132047371"}],
         "region": "sh-pudong"},
        {"source": "fair", "person": {"name": "Wang"}, "next_action": {
            "kind": "call", "due": "2026-02-01T10:00:00+08:00", "assignee": "staff-sh-01-1"}},
    ]  # fmt: skip
    names: dict[str, str] = {}
    for n, body in enumerate(bodies):
        answer = (await api.post("/v1/leads", body)).json()
        names |= {answer["lead"]: f"lead-{n}", answer["party_ref"]: f"party-{n}"}
    single = await stored(lead_pool, names)
    await owner_connection.execute(
        "ALTER TABLE events DISABLE TRIGGER ALL; TRUNCATE streams, personal_data, timers, leads, outbox;"
        "DELETE FROM events; ALTER TABLE events ENABLE TRIGGER ALL"
    )
    rows = [{k: v for k, v in {**body, "row_id": f"r{n}"}.items() if (k, v) != ("source", "fair")}
            for n, body in enumerate(bodies)]  # fmt: skip
    done = await lists.done(ndjson(rows))
    assert counts(done) == (4, 0, 0)
    names = {}
    for n, result in enumerate(await lists.results(done)):
        assert result["lead"] == lead_id("dealer-sh-01", "fair", f"r{n}")
        lead = (await api.get(f"/v1/leads/{result['lead']}")).json()
        names |= {lead["lead"]: f"lead-{n}", lead["party_ref"]: f"party-{n}"}
    assert await stored(lead_pool, names) == single
    assert await lead_pool.fetchval("SELECT count(*) FROM outbox WHERE channel = 'facts'") == len(single["events"])
    assert await lead_pool.fetchval("SELECT count(*) FROM outbox WHERE channel = 'personal'") == len(single["personal"])


async def test_csv_says_the_same_as_ndjson(lists: Lists, api: Any) -> None:
    row = {
        "row_id": "r1", "occurred_at": "2026-01-02T03:04:05Z", "source": "web_form", "name": "张伟",
        "family_name": "张", "given_name": "伟", "birth_date": "1985-04-03",
        "phone": "+86 138 1234 5678", "phone_2": "021-61234567",
        "email": "zhang@example.com", "address": "浦东南路 100 号", "address_2": "3 楼",
        "city": "上海", "province": "上海", "postal_code": "200120", "country": "CN",
        "interest": "lease", "model": "volkswagen-lavida", "year": "2026",
        "condition": "new", "vin": "LSVAA49J132047371", "budget_currency": "CNY", "budget_minimum": "10000000",
        "budget_maximum": "15000000", "window_earliest": "2026-02-01", "window_latest": "2026-03-31",
        "campaign": "spring_2026", "dealer_wish": "dealer-sh-01", "region": "sh-pudong",
        "interest_text": "白色\n有天窗", "comments": "=周末, \"请\" 电话",
        "consent_purpose": "marketing", "consent_channel": "phone", "consent_granted": "TRUE",
        "consent_wording": "privacy-2026-01",
        "next_action_kind": "call", "next_action_due": "2026-02-01T10:00:00+08:00",
        "next_action_assignee": "staff-sh-01-1",
    }  # fmt: skip
    body = {
        "row_id": "r1", "occurred_at": "2026-01-02T03:04:05Z", "source": "web_form", "campaign": "spring_2026",
        "person": {
            "name": "张伟", "family_name": "张", "given_name": "伟", "birth_date": "1985-04-03",
            "phones": [{"value": "+86 138 1234 5678"}, {"value": "021-61234567"}],
            "emails": [{"value": "zhang@example.com"}],
            "addresses": [{"lines": ["浦东南路 100 号", "3 楼"], "city": "上海", "region": "上海",
                           "postal_code": "200120", "country": "CN"}],
        },
        "vehicles": [{"interest": "lease", "model": "volkswagen-lavida", "year": 2026, "condition": "new",
                      "vin": "LSVAA49J132047371"}],
        "budget": {"currency": "CNY", "minimum": 10_000_000, "maximum": 15_000_000},
        "window": {"earliest": "2026-02-01", "latest": "2026-03-31"},
        "dealer_wish": "dealer-sh-01", "region": "sh-pudong", "interest_text": "白色\n有天窗",
        "comments": "=周末, \"请\" 电话",
        "consents": [{"purpose": "marketing", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
        "next_action": {"kind": "call", "due": "2026-02-01T10:00:00+08:00", "assignee": "staff-sh-01-1"},
    }  # fmt: skip
    assert set(COLUMNS) - {"party_ref"} == set(row)
    shown = []
    header = sorted(row, reverse=True)  # the order of the columns is the sender's
    for source, content, kind in (("a", ndjson([body]), NDJSON), ("b", table(header, [row[c] for c in header]), CSV)):
        done = await lists.done(content, kind, source=source)
        assert counts(done) == (1, 0, 0), await lists.results(done)
        (result,) = await lists.results(done)
        lead = (await api.get(f"/v1/leads/{result['lead']}")).text
        shown.append(lead.replace(result["lead"], "lead").replace(json.loads(lead)["party_ref"], "party"))
    strip = [{**json.loads(each), "personal": {k: v["value"] for k, v in json.loads(each)["personal"].items()}}
             for each in shown]  # fmt: skip
    assert strip[0] == strip[1]


async def test_the_same_list_again_changes_nothing(lists: Lists, lead_pool: Pool, clock: SimulatedClock) -> None:
    due = (clock.now() + timedelta(hours=1)).isoformat()
    content = ndjson([someone(n, next_action={"kind": "call", "due": due}) for n in range(1200)])
    first = await lists.done(content)
    assert counts(first) == (1200, 0, 0)
    before = [
        await lead_pool.fetchval(f"SELECT count(*) FROM {t}") for t in ("events", "personal_data", "outbox", "leads")
    ]
    clock.advance(timedelta(days=1))  # what was due in the future is past now: the rows are known all the same
    again = await lists.done(content)
    assert counts(again) == (0, 1200, 0)
    assert [r["lead"] for r in await lists.results(again)] == [r["lead"] for r in await lists.results(first)]
    after = [
        await lead_pool.fetchval(f"SELECT count(*) FROM {t}") for t in ("events", "personal_data", "outbox", "leads")
    ]
    assert after == before


async def test_rows_are_known_by_dealer_list_and_row_id(lists: Lists, caller: Callable[..., Any]) -> None:
    rows = [someone(1), someone(2), someone(1, comments="again"), {**someone(3), "person": None}, someone(3)]
    done = await lists.done(ndjson(rows))
    assert [r["result"] for r in await lists.results(done)] == ["created", "created", "known", "rejected", "created"]
    assert counts(await lists.done(ndjson(rows[:2]), source="other_fair")) == (2, 0, 0)
    assert counts(await Lists(caller("dealer-sh-02")).done(ndjson(rows[:2]))) == (2, 0, 0)
    assert counts(await Lists(caller(None, headquarters=True)).done(ndjson(rows[:2]))) == (2, 0, 0)
    assert counts(await lists.done(ndjson(rows[:2]))) == (0, 2, 0)


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(lists: Lists, lead_pool: Pool) -> None:
    await lists.done(ndjson([someone(0)]))
    before = await lead_pool.fetchval("SELECT count(*) FROM events")
    rows = [someone(n) for n in range(1100)] + [{"row_id": "bad"}] + [someone(n) for n in range(300, 350)]
    tried = await lists.done(ndjson(rows), dry_run=True)
    assert tried["dry_run"] is True
    assert counts(tried) == (1099, 51, 1)
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == before
    assert [r["lead"] for r in await lists.results(tried) if r["result"] == "created"] == [None] * 1099
    assert b"_reasons" in await lists.rejects(tried)
    assert counts(await lists.done(ndjson(rows))) == (1099, 51, 1)


async def test_reasons_name_place_and_column_and_nothing_that_was_sent(lists: Lists) -> None:
    secret = "canary7f3a"
    header = ["row_id", "name", "phone", "phone_2", "model", "vin", "year", "budget_currency", "budget_minimum",
              "consent_purpose", "next_action_kind", "next_action_due", "next_action_assignee",
              "occurred_at"]  # fmt: skip
    bad = table(
        header,
        ["a", secret, "", "", secret, secret, secret, "XXX", secret, secret, "call", "2026-02-01T10:00:00Z", secret,
         secret],
        ["b", "Li", "", "x" * 101, "", "", "", "CNY", "", "", "call", "2020-01-01T00:00:00Z", "", ""],
        ["c", "Li", "", "", "", "", "", "", "", "", "call", "2020-01-01T00:00:00Z", "", ""],
        ["d", *[""] * 13],
        ["", "Li", *[""] * 12],
        ["e", "Li"],
        ["f", "Li", *[""] * 20],
    )  # fmt: skip
    done = await lists.done(bad, CSV)
    assert counts(done) == (0, 0, 7)
    results = await lists.results(done)
    found = [{(r.get("column"), r["code"]) for r in result["reasons"]} for result in results]
    assert found[0] >= {("year", "int_type"), ("occurred_at", "instant"), ("consent_channel", "missing"),
                        ("budget_minimum", "int_type")}  # fmt: skip
    assert found[1:] == [
        {("phone_2", "string_too_long"), ("budget_currency", "budget_empty")},
        {(None, "follow_up_in_the_past")},
        {(None, "nobody")},
        {("row_id", "missing")},
        {(None, "cells")},
        {(None, "cells")},
    ]
    assert secret not in json.dumps(results)


async def test_other_refusals_of_a_single_capture(lists: Lists, api: Any) -> None:
    mine = (await api.post("/v1/leads", {"source": "web", "person": {"name": "Li"}})).json()["party_ref"]
    rows = [
        someone(1, vehicles=[{"model": "no-such-model"}]),
        someone(2, vehicles=[{"vin": "not a vin"}]),
        someone(3, dealer_wish="dealer-xx-99"),
        someone(4, next_action={"kind": "call", "due": "2026-02-01T10:00:00Z", "assignee": "nobody"}),
        someone(5, party_ref="0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"),
        someone(6, unknown_field=1),
        someone(7, source="Not A Source"),
        someone(8, occurred_at="2027-01-01T00:00:00Z"),
        {"row_id": 17, "person": {"name": "Li"}},
        {"row_id": "x" * 201, "person": {"name": "Li"}},
        {"row_id": "a\u0007", "person": {"name": "Li"}},
        {"row_id": "9", "party_ref": mine},
    ]
    done = await lists.done(ndjson(rows))
    results = await lists.results(done)
    assert counts(done) == (1, 0, 11), results
    assert [[(r["pointer"], r["code"]) for r in result["reasons"]] for result in results] == [
        [("/vehicles/0/model", "unknown_model")],
        [("/vehicles/0/vin", results[1]["reasons"][0]["code"])],
        [("/dealer_wish", "unknown_dealer")],
        [("/next_action/assignee", "unknown_staff")],
        [("/party_ref", "party_ref_unknown")],
        [("", "unknown_field")],
        [("/source", "string_pattern_mismatch")],
        [("/occurred_at", "in_the_future")],
        [("/row_id", "string_type")],
        [("/row_id", "string_too_long")],
        [("/row_id", "unsafe_text")],
        [],
    ]
    lead = (await api.get(f"/v1/leads/{results[-1]['lead']}")).json()
    assert lead["party_ref"] == mine


# ── Rejects: correct and send again ───────────────────────────────────────────────────────────────────────────
async def test_rejected_lines_come_back_as_they_were(lists: Lists) -> None:
    lines = [
        '{"row_id": "a",  "person": {"name": "\\u5f20\\/", "x": 1.50}}',
        '{"row_id":"b"}',
        "{}",
        'not json " \\ 张',
        "[1, 2]",
        '{"row_id":"c","row_id":"d"}',
        '{"row_id":"e","comments":",\\"_reasons\\":"}',
        '{"_reasons":[],"row_id":"f"}',
        "{" * 40,
    ]
    done = await lists.done("\n".join(lines).encode())
    assert counts(done) == (0, 0, 9)
    rejects = await lists.rejects(done)
    rows = [json.loads(line) for line in rejects.splitlines()]
    assert all(row["_reasons"] for row in rows)
    back = [row.get("_line") or line.decode() for row, line in zip(rows, rejects.splitlines(), strict=True)]
    assert back[3:6] == lines[3:6]
    assert back[8] == lines[8]
    assert back[0].startswith(lines[0][:-1])
    again = await lists.done(rejects)
    assert await lists.rejects(again) == rejects  # a round trip changes no byte
    corrected = []
    for n, row in enumerate(rows):
        if "_line" in row:
            row = {"_reasons": row["_reasons"], "row_id": f"fixed-{n}"}
        corrected.append({"row_id": f"fixed-{n}", **row, "person": {"name": "Li"}})
    assert counts(await lists.done(ndjson(corrected))) == (9, 0, 0)


@pytest.mark.parametrize(
    "line",
    ['{"row_id":"a","x":"%s"}' % ("y" * (MAX_LINE - 24)), '"' * (MAX_LINE - 1), "\x01" * (MAX_LINE - 1)],
    ids=["an object", "quotes", "controls"],
)
async def test_a_rejected_line_at_the_limit_can_be_sent_again(lists: Lists, line: str) -> None:
    done = await lists.done(line.encode() + b"\n")
    assert counts(done) == (0, 0, 1)
    rejects = await lists.rejects(done)
    assert len(rejects) > MAX_LINE
    again = await lists.done(rejects)
    assert counts(again) == (0, 0, 1)
    assert await lists.rejects(again) == rejects


async def test_a_rejected_csv_row_at_the_limit_can_be_sent_again(lists: Lists) -> None:
    cell = "a" + '"' * (MAX_LINE - 20)
    done = await lists.done(f"row_id,comments\r\n\r\nr1,{cell}\r\n".encode(), CSV)
    assert counts(done) == (0, 0, 1)
    rejects = await lists.rejects(done)
    assert len(rejects) > MAX_LINE
    again = await lists.done(rejects, CSV)
    assert counts(again) == (0, 0, 1)
    assert await lists.rejects(again) == rejects


async def test_rejected_csv_rows_come_back_as_they_were(lists: Lists) -> None:
    nasty = ["=1+1", "+86 138", "-5", "@x", "\tx", "\rx", "\nx", "'=x", "''+", "'", "'quoted'", 'a"b', "a,b",
             "a\r\nb", " x ", "＝1"]  # fmt: skip
    header = ["comments", "row_id", "name"]
    sent = [[cell, f"r{n}", ""] for n, cell in enumerate(nasty)]
    done = await lists.done(table(header, *sent), CSV)
    assert counts(done) == (0, 0, len(nasty))
    rejects = await lists.rejects(done)
    rows = list(csv.reader(io.StringIO(rejects.decode(), newline="")))
    assert rows[0] == [*header, "_reasons"]
    assert all(not cell or cell[0] not in "=+-@\t\r\n＝" for row in rows for cell in row)
    again = await lists.done(rejects, CSV)
    assert await lists.rejects(again) == rejects
    kept = [r["row_id"] for r in await lists.results(again)]
    assert kept == [f"r{n}" for n in range(len(nasty))]
    corrected = table(rows[0], *([*row[:2], "Li", row[3]] for row in rows[1:]))
    assert counts(await lists.done(corrected, CSV)) == (len(nasty), 0, 0)
    first = (await lists.results(await lists.done(corrected, CSV)))[0]["lead"]
    lead = (await lists.api.get(f"/v1/leads/{first}")).json()
    assert lead["personal"]["comments"]["value"] == "=1+1"


async def test_rows_with_too_many_or_too_few_cells_come_back(lists: Lists) -> None:
    done = await lists.done(b"row_id,name\r\na\r\nb,Li,more,=x\r\n", CSV)
    rows = list(csv.reader(io.StringIO((await lists.rejects(done)).decode(), newline="")))
    assert [[*row[:2], *row[3:]] for row in rows] == [["row_id", "name"], ["a", ""], ["b", "Li", "more", "'=x"]]


async def test_the_rejects_of_a_clean_list_are_an_empty_file(lists: Lists) -> None:
    assert await lists.rejects(await lists.done(ndjson([someone(1)]))) == b""
    done = await lists.done(b"row_id,name\r\n", CSV)
    assert counts(done) == (0, 0, 0)
    assert (await lists.rejects(done)).startswith(b"row_id")


# ── Formats ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "mixed"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
async def test_ends_of_lines_and_a_byte_order_mark(lists: Lists, end: str, mark: bytes) -> None:
    ends = ["\r", "\n", "\r\n", "\n\n"] if end == "mixed" else [end] * 4
    text = "".join(line + e for line, e in zip(["row_id,name", "1,Li", '2,"Wa\nng"', "3,Zhang"], ends, strict=True))
    done = await lists.done(mark + text.encode(), CSV)
    assert [r["row_id"] for r in await lists.results(done)] == ["1", "2", "3"]
    assert counts(await lists.done(mark + ndjson([someone(1), someone(2)]), source="other")) == (2, 0, 0)


async def test_gzip_in_one_or_several_members(lists: Lists) -> None:
    rows = [someone(n) for n in range(50)]
    content = b"".join(gzip.compress(ndjson([row])) for row in rows[:25]) + gzip.compress(ndjson(rows[25:]))
    assert counts(await lists.done(content, **{"Content-Encoding": "gzip"})) == (50, 0, 0)


async def test_byte_by_byte(lists: Lists) -> None:
    content = gzip.compress(table(["row_id", "name"], ["1", "张\r\n伟"], ["2", "Li"]))

    async def trickle() -> AsyncIterator[bytes]:
        for n in range(len(content)):
            yield content[n : n + 1]

    done = await lists.done(trickle(), CSV, **{"Content-Encoding": "gzip"})
    assert counts(done) == (2, 0, 0)


# ── Whose it is; how long it is kept; keys ────────────────────────────────────────────────────────────────────
async def test_an_import_is_its_dealers(lists: Lists, caller: Callable[..., Any]) -> None:
    done = await lists.done(ndjson([someone(1), {"row_id": "bad"}]))
    paths = [f"/v1/imports/{done['import']}", done["results"], done["rejects"]]
    never = [path.replace(done["import"], "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d") for path in paths]
    other = caller("dealer-sh-02")
    for path, absent in zip(paths, never, strict=True):
        refused, unknown = await other.get(path), await other.get(absent)
        assert (refused.status_code, refused.content) == (404, unknown.content)
        assert (await caller(None, headquarters=True).get(path)).status_code == 200
        assert (await caller(scopes=["lead:read", "lead:write"]).get(path)).status_code == 403
    assert (await Lists(caller(scopes=["lead:write"])).send(b"")).status_code == 403


async def test_the_summary(lists: Lists, api: Any) -> None:
    done = await lists.done(ndjson([someone(1), {"row_id": "bad"}]))
    answer = await api.get(f"/v1/imports/{done['import']}")
    shown = answer.json()
    assert shown.items() >= {**done, "source": "fair", "format": "ndjson", "state": "done", "fault": None}.items()
    assert shown["expires_at"] == "2026-04-05T08:00:00Z"
    again = await api.client.get(
        f"/v1/imports/{done['import']}", headers={**api.headers, "If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


async def test_a_key_gives_the_same_answer_and_works_nothing(lists: Lists, lead_pool: Pool) -> None:
    content = ndjson([someone(1)])
    key: dict[str, Any] = {"Idempotency-Key": '"k-1"'}
    first = await lists.send(content, **key)
    again = await lists.send(content, **key)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    other = await lists.send(ndjson([someone(2)]), **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await lead_pool.fetchval("SELECT count(*) FROM imports") == 1


async def test_the_same_list_from_many_sides_at_once(lists: Lists, lead_pool: Pool, stack: Any) -> None:
    rows = [someone(n) for n in range(600)]
    answers = await asyncio.gather(*(lists.done(ndjson(rows if n else rows[::-1])) for n in range(2)))
    assert sum(answer["created"] for answer in answers) == 600
    assert all(answer["rejected"] == 0 for answer in answers)
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 600
    assert "deadlock detected" not in stack.postgres.log.read_text(errors="replace")


async def test_imported_leads_are_in_the_list(lists: Lists, api: Any) -> None:
    await lists.done(ndjson([someone(n) for n in range(3)]))
    listed = (await api.get("/v1/leads", source="fair")).json()["items"]
    assert len(listed) == 3
    assert {lead["version"] for lead in listed} == {2}


# ── A database that goes away in the middle ───────────────────────────────────────────────────────────────────
class Failing:
    """A store whose `create_many` fails as `faults` say, before or after it was done, and works in between."""

    def __init__(self, inner: Store, faults: Sequence[Exception | None]) -> None:
        self.inner = inner
        self.faults = list(faults)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def create_many(self, writes: Sequence[Write], views: Views | None = None) -> Any:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Unavailable):
            raise fault
        done = await self.inner.create_many(writes, views)
        if fault is not None:
            raise fault
        return done


async def test_a_batch_is_repeated_and_an_unknown_commit_counts_once(
    lists: Lists, service: Service, app: Any, lead_pool: Pool
) -> None:
    failing: Any = Failing(service.store, [Unavailable(), OutcomeUnknown(), None, OutcomeUnknown(), Unavailable()])
    app.state.lead = replace(service, store=failing)
    done = await lists.done(ndjson([someone(n) for n in range(1600)]))
    assert counts(done) == (1600, 0, 0)
    assert failing.faults == []
    assert {r["result"] for r in await lists.results(done)} == {"created"}
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 1600


async def test_a_database_that_stays_away_is_503_with_the_import_and_the_rest_comes_later(
    lists: Lists, service: Service, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PATIENCE_SECONDS", 0.2)
    failing: Any = Failing(service.store, [None, *[Unavailable()] * 1000])
    app.state.lead = replace(service, store=failing)
    content = ndjson([someone(n) for n in range(1600)])
    answer = await lists.send(content)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    shown = (await lists.api.get(f"/v1/imports/{answer.json()['import']}")).json()
    assert (shown["state"], shown["created"]) == ("interrupted", 500)
    failing.faults.clear()
    assert counts(await lists.done(content)) == (1100, 500, 0)


async def test_a_client_that_leaves_has_its_finished_batches(lists: Lists, lead_pool: Pool) -> None:
    content = ndjson([someone(n) for n in range(1600)])

    async def cut() -> AsyncIterator[bytes]:
        yield content[: len(content) // 2]
        raise ClientGone

    with pytest.raises((ClientGone, AssertionError)):  # the test client wants an answer, and there is nobody to answer
        await lists.send(cut())
    stored = await lead_pool.fetchval("SELECT count(*) FROM leads")
    assert 0 < stored < 1600
    assert await lead_pool.fetchval("SELECT state FROM imports") == "interrupted"
    assert counts(await lists.done(content)) == (1600 - stored, stored, 0)


async def test_an_import_whose_process_was_killed_is_shown_as_interrupted(
    lists: Lists, lead_pool: Pool, clock: SimulatedClock
) -> None:
    done = await lists.done(ndjson([someone(1)]))
    await lead_pool.execute("UPDATE imports SET state = 'running'")  # as a process leaves it that gets no last word
    place = f"/v1/imports/{done['import']}"
    clock.advance(timedelta(minutes=1))
    assert (await lists.api.get(place)).json()["state"] == "running"
    clock.advance(timedelta(seconds=1))
    assert (await lists.api.get(place)).json()["state"] == "interrupted"


async def test_results_and_rejects_go_when_their_time_is_up(lists: Lists, lead_pool: Pool) -> None:
    rows = [someone(n) for n in range(20)] + [{"row_id": "bad"}]
    done = await lists.done(ndjson(rows))
    expires = await lead_pool.fetchval("SELECT expires_at FROM imports")
    async with lead_pool.acquire() as connection:
        assert await views.purge(connection, expires - timedelta(seconds=1)) == 0
        assert await views.purge(connection, expires) == 22
    assert (await lists.api.get(done["results"])).status_code == 404
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 20
