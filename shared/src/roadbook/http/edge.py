"""The outermost ASGI layer: one span, one log line, one measurement and one set of headers for every request.

Nothing here waits, and no exception passes it: what nobody foresaw becomes a 500 that says nothing.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Final

from opentelemetry.trace import Status, StatusCode
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadbook import telemetry
from roadbook.database import is_transient, is_unreachable, is_unstorable
from roadbook.http.body import DEFAULT_LIMIT, BodyLimit, ClientGone
from roadbook.http.context import correlation_of
from roadbook.http.problems import Problem, from_exception, render
from roadbook.logs import describe_exception, get_logger

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
CLIENT_GONE: Final = 499

DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time from the headers of a request to the end of its response, by route template",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
ACTIVE = Gauge("http_server_active_requests", "Requests at work")
PROBLEMS = Counter("http_server_problems_total", "Problems answered, by code", ["code"])

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_log = get_logger("roadbook.http")


@cache
def _duration(method: str, route: str, status: int) -> Histogram:
    """Kept here, too: to find the one of some labels costs the library more than to count. As few as its own."""
    return DURATION.labels(method, route, str(status))


class Edge:
    """`route_of` tells the route template from the scope after routing, or None for a path that matched nothing."""

    def __init__(self, app: ASGIApp, route_of: Callable[[Scope], str | None], https: bool) -> None:
        self._app = app
        self._route_of = route_of
        self._headers = dict(SECURITY_HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        started = time.perf_counter()
        parent = _header(scope, b"traceparent")
        ACTIVE.inc()
        with telemetry.span(method, "server", {"http.request.method": method}, parent) as span:
            try:
                status = await self._guarded(scope, receive, send)
            finally:
                ACTIVE.dec()
            route = self._route_of(scope) or "unmatched"
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            seconds = time.perf_counter() - started
            _duration(method, route, status).observe(seconds)
            problem = scope["state"].get("problem")
            if problem:
                PROBLEMS.labels(problem).inc()
            if scope["path"] not in QUIET:
                level = _log.error if status >= 500 and status != 503 else _log.info
                level(
                    "request",
                    method=method,
                    route=route,
                    status=status,
                    problem=problem,
                    duration_ms=round(seconds * 1000, 2),
                    correlation=scope["state"]["correlation"],
                )

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Runs the application and returns the status it answered with."""
        scope["state"] = dict(scope.get("state") or {})
        correlation = correlation_of(scope)
        limit = BodyLimit(scope, receive, DEFAULT_LIMIT)
        scope["state"]["body_limit"] = limit
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Correlation-Id"] = correlation
                traceparent = telemetry.current_traceparent()
                if traceparent:
                    headers["traceparent"] = traceparent
            await send(message)

        try:
            if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
                raise Problem("malformed_request", "the path or the query holds NUL")
            await self._app(scope, limit.receive, answer)
        except (ClientDisconnect, ClientGone):
            return CLIENT_GONE
        except Exception as error:
            if status:
                raise _Unfinished from error  # the server closes the connection: the client sees a cut response
            await self._failure(error, Request(scope), answer)
        return status

    async def _failure(self, error: Exception, request: Request, answer: Send) -> None:
        problem = from_exception(error) or _from_database(error, request.method)
        if problem is None:
            problem = Problem("internal_error")
            _log.error("unforeseen", **describe_exception(error))
        await render(request, problem)(request.scope, _nothing, answer)


def _from_database(error: Exception, method: str) -> Problem | None:
    """The net under the handlers: what they did not map. An error in a command may have come after its COMMIT."""
    if is_unstorable(error):
        return Problem("invalid_request", "a value cannot be stored")
    if is_transient(error):
        return Problem("unavailable", headers={"Retry-After": "1"})
    if is_unreachable(error):
        _log.warning("database_unreachable", **describe_exception(error))
        code = "unavailable" if method in ("GET", "HEAD") else "outcome_unknown"
        return Problem(code, headers={"Retry-After": "1"})
    return None


class _Unfinished(Exception):
    """A response broke off after its headers."""


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _header(scope: Scope, wanted: bytes) -> str | None:
    found = [value for name, value in scope["headers"] if name == wanted]
    return found[0].decode("latin-1") if len(found) == 1 else None


def route_finder(templates: dict[int, str]) -> Callable[[Scope], str | None]:
    """Looks routes up by identity, since a label must be a template and never the path a client chose."""

    def find(scope: Scope) -> str | None:
        for name in ("route", "endpoint"):
            known = templates.get(id(scope.get(name)))
            if known is not None:
                return known
        return None

    return find
