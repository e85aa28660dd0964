"""A canary in every string of every request, on success and failure, is found only where personal data may be.

Topics (as read and as files), headers, logs, spans, metrics, problem bodies and every table are searched. A canary
has a shape that no code of a fact accepts, so it can only be stored as what somebody typed.
"""

import asyncio
import base64
import binascii
import contextlib
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from confluent_kafka import Producer
from harness import Net, read_topic, until

# Personal data, what it was read from, and what it is found by: all erasable, by party reference or by time.
MAY_HOLD = {
    ("lead", "personal_data"),
    ("lead", "adf_documents"),
    ("lead", "adf_quarantine"),
    ("projection", "personal_values"),
    ("projection", "search_keys"),
}
PERSONAL_TOPIC = "roadbook.personal-data.v1"
CANARY = re.compile(r"CNRY[0-9]{5}Zq", re.IGNORECASE)

INTENT: dict[str, Any] = {
    "person": {
        "name": "张伟",
        "given_name": "Wei",
        "family_name": "Zhang",
        "birth_date": "1980-11-17",
        "phones": [{"value": "13800000000", "preferred": True}],
        "emails": [{"value": "zhang@example.com"}],
        "addresses": [
            {"lines": ["1 Nanjing Road"], "city": "Shanghai", "region": "SH", "postal_code": "200000", "country": "CN"}
        ],
    },
    "consents": [{"purpose": "marketing", "channel": "phone", "granted": True, "wording": "privacy-2026-01",
                  "brand": "volkswagen"}],
    "interest_text": "something red",
    "comments": "call after six",
    "budget": {"currency": "CNY", "minimum": 1, "maximum": 2},
    "window": {"earliest": "2026-12-01", "latest": "2027-12-01"},
    "vehicles": [{"interest": "buy", "model": "volkswagen-polo", "condition": "new", "vin": "LSVAA49J132047371",
                  "odometer": 1, "odometer_unit": "km"}],
    "region": "sh-pudong",
    "needs": [{"kind": "use", "value": "commute", "source": "site_survey"}],
}  # fmt: skip
ACTION = {"kind": "call", "due": "2030-01-01T08:00:00Z", "assignee": "staff-sh-01-1"}
CAPTURE: dict[str, Any] = {
    **INTENT,
    "source": "web",
    "party_ref": "0199aaaa-0000-7000-8000-000000000000",
    "dealer_wish": "dealer-sh-01",
    "campaign": "spring",
    "next_action": ACTION,
    "occurred_at": "2026-01-01T08:00:00Z",
}
ADF = """<?xml version="1.0"?><?adf version="1.0"?><adf><prospect status="{status}">
<id sequence="1" source="{source}">{id}</id><requestdate>{date}</requestdate>
<vehicle interest="buy" status="new"><year>2024</year><make>{make}</make><model>{model}</model>
<vin>{vin}</vin></vehicle>
<customer><contact><name part="full">{name}</name><email>{email}</email><phone type="{type}">{phone}</phone>
<address><street>{street}</street><city>{city}</city></address></contact><comments>{comments}</comments></customer>
<vendor><vendorname>{vendor}</vendorname></vendor><provider><name>{provider}</name></provider><{tag}>{odd}</{tag}>
</prospect></adf>"""
ADF_FIELDS = tuple(re.findall(r"\{(\w+)\}", ADF.replace("</{tag}>", "")))


@dataclass
class Canaries:
    """Hands out canaries; remembers where each was put."""

    put: dict[str, str] = field(default_factory=dict)

    def new(self, where: str) -> str:
        canary = f"CNRY{len(self.put):05d}Zq"
        self.put[canary.lower()] = where
        return canary


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif isinstance(value, str):
        yield path


def replaced(body: Any, path: tuple[Any, ...], value: str) -> Any:
    changed = copy.deepcopy(body)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


def strings_of(schema: dict[str, Any], document: dict[str, Any], path: str = "") -> set[str]:
    """Every property that takes a string, as the published document says it."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    found = set()
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= strings_of(part, document, path)
    for name, inner in schema.get("properties", {}).items():
        found |= strings_of(inner, document, f"{path}/{name}")
    if "items" in schema:
        found |= strings_of(schema["items"], document, path + "/*")
    if schema.get("type") == "string" and "const" not in schema:
        found.add(path)
    return found


async def test_a_canary_stays_where_personal_data_may_be(net: Net) -> None:
    canaries, answers = Canaries(), list[str]()
    async with net.client("lead") as lead, net.client("projection") as record:
        await send_json(lead, canaries, answers)
        await send_adf(lead, canaries, answers)
        await send_reads(lead, record, canaries, answers)
    assert len(canaries.put) > 250

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained)
    found = await search(net, answers)
    leaks = {place: sorted(canaries.put.get(c, c) for c in hits) for place, hits in found.items() if hits}
    stored = {place: hits for place, hits in leaks.items() if place in {f"table {s}.{t}" for s, t in MAY_HOLD}}
    assert stored["table lead.personal_data"]  # they did arrive, so the search can find something
    allowed = {*stored, f"topic {PERSONAL_TOPIC}"}
    assert {place: hits for place, hits in leaks.items() if place not in allowed} == {}
    print(f"\n{len(canaries.put)} canaries, {len(found)} places searched, found in {sorted(leaks)}")

    await plant_and_find(net)


async def test_the_bodies_above_fill_every_string_field_that_is_published(net: Net) -> None:
    async with httpx2.AsyncClient(base_url=net.url("lead"), trust_env=False) as client:
        document = (await client.get("/openapi.json")).json()
    for path, body in {"/v1/leads": CAPTURE, "/v1/leads/{lead_id}:enrich": ENRICH}.items():
        paths = {re.sub(r"\{\w+\}", "{lead_id}", k): v for k, v in document["paths"].items()}
        operation = paths[path]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        filled = {"/" + "/".join("*" if isinstance(s, int) else s for s in leaf) for leaf in leaves(body)}
        assert strings_of(schema, document) - filled == set()


ENRICH = {**INTENT, "remove_contact_points": ["phone/9"]}


async def send_json(lead: httpx2.AsyncClient, canaries: Canaries, answers: list[str]) -> None:
    async def post(path: str, body: Any, **headers: str) -> httpx2.Response:
        key = f"canary-{len(answers)}"
        response = await lead.post(path, json=body, headers={"Idempotency-Key": key, **headers})
        keep(response, answers)
        return response

    capture = {k: v for k, v in CAPTURE.items() if k != "party_ref"}
    created = (await post("/v1/leads", capture)).json()
    one = f"/v1/leads/{created['lead']}"
    requests: list[tuple[str, dict[str, Any]]] = [
        ("/v1/leads", CAPTURE),
        ("/v1/leads", capture),
        (one + ":enrich", ENRICH),
        (one + ":qualify", {"grade": "hot", "reasons": ["visited"], "note": "n"}),
        (one + ":schedule-follow-up", {"next_action": ACTION, "note": "n"}),
        (one + ":lose", {"reason": "price", "competitor": "honda-accord", "note": "n"}),
        (one + ":reopen", {"reason": "called_back", "next_action": ACTION, "note": "n"}),
    ]
    for path, body in requests:
        for leaf in leaves(body):
            where = f"POST {path.replace(one, '/v1/leads/{id}')} {'/'.join(map(str, leaf))}"
            good = replaced(body, leaf, canaries.new(where))
            await post(path, good)
            bad = replaced(body, leaf, canaries.new(where + " (refused)"))
            await post(path, {**bad, canaries.new(where + " (unknown key)"): canaries.new(where + " (its value)")})
    for name in ("Idempotency-Key", "If-Match", "X-Correlation-Id", "User-Agent", "traceparent", "Content-Type"):
        await post("/v1/leads", capture, **{name: canaries.new("header " + name)})
        quoted = f'"{canaries.new("quoted header " + name)}"'
        await post("/v1/leads", capture, **{name: quoted})
    broken = [f'{{"source": "{canaries.new("broken JSON")}"', f'"{canaries.new("a string")}"']
    for raw in broken:
        keep(await lead.post("/v1/leads", content=raw, headers={"Content-Type": "application/json"}), answers)
    for raw in broken:
        headers = {"Content-Type": "application/json", "Idempotency-Key": canaries.new("key of broken JSON")}
        keep(await lead.post("/v1/leads", content=raw, headers=headers), answers)


async def send_adf(lead: httpx2.AsyncClient, canaries: Canaries, answers: list[str]) -> None:
    good = {
        "status": "new", "source": "portal", "id": "1", "date": "2026-01-01T08:00:00Z", "make": "Honda",
        "model": "Accord", "vin": "1HGCM82633A004352", "name": "John Doe", "email": "j@example.com", "type": "voice",
        "phone": "13900000000", "street": "1 Road", "city": "Shanghai", "comments": "call", "vendor": "Dealer",
        "provider": "Portal", "tag": "extra", "odd": "odd",
    }  # fmt: skip
    assert set(ADF_FIELDS) == set(good)
    documents = []
    for name in ADF_FIELDS:
        canary = canaries.new(f"ADF {name}")
        documents.append(ADF.format(**{**good, "id": canaries.new("ADF id of " + name), name: canary}))
    unreadable = canaries.new("ADF unreadable")
    documents += [
        f"<adf><prospect><customer>{unreadable}</prospect></adf>",
        f"<!DOCTYPE adf [<!ENTITY a '{canaries.new('ADF entity')}'>]><adf><prospect>&a;</prospect></adf>",
        canaries.new("ADF not XML"),
    ]
    for number, document in enumerate(documents):
        headers = {"Content-Type": "application/xml", "Idempotency-Key": f"canary-adf-{number}"}
        keep(await lead.post("/v1/adf", content=document, headers=headers), answers)
    page = (await lead.get("/v1/adf/quarantine")).json()
    assert page["items"]
    for entry in page["items"]:
        path = f"/v1/adf/quarantine/{entry['quarantine']}:replay"
        headers = {"Content-Type": "application/xml", "Idempotency-Key": f"canary-replay-{entry['quarantine']}"}
        document = f"<adf><prospect>{canaries.new('ADF replayed')}</prospect></adf>"
        keep(await lead.post(path, content=document, headers=headers), answers)


async def send_reads(
    lead: httpx2.AsyncClient, record: httpx2.AsyncClient, canaries: Canaries, answers: list[str]
) -> None:
    for name in ("phone", "email", "name", "vin"):
        body = {name: canaries.new("search by " + name)}
        keep(await record.post("/v1/customers:search", json=body), answers)
        keep(await record.post("/v1/customers:search", json={**body, canaries.new("search key"): 1}), answers)
    paths = [
        (lead, "/v1/leads/{}"),
        (lead, "/v1/leads/{}/events"),
        (lead, "/v1/adf/quarantine/{}"),
        (lead, "/{}"),
        (record, "/v1/customers/{}"),
        (record, "/v1/customers/{}/timeline"),
    ]
    for client, path in paths:
        keep(await client.get(path.format(canaries.new("path of " + path))), answers)
    for client, path in ((lead, "/v1/leads"), (record, "/v1/customers/x/timeline"), (lead, "/v1/adf/quarantine")):
        for name in ("state", "grade", "dealer", "cursor", "limit", "min", "type", canaries.new("query name")):
            keep(await client.get(path, params={name: canaries.new(f"query {name} of {path}")}), answers)
    token = {"Authorization": f"Bearer {canaries.new('token')}"}
    keep(await lead.get("/v1/leads", headers=token), answers)


def keep(response: httpx2.Response, answers: list[str]) -> None:
    """Problem bodies and all headers must never repeat what was sent; good answers may show it to whoever may see."""
    assert response.status_code < 500, response.text
    body = response.text if response.status_code >= 400 else ""
    answers.append(body + json.dumps(dict(response.headers)))


# ── The search ────────────────────────────────────────────────────────────────────────────────────────────────
async def search(net: Net, answers: list[str]) -> dict[str, set[str]]:
    """Every place, and the canaries in it (lower case: normalised search keys have no other)."""
    found = {"answers": hits("\n".join(answers))}
    for service in ("lead", "projection"):
        connection = await net.connect(service)
        try:
            for table in await tables(connection):
                rows = await connection.fetch(f'SELECT t::text AS row FROM "{table}" AS t')
                found[f"table {service}.{table}"] = set().union(*(hits(decoded(row["row"])) for row in rows), set())
        finally:
            await connection.close()
        async with httpx2.AsyncClient(base_url=net.url(service), trust_env=False) as client:
            found[f"metrics of {service}"] = hits((await client.get("/metrics")).text)
    for topic in ("roadbook.lead.v1", PERSONAL_TOPIC):
        messages = await asyncio.to_thread(read_topic, net.stack.bootstrap, topic)
        found[f"headers and keys of {topic}"] = hits("\n".join(str((m.key, m.headers)) for m in messages))
        found[f"topic {topic}"] = hits("\n".join((m.value or b"").decode() for m in messages))
    found |= await asyncio.to_thread(search_files, Path(net.stack.home))
    return found


def search_files(home: Path) -> dict[str, set[str]]:
    found = {}
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        tables_and_wal = inside.parts[0].startswith("postgres")  # searched as tables, and they hold what may be held
        if path.is_file() and not tables_and_wal and PERSONAL_TOPIC not in str(inside):
            found[f"file {inside}"] = hits(path.read_bytes().decode("utf-8", "replace"))
    return found


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [row["tablename"] for row in rows]


def decoded(row: str) -> str:
    """Bytes print as hex, and held headers are base64: read them too."""
    texts = [bytes.fromhex(h).decode("utf-8", "replace") for h in re.findall(r"\\x((?:[0-9a-f]{2})+)", row)]
    for word in re.findall(r"[A-Za-z0-9+/]{12,}={0,2}", row):
        with contextlib.suppress(binascii.Error):
            texts.append(base64.b64decode(word + "=" * (-len(word) % 4)).decode("utf-8", "replace"))
    return "\n".join([row, *texts])


def hits(text: str) -> set[str]:
    return {hit.lower() for hit in CANARY.findall(text)}


async def plant_and_find(net: Net) -> None:
    """The same search finds what is planted: in a log, in a table, in a header and in a fact."""
    planted = "CNRY99999Zq"
    log = Path(net.stack.home) / "logs" / "planted.log"
    log.write_text(json.dumps({"event": planted}))
    connection = await net.connect("lead")
    producer = Producer({"bootstrap.servers": net.stack.bootstrap})
    try:
        await connection.execute(
            "INSERT INTO idempotency (key, fingerprint, status, answer) VALUES ($1, '', 200, '{}')",
            planted.encode(),
        )
        headers = [("sequence", b"0000000001"), ("x", planted.encode())]
        producer.produce(PERSONAL_TOPIC, None, "planted/x/y", headers=headers)
        assert producer.flush(10) == 0
        found = await search(net, [])
        places = {place for place, canaries in found.items() if planted.lower() in canaries}
        assert {"file logs/planted.log", "table lead.idempotency", f"headers and keys of {PERSONAL_TOPIC}"} <= places
    finally:
        await connection.execute("DELETE FROM idempotency WHERE key = $1", planted.encode())
        await connection.close()
        log.unlink()
