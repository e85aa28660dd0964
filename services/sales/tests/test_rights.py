"""Every operation of the OpenAPI document against every id of another dealer: as if it had never been, n of n."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from lead_api import ok, operations, problem, same
from sales_api import LAVIDA, SELLER, bought, id_of, opened, quoted, settled, vin

from roadbook.clock import SimulatedClock

HERE, THERE = "dealer-sh-01", "dealer-sh-02"
QUERY = {"from": "2026-01-01", "to": "2026-01-31"}
Things = dict[str, str]
Operation = tuple[str, str, dict[str, Any]]


# ── One of each kind, as dealer 1 ─────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def things(api: Any, timers: Any) -> Things:
    """By path parameter: what dealer 1 has."""
    opportunity = await opened(api)
    quote = await quoted(api, opportunity)
    order = await bought(api, 1)
    found = ok(await api.get(f"/v1/orders/{order}"))
    policy = {"partner": "picc", "kind": "all", "premium": 1, "currency": "CNY", "expires": "2026-01-20"}
    ok(await api.post(f"/v1/orders/{order}:arrange-insurance", policy))
    traded = {"vin": vin(2), "offer": {"minor": 5_000_000, "currency": "CNY"}, "valid_until": "2026-02-01T00:00:00Z"}
    sold = await api.post("/v1/accessory-sales", example(_document(api), "/v1/accessory-sales") | {"order": order})
    ok(await api.post("/v1/sales-targets", {"period": "2026-01", "units": 5, "currency": "CNY"}))
    ok(await api.post("/v1/forecasts", {"period": "2026-01"}))
    await settled(timers)
    return {
        "opportunity_id": opportunity,
        "quote_id": quote,
        "contract_id": found["contract"].partition("/")[2],
        "order_id": order,
        "trade_in_id": id_of(await api.post("/v1/trade-ins", traded)),
        "accessory_sale_id": id_of(sold),
        "vin": vin(1),
        "staff_id": SELLER,
        "dealer": HERE,
        "period": "2026-01",
        "party_ref": found["party_ref"],
    }


def never() -> Things:
    """The same kinds, of which none ever was."""
    ids = ("opportunity_id", "quote_id", "contract_id", "order_id", "trade_in_id", "accessory_sale_id", "party_ref")
    named = {"vin": vin(99), "staff_id": "staff-xx-99-1", "dealer": "dealer-xx-99", "period": "2026-01"}
    return {**{name: str(uuid.uuid4()) for name in ids}, **named}


def _document(api: Any) -> dict[str, Any]:
    document: dict[str, Any] = api.client._transport.app.openapi()
    return document


def example(document: dict[str, Any], path: str) -> Any:
    content = document["paths"][path]["post"].get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else dict(next(iter(content["examples"].values()))["value"])


def theirs(body: Any) -> Any:
    """The same body as dealer 2 would write it."""
    text = json.dumps(body).replace("staff-sh-01-", "staff-sh-02-")
    return json.loads(text.replace(f'"{HERE}"', f'"{THERE}"'))


def filled(path: str, things: Things) -> str:
    return re.sub(r"\{([a-z_]+)\}", lambda match: things[match[1]], path)


def parameters(path: str) -> list[str]:
    return re.findall(r"\{([a-z_]+)\}", path)


async def call(client: Any, operation: Operation, things: Things, body: Any = None) -> httpx2.Response:
    """A valid request; its JSON body is the document's example as dealer 2 would write it, unless one is given."""
    method, path, described = operation
    url = filled(path, things)
    if method == "GET":
        asked = [each["name"] for each in described.get("parameters", []) if each["in"] == "query" and each["required"]]
        response: httpx2.Response = await client.get(url, **{name: QUERY[name] for name in asked})
        return response
    content = described.get("requestBody", {}).get("content", {})
    if body is None and "application/json" in content:
        body = theirs(next(iter(content["application/json"]["examples"].values()))["value"])
    sent: httpx2.Response = await client.post(url, body)
    return sent


def raw_bytes(response: httpx2.Response, things: Things) -> bytes:
    """The body without the two ids of the single request, and without what the path itself named."""
    text = re.sub(r'"(instance|trace_id)":"[^"]*"', "", response.text)
    for name, value in things.items():
        text = text.replace(value, f"<{name}>")
    return text.encode()


def private(document: dict[str, Any]) -> list[Operation]:
    """Operations on a thing of a dealer. A parameter that nothing here stands for fails the test by its name. What is
    added to a vehicle, which belongs to nobody, has a test of its own."""
    found = [each for each in operations(document) if parameters(each[1])]
    unknown = {name for _, path, _ in found for name in parameters(path)} - never().keys()
    assert not unknown, f"make one of each as dealer 1: {unknown}"
    return [each for each in found if not (each[0] == "POST" and each[1].startswith("/v1/vehicles/"))]


def a_thing(path: str) -> bool:
    """Whether the path names a thing by its id: where it names a dealer or a person, nothing is found of them."""
    return path.startswith("/v1/vehicles") or any(
        name.endswith("_id") and name != "staff_id" for name in parameters(path)
    )


# ── n of n ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_operation_on_anothers_thing_answers_as_on_nothing(
    app: FastAPI, api: Any, caller: Callable[..., Any], things: Things, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = private(app.openapi())
    # Dealer 1 itself is answered: what is refused to dealer 2 is there.
    for operation in chosen:
        if operation[0] == "GET":
            assert (await call(api, operation, things)).status_code == 200, operation[:2]
    before = ok(await api.get(f"/v1/orders/{things['order_id']}"))
    for other in (caller(THERE), caller(THERE, scopes=["sales:read", "sales:write", "network:all"])):
        for operation in chosen:
            nobody = never()
            foreign, nothing = await call(other, operation, things), await call(other, operation, nobody)
            if a_thing(operation[1]):
                problem(foreign, 404, "not_found")
            assert foreign.status_code == nothing.status_code, operation[:2]
            assert raw_bytes(foreign, things) == raw_bytes(nothing, nobody), operation[:2]
            if foreign.status_code >= 400:
                assert same(foreign)[2] == same(nothing)[2], operation[:2]
    assert ok(await api.get(f"/v1/orders/{things['order_id']}")) == before
    with capsys.disabled():
        print(f"\nanother dealer's sales: {len(chosen)} of {len(chosen)} operations answer as nothing, byte for byte")


async def test_no_list_names_anything_of_another_dealer(
    app: FastAPI, caller: Callable[..., Any], things: Things
) -> None:
    other, count = caller(THERE), 0
    secret = [value for name, value in things.items() if name not in ("period", "dealer", "staff_id")]
    asked = {"dealer": "dealer", "staff": "staff_id", "vin": "vin", "party_ref": "party_ref", "contract": "contract_id",
             "opportunity": "opportunity_id", "order": "order_id"}  # fmt: skip
    for operation in operations(app.openapi()):
        method, path, described = operation
        if method != "GET" or (parameters(path) and parameters(path) != ["period"]):
            continue
        count += 1
        answer = await call(other, operation, things)
        assert answer.status_code == 200, (path, answer.text)
        assert not [value for value in secret if value in answer.text], path
        required = {name: QUERY[name] for name in ("from", "to") if any(
            each["name"] == name and each["required"] for each in described.get("parameters", []))}  # fmt: skip
        for parameter in described.get("parameters", []):
            kind = asked.get(parameter["name"])
            if parameter["in"] != "query" or kind is None:
                continue
            nobody = never()
            url = filled(path, things)
            foreign = await other.get(url, **required, **{parameter["name"]: things[kind]})
            nothing = await other.get(url, **required, **{parameter["name"]: nobody[kind]})
            assert foreign.status_code == nothing.status_code, (path, parameter["name"])
            assert raw_bytes(foreign, things) == raw_bytes(nothing, nobody), (path, parameter["name"])
    assert count >= 10


async def test_an_id_in_a_body_is_refused_as_one_that_never_was(
    app: FastAPI, caller: Callable[..., Any], things: Things
) -> None:
    """Every POST that creates and takes a member named like an id of ours."""
    other, document = caller(THERE), app.openapi()
    members = {"party_ref": "party_ref", "opportunity": "opportunity_id", "quote": "quote_id", "order": "order_id",
               "contract": "contract_id", "trade_in": "trade_in_id"}  # fmt: skip
    tried = set()
    for operation in operations(document):
        method, path, described = operation
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        if method != "POST" or content is None or (parameters(path) and not path.startswith("/v1/vehicles")):
            continue
        schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        for member, kind in members.items():
            if member not in schema["properties"]:
                continue
            body, nobody = theirs(next(iter(content["examples"].values()))["value"]), never()
            foreign = await call(other, operation, never(), {**body, member: things[kind]})
            nothing = await call(other, operation, never(), {**body, member: nobody[kind]})
            assert 400 <= foreign.status_code < 500, (path, foreign.text)
            assert same(foreign) == same(nothing), (path, member)
            tried.add((path, member))
    assert tried >= {
        ("/v1/opportunities", "party_ref"),
        ("/v1/quotes", "opportunity"),
        ("/v1/contracts", "opportunity"),
        ("/v1/orders", "contract"),
        ("/v1/vehicles/{vin}:sell-used", "party_ref"),
    }


# ── Vehicles ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_of_a_vehicle_each_dealer_learns_its_own_part(
    api: Any, hq: Any, caller: Callable[..., Any], things: Things, clock: SimulatedClock
) -> None:
    """Dealer 2 takes in and sells a vehicle that dealer 1 delivered, and is answered as of one that nobody knew."""
    other, known, new = caller(THERE), f"/v1/vehicles/{things['vin']}", f"/v1/vehicles/{vin(50)}"
    for path in (known, new):
        problem(await other.get(path), 404, "not_found")
    clock.advance(timedelta(days=300))
    answers = []
    for path in (known, new):
        back = await other.post(f"{path}:record-transfer", {"party_ref": None}, match='"v7"')
        clock.advance(timedelta(days=1))
        sale = await other.post(f"{path}:sell-used", {"price": 5_000_000, "currency": "CNY"})
        read = await other.get(path)
        answers.append([back, sale, read])
        assert [each["cause"] for each in ok(read)["owners"]] == ["private", "used_sale"]
    for one, two in zip(*answers, strict=True):
        assert one.status_code == two.status_code == 200
        assert one.headers.keys() == two.headers.keys()
        assert "etag" not in one.headers
        assert shape(one.json()) == shape(two.json())
    # Dealer 1 still sees its own part, as if it went on; headquarters sees all of it.
    mine = ok(await api.get(known))["owners"]
    assert [(each["cause"], each["until"]) for each in mine] == [("delivery", None)]
    whole = ok(await hq.get(known))["owners"]
    assert [each["cause"] for each in whole] == ["delivery", "private", "used_sale"]


def shape(value: Any) -> Any:
    """Without ids and times."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


async def test_a_party_is_anothers_until_you_have_to_do_with_it(caller: Callable[..., Any], things: Things) -> None:
    body = {"source": "showroom", "models": [LAVIDA], "party_ref": things["party_ref"]}
    problem(await caller(THERE).post("/v1/opportunities", body), 404, "party_unknown")
    id_of(await caller(HERE).post("/v1/opportunities", body))


# ── Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_operation_wants_its_scope_and_somebody(
    app: FastAPI, http: httpx2.AsyncClient, caller: Callable[..., Any]
) -> None:
    """401 without a token; 403 with the other scope, and without a dealer or the whole network."""
    chosen = operations(app.openapi())
    for operation in chosen:
        method, path, described = operation
        (needed,) = described["security"]
        (wanted,) = needed["oidc"]
        assert wanted == ("sales:read" if method == "GET" else "sales:write"), path
        problem(await http.request(method, filled(path, never())), 401, "authentication_required")
        poor = caller(HERE, scopes=["sales:write" if method == "GET" else "sales:read"])
        problem(await call(poor, operation, never()), 403, "forbidden")
        problem(await call(caller(None), operation, never()), 403, "forbidden")
    assert len(chosen) >= 60
