"""The HTTP side on a real Postgres: what is accepted, what is refused, and what is never told."""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from lead.api import ROUTERS
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.position import decode

pytestmark = pytest.mark.usefixtures("service")
CANARY = "CANARY7f3e9c1a"
VERBS: dict[str, dict[str, Any]] = {
    "enrich": {"comments": "am Nachmittag", "budget": {"currency": "CNY", "maximum": 16_000_000}},
    "qualify": {"grade": "hot", "reasons": ["test_drive"]},
    "schedule-follow-up": {"next_action": {"kind": "call", "due": "2026-01-07T08:00:00Z"}},
    "lose": {"reason": "no_answer"},
    "reopen": {"reason": "called_again"},
}


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    """The path of an open lead at version 2."""
    return str((await api.post("/v1/leads", intent)).headers["location"])


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["type"].endswith(f"/problems/{code}")
    return body


def same(body: dict[str, Any]) -> dict[str, Any]:
    """A problem without what belongs to the single request."""
    return {name: value for name, value in body.items() if name not in ("instance", "trace_id")}


# ── Capture ───────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_captured_lead_is_there_with_its_personal_data(api: Any, intent: dict[str, Any]) -> None:
    response = await api.post("/v1/leads", intent)
    assert response.status_code == 201, response.text
    body = response.json()
    assert response.headers["location"] == f"/v1/leads/{body['lead']}"
    assert response.headers["etag"] == '"v2"'
    assert body["stream"] == f"lead/{body['lead']}"
    assert (body["version"], len(body["events"]), body["warnings"]) == (2, 2, [])
    position = decode(body["position"])
    assert position.streams == ((body["stream"], 2),)
    assert {p.party_ref for p in position.personal} == {body["party_ref"]}

    shown = (await api.get(response.headers["location"])).json()
    assert shown["status"] == "open"
    assert shown["next_action"] == {"kind": "first_contact", "due": "2026-01-06T08:00:00Z", "assignee": None}
    assert {key: row["value"] for key, row in shown["personal"].items()} == {
        "name": "张伟",
        "given_name": "伟",
        "family_name": "张",
        "birth_date": "1985-04-03",
        "comments": "周末联系",
        "interest_text": "想要白色,有天窗",
        "phone/1": {"raw": "138 1234 5678", "e164": "+8613812345678", "extension": None, "kind": "mobile"},
        "phone/2": {"raw": "021-6123 4567 转 801", "e164": "+862161234567", "extension": "801", "kind": "fixed"},
        "email/1": {
            "raw": "Zhang.Wei@Example.com",
            "address": "Zhang.Wei@example.com",
            "key": "zhang.wei@example.com",
        },
        "address/1": {"lines": ["浦东南路 100 号"], "city": "上海", "country": "CN"},
    }
    linkable = {point["key"]: point["linkable"] for point in shown["contact_points"]}
    assert linkable == {"phone/1": True, "phone/2": False, "email/1": True, "address/1": False}


async def test_t1_nothing_is_answered_before_it_is_committed(
    api: Any, intent: dict[str, Any], owner_connection: Any
) -> None:
    await owner_connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'at commit'; END $$;"
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON streams"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    refused = await api.post("/v1/leads", intent, key="at-commit")
    assert refused.status_code == 500
    await owner_connection.execute("DROP TRIGGER refuse ON streams")
    assert (await api.post("/v1/leads", intent, key="at-commit")).status_code == 201
    assert len((await api.get("/v1/leads")).json()["items"]) == 1


async def test_the_events_tell_who_when_and_why_and_nothing_personal(
    api: Any, lead: str, intent: dict[str, Any]
) -> None:
    page = (await api.get(lead + "/events")).json()
    assert [event["version"] for event in page["items"]] == [1, 2]
    first = page["items"][0]
    assert first["type"] == "roadbook.lead.lead_captured.v1"
    assert first["actor"] == "staff-1"
    assert uuid.UUID(first["correlation"])
    assert first["causation"] is None
    assert first["time"] == "2026-01-05T08:00:00Z"
    assert first["data"]["vehicles"][0]["model"] == "volkswagen-lavida"
    text = (await api.get(lead + "/events")).text
    for said in ("张", "138", "Zhang", "浦东", "白色", "周末", "1985"):
        assert said not in text


async def test_events_come_in_pages(api: Any, lead: str) -> None:
    await api.post(f"{lead}:qualify", VERBS["qualify"])
    first = (await api.get(lead + "/events", limit=2)).json()
    second = (await api.get(lead + "/events", limit=2, cursor=first["next_cursor"])).json()
    assert [event["version"] for event in first["items"] + second["items"]] == [1, 2, 3]
    assert second["has_more"] is False
    problem(await api.get(lead + "/events", cursor=first["next_cursor"][:-3] + "abc"), 400, "cursor_invalid")


async def test_an_intent_may_be_told_later_than_it_was_expressed(api: Any, intent: dict[str, Any]) -> None:
    path = (await api.post("/v1/leads", {**intent, "occurred_at": "2026-01-02T10:00:00+08:00"})).headers["location"]
    shown = (await api.get(path)).json()
    assert shown["captured_at"] == "2026-01-02T02:00:00Z"
    assert shown["next_action"]["due"] == "2026-01-06T08:00:00Z"  # the deadline runs from when it reached us


MISFITS: list[tuple[dict[str, Any], str, str]] = [
    ({"occurred_at": "2026-01-05T09:00:00Z"}, "/occurred_at", "in_the_future"),
    ({"dealer_wish": "dealer-xx-99"}, "/dealer_wish", "unknown_dealer"),
    ({"vehicles": [{"model": "volkswagen-golf-x"}]}, "/vehicles/0/model", "unknown_model"),
    ({"vehicles": [{"vin": "LSVAA49J13204737"}]}, "/vehicles/0/vin", "vin_length"),
    ({"vehicles": [{"vin": "LSVAA49J1320473O1"}]}, "/vehicles/0/vin", "vin_letters_ioq"),
    ({"vehicles": [{"vin": "1HGCM82633A004353"}]}, "/vehicles/0/vin", "vin_check_digit"),
    (
        {"next_action": {"kind": "call", "due": "2026-01-07T00:00:00Z", "assignee": "staff-sh-02-1"}},
        "/next_action/assignee",
        "unknown_staff",
    ),
    ({"person": {}}, "/person", "person_empty"),
    ({"budget": {"currency": "CNY"}}, "/budget", "budget_empty"),
    ({"budget": {"currency": "XXQ", "maximum": 1}}, "/budget", "currency"),
    ({"window": {"earliest": "2026-03-01", "latest": "2026-02-01"}}, "/window", "window_order"),
    ({"source": "张伟"}, "/source", "string_pattern_mismatch"),
    ({"campaign": "13812345678"}, "/campaign", "string_pattern_mismatch"),
    ({"next_action": {"kind": "call", "due": "tomorrow"}}, "/next_action/due", "instant"),
    ({"person": {"name": "x", "phones": [{"value": ""}]}}, "/person/phones/0/value", "string_too_short"),
]


async def test_what_does_not_fit_is_refused_with_its_place(api: Any, intent: dict[str, Any]) -> None:
    for change, pointer, code in MISFITS:
        body = problem(await api.post("/v1/leads", {**intent, **change}), 422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in body["errors"]] == [(pointer, code)]


async def test_what_is_only_doubtful_is_accepted_with_a_warning(api: Any, intent: dict[str, Any]) -> None:
    doubtful = {
        **intent,
        "person": {"name": "x", "phones": [{"value": "12"}], "emails": [{"value": "no address"}]},
        "vehicles": [{"vin": "WVWZZZ1JZ3W386753"}],
    }
    response = await api.post("/v1/leads", doubtful)
    assert response.status_code == 201
    assert [(w["code"], w["pointer"]) for w in response.json()["warnings"]] == [
        ("phone_invalid", "/person/phones/0"),
        ("email_invalid", "/person/emails/0"),
        ("vin_check_digit", "/vehicles/0/vin"),
    ]
    shown = (await api.get(response.headers["location"])).json()
    assert shown["vehicles"][0]["vin"] == "WVWZZZ1JZ3W386753"
    assert shown["personal"]["phone/1"]["value"]["raw"] == "12"
    assert [point["valid"] for point in shown["contact_points"]] == [False, False]


async def test_a_capture_for_the_past_is_rejected_and_stays_rejected(api: Any, intent: dict[str, Any]) -> None:
    body = {**intent, "next_action": {"kind": "call", "due": "2026-01-05T07:59:59Z"}}
    first = await api.post("/v1/leads", body, key="k1")
    again = await api.post("/v1/leads", body, key="k1")
    assert same(problem(first, 409, "follow_up_in_the_past")) == same(problem(again, 409, "follow_up_in_the_past"))


# ── Party references ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_second_lead_may_name_the_party_of_the_first(api: Any, intent: dict[str, Any], lead: str) -> None:
    party_ref = (await api.get(lead)).json()["party_ref"]
    response = await api.post("/v1/leads", {"source": "visit", "party_ref": party_ref})
    assert response.status_code == 201
    assert response.json()["party_ref"] == party_ref


async def test_a_foreign_party_answers_as_one_that_never_was(
    caller: Callable[..., Any], intent: dict[str, Any], lead: str
) -> None:
    party_ref = (await caller().get(lead)).json()["party_ref"]
    other = caller("dealer-sh-02")
    foreign = await other.post("/v1/leads", {"source": "visit", "party_ref": party_ref})
    never = await other.post("/v1/leads", {"source": "visit", "party_ref": str(uuid.uuid4())})
    assert same(problem(foreign, 404, "party_ref_unknown")) == same(problem(never, 404, "party_ref_unknown"))
    hq = caller(None, headquarters=True)
    assert (await hq.post("/v1/leads", {"source": "visit", "party_ref": party_ref})).status_code == 201
    unknown = await hq.post("/v1/leads", {"source": "visit", "party_ref": str(uuid.uuid4())})
    problem(unknown, 404, "party_ref_unknown")


# ── Repeats and conditions ────────────────────────────────────────────────────────────────────────────────────
async def test_the_same_key_and_body_give_the_same_bytes(api: Any, intent: dict[str, Any], lead_pool: Pool) -> None:
    first = await api.post("/v1/leads", intent, key="k1")
    again = await api.post("/v1/leads", intent, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 1


async def test_the_same_key_with_another_body_is_refused(api: Any, intent: dict[str, Any]) -> None:
    await api.post("/v1/leads", intent, key="k1")
    problem(await api.post("/v1/leads", {**intent, "source": "visit"}, key="k1"), 422, "idempotency_key_reused")


async def test_a_key_is_the_dealers_own(caller: Callable[..., Any], intent: dict[str, Any]) -> None:
    here = await caller().post("/v1/leads", intent, key="k1")
    there = await caller("dealer-sh-02").post("/v1/leads", {**intent, "source": "visit"}, key="k1")
    assert (here.status_code, there.status_code) == (201, 201)
    assert here.json()["lead"] != there.json()["lead"]


async def test_a_capture_needs_a_key(api: Any, intent: dict[str, Any]) -> None:
    problem(await api.post("/v1/leads", intent, key=None), 400, "idempotency_key_missing")


async def test_parallel_repeats_make_one_lead(api: Any, intent: dict[str, Any], lead_pool: Pool) -> None:
    answers = await asyncio.gather(*(api.post("/v1/leads", intent, key="k1") for _ in range(8)))
    accepted = {a.content for a in answers if a.status_code == 201}
    assert len(accepted) == 1
    assert {a.json()["code"] for a in answers if a.status_code != 201} <= {"idempotency_in_flight"}
    assert await lead_pool.fetchval("SELECT count(*) FROM leads") == 1


@pytest.mark.parametrize("verb", VERBS)
async def test_a_stale_version_is_refused_and_changes_nothing(api: Any, lead: str, verb: str) -> None:
    if verb == "reopen":
        await api.post(f"{lead}:lose", VERBS["lose"])
    before = (await api.get(lead)).json()
    problem(await api.post(f"{lead}:{verb}", VERBS[verb], match='"v1"'), 412, "precondition_failed")
    assert (await api.get(lead)).json() == before
    fresh = await api.post(f"{lead}:{verb}", VERBS[verb], match=f'"v{before["version"]}"')
    assert fresh.status_code == 200
    assert fresh.json()["version"] > before["version"]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_repeated_command_yields_no_events(api: Any, lead: str, verb: str) -> None:
    if verb == "reopen":
        await api.post(f"{lead}:lose", VERBS["lose"])
    first = (await api.post(f"{lead}:{verb}", {**VERBS[verb]}, key=None)).json()
    again = (await api.post(f"{lead}:{verb}", {**VERBS[verb]}, key=None)).json()
    assert first["events"]
    assert again["events"] == []
    assert again["version"] == first["version"]


async def test_commands_on_one_lead_at_once_all_count(api: Any, lead: str) -> None:
    """Each is decided anew on what the others did; a loser of three rounds is told to try again."""
    phones = [f"139 0000 11{n:02d}" for n in range(6)]
    waiting = set(phones)
    while waiting:
        bodies = {phone: {"person": {"phones": [{"value": phone}]}} for phone in sorted(waiting)}
        answers = await asyncio.gather(*(api.post(f"{lead}:enrich", body, key=None) for body in bodies.values()))
        for phone, answer in zip(bodies, answers, strict=True):
            if answer.status_code == 200:
                waiting.discard(phone)
            else:
                assert problem(answer, 409, "conflict")["retryable"] is True
    personal = (await api.get(lead)).json()["personal"]
    assert {row["value"]["raw"] for key, row in personal.items() if key.startswith("phone/")} >= set(phones)
    versions = [event["version"] for event in (await api.get(lead + "/events")).json()["items"]]
    assert versions == list(range(1, 9))


# ── Work on a lead ────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_known_number_in_another_writing_is_recognised(api: Any, lead: str) -> None:
    answer = await api.post(f"{lead}:enrich", {"person": {"phones": [{"value": "+86 13812345678"}]}}, key=None)
    assert answer.json()["events"] == []
    personal = (await api.get(lead)).json()["personal"]
    assert personal["phone/1"]["value"]["raw"] == "138 1234 5678"
    assert "phone/3" not in personal


async def test_a_removed_contact_point_is_gone_and_its_key_is_not_given_again(
    api: Any, lead: str, lead_pool: Pool
) -> None:
    await api.post(f"{lead}:enrich", {"remove_contact_points": ["phone/2", "phone/7"]})
    shown = (await api.get(lead)).json()
    assert "phone/2" not in shown["personal"]
    assert [point["key"] for point in shown["contact_points"]] == ["phone/1", "email/1", "address/1"]
    await api.post(f"{lead}:enrich", {"person": {"phones": [{"value": "021-6123 4567 转 801"}]}})
    assert "phone/3" in (await api.get(lead)).json()["personal"]
    kept = await lead_pool.fetchval("SELECT count(*) FROM personal_data WHERE key LIKE '%/phone/2' AND value IS NULL")
    assert kept == 1


async def test_a_corrected_name_replaces_the_old_one(api: Any, lead: str) -> None:
    answer = await api.post(f"{lead}:enrich", {"person": {"name": "章伟"}}, key=None)
    assert len(decode(answer.json()["position"]).personal) == 1
    assert (await api.get(lead)).json()["personal"]["name"]["value"] == "章伟"


async def test_a_note_is_personal_data(api: Any, lead: str) -> None:
    body = {**VERBS["qualify"], "note": "Frau Zhang ruft zurück"}
    answer = await api.post(f"{lead}:qualify", body)
    assert answer.status_code == 200
    await api.post(f"{lead}:qualify", body)  # the same note again is the same note
    await api.post(f"{lead}:lose", {"reason": "no_answer", "competitor": "toyota-corolla", "note": "zu teuer"})
    personal = (await api.get(lead)).json()["personal"]
    assert [row["value"] for key, row in sorted(personal.items()) if key.startswith("note/")] == [
        {"about": "qualify", "text": "Frau Zhang ruft zurück"},
        {"about": "lose", "text": "zu teuer"},
    ]
    assert "Zhang" not in (await api.get(lead + "/events")).text


async def test_a_lost_lead_takes_no_news_until_it_is_reopened(api: Any, lead: str) -> None:
    await api.post(f"{lead}:lose", VERBS["lose"])
    for verb in ("enrich", "qualify", "schedule-follow-up"):
        problem(await api.post(f"{lead}:{verb}", VERBS[verb]), 409, "lead_closed")
    assert (await api.post(f"{lead}:reopen", VERBS["reopen"])).status_code == 200
    assert (await api.post(f"{lead}:qualify", VERBS["qualify"])).status_code == 200


async def test_an_unknown_competitor_or_a_past_action_is_refused(api: Any, lead: str) -> None:
    body = problem(await api.post(f"{lead}:lose", {"reason": "x", "competitor": "no-such-car"}), 422, "invalid_request")
    assert body["errors"][0]["pointer"] == "/competitor"
    past = {"next_action": {"kind": "call", "due": "2026-01-04T08:00:00Z"}}
    problem(await api.post(f"{lead}:schedule-follow-up", past), 409, "follow_up_in_the_past")


# ── Access ────────────────────────────────────────────────────────────────────────────────────────────────────
def requests_on(lead: str) -> Iterator[tuple[str, str, Any]]:
    yield "GET", lead, None
    yield "GET", f"{lead}/events", None
    for verb, body in VERBS.items():
        yield "POST", f"{lead}:{verb}", body
    yield "POST", f"{lead}:qualify", {**VERBS["qualify"], "note": "x"}


async def test_a_foreign_lead_answers_as_one_that_never_was(caller: Callable[..., Any], lead: str) -> None:
    other = caller("dealer-sh-02")
    never = f"/v1/leads/{uuid.uuid4()}"
    for (method, path, body), (_, gone, _) in zip(requests_on(lead), requests_on(never), strict=True):
        answers = [await (other.get(p) if method == "GET" else other.post(p, body)) for p in (path, gone)]
        bodies = [same(problem(answer, 404, "not_found")) for answer in answers]
        assert bodies[0] == bodies[1], path
        assert len(answers[0].content) == len(answers[1].content)


async def test_headquarters_sees_every_dealers_lead(caller: Callable[..., Any], lead: str) -> None:
    hq = caller(None, headquarters=True)
    assert (await hq.get(lead)).json()["dealer"] == "dealer-sh-01"
    assert (await hq.post(f"{lead}:qualify", VERBS["qualify"])).status_code == 200


async def test_what_headquarters_captures_belongs_to_no_dealer_yet(
    caller: Callable[..., Any], intent: dict[str, Any]
) -> None:
    path = (await caller(None, headquarters=True).post("/v1/leads", intent)).headers["location"]
    problem(await caller("dealer-sh-01").get(path), 404, "not_found")


async def test_without_a_token_or_with_a_wrong_one(http: httpx2.AsyncClient, lead: str, intent: dict[str, Any]) -> None:
    for method, path, body in [*requests_on(lead), ("GET", "/v1/leads", None), ("POST", "/v1/leads", intent)]:
        answer = await http.request(method, path, json=body)
        problem(answer, 401, "authentication_required")
        assert answer.headers["www-authenticate"] == "Bearer"
        wrong = await http.request(method, path, json=body, headers={"Authorization": "Bearer x.y.z"})
        problem(wrong, 401, "invalid_token")


async def test_a_scope_opens_only_its_routes(caller: Callable[..., Any], lead: str, intent: dict[str, Any]) -> None:
    reader = caller(scopes=["lead:read"])
    assert (await reader.get(lead)).status_code == 200
    problem(await reader.post("/v1/leads", intent), 403, "forbidden")
    problem(await reader.post(f"{lead}:lose", VERBS["lose"]), 403, "forbidden")
    writer = caller(scopes=["lead:write"])
    problem(await writer.get(lead), 403, "forbidden")
    problem(await writer.get("/v1/leads"), 403, "forbidden")
    problem(await caller(None, scopes=["lead:read"]).get(lead), 403, "forbidden")  # neither a dealer nor the network


async def test_no_field_can_be_set_that_is_not_offered(api: Any, lead: str, intent: dict[str, Any]) -> None:
    before = (await api.get(lead)).json()
    bodies = {"/v1/leads": intent, **{f"{lead}:{verb}": body for verb, body in VERBS.items()}}
    for field in ("dealer", "dealer_id", "version", "lead", "points", "role", "status", "position"):
        for path, body in bodies.items():
            refused = problem(await api.post(path, {**body, field: CANARY}), 422, "invalid_request")
            assert [error["code"] for error in refused["errors"]] == ["unknown_field"]
    assert (await api.get(lead)).json() == before


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_lists_are_by_dealer_state_and_grade(caller: Callable[..., Any], intent: dict[str, Any]) -> None:
    api, other = caller(), caller("dealer-sh-02")
    paths = [(await api.post("/v1/leads", intent)).headers["location"] for _ in range(3)]
    await other.post("/v1/leads", intent)
    await api.post(f"{paths[0]}:qualify", VERBS["qualify"])
    await api.post(f"{paths[1]}:lose", VERBS["lose"])

    async def ids(client: Any, **query: Any) -> set[str]:
        items = (await client.get("/v1/leads", **query)).json()["items"]
        return {f"/v1/leads/{item['lead']}" for item in items}

    assert await ids(api) == set(paths)
    assert await ids(api, state="lost") == {paths[1]}
    assert await ids(api, state="open", grade="hot") == {paths[0]}
    assert await ids(api, dealer="dealer-sh-01") == set(paths)
    assert await ids(api, dealer="dealer-sh-02") == set()
    assert len(await ids(other)) == 1
    hq = caller(None, headquarters=True)
    assert len(await ids(hq)) == 4
    assert await ids(hq, dealer="dealer-sh-01", grade="hot") == {paths[0]}
    problem(await api.get("/v1/leads", state="sold"), 422, "invalid_request")


async def test_a_cursor_is_good_for_its_query_and_dealer_only(
    caller: Callable[..., Any], intent: dict[str, Any]
) -> None:
    api = caller()
    for _ in range(3):
        await api.post("/v1/leads", intent)
    page = await api.get("/v1/leads", limit=2)
    cursor = page.json()["next_cursor"]
    assert 'rel="next"' in page.headers["link"]
    assert len((await api.get("/v1/leads", limit=2, cursor=cursor)).json()["items"]) == 1
    problem(await caller("dealer-sh-02").get("/v1/leads", cursor=cursor), 400, "cursor_invalid")
    problem(await api.get("/v1/leads", state="open", cursor=cursor), 400, "cursor_invalid")


# ── What is never told ────────────────────────────────────────────────────────────────────────────────────────
def planted(value: Any) -> Any:
    """The same document with a canary in place of every text."""
    match value:
        case dict():
            return {name: planted(member) for name, member in value.items()}
        case list():
            return [planted(member) for member in value]
        case str():
            return CANARY
    return value


def each_text(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    match value:
        case dict():
            for name, member in value.items():
                yield from each_text(member, (*at, name))
        case list():
            for index, member in enumerate(value):
                yield from each_text(member, (*at, index))
        case str():
            yield at


def with_canary(value: Any, at: tuple[Any, ...]) -> Any:
    if not at:
        return CANARY
    head, *rest = at
    if isinstance(value, list):
        return [with_canary(m, tuple(rest)) if i == head else m for i, m in enumerate(value)]
    return {n: with_canary(m, tuple(rest)) if n == head else m for n, m in value.items()}


FULL: dict[str, Any] = {
    "vehicles": [{"interest": "buy", "model": "volkswagen-lavida", "condition": "new", "vin": "WVWZZZ1JZ3W386753",
                  "odometer": 3, "odometer_unit": "km"}],
    "next_action": {"kind": "call", "due": "2026-01-07T08:00:00Z", "assignee": "staff-sh-01-1"},
    "occurred_at": "2026-01-05T07:00:00Z",
}  # fmt: skip


async def test_a_canary_in_any_field_is_found_only_where_personal_data_lives(
    api: Any, lead: str, intent: dict[str, Any], lead_database: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Field by field, on success and on failure: never in an answer to a command, an event, a key, a view or a log."""
    bodies = {"/v1/leads": {**intent, **FULL}}
    for verb, body in VERBS.items():
        bodies[f"{lead}:{verb}"] = {**body, "note": "x"} if verb != "enrich" else {**intent_of(intent), **body}
    for path, body in bodies.items():
        for place in each_text(body):
            answer = await api.post(path, with_canary(body, place), key=None if path != "/v1/leads" else "")
            assert answer.status_code < 500
            assert CANARY.lower() not in (answer.text + str(answer.headers)).lower(), (path, place)
        answer = await api.post(path, planted(body))
        assert CANARY not in answer.text
    assert CANARY not in "".join(capsys.readouterr())
    connection = await asyncpg.connect(lead_database.owner_url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        holding = {
            table["relname"]
            for table in tables
            if await connection.fetchval(
                f"SELECT EXISTS (SELECT 1 FROM {table['relname']} t WHERE position($1 IN lower(t::text)) > 0)",
                CANARY.lower(),
            )
        }
    finally:
        await connection.close()
    assert holding == {"personal_data"}


def intent_of(intent: dict[str, Any]) -> dict[str, Any]:
    """What of a capture may be said again."""
    names = ("person", "consents", "vehicles", "budget", "window", "interest_text", "comments")
    return {name: intent[name] for name in names}


# ── The description ───────────────────────────────────────────────────────────────────────────────────────────
async def test_every_route_is_described_and_every_problem_has_a_page(app: FastAPI, http: httpx2.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    operations = {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    routes = {
        f"{method} {route.path}"
        for declared in ROUTERS
        for route in declared.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert set(operations) == routes
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    for name, operation in operations.items():
        assert all(operation.get(part) for part in ("summary", "operationId", "security")), name
        problems = {
            code
            for response in operation["responses"].values()
            for media, content in response.get("content", {}).items()
            if media == "application/problem+json"
            for code in content["examples"]
        }
        assert {"authentication_required", "forbidden", "internal_error", "unavailable"} <= problems, name
        for code in problems:
            page = await http.get(f"/problems/{code}")
            assert page.status_code == 200, code
            assert "text/html" in page.headers["content-type"]
        if "requestBody" in operation:
            contents = operation["requestBody"]["content"].values()
            assert any("example" in c or "examples" in c for c in contents), name


# What the example meets on a lead that was just captured, where that is not success.
MEETS = {":accept": "nothing_to_accept", ":decline": "nothing_to_accept", ":claim": "not_in_pool",
         ":route": "headquarters_only"}  # fmt: skip


async def test_the_examples_of_the_description_are_accepted(
    http: httpx2.AsyncClient, api: Any, intent: dict[str, Any]
) -> None:
    """Those of leads are carried out; those of other things are well-formed, which is seen before their ids are."""
    document = (await http.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        content = item.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            lead = (await api.post("/v1/leads", intent)).headers["location"]
            target = path.replace("/v1/leads/{lead_id}", lead).replace("{code}", "never_2026")
            target = re.sub(r"\{[a-z_]+\}", str(uuid.uuid4()), target)
            answer = await api.post(target, example["value"])
            if path.startswith("/v1/leads"):
                met = answer.json().get("code", "done")
                assert met == next((code for verb, code in MEETS.items() if path.endswith(verb)), "done"), answer.text
            assert answer.status_code not in (400, 415, 422), (path, answer.text)


async def test_business_time_is_the_clocks(api: Any, intent: dict[str, Any], clock: SimulatedClock) -> None:
    clock.advance(timedelta(days=400))
    path = (await api.post("/v1/leads", intent)).headers["location"]
    items = (await api.get(path + "/events")).json()["items"]
    assert items[1]["data"] == {
        "kind": "first_contact",
        "assignee": None,
        "due": "2027-02-10T08:00:00Z",
        "at": "2027-02-09T08:00:00Z",
    }
