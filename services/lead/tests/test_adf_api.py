"""ADF over HTTP: nothing is lost, nothing doubles, and what cannot be read waits where people can find it."""

import asyncio
import json
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from defusedxml import minidom
from fastapi import FastAPI

from lead.service import Service
from roadbook.clock import SimulatedClock
from roadbook.context import Idempotency
from roadbook.database import Pool
from roadbook.errors import Unavailable
from roadbook.store.port import Loaded, Replay, Stored, Views, Write

FIXTURES = Path(__file__).parent / "fixtures" / "adf"
CANARY = "CANARY7f3e9c1a"
WELL_FORMED = [path for path in sorted(FIXTURES.glob("*.xml")) if path.name[:2] in {"01", "19", "26", "28", "30"}]


def prospect(
    *,
    id_: str = "",
    name: str = "Zhang Wei",
    phone: str = "13812345678",
    status: str = "",
    vin: str = "",
    more: str = "",
) -> str:
    return (
        f"<prospect{f' status={chr(34)}{status}{chr(34)}' if status else ''}>"
        + (f'<id sequence="1" source="portal">{id_}</id>' if id_ else "")
        + "<requestdate>2026-01-04T10:00:00+08:00</requestdate>"
        + "<vehicle interest='buy' status='new'><year>2026</year><make>Volkswagen</make><model>Lavida</model>"
        + (f"<vin>{vin}</vin>" if vin else "")
        + f"</vehicle><customer><contact><name part='full'>{name}</name><phone>{phone}</phone></contact>"
        + f"{more}</customer>"
        + "<vendor><id source='network'>dealer-sh-01</id><vendorname>Pudong</vendorname></vendor></prospect>"
    )


def document(*prospects: str) -> bytes:
    return f"<?xml version='1.0' encoding='utf-8'?><adf>{''.join(prospects)}</adf>".encode()


BROKEN = "<prospect><customer><contact><name part='full'>Broken One</contact></customer>"
NOBODY = "<prospect><vehicle><make>Audi</make><model>A4</model></vehicle></prospect>"


async def send(api: Any, raw: bytes, key: str = "", media_type: str = "application/x-adf+xml") -> httpx2.Response:
    response: httpx2.Response = await api.post("/v1/adf", raw=raw, key=key, media_type=media_type)
    return response


async def results(api: Any, raw: bytes, key: str = "") -> list[dict[str, Any]]:
    response = await send(api, raw, key)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


# ── Taking documents ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_prospect_becomes_a_lead(api: Any) -> None:
    (result,) = await results(api, document(prospect(id_="4711", vin="WVWZZZ1JZ3W386753")))
    assert (result["place"], result["result"], result["version"]) == (1, "captured", 2)
    assert [warning["code"] for warning in result["warnings"]] == ["vin_check_digit"]
    lead = (await api.get(f"/v1/leads/{result['lead']}")).json()
    assert lead["source"] == "adf"
    assert lead["captured_at"] == "2026-01-04T02:00:00Z"
    assert lead["vehicles"][0] == {
        "interest": "buy", "model": "volkswagen-lavida", "year": 2026, "condition": "new", "vin": "WVWZZZ1JZ3W386753",
        "odometer": None, "odometer_unit": None,
    }  # fmt: skip
    assert lead["personal"]["name"]["value"] == "Zhang Wei"
    assert lead["personal"]["phone/1"]["value"]["e164"] == "+8613812345678"
    events = (await api.get(f"/v1/leads/{result['lead']}/events")).json()["items"]
    assert events[0]["data"]["dealer_wish"] == "dealer-sh-01"


async def test_a_text_that_fails_as_a_vin_is_kept_but_is_no_fact(api: Any) -> None:
    (result,) = await results(api, document(prospect(vin="my neighbour's Golf")))
    assert result["result"] == "captured"
    assert [(w["code"], w["severity"], w["pointer"]) for w in result["warnings"]] == [
        ("vin_characters", "error", "/vehicles/0/vin")
    ]
    lead = (await api.get(f"/v1/leads/{result['lead']}")).json()
    assert lead["vehicles"][0]["vin"] is None
    assert lead["personal"]["vin/1"]["value"] == "my neighbour's Golf"
    assert "Golf" not in (await api.get(f"/v1/leads/{result['lead']}/events")).text


async def test_the_same_key_gives_the_same_bytes(api: Any) -> None:
    raw = document(prospect(name="A"), NOBODY, prospect(name="B"))
    first, again = await send(api, raw, "k1"), await send(api, raw, "k1")
    assert first.status_code == 200
    assert [r["result"] for r in first.json()["results"]] == ["captured", "quarantined", "captured"]
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    problem(await send(api, raw + b"\n", "k1"), 422, "idempotency_key_reused")
    problem(await api.post("/v1/adf", raw=raw, key=None, media_type="text/xml"), 400, "idempotency_key_missing")


async def test_a_repeat_under_another_key_doubles_nothing(api: Any, lead_pool: Pool) -> None:
    raw = document(prospect(name="A"), prospect(name="B"))
    first, again = await results(api, raw), await results(api, raw)
    assert [r["result"] for r in again] == ["known", "known"]
    assert [(r["lead"], r["version"], r["events"]) for r in again] == [(r["lead"], 2, []) for r in first]
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 2
    assert await lead_pool.fetchval("SELECT count(*) FROM adf_documents") == 1


async def test_a_resend_adds_what_is_new(api: Any, lead_pool: Pool) -> None:
    (first,) = await results(api, document(prospect(id_="4711")))
    resent = document(
        prospect(id_="4711", status="resend", phone="13900001111", more="<comments>Bitte abends</comments>")
    )
    (again,) = await results(api, resent)
    assert (again["result"], again["lead"], again["version"]) == ("known", first["lead"], 3)
    lead = (await api.get(f"/v1/leads/{first['lead']}")).json()
    phones = {lead["personal"][key]["value"]["e164"] for key in ("phone/1", "phone/2")}
    assert phones == {"+8613812345678", "+8613900001111"}
    assert lead["personal"]["comments"]["value"] == "Bitte abends"
    (third,) = await results(api, resent)
    assert third["events"] == []
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 1


async def test_a_provider_who_numbers_every_prospect_one_loses_nobody(api: Any, lead_pool: Pool) -> None:
    one, two = document(prospect(id_="1", name="A")), document(prospect(id_="1", name="B"))
    leads = [(await results(api, raw))[0] for raw in (one, two)]
    assert [lead["result"] for lead in leads] == ["captured", "captured"]
    again = [(await results(api, raw))[0] for raw in (one, two, one)]
    assert [r["result"] for r in again] == ["known"] * 3
    assert [r["lead"] for r in again] == [leads[0]["lead"], leads[1]["lead"], leads[0]["lead"]]
    names = [(await api.get(f"/v1/leads/{lead['lead']}")).json()["personal"]["name"]["value"] for lead in leads]
    assert names == ["A", "B"]


async def test_each_dealer_has_leads_of_its_own(caller: Callable[..., Any]) -> None:
    raw = document(prospect(id_="4711"))
    here, there = [(await results(caller(dealer), raw))[0] for dealer in ("dealer-sh-01", "dealer-sh-02")]
    assert here["lead"] != there["lead"]
    problem(await caller("dealer-sh-02").get(f"/v1/leads/{here['lead']}"), 404, "not_found")


async def test_the_same_prospect_twice_at_once_is_one_lead(api: Any, lead_pool: Pool) -> None:
    raw = document(prospect(name="A"), prospect(name="B"))
    answers = await asyncio.gather(*(results(api, raw, f"k{n}") for n in range(5)))
    assert sorted(r["result"] for answer in answers for r in answer) == ["captured"] * 2 + ["known"] * 8
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 2
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 4


async def test_a_hundred_prospects_and_not_one_more(api: Any, lead_pool: Pool) -> None:
    found = await results(api, document(*(prospect(name=f"N{n}") for n in range(100))))
    assert [r["place"] for r in found] == list(range(1, 101))
    assert {r["result"] for r in found} == {"captured"}
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 100
    refused = await send(api, document(*(prospect(name=f"N{n}") for n in range(101))))
    assert problem(refused, 400, "adf_refused")["reason"] == "too_many_prospects"
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 100


class FailingStore:
    """The store of the service, whose third write finds no database."""

    joined = False

    def __init__(self, store: Any) -> None:
        self.store = store
        self.writes = 0

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Loaded:
        return await self.store.load(stream, idempotency=idempotency)  # type: ignore[no-any-return]

    async def write(self, write: Write, views: Views | None = None) -> Stored | Replay:
        self.writes += 1
        if self.writes == 3:
            raise Unavailable
        return await self.store.write(write, views)  # type: ignore[no-any-return]

    async def remember(self, idempotency: Idempotency, answer: Any) -> Replay | None:
        return await self.store.remember(idempotency, answer)  # type: ignore[no-any-return]


async def test_a_document_that_broke_off_goes_on_where_it_was(
    app: FastAPI, api: Any, service: Service, lead_pool: Pool
) -> None:
    raw = document(*(prospect(name=f"N{n}") for n in range(5)))
    app.state.lead = replace(service, store=FailingStore(service.store))
    problem(await send(api, raw, "k1"), 503, "unavailable")
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 2
    problem(await send(api, raw + b"<!-- other -->", "k1"), 422, "idempotency_key_reused")
    again = await results(api, raw, "k1")
    assert [r["result"] for r in again] == ["captured"] * 5
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 5
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 10


# ── What is refused ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (
            b'<!DOCTYPE adf [<!ENTITY x SYSTEM "file:///etc/passwd">]><adf><prospect>&x;</prospect></adf>',
            "dtd_forbidden",
        ),
        (b"<adf>" + b"<a>" * 40 + b"</a>" * 40 + b"<prospect><customer/></prospect></adf>", "too_deep"),
        (b"   \n", "document_empty"),
    ],
)
async def test_a_hostile_document_is_refused_whole(api: Any, lead_pool: Pool, raw: bytes, reason: str) -> None:
    assert problem(await send(api, raw), 400, "adf_refused")["reason"] == reason
    for table in ("adf_documents", "adf_quarantine", "events", "idempotency"):
        assert await lead_pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_size_and_media_type_are_checked(api: Any) -> None:
    problem(await send(api, b"x" * (256 * 1024 + 1)), 413, "content_too_large")
    for wrong in ("application/json", "application/octet-stream", "image/png"):
        problem(await send(api, document(prospect()), media_type=wrong), 415, "unsupported_media_type")
    for right in ("application/xml", "text/xml", "text/plain; charset=utf-8", "text/html", "application/x-adf+xml"):
        assert (await send(api, document(prospect()), media_type=right)).status_code == 200


async def test_intake_needs_its_scope(caller: Callable[..., Any], http: httpx2.AsyncClient) -> None:
    problem(await send(caller(scopes=["lead:write"]), document(prospect())), 403, "forbidden")
    for method, path in (
        ("POST", "/v1/adf"),
        ("GET", "/v1/adf/quarantine"),
        ("GET", f"/v1/adf/quarantine/{uuid.uuid4()}"),
        ("POST", f"/v1/adf/quarantine/{uuid.uuid4()}:replay"),
        ("POST", f"/v1/adf/quarantine/{uuid.uuid4()}:discard"),
    ):
        problem(await http.request(method, path), 401, "authentication_required")


# ── Nothing is lost ───────────────────────────────────────────────────────────────────────────────────────────
def texts(node: Any) -> Iterator[str]:
    """Every text and attribute value, by a walk that shares no code with the reader."""
    if node.nodeType in (node.TEXT_NODE, node.CDATA_SECTION_NODE):
        yield node.data
    if node.attributes is not None:
        yield from (node.attributes.item(n).value for n in range(node.attributes.length))
    for child in node.childNodes:
        yield from texts(child)


def leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for member in value.values():
                yield from leaves(member)
        case list():
            for member in value:
                yield from leaves(member)
        case bool():
            yield from ("1", "true", "yes") if value else ("0", "false", "no")
        case None:
            return
        case _:
            yield str(value)


def normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


def holds(leaf: str, text: str) -> bool:
    """A date is kept without the time of day that some senders add."""
    return text in leaf or (re.fullmatch(r"\d{4}-\d\d-\d\d", leaf) is not None and text.startswith(leaf + "t"))


@pytest.mark.parametrize("path", WELL_FORMED, ids=lambda path: path.stem)
async def test_every_text_of_a_document_ends_in_a_table(api: Any, lead_pool: Pool, path: Path) -> None:
    await results(api, path.read_bytes())
    rows = await lead_pool.fetch(
        """
        SELECT value::text FROM personal_data UNION ALL SELECT data::text FROM events
        UNION ALL SELECT remainder::text FROM adf_documents UNION ALL SELECT to_json(fragment)::text FROM adf_quarantine
        """
    )
    kept = [normal(leaf) for row in rows if row[0] is not None for leaf in leaves(json.loads(row[0]))]
    said = [normal(text) for text in texts(minidom.parse(str(path))) if text.strip()]
    assert len(said) >= 10
    assert [text for text in said if not any(holds(leaf, text) for leaf in kept) and text != "resend"] == []


async def test_every_dialect_gives_leads_and_the_document_is_kept(api: Any, lead_pool: Pool) -> None:
    for path in sorted(FIXTURES.iterdir()):
        types = {".eml": "message/rfc822", ".html": "text/html"}
        response = await send(api, path.read_bytes(), media_type=types.get(path.suffix, "text/xml"))
        assert response.status_code == 200, (path.name, response.text)
        leads = [r["lead"] for r in response.json()["results"] if r["result"] != "quarantined"]
        assert leads, path.name
        for lead in leads:
            assert (await api.get(f"/v1/leads/{lead}")).status_code == 200
        kept = "SELECT content FROM adf_documents WHERE document = $1"
        assert await lead_pool.fetchval(kept, response.json()["document"]) == path.read_bytes()


async def test_a_canary_in_a_document_stays_with_the_personal_data(
    api: Any, lead_database: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    full = (FIXTURES / "26-full.xml").read_bytes()
    dom = minidom.parseString(full.decode())
    planted = 0

    def plant(node: Any) -> None:
        nonlocal planted
        if node.nodeType in (node.TEXT_NODE, node.CDATA_SECTION_NODE) and node.data.strip():
            node.data, planted = CANARY, planted + 1
        if node.attributes is not None:
            for n in range(node.attributes.length):
                node.attributes.item(n).value = CANARY
        for child in node.childNodes:
            plant(child)

    plant(dom)
    assert planted > 20
    broken = BROKEN.replace("Broken One", CANARY).encode()
    named = document(f"<prospect><{CANARY}>x</{CANARY}>" + prospect(name=CANARY)[len("<prospect>") :])
    for raw in (
        dom.toxml().encode(),
        b"<adf>" + broken + b"</adf>",
        named,
        CANARY.encode(),
        b"<!DOCTYPE " + CANARY.encode(),
    ):
        answer = await send(api, raw, media_type=f"text/xml; charset=utf-8; note={CANARY}")
        assert answer.status_code in (200, 400)
        assert CANARY not in answer.text + str(answer.headers)
    assert CANARY not in (await api.get("/v1/adf/quarantine")).text
    assert CANARY not in "".join(capsys.readouterr())
    connection = await asyncpg.connect(lead_database.owner_url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        holding = {
            name
            for (name,) in tables
            if await connection.fetchval(
                f"SELECT EXISTS (SELECT 1 FROM {name} t WHERE t::text ~ $1)",
                f"{CANARY}|{CANARY.encode().hex()}",
            )
        }
    finally:
        await connection.close()
    assert holding == {"personal_data", "adf_documents", "adf_quarantine"}


# ── Quarantine ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def waiting(api: Any) -> str:
    """The path of a quarantined prospect, between two that were readable."""
    found = await results(api, document(prospect(name="A"), NOBODY, prospect(name="B")))
    assert [(r["place"], r["result"]) for r in found] == [(1, "captured"), (2, "quarantined"), (3, "captured")]
    assert found[1]["reasons"] == ["customer_missing"]
    return f"/v1/adf/quarantine/{found[1]['quarantine']}"


async def test_what_waits_is_listed_without_its_text_and_shown_with_it(api: Any, waiting: str) -> None:
    listed = await api.get("/v1/adf/quarantine")
    (item,) = listed.json()["items"]
    assert waiting.endswith(item["quarantine"])
    assert (item["place"], item["reasons"], item["state"]) == (2, ["customer_missing"], "open")
    assert "Audi" not in listed.text
    assert "Audi" in (await api.get(waiting)).json()["fragment"]


async def test_another_dealer_finds_nothing_there(caller: Callable[..., Any], waiting: str) -> None:
    other = caller("dealer-sh-02")
    assert (await other.get("/v1/adf/quarantine")).json()["items"] == []
    never = f"/v1/adf/quarantine/{uuid.uuid4()}"
    for foreign, gone in (
        (await other.get(waiting), await other.get(never)),
        (await other.post(waiting + ":replay"), await other.post(never + ":replay")),
        (await other.post(waiting + ":discard"), await other.post(never + ":discard")),
    ):
        bodies = [problem(answer, 404, "not_found") for answer in (foreign, gone)]
        assert [{**body, "instance": "", "trace_id": ""} for body in bodies[:1]] == [
            {**body, "instance": "", "trace_id": ""} for body in bodies[1:]
        ]
    hq = caller(None, headquarters=True)
    assert len((await hq.get("/v1/adf/quarantine")).json()["items"]) == 1


async def test_it_can_be_replayed_with_a_corrected_text(api: Any, waiting: str, lead_pool: Pool) -> None:
    still = await api.post(waiting + ":replay")
    assert problem(still, 409, "adf_still_unreadable")["reasons"] == ["customer_missing"]
    corrected = document(prospect(name="C"))
    answer = await api.post(waiting + ":replay", raw=corrected, media_type="application/xml", key="k1")
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert result["result"] == "captured"
    assert (await api.get(f"/v1/leads/{result['lead']}")).json()["personal"]["name"]["value"] == "C"
    again = await api.post(waiting + ":replay", raw=corrected, media_type="application/xml", key="k1")
    assert again.content == answer.content
    problem(await api.post(waiting + ":replay", raw=corrected, media_type="application/xml"), 409, "quarantine_closed")
    problem(await api.post(waiting + ":discard"), 409, "quarantine_closed")
    assert (await api.get("/v1/adf/quarantine")).json()["items"] == []
    assert len((await api.get("/v1/adf/quarantine", state="replayed")).json()["items"]) == 1
    assert await lead_pool.fetchval("SELECT count(*) FROM adf_documents") == 2


async def test_headquarters_replays_for_the_dealer_it_was_meant_for(caller: Callable[..., Any], waiting: str) -> None:
    hq = caller(None, headquarters=True)
    raw = document(prospect(name="C"))
    answer = await hq.post(waiting + ":replay", raw=raw, media_type="application/xml")
    (result,) = answer.json()["results"]
    assert (await caller().get(f"/v1/leads/{result['lead']}")).json()["dealer"] == "dealer-sh-01"


async def test_it_can_be_discarded(api: Any, waiting: str) -> None:
    first, again = await api.post(waiting + ":discard"), await api.post(waiting + ":discard")
    assert (first.status_code, first.json()["state"]) == (200, "discarded")
    assert first.content == again.content
    assert (await api.get("/v1/adf/quarantine")).json()["items"] == []
    problem(await api.post(waiting + ":replay"), 409, "quarantine_closed")


async def test_the_list_comes_in_pages(api: Any, clock: SimulatedClock) -> None:
    found = await results(api, document(*([NOBODY] * 5)))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await api.get("/v1/adf/quarantine", limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += [item["quarantine"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(r["quarantine"] for r in found)


async def test_news_for_a_lost_lead_waits_until_it_is_reopened(api: Any) -> None:
    (first,) = await results(api, document(prospect(id_="4711")))
    path = f"/v1/leads/{first['lead']}"
    await api.post(f"{path}:lose", {"reason": "no_answer"})
    raw = document(prospect(name="Other"), prospect(id_="4711", status="resend", phone="13900001111"))
    found = await results(api, raw, "k1")
    assert [r["result"] for r in found] == ["captured", "quarantined"]
    assert found[1]["reasons"] == ["lead_closed"]
    assert await results(api, raw, "k1") == found
    waiting = f"/v1/adf/quarantine/{found[1]['quarantine']}"
    problem(await api.post(waiting + ":replay"), 409, "lead_closed")
    await api.post(f"{path}:reopen", {"reason": "came_back"})
    answer = await api.post(waiting + ":replay")
    assert [(r["result"], r["lead"]) for r in answer.json()["results"]] == [("known", first["lead"])]
    assert (await api.get(path)).json()["personal"]["phone/2"]["value"]["e164"] == "+8613900001111"


async def test_a_prospect_whose_kept_text_would_be_too_large_to_publish_waits_in_the_quarantine(api: Any) -> None:
    """Each of 9,000 small texts is kept with its path; under long names that would be 12 MB from 100 kB."""
    deep = [f"{'a' * 900}{n}" for n in range(20)]
    more = "".join(f"<{name}>" for name in deep) + "<b>x</b>" * 9_000 + "".join(f"</{name}>" for name in deep[::-1])
    answer = await send(api, document(prospect(id_="1"), prospect(id_="2", more=more), prospect(id_="3")))
    found = answer.json()["results"]
    assert [r["result"] for r in found] == ["captured", "quarantined", "captured"]
    assert found[1]["reasons"] == ["value_too_large"]
