"""A canary in every string of every request, on success and failure, is found only where personal data may be.

Topics (as read and as files), headers, logs, spans, metrics, problem bodies and every table are searched. A canary
has a shape that hardly a code of a fact accepts (see `CODES`), so it can only be stored as what somebody typed.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
from canaries import PERSONAL_TOPIC, Canaries, Published, keep, leaves, replaced, search, settled, strings_of
from confluent_kafka import Producer
from harness import DEALER, SERVICES, Net, until

# Personal data, what it was read from, and what it is found by: all erasable, by party reference or by time.
MAY_HOLD = {
    ("lead", "personal_data"),
    ("lead", "adf_documents"),
    ("lead", "adf_quarantine"),
    ("identity", "personal_data"),
    ("identity", "match_keys"),
    ("identity", "match_blocks"),
    ("projection", "personal_values"),
    ("projection", "search_keys"),
}
# Codes that others gave, capitals and all. They are facts, and a canary could be one, but no sentence can: so these may
# be where facts are, and nowhere else. (To take less than is published would break who sends them: ADR 0011.)
CODES = {
    "POST /v1/party-refs/{party_ref}:verify-contact-point /by of example 1",
    "POST /v1/opportunities /tender of example 2",
    "POST /v1/contracts/{contract_id}:receive-deposit /receipt of example 1",
    "POST /v1/contracts/{contract_id}:apply-for-finance /application of example 1",
}
WITH_CODES = {
    *("table identity.events", "table sales.events", "table sales.opportunities"),
    *("table projection.facts", "table projection.stream_states"),
    *("topic roadbook.identity.v1", "topic roadbook.sales.v1"),
}

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
REGISTER = {"kind": "person", "source": "showroom"}
# Where canaries are put into the headers too.
HEADED: dict[str, tuple[str, dict[str, Any]]] = {
    "lead": ("/v1/leads", {k: v for k, v in CAPTURE.items() if k != "party_ref"}),
    "identity": ("/v1/party-refs", REGISTER),
    "sales": ("/v1/opportunities", {"source": "showroom", "models": ["volkswagen-lavida"]}),
    "projection": ("/v1/customers:search", {"phone": "13800000000"}),
}
# What the documented examples leave out: a value of every kind, a call for tenders.
MORE: dict[str, list[dict[str, Any]]] = {
    "/v1/party-refs/{party_ref}:add-contact-point": [
        {"email": "zhang@example.com", "source": "showroom"},
        {"address": INTENT["person"]["addresses"][0], "source": "showroom"},
    ],
    "/v1/party-refs/{party_ref}:correct-contact-point": [
        {"key": "email/1", "email": "wei@example.com", "source": "customer"},
    ],
    "/v1/party-refs/{party_ref}:record-profile": [
        {"source": "showroom", "fields": [{"name": "occupation", "purpose": "financing", "value": "teacher"}]}
    ],
    "/v1/opportunities": [
        {"source": "showroom", "models": ["volkswagen-lavida"], "owner_kind": "government_institution",
         "tender": "zfcg-2026-0117"},
    ],
}  # fmt: skip
ADF = """<?xml version="1.0"?><?adf version="1.0"?><adf><prospect status="{status}">
<id sequence="1" source="{source}">{id}</id><requestdate>{date}</requestdate>
<vehicle interest="buy" status="new"><year>2024</year><make>{make}</make><model>{model}</model>
<vin>{vin}</vin></vehicle>
<customer><contact><name part="full">{name}</name><email>{email}</email><phone type="{type}">{phone}</phone>
<address><street>{street}</street><city>{city}</city></address></contact><comments>{comments}</comments></customer>
<vendor><vendorname>{vendor}</vendorname></vendor><provider><name>{provider}</name></provider><{tag}>{odd}</{tag}>
</prospect></adf>"""
ADF_FIELDS = tuple(re.findall(r"\{(\w+)\}", ADF.replace("</{tag}>", "")))


async def test_a_canary_stays_where_personal_data_may_be(net: Net) -> None:
    canaries, answers = Canaries(), list[str]()
    async with net.client("lead") as lead, net.client("projection") as record:
        await send_json(lead, canaries, answers)
        await send_adf(lead, canaries, answers)
        await send_searches(record, canaries, answers)
    known = await two_references(net)
    for service in SERVICES:
        async with net.client(service, None if service == "identity" else DEALER) as client:
            await Published(client, canaries, answers, MORE, known).ask(bodies=service in ("identity", "sales"))
            await send_headers(client, *HEADED[service], canaries, answers)
    assert len(canaries.put) > 1200

    await until(lambda: settled(net), seconds=120, every=0.2)
    found = await search(net, answers)
    leaks = {place: sorted(canaries.put.get(c, c) for c in hits) for place, hits in found.items() if hits}
    stored = {place: hits for place, hits in leaks.items() if place in {f"table {s}.{t}" for s, t in MAY_HOLD}}
    for service in ("lead", "identity"):
        assert stored[f"table {service}.personal_data"]  # they did arrive, so the search can find something
    assert {*leaks["topic roadbook.identity.v1"], *leaks["topic roadbook.sales.v1"]} == CODES
    allowed = {*stored, f"topic {PERSONAL_TOPIC}"}
    coded = {p for p in leaks if p in WITH_CODES or re.match(r"file kafka-data/\S+/roadbook\.(identity|sales)\.v1-", p)}
    strange = {p: hits for p, hits in leaks.items() if p not in allowed and not (p in coded and CODES.issuperset(hits))}
    assert strange == {}
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


async def send_headers(
    client: httpx2.AsyncClient, path: str, body: Any, canaries: Canaries, answers: list[str]
) -> None:
    """And bodies that are none."""

    async def post(**headers: str) -> None:
        key = {"Idempotency-Key": f"header-{len(answers)}"}
        keep(await client.post(path, json=body, headers={**key, **headers}), answers)

    for name in ("Idempotency-Key", "If-Match", "X-Correlation-Id", "User-Agent", "traceparent", "Content-Type"):
        await post(**{name: canaries.new(f"header {name} of {path}")})
        await post(**{name: f'"{canaries.new(f"quoted header {name} of {path}")}"'})
    await post(Authorization=f"Bearer {canaries.new('token of ' + path)}")
    broken = [f'{{"source": "{canaries.new("broken JSON")}"', f'"{canaries.new("a string")}"']
    for raw in broken:
        keep(await client.post(path, content=raw, headers={"Content-Type": "application/json"}), answers)
    for raw in broken:
        headers = {"Content-Type": "application/json", "Idempotency-Key": canaries.new("key of broken JSON")}
        keep(await client.post(path, content=raw, headers=headers), answers)
    keep(await client.get("/" + canaries.new("path without a route")), answers)


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


async def send_searches(record: httpx2.AsyncClient, canaries: Canaries, answers: list[str]) -> None:
    for name in ("phone", "email", "name", "vin"):
        body = {name: canaries.new("search by " + name)}
        keep(await record.post("/v1/customers:search", json=body), answers)
        keep(await record.post("/v1/customers:search", json={**body, canaries.new("search key"): 1}), answers)


async def two_references(net: Net) -> dict[str, Any]:
    async with net.client("identity", None) as client:
        made = [
            (await client.post("/v1/party-refs", json=REGISTER, headers={"Idempotency-Key": f"canary-ref-{n}"})).json()
            for n in range(2)
        ]
    refs = [each["party_ref"] for each in made]
    return {"party_ref": refs[0], "other": refs[1], "party_refs": refs}


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
