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
from lead_api import SELLER, captured, ok, operations, problem, same

from roadbook.clock import SimulatedClock

pytestmark = pytest.mark.usefixtures("documented")
HERE, THERE = "dealer-sh-01", "dealer-sh-02"
LAVIDA, LAVIDA_THERE = "LSVAA49J6T2900010", "LSVAA49J9T2900020"
ALL = ["lead:read", "lead:write", "lead:intake", "record:read"]
# What headquarters runs for everybody: each dealer reads it, and nothing of another dealer stands in it.
NETWORK = ("/v1/campaigns", "/v1/campaign-results", "/v1/media-spend", "/v1/media-effect")
ADF = b"""<?xml version='1.0'?><adf><prospect><requestdate>2026-01-04T10:00:00+08:00</requestdate>
<vehicle><make>Audi</make><model>A4</model></vehicle></prospect></adf>"""
ROWS = b'{"row_id":"r1","source":"visit","person":{"name":"Zhang Wei"}}\n{"row_id":"r2","source":"visit"}\n'
QUERY = {"from": "2026-01-01", "to": "2026-01-04"}
Things = dict[str, str]
Operation = tuple[str, str, dict[str, Any]]


# ── One of each kind, as dealer 1 ─────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def things(api: Any, hq: Any, intent: dict[str, Any]) -> Things:
    """By path parameter: what dealer 1 has."""
    lead = await captured(api, intent)
    found = ok(await api.get(lead))
    ok(await api.post(f"{lead}:protect", {"staff": SELLER}))
    taken = ok(await api.post("/v1/adf", raw=ADF, media_type="application/xml"))
    sent = ok(await api.post("/v1/leads:import?source=fair", raw=ROWS, media_type="application/x-ndjson"))
    booking = {"lead": found["lead"], "vin": LAVIDA, "starts": "2026-01-06T10:00:00+08:00", "minutes": 30}
    drive = await api.post("/v1/test-drives", booking)
    group = await api.post("/v1/group-buys", example(_document(api), "/v1/group-buys"))
    ok(await api.post(f"{group.headers['location']}:join", {"lead": found["lead"]}))
    ok(await api.post("/v1/showroom-days", example(_document(api), "/v1/showroom-days")))
    campaign = example(_document(api), "/v1/campaigns")
    ok(await hq.post("/v1/campaigns", campaign))
    return {
        "lead_id": found["lead"],
        "party_ref": found["party_ref"],
        "quarantine_id": taken["results"][0]["quarantine"],
        "import_id": sent["import"],
        "test_drive_id": drive.headers["location"].rpartition("/")[2],
        "group_buy_id": group.headers["location"].rpartition("/")[2],
        "vin": LAVIDA,
        "staff_id": SELLER,
        "dealer": HERE,
        "day": "2026-01-04",
        "code": campaign["code"],
    }


def never() -> Things:
    """The same kinds, of which none ever was."""
    ids = ("lead_id", "party_ref", "quarantine_id", "import_id", "test_drive_id", "group_buy_id")
    named = {"vin": "LSVAA49J5T2900999", "staff_id": "staff-xx-99-1", "dealer": "dealer-xx-99", "day": "2026-01-04"}
    return {**{name: str(uuid.uuid4()) for name in ids}, **named, "code": "never_2026"}


def _document(api: Any) -> dict[str, Any]:
    document: dict[str, Any] = api.client._transport.app.openapi()
    return document


def example(document: dict[str, Any], path: str) -> Any:
    """The example of a POST, with the staff and the car of who sends it as dealer 1."""
    content = document["paths"][path]["post"].get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else next(iter(content["examples"].values()))["value"]


def theirs(body: Any) -> Any:
    """The same body as dealer 2 would write it."""
    text = json.dumps(body).replace("staff-sh-01-", "staff-sh-02-").replace(LAVIDA, LAVIDA_THERE)
    return json.loads(text.replace(f'"{THERE}"', '"dealer-sh-04"').replace(f'"{HERE}"', f'"{THERE}"'))


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
    if "application/x-ndjson" in content:
        return await _raw(client, url + "?source=fair", ROWS, "application/x-ndjson")
    if "application/xml" in content:
        return await _raw(client, url, ADF, "application/xml")
    if body is None and "application/json" in content:
        body = theirs(next(iter(content["application/json"]["examples"].values()))["value"])
    sent: httpx2.Response = await client.post(url, body)
    return sent


async def _raw(client: Any, url: str, raw: bytes, media_type: str) -> httpx2.Response:
    response: httpx2.Response = await client.post(url, raw=raw, media_type=media_type)
    return response


def raw_bytes(response: httpx2.Response) -> bytes:
    """The body without the two ids of the single request, which have the same length in all."""
    return re.sub(rb'"(instance|trace_id)":"[^"]*"', b"", response.content)


def private(document: dict[str, Any]) -> list[Operation]:
    """Operations on a thing of a dealer. A parameter that nothing here stands for fails the test by its name."""
    found = [each for each in operations(document) if parameters(each[1]) and not each[1].startswith(NETWORK)]
    unknown = {name for _, path, _ in found for name in parameters(path)} - never().keys()
    assert not unknown, f"make one of each as dealer 1: {unknown}"
    return found


async def walk(
    other: Any, chosen: list[Operation], things: Things, answers: Callable[[Operation, httpx2.Response], None]
) -> int:
    """How many operations answer another dealer's thing as one that never was."""
    count = 0
    for operation in chosen:
        foreign, nothing = await call(other, operation, things), await call(other, operation, never())
        answers(operation, foreign)
        assert same(foreign) == same(nothing), operation[:2]
        assert raw_bytes(foreign) == raw_bytes(nothing), operation[:2]
        count += 1
    return count


def gone(operation: Operation, response: httpx2.Response) -> None:
    if operation[1].startswith("/v1/hand-over/"):
        assert ok(response)["items"] == []  # whose staff exists is no secret: what they work is
        return
    assert response.status_code == 404, (operation[:2], response.text)
    problem(response, 404, "not_found")


# ── n of n ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_operation_on_anothers_thing_answers_as_on_nothing(
    app: FastAPI, api: Any, caller: Callable[..., Any], things: Things, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = private(app.openapi())
    before = ok(await api.get(f"/v1/leads/{things['lead_id']}"))
    # Dealer 1 itself is answered: what is refused to dealer 2 is there.
    for operation in chosen:
        if operation[0] == "GET":
            assert (await call(api, operation, things)).status_code == 200, operation[:2]
    assert await walk(caller(THERE), chosen, things, gone) == len(chosen)
    # A dealer's token does not become headquarters' by a scope.
    assert await walk(caller(THERE, scopes=[*ALL, "network:all"]), chosen, things, gone) == len(chosen)
    assert ok(await api.get(f"/v1/leads/{things['lead_id']}")) == before
    with capsys.disabled():
        print(f"\nanother dealer's things: {len(chosen)} of {len(chosen)} operations answer 404, byte for byte")


async def never_shared(api: Any, hq: Any, other: Any, intent: dict[str, Any], clock: SimulatedClock) -> str:
    return await captured(api, intent)


async def revoked(api: Any, hq: Any, other: Any, intent: dict[str, Any], clock: SimulatedClock) -> str:
    lead = await captured(api, intent)
    share = {"dealer": THERE, "scope": "contact", "until": "2026-02-01T00:00:00Z", "reason": "help"}
    ok(await api.post(f"{lead}:share", share))
    ok(await other.get(lead))
    ok(await api.post(f"{lead}:revoke-share", {"dealer": THERE}))
    return lead


async def run_out(api: Any, hq: Any, other: Any, intent: dict[str, Any], clock: SimulatedClock) -> str:
    lead = await captured(api, intent)
    share = {"dealer": THERE, "scope": "contact", "until": "2026-01-05T09:00:00Z", "reason": "help"}
    ok(await api.post(f"{lead}:share", share))
    ok(await other.get(lead))
    clock.advance(timedelta(hours=1))
    return lead


async def declined(api: Any, hq: Any, other: Any, intent: dict[str, Any], clock: SimulatedClock) -> str:
    lead = await captured(hq, intent, dealer_wish=THERE)
    ok(await hq.post(f"{lead}:route", {}))
    ok(await other.post(f"{lead}:decline", {"reason": "no_capacity"}))
    return lead


async def taken_away(api: Any, hq: Any, other: Any, intent: dict[str, Any], clock: SimulatedClock) -> str:
    lead = await captured(other, intent)
    ok(await other.post(f"{lead}:protect", {"staff": "staff-sh-02-1"}))
    ok(await hq.post(f"{lead}:route", {"dealer": HERE}))
    ok(await api.post(f"{lead}:accept", {}))
    return lead


async def headquarters_own(api: Any, hq: Any, other: Any, intent: dict[str, Any], clock: SimulatedClock) -> str:
    return await captured(hq, intent)


async def test_what_was_seen_once_is_gone_for_every_operation(
    app: FastAPI, api: Any, hq: Any, caller: Callable[..., Any], intent: dict[str, Any], clock: SimulatedClock
) -> None:
    other = caller(THERE)
    chosen = [each for each in private(app.openapi()) if parameters(each[1]) == ["lead_id"]]
    for how in (never_shared, revoked, run_out, declined, taken_away, headquarters_own):
        lead = (await how(api, hq, other, intent, clock)).rpartition("/")[2]
        assert await walk(other, chosen, {**never(), "lead_id": lead}, gone) == len(chosen) >= 25, how
        for path in ("/v1/leads", "/v1/shared-leads"):
            assert ok(await other.get(path))["items"] == [], how


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_list_is_empty_for_who_has_nothing(
    app: FastAPI, caller: Callable[..., Any], things: Things
) -> None:
    """And no answer of any kind names anything of dealer 1, not even when it is asked for by name."""
    other, count = caller(THERE), 0
    secret = [value for name, value in things.items() if name not in ("day", "code")]
    asked = {"dealer": "dealer", "lead": "lead_id", "owner": "staff_id", "vin": "vin"}
    for operation in operations(app.openapi()):
        method, path, described = operation
        if method != "GET" or (parameters(path) and not path.startswith(NETWORK)):
            continue
        count += 1
        answer = await call(other, operation, things)
        assert answer.status_code == 200, (path, answer.text)
        assert not [value for value in secret if value in answer.text], path
        if not path.startswith(NETWORK):
            assert empty(answer), path
        for parameter in described.get("parameters", []):
            kind = asked.get(parameter["name"])
            if parameter["in"] != "query" or kind is None:
                continue
            url = filled(path, things)
            foreign = await other.get(url, **{parameter["name"]: things[kind]})
            nothing = await other.get(url, **{parameter["name"]: never()[kind]})
            assert foreign.status_code == 200, (path, foreign.text)
            assert same_page(foreign) == same_page(nothing), (path, parameter["name"])
    assert count >= 12


def empty(response: httpx2.Response) -> bool:
    if response.headers["content-type"].startswith("text/csv"):
        return len(response.text.strip().splitlines()) == 1
    body = response.json()
    return not body["items"] if "items" in body else body["leads"] == 0


def same_page(response: httpx2.Response) -> tuple[int, bytes]:
    return response.status_code, response.content


# ── Ids in bodies ─────────────────────────────────────────────────────────────────────────────────────────────
async def test_an_id_in_a_body_is_refused_as_one_that_never_was(
    app: FastAPI, api: Any, hq: Any, caller: Callable[..., Any], things: Things
) -> None:
    """Every POST that takes a member named like an id of ours is given dealer 1's and one that never was."""
    other, document = caller(THERE), app.openapi()
    network = await hq.post("/v1/group-buys", example(document, "/v1/group-buys"))
    open_to_all = {"group_buy_id": network.headers["location"].rpartition("/")[2]}
    members = {"lead": "lead_id", "party_ref": "party_ref"}
    tried = set()
    for operation in operations(document):
        method, path, described = operation
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        if method != "POST" or content is None:
            continue
        schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        for member, kind in members.items():
            if member not in schema["properties"]:
                continue
            body = theirs(next(iter(content["examples"].values()))["value"])
            at = {**never(), **open_to_all}
            foreign = await call(other, operation, at, {**body, member: things[kind]})
            nothing = await call(other, operation, at, {**body, member: never()[kind]})
            assert 400 <= foreign.status_code < 500, (path, foreign.text)
            assert same(foreign) == same(nothing), (path, member)
            assert raw_bytes(foreign) == raw_bytes(nothing), (path, member)
            tried.add((path, member))
    assert tried >= {
        ("/v1/leads", "party_ref"),
        ("/v1/test-drives", "lead"),
        ("/v1/group-buys/{group_buy_id}:join", "lead"),
    }

    rows = json.dumps({"row_id": "r1", "source": "visit", "party_ref": things["party_ref"]}).encode()
    sent = ok(await _raw(other, "/v1/leads:import?source=fair", rows, "application/x-ndjson"))
    assert sent["rejected"] == 1
    moved = ok(await other.post("/v1/leads:reassign", {"from": SELLER, "to": "staff-sh-02-1", "reason": "left"}))
    assert moved == {"moved": 0, "to": {}, "left": 0}
    assert ok(await api.get(f"/v1/leads/{things['lead_id']}"))["owner"] == SELLER


# ── Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_operation_wants_its_scope_and_somebody(
    app: FastAPI, http: httpx2.AsyncClient, caller: Callable[..., Any], things: Things
) -> None:
    """401 without a token; 403 with every scope but the one it wants, and without a dealer or the whole network."""
    chosen = operations(app.openapi())
    for operation in chosen:
        method, path, described = operation
        (needed,) = described["security"]
        wanted = set(needed["oidc"])
        assert wanted, path
        bare = await http.request(method, filled(path, things))
        problem(bare, 401, "authentication_required")
        for missing in wanted:
            poor = caller(HERE, scopes=[scope for scope in ALL if scope != missing])
            problem(await call(poor, operation, things), 403, "forbidden")
        problem(await call(caller(None, scopes=ALL), operation, things), 403, "forbidden")
        problem(await call(caller(HERE, scopes=[]), operation, things), 403, "forbidden")
    assert len(chosen) >= 60


async def test_what_is_headquarters_is_refused_to_dealers_and_open_to_it(
    app: FastAPI, hq: Any, caller: Callable[..., Any], things: Things
) -> None:
    """A dealer is told so only of what it may see; headquarters reads every dealer's things."""
    document = app.openapi()
    lead = f"/v1/leads/{things['lead_id']}"
    problem(await caller(HERE).post(f"{lead}:route", {}), 403, "headquarters_only")
    for path in ("/v1/campaigns", "/v1/media-spend"):
        problem(await caller(HERE).post(path, example(document, path)), 403, "headquarters_only")
    problem(
        await caller(HERE).post(f"/v1/campaigns/{things['code']}:close", {"reason": "budget"}), 403, "headquarters_only"
    )
    for operation in private(document):
        if operation[0] == "GET":
            assert (await call(hq, operation, things)).status_code == 200, operation[:2]
