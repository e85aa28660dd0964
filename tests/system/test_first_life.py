"""A purchase intent arrives and is a lifetime record; what every client may count on, over real HTTP."""

import re

import httpx2
import pytest
from harness import DEALER, OTHER_DEALER, Net, check_order, lead_body, post_lead, read_topic

from roadbook_client.projection.models import SearchRequest

REQUIRED = {
    "content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_dataschema",
    "ce_partitionkey", "ce_sequence", "ce_recordedtime", "ce_correlationid", "ce_traceparent", "ce_actor",
    "ce_partyref",
}  # fmt: skip


async def test_a_captured_lead_is_in_the_record_as_soon_as_min_is_answered(
    net: Net, record: httpx2.AsyncClient
) -> None:
    posted = await post_lead(net, 1)
    answer = posted.answer
    found = await record.get(f"/v1/customers/{answer['party_ref']}", params={"min": answer["position"]})
    assert found.status_code == 200
    assert "测试 1" in found.text
    assert "+8613800000001" in found.text
    assert answer["lead"] in found.text


async def test_the_record_is_found_by_phone_email_and_name(net: Net) -> None:
    posted = await post_lead(net, 99_999_999)
    bodies: list[SearchRequest] = [
        {"phone": "138 9999 9999"},
        {"email": "PERSON99999999@example.com"},
        {"name": "测试99999999"},
    ]
    # A position is only reached by those who may see what it names: the other dealer asks without it.
    for dealer, expected, seen in ((DEALER, 1, posted.answer), (OTHER_DEALER, 0, None), (None, 1, posted.answer)):
        async with net.roadbook(dealer) as roadbook:
            for body in bodies:
                found = [each async for each in roadbook.projection.search_customers(body, min=seen)]
                assert [each["customer_id"] for each in found] == [posted.answer["party_ref"]] * expected


async def test_the_same_key_and_body_give_the_same_bytes(lead: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": '"same-bytes-1"'}
    first = await lead.post("/v1/leads", json=lead_body(3), headers=headers)
    again = await lead.post("/v1/leads", json=lead_body(3), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (first.headers["etag"], first.headers["location"]) == (again.headers["etag"], again.headers["location"])


async def test_the_same_key_with_another_body_is_422(lead: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": '"other-body-1"'}
    await lead.post("/v1/leads", json=lead_body(4), headers=headers)
    assert_problem(await lead.post("/v1/leads", json=lead_body(5), headers=headers), 422, "idempotency_key_reused")


async def test_no_key_is_400(lead: httpx2.AsyncClient) -> None:
    assert_problem(await lead.post("/v1/leads", json=lead_body(6)), 400, "idempotency_key_missing")


async def test_a_stale_if_match_is_412(net: Net, lead: httpx2.AsyncClient) -> None:
    posted = await post_lead(net, 7)
    path, body = f"/v1/leads/{posted.answer['lead']}:qualify", {"grade": "hot", "reasons": ["visited"]}
    assert_problem(await lead.post(path, json=body, headers={"If-Match": '"v1"'}), 412, "precondition_failed")
    fresh = await lead.post(path, json=body, headers={"If-Match": f'"v{posted.answer["version"]}"'})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] == f'"v{posted.answer["version"] + 1}"'


async def test_another_dealers_lead_and_record_answer_as_if_they_did_not_exist(net: Net) -> None:
    posted = await post_lead(net, 8)
    nobody = "0199aaaa-0000-7000-8000-000000000000"
    targets = [
        ("lead", "GET", "/v1/leads/{}", posted.answer["lead"], None),
        ("lead", "GET", "/v1/leads/{}/events", posted.answer["lead"], None),
        ("lead", "POST", "/v1/leads/{}:qualify", posted.answer["lead"], {"grade": "hot", "reasons": []}),
        ("lead", "POST", "/v1/leads/{}:lose", posted.answer["lead"], {"reason": "price"}),
        ("projection", "GET", "/v1/customers/{}", posted.answer["party_ref"], None),
        ("projection", "GET", "/v1/customers/{}/timeline", posted.answer["party_ref"], None),
    ]
    async with net.roadbook() as roadbook:
        await roadbook.projection.read_customer(posted.answer["party_ref"], min=posted.answer)
    for service, method, path, id_, body in targets:
        async with net.client(service, OTHER_DEALER) as client:
            answers = [await client.request(method, path.format(i), json=body) for i in (id_, nobody)]
        foreign, missing = map(comparable, answers)
        assert foreign == missing
        assert answers[0].status_code == 404


async def test_no_token_is_401_and_no_scope_is_403(net: Net) -> None:
    async with httpx2.AsyncClient(base_url=net.url("lead"), trust_env=False) as nobody:
        answer = await nobody.get("/v1/leads")
        assert_problem(answer, 401, "authentication_required")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    async with net.client("lead", scopes=("record:read",)) as reader:
        assert_problem(await reader.get("/v1/leads"), 403, "forbidden")


@pytest.mark.parametrize("service", ["lead", "projection"])
async def test_every_problem_type_opens_a_page(net: Net, service: str) -> None:
    async with httpx2.AsyncClient(base_url=net.url(service), trust_env=False) as nobody:
        index = await nobody.get("/problems", headers={"Accept": "text/html"})
        codes = sorted(set(re.findall(r"/problems/([a-z_]+)", index.text)))
        assert len(codes) > 15
        for code in codes:
            page = await nobody.get(f"/problems/{code}", headers={"Accept": "text/html"})
            assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
        document = (await nobody.get("/openapi.json")).text
        assert "cdn." not in (await nobody.get("/docs")).text
        assert document


async def test_every_message_is_a_cloudevent_in_order(net: Net) -> None:
    """Condition 2, by librdkafka; kcat reads the same in tests/kcat."""
    posted = await post_lead(net, 9)
    lead = posted.answer["lead"]
    async with net.roadbook() as roadbook:
        await roadbook.lead.qualify_lead(lead, {"grade": "warm", "reasons": ["budget_known"]})
        await roadbook.lead.lose_lead(lead, {"reason": "price"})
        await roadbook.projection.read_customer(posted.answer["party_ref"], min=posted.answer)
    order = check_order(read_topic(net.stack.bootstrap, "roadbook.lead.v1"))
    for (stream, version), message in order.first.items():
        assert set(message.headers) >= REQUIRED
        assert message.headers["ce_subject"] == stream
        assert message.headers["ce_sequence"] == f"{version:010d}"
        assert message.key == message.headers["ce_partitionkey"] == message.headers["ce_partyref"]
        assert message.headers["ce_specversion"] == "1.0"
    assert order.versions[posted.answer["stream"]] >= posted.answer["version"]


def assert_problem(response: httpx2.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    page = httpx2.get(problem["type"], headers={"Accept": "text/html"}, trust_env=False)
    assert page.status_code == 200
    assert problem["title"] in page.text


def comparable(response: httpx2.Response) -> object:
    """Everything a client can see: the body as it is, the headers without the trace and the clock."""
    headers = {k: v for k, v in response.headers.items() if k not in ("date", "traceparent", "x-correlation-id")}
    return response.status_code, response.content, headers
