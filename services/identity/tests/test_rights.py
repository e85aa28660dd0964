"""Every operation of the OpenAPI document against every id of another dealer: as if it had never been, n of n."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from lead_api import ok, operations, problem, same

HERE, THERE = "dealer-sh-01", "dealer-sh-02"
ALL = ["identity:read", "identity:write", "identity:steward"]
Things = dict[str, str]
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
async def things(world: Any, api: Any) -> Things:
    """By path parameter: what dealer 1 has, linked with each other."""
    one, _ = await world.lead(name="张伟", phone="13812345678")
    two, _ = await world.lead(name="Zhang Wei", phone="13812345678")
    await world.match()
    return {"party_ref": one, "other": two, "link_id": ":".join(sorted((one, two)))}


def never() -> Things:
    one, two = sorted(str(uuid.uuid4()) for _ in range(2))
    return {"party_ref": one, "other": two, "link_id": f"{one}:{two}"}


async def call(client: Any, operation: Operation, things: Things) -> httpx2.Response:
    """A valid request: the document's example, about these things."""
    method, path, described = operation
    url = re.sub(r"\{([a-z_]+)\}", lambda match: things[match[1]], path)
    if method == "GET":
        return await client.get(url)  # type: ignore[no-any-return]
    if method == "DELETE":
        return await client.delete(url, reason="different_people")  # type: ignore[no-any-return]
    content = described.get("requestBody", {}).get("content", {}).get("application/json")
    body = None if content is None else dict(next(iter(content["examples"].values()))["value"])
    if body and "other" in body:
        body["other"] = things["other"]
    if body and "party_refs" in body:
        body["party_refs"] = [things["party_ref"], things["other"]]
    return await client.post(url, body)  # type: ignore[no-any-return]


def raw(response: httpx2.Response) -> bytes:
    return re.sub(rb'"(instance|trace_id)":"[^"]*"', b"", response.content)


def about_things(document: dict[str, Any]) -> list[Operation]:
    found = [each for each in operations(document) if "{" in each[1] or each[1].startswith("/v1/link")]
    unknown = {name for _, path, _ in found for name in re.findall(r"\{([a-z_]+)\}", path)} - never().keys()
    assert not unknown, f"make one of each as dealer 1: {unknown}"
    return found


async def test_every_operation_on_anothers_thing_answers_as_on_nothing(
    app: FastAPI, caller: Callable[..., Any], things: Things, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = about_things(app.openapi())
    for other in (caller(THERE), caller(THERE, scopes=[*ALL, "network:all"])):
        for operation in chosen:
            foreign, nothing = await call(other, operation, things), await call(other, operation, never())
            stewards = operation[2]["security"] == [{"oidc": ["identity:steward"]}]
            expected = (403, "steward_only") if stewards else (404, "not_found")
            problem(foreign, *expected)
            assert same(foreign) == same(nothing), operation[:2]
            assert raw(foreign) == raw(nothing), operation[:2]
    with capsys.disabled():
        print(f"\nanother dealer's references and links: {len(chosen)} of {len(chosen)} operations, byte for byte")


async def test_nothing_tells_a_dealer_that_its_customer_is_known_elsewhere(
    app: FastAPI, world: Any, api: Any, hq: Any
) -> None:
    """Every answer to dealer 1 about its customer, before and after others' references are linked with it."""
    said = {"name": "张伟", "phone": "13812345678"}
    ref, _ = await world.lead(**said)
    second, _ = await world.lead(**said)
    await world.match()
    reads = [
        operation
        for operation in operations(app.openapi())
        if operation[0] == "GET" and operation[2]["security"] == [{"oidc": ["identity:read"]}]
    ]
    about = {"party_ref": ref, "other": second, "link_id": ""}
    before = [await call(api, operation, about) for operation in reads]
    for dealer in (THERE, "dealer-sh-03"):
        await world.lead(dealer=dealer, **said)
    await world.match()
    assert len(ok(await hq.get(f"/v1/party-refs/{ref}/links"))["links"]) == 6
    after = [await call(api, operation, about) for operation in reads]
    assert [same(each) for each in before] == [same(each) for each in after]
    assert [each.content for each in before] == [each.content for each in after]
    assert len(reads) >= 5


async def test_a_way_over_anothers_reference_is_no_way_for_a_dealer(world: Any, api: Any, hq: Any) -> None:
    one, two = [(await world.lead())[0] for _ in range(2)]
    between, _ = await world.lead(dealer=THERE)
    for pair in ([one, between], [between, two]):
        ok(await hq.post("/v1/links", {"party_refs": pair}))
    assert ok(await hq.get(f"/v1/party-refs/{one}/same-as/{two}"))["same"] is True
    assert ok(await api.get(f"/v1/party-refs/{one}/same-as/{two}")) == {
        "same": False, "path": [], "links": [], "apart": None
    }  # fmt: skip
    assert ok(await api.get(f"/v1/party-refs/{one}/links"))["links"] == []


async def test_every_operation_wants_its_scope_and_somebody(
    app: FastAPI, http: httpx2.AsyncClient, caller: Callable[..., Any], things: Things
) -> None:
    for operation in operations(app.openapi()):
        method, path, described = operation
        (needed,) = described["security"]
        (wanted,) = needed["oidc"]
        problem(await http.request(method, re.sub(r"\{([a-z_]+)\}", lambda m: things[m[1]], path)), 401,
                "authentication_required")  # fmt: skip
        poor = caller(HERE, scopes=[scope for scope in ALL if scope != wanted])
        problem(await call(poor, operation, things), 403, "forbidden")
        problem(await call(caller(None, scopes=ALL), operation, things), 403, "forbidden")


async def test_headquarters_reads_and_decides_everything(app: FastAPI, hq: Any, things: Things) -> None:
    for operation in operations(app.openapi()):
        if operation[0] == "GET":
            assert (await call(hq, operation, things)).status_code == 200, operation[:2]
