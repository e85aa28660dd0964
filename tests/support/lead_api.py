"""What the tests of the lead service's API share: short words for answers, and a check of answers against OpenAPI."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from fastapi import FastAPI
from jsonschema import Draft202012Validator

DEALERS = [f"dealer-sh-0{n}" for n in range(1, 7)]
SELLER, OTHER_SELLER, MANAGER = "staff-sh-01-1", "staff-sh-01-2", "staff-sh-01-manager"
PROBLEM = "application/problem+json"


def ok(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code in (200, 201), response.text
    body: dict[str, Any] = response.json()
    return body


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body: dict[str, Any] = response.json()
    assert body["code"] == code, response.text
    return body


def same(response: httpx2.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """An answer without what belongs to the single request: status, body, headers."""
    own = ("instance", "trace_id")
    body = {name: value for name, value in response.json().items() if name not in own}
    headers = {name: value for name, value in response.headers.items() if not re.search("date|trace|correlation", name)}
    return response.status_code, body, headers


async def captured(api: Any, intent: dict[str, Any], **changes: Any) -> str:
    """The path of a new lead."""
    response = await api.post("/v1/leads", {**intent, **changes})
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def events(api: Any, lead: str) -> list[dict[str, Any]]:
    """All events of a lead that has not more than a page of them."""
    page = ok(await api.get(lead + "/events", limit=200))
    assert not page["has_more"]
    items: list[dict[str, Any]] = page["items"]
    return items


async def names(api: Any, lead: str) -> list[str]:
    """The names of its events."""
    return [event["type"].split(".")[2] for event in await events(api, lead)]


async def pages(api: Any, path: str, limit: int = 2, **query: Any) -> list[dict[str, Any]]:
    """The items of all pages."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ok(await api.get(path, limit=limit, **query, **({"cursor": cursor} if cursor else {})))
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            return items


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of an OpenAPI document."""
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def documented(app: FastAPI) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A response hook: what was answered stands in the OpenAPI document, with its problem code or its shape."""
    document = app.openapi()
    routes = [
        (method, re.compile(re.sub(r"\\{[a-z_]+\\}", "[^/:]+", re.escape(path))), operation)
        for method, path, operation in operations(document)
    ]
    schemas = {"components": document["components"]}

    async def check(response: httpx2.Response) -> None:
        await response.aread()
        method, path = response.request.method, response.request.url.path
        operation = next((o for m, pattern, o in routes if m == method and pattern.fullmatch(path)), None)
        if operation is None:
            return
        name = f"{operation['operationId']} {response.status_code}"
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, f"{name}: {response.text}"
        kind = response.headers["content-type"].partition(";")[0]
        content = described["content"][kind]
        if kind == PROBLEM and response.status_code != 503:
            assert response.json()["code"] in content["examples"], f"{name}: {response.json()['code']}"
        elif kind == "application/json":
            validator = Draft202012Validator({**content["schema"], **schemas})
            wrong = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(response.json())]
            assert not wrong, f"{name}: {wrong}"

    return check
