"""Problems, commands' conditions, answers, pages and measurements, through the whole application."""

import asyncio
import html
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx2
import pytest

from roadbook import errors, logs
from roadbook.decider import Rejected
from roadbook.http import answers, edge, routes
from roadbook.http.problems import Problem, ProblemType, register, registered
from roadbook.http.types import Money, StrictModel
from roadbook.settings import Settings

THING = "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"
GOOD: dict[str, Any] = {"at": "2026-01-01T08:00:00+08:00", "person": {"name": "Li"}}
CANARY = "canary7f3a"


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.setup("sample", stream=stream)
    yield stream
    logs.setup("roadbook")


def headers_of(sample: Any, **more: str) -> dict[str, str]:
    return {**sample.signer.bearer(), "Idempotency-Key": '"k-1"', **more}


# problems
RAISED: list[tuple[Exception, int, str, bool | None, str | None]] = [
    (Rejected("thing_closed"), 409, "thing_closed", False, None),
    (Rejected("nobody_registered_this"), 409, "nobody_registered_this", False, None),
    (errors.Conflict(), 409, "conflict", True, None),
    (errors.PreconditionFailed(), 412, "precondition_failed", False, None),
    (errors.NotFound(), 404, "not_found", False, None),
    (errors.Unavailable(3), 503, "unavailable", True, "3"),
    (errors.OutcomeUnknown(2), 503, "outcome_unknown", True, "2"),
    (errors.IdempotencyKeyMissing(), 400, "idempotency_key_missing", False, None),
    (errors.IdempotencyKeyReused(), 422, "idempotency_key_reused", False, None),
    (errors.IdempotencyInFlight(), 409, "idempotency_in_flight", True, "1"),
    (Problem("thing_closed", "since May", extra={"since": 5}), 409, "thing_closed", False, None),
    (RuntimeError(CANARY), 500, "internal_error", None, None),
    (KeyError(CANARY), 500, "internal_error", None, None),
    (ConnectionResetError(CANARY), 503, "outcome_unknown", True, "1"),
    (TimeoutError(CANARY), 503, "outcome_unknown", True, "1"),
    (asyncpg.CannotConnectNowError(CANARY), 503, "outcome_unknown", True, "1"),
    (asyncpg.DiskFullError(CANARY), 503, "outcome_unknown", True, "1"),
    (asyncpg.DeadlockDetectedError(CANARY), 503, "unavailable", True, "1"),
    (asyncpg.LockNotAvailableError(CANARY), 503, "unavailable", True, "1"),
    (asyncpg.DataError(CANARY), 422, "invalid_request", False, None),
]


@pytest.mark.parametrize("case", RAISED, ids=lambda case: f"{type(case[0]).__name__}-{case[2]}")
async def test_every_error_is_a_problem(
    case: tuple[Exception, int, str, bool | None, str | None],
    sample: Any,
    client: httpx2.AsyncClient,
    log_lines: io.StringIO,
) -> None:
    sample.raises, status, code, retryable, retry_after = case
    answer = await client.post("/v1/things", json=GOOD, headers=headers_of(sample))
    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (body["code"], body.get("retryable")) == (code, retryable)
    assert body["type"] == f"http://127.0.0.1:8000/problems/{code}"
    assert body["title"]
    if status == 404:  # the same bytes, whether it is another's or never was
        assert {"trace_id", "instance"}.isdisjoint(body)
    else:
        assert re.fullmatch(r"[0-9a-f]{32}", body["trace_id"])
        assert body["instance"] == f"urn:uuid:{answer.headers['x-correlation-id']}"
    assert answer.headers.get("retry-after") == retry_after
    assert CANARY not in answer.text + log_lines.getvalue()


async def test_an_unforeseen_error_is_found_by_its_trace(
    sample: Any, client: httpx2.AsyncClient, log_lines: io.StringIO
) -> None:
    sample.raises = RuntimeError(CANARY)
    answer = await client.post("/v1/things", json=GOOD, headers=headers_of(sample))
    entries = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    found = [entry for entry in entries if entry["event"] == "unforeseen"]
    assert [entry["trace_id"] for entry in found] == [answer.json()["trace_id"]]
    assert found[0]["error_type"] == "RuntimeError"
    assert any("make_thing" in place for place in found[0]["frames"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/v1/{CANARY}", 404, "not_found"),
        ("DELETE", "/v1/things", 405, "method_not_allowed"),
        ("POST", "/livez", 405, "method_not_allowed"),
        ("GET", "/problems/nothing_like_this", 404, "not_found"),
        ("GET", "/docs/assets/..%2f..%2fetc%2fpasswd", 404, "not_found"),
        ("FOO", "/v1/things", 405, "method_not_allowed"),
    ],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    method: str, path: str, status: int, code: str, client: httpx2.AsyncClient
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    if status == 405:
        assert answer.headers["allow"]


async def test_a_path_says_all_its_methods(client: httpx2.AsyncClient) -> None:
    answer = await client.delete("/v1/things")
    assert answer.headers["allow"] == "GET, POST"  # two routes


async def test_a_command_is_no_id_of_a_thing(sample: Any, client: httpx2.AsyncClient) -> None:
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"/v1/things/{THING}:reopen", headers=sample.signer.bearer())
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await client.get(f"/v1/things/{THING}:nothing", headers=sample.signer.bearer())
    assert answer.status_code == 422  # no command of ours: an id, and a wrong one


def test_a_code_means_one_thing() -> None:
    kind = ProblemType("test_once", 409, "Once", "e", "w")
    register(kind, kind)
    with pytest.raises(ValueError, match="twice"):
        register(ProblemType("test_once", 410, "Twice", "e", "w"))
    with pytest.raises(ValueError, match="shape"):
        register(ProblemType("Test Once", 409, "Once", "e", "w"))


async def test_every_type_opens_a_page(sample: Any, client: httpx2.AsyncClient) -> None:
    index = await client.get("/problems", headers={"Accept": "text/html"})
    for code, kind in registered().items():
        assert f"/problems/{code}" in index.text
        page = await client.get(f"/problems/{code}")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert html.escape(kind.title) in page.text
        assert "<script" not in page.text
        assert "script-src" not in page.headers["content-security-policy"]
        described = await client.get(f"/problems/{code}", headers={"Accept": "application/json"})
        assert described.json()["what_to_do"] == kind.what_to_do


async def test_pages_escape_what_they_show(client: httpx2.AsyncClient) -> None:
    register(ProblemType("test_markup", 409, "<b>bold</b>", "a < b", "x"))
    page = (await client.get("/problems/test_markup")).text
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page


# answers
async def test_an_answer_carries_version_and_location(sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/things", json=GOOD, headers=headers_of(sample))
    assert answer.headers["etag"] == '"v1"'
    assert answer.headers["location"] == f"/v1/things/{THING}"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "status"),
    [('"v7"', 304), ('W/"v7"', 304), ('"v6", "v7"', 304), ("*", 304), ('"v6"', 200), ("v7", 200), ("", 200)],
)
async def test_reads_answer_304(given: str, status: int, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"/v1/things/{THING}", headers={**sample.signer.bearer(), "If-None-Match": given})
    assert answer.status_code == status
    assert answer.headers["etag"] == '"v7"'
    assert bool(answer.content) == (status == 200)


async def test_pages_follow_their_links(sample: Any, client: httpx2.AsyncClient) -> None:
    seen: list[int] = []
    url = "/v1/things?pageSize=120"
    while True:
        answer = await client.get(url, headers=sample.signer.bearer())
        body = answer.json()
        seen += body["items"]
        assert body["has_more"] == body["pageInfo"]["hasNextPage"] == ("link" in answer.headers)
        assert body["next_cursor"] == body["pageInfo"]["nextPageCursor"]
        if not body["has_more"]:
            break
        url = re.fullmatch(r'<(.*)>; rel="next"', answer.headers["link"])[1]  # type: ignore[index]
        assert "pageSize=120" in url
    assert seen == list(range(250))


@pytest.mark.parametrize(
    ("query", "count"), [("", 100), ("?limit=2", 2), ("?pageSize=2", 2), ("?limit=200", 200), ("?limit=1", 1)]
)
async def test_page_sizes(query: str, count: int, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"/v1/things{query}", headers=sample.signer.bearer())
    assert len(answer.json()["items"]) == count


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?pageSize=-1", "?limit=x", "?cursor=" + "a" * 2000])
async def test_wrong_pages(query: str, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"/v1/things{query}", headers=sample.signer.bearer())
    assert answer.status_code == 422


async def test_a_cursor_is_good_for_its_query_and_dealer(sample: Any, client: httpx2.AsyncClient) -> None:
    first = await client.get("/v1/things", headers=sample.signer.bearer())
    cursor = first.json()["next_cursor"]
    for name in ("cursor", "pageCursor"):
        again = await client.get(f"/v1/things?{name}={cursor}", headers=sample.signer.bearer())
        assert again.json()["items"][0] == 100
    foreign = await client.get(f"/v1/things?cursor={cursor}", headers=sample.signer.bearer(dealer="dealer-2"))
    assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_invalid")
    flipped = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for wrong in ("x", "é", "====", flipped, cursor + cursor, "A" * 30):
        answer = await client.get("/v1/things", params={"cursor": wrong}, headers=sample.signer.bearer())
        assert answer.status_code == 400, wrong


def test_a_cursor_keeps_its_position() -> None:
    position = ["2026-01-01T00:00:00.000000Z", THING, 7]
    cursor = answers.sign_cursor("secret", position, {"q": "a", "dealer": None})
    assert answers.open_cursor("secret", cursor, {"dealer": None, "q": "a"}) == position
    for secret, bound in (("other", {"q": "a", "dealer": None}), ("secret", {"q": "a", "dealer": "d"})):
        with pytest.raises(Problem):
            answers.open_cursor(secret, cursor, bound)


# limits
async def test_t8_more_than_the_limit_is_shed(sample: Any, client: httpx2.AsyncClient) -> None:
    sample.hold = asyncio.Event()
    sample.app.state.admission.limit = 3
    work = [asyncio.create_task(client.post("/v1/things", json=GOOD, headers=headers_of(sample))) for _ in range(3)]
    while len(sample.app.state.admission.working) < 3:
        await asyncio.sleep(0)
    shed = await client.post("/v1/things", json=GOOD, headers=headers_of(sample))
    assert (shed.status_code, shed.json()["code"], shed.headers["retry-after"]) == (503, "overloaded", "1")
    assert (await client.get("/livez")).status_code == 200
    sample.hold.set()
    assert [answer.status_code for answer in await asyncio.gather(*work)] == [201] * 3
    assert (await client.post("/v1/things", json=GOOD, headers=headers_of(sample))).status_code == 201


async def test_a_slow_handler_is_answered_in_time_and_never_cancelled(
    sample: Any, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "BUDGET_SECONDS", 0.05)
    sample.hold = asyncio.Event()
    answer = await client.post("/v1/things", json=GOOD, headers=headers_of(sample))
    assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
    assert len(sample.app.state.admission.working) == 1  # it keeps its place
    sample.hold.set()
    assert await sample.app.state.admission.drained(5)
    assert sample.finished == 1


# public routes
async def test_health(sample: Any, client: httpx2.AsyncClient) -> None:
    health = sample.app.state.health

    async def database() -> dict[str, Any]:
        return {"size": 3}

    async def broker() -> dict[str, Any]:
        raise ConnectionRefusedError("postgres://user:password@host")

    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/startupz")).status_code == 503
    assert (await client.get("/readyz")).status_code == 503
    health.started, health.checks = True, {"database": database}
    assert (await client.get("/startupz")).status_code == 200
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": {"ok": True, "size": 3}})
    health.checks = {"database": database, "broker": broker}
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["broker"] == {"ok": False, "error": "ConnectionRefusedError"}
    assert "password" not in ready.text
    health.checks, health.draining = {}, True
    assert (await client.get("/readyz")).json()["status"] == "draining"
    assert (await client.get("/livez")).status_code == 200


async def test_the_labels_of_a_measurement_are_looked_up_once(
    sample: Any, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels: list[Any] = []
    real, path, bearer = type(edge.DURATION).labels, f"/v1/things/{THING}", sample.signer.bearer()
    await client.get(path, headers=bearer)
    count = 'http_server_request_duration_seconds_count{method="GET",route="/v1/things/{thing}",status="200"}'

    async def counted() -> float:
        text = (await client.get("/metrics")).text
        return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(count)))

    before = await counted()
    monkeypatch.setattr(type(edge.DURATION), "labels", lambda self, *names: labels.append(names) or real(self, *names))
    for _ in range(3):
        assert (await client.get(path, headers=bearer)).status_code == 200
    assert labels == []
    assert await counted() == before + 3


@pytest.mark.parametrize("accept", [None, "application/openmetrics-text", "text/plain;version=x.y;escaping=z", "é"])
async def test_metrics_have_templates_and_no_values(
    accept: str | None, sample: Any, client: httpx2.AsyncClient
) -> None:
    await client.get(f"/v1/things/{THING}", headers=sample.signer.bearer())
    await client.get(f"/v1/{CANARY}?{CANARY}=1")
    await client.request(CANARY.upper(), "/v1/things")
    headers = httpx2.Headers({} if accept is None else {"Accept": accept}, encoding="latin-1")
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert 'http_server_request_duration_seconds_count{method="GET",route="/v1/things/{thing}"' in answer.text
    assert 'route="unmatched"' in answer.text
    assert CANARY not in answer.text.lower()
    assert THING not in answer.text


async def test_docs_need_nothing_from_elsewhere(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    local = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(local) == 4
    assert "<script>" not in page.text
    assert "'unsafe-inline'" not in page.headers["content-security-policy"].split("style-src")[0]
    for url in local:
        assert "//" not in url
        assert (await client.get(f"/{url}")).status_code == 200
    assert "//" not in (await client.get("/docs/init.js")).text


async def test_the_catalog(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/.well-known/api-catalog")
    assert answer.headers["content-type"].startswith("application/linkset+json")
    links = answer.json()["linkset"][0]
    for relation in ("service-desc", "service-doc", "status"):
        for link in links[relation]:
            path = link["href"].removeprefix("http://127.0.0.1:8000")
            assert (await client.get(path)).status_code in (200, 503)


async def test_security_headers_are_everywhere(sample: Any, client: httpx2.AsyncClient) -> None:
    for path in ("/livez", "/nothing", "/docs", "/v1/things"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in headers
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


# OpenAPI
async def test_the_document_is_complete(sample: Any, client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert "HTTPValidationError" not in json.dumps(document)
    make = document["paths"]["/v1/things"]["post"]
    assert make["operationId"] == "make_thing"
    assert make["security"] == [{"oidc": ["thing:write"]}]
    assert make["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Thing")
    parameters = {each["name"]: each for each in make["parameters"]}
    assert parameters["Idempotency-Key"]["required"] is True
    assert not parameters["If-Match"].get("required")
    assert '"null"' not in json.dumps(make["parameters"])  # left out, yes; but there is no null in a header
    close = document["paths"]["/v1/things/{thing}/close"]["post"]
    assert not {each["name"]: each for each in close["parameters"]}["Idempotency-Key"].get("required")
    assert {"400", "401", "403", "409", "412", "413", "415", "422", "500", "503"} <= make["responses"].keys()
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"]
    assert "x-required" not in json.dumps(document)
    scheme = document["components"]["securitySchemes"]["oidc"]
    assert scheme["openIdConnectUrl"] == "https://issuer.test/.well-known/openid-configuration"
    assert "application/xml" in document["paths"]["/v1/imports"]["post"]["requestBody"]["content"]


def test_models_are_strict() -> None:
    class Odd(StrictModel):
        price: Money

    with pytest.raises(ValueError, match="validation error"):
        Odd.model_validate({"price": {"minor": True, "currency": "CNY"}})
    with pytest.raises(ValueError, match="frozen"):
        Money(minor=1, currency="CNY").minor = 2  # type: ignore[misc]
    with pytest.raises(ValueError, match="validation error") as raised:
        Odd.model_validate({"price": {"minor": CANARY, "currency": "CNY"}})
    assert CANARY not in str(raised.value)


async def test_the_log_has_no_query_and_no_path_values(
    sample: Any, client: httpx2.AsyncClient, log_lines: io.StringIO
) -> None:
    await client.get(f"/v1/things/{CANARY}?limit={CANARY}", headers=sample.signer.bearer())
    entry = json.loads(log_lines.getvalue().splitlines()[-1])
    assert entry["event"] == "request"
    assert (entry["method"], entry["route"], entry["status"]) == ("GET", "/v1/things/{thing}", 422)
    assert (entry["severity"], entry["service.name"]) == ("INFO", "sample")
    assert CANARY not in log_lines.getvalue()


def test_public_url_of_problem_types() -> None:
    settings = Settings.for_service("sample", {"ROADBOOK_BASE_URL": "https://api.example.org/lead/"})
    assert settings.problems_url == "https://api.example.org/lead/problems"


async def test_an_unknown_query_parameter_is_refused_and_not_repeated(sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/things", params={"zhang": "wei"}, headers=sample.signer.bearer())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_parameter")
    assert "zhang" not in answer.text + str(answer.headers)
