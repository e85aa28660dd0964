"""Errors as RFC 9457 problems: one stable code each, a page behind every type, and never a word the client sent.

A service adds the codes of its domain with `register`; the shell's exceptions and the framework's are mapped here.
"""

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from roadbook import errors, telemetry
from roadbook.decider import Rejected
from roadbook.http.pointers import FieldError, field_errors

MEDIA_TYPE = "application/problem+json"
CODE = re.compile(r"^[a-z][a-z0-9_]{1,63}$")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of failure. `explanation` and `what_to_do` make its page; `retryable` None = depends on the case."""

    code: str
    status: int
    title: str
    explanation: str
    what_to_do: str
    retryable: bool | None = None


class Problem(Exception):
    """Raised by a handler to answer with the registered problem `code`.

    `detail` and `extra` must hold no personal data: write what is wrong, never what was sent.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


@dataclass(slots=True)
class _Registry:
    types: dict[str, ProblemType] = field(default_factory=dict)


_REGISTRY = _Registry()


def register(*types: ProblemType) -> None:
    """Add problem types; raises ValueError if a code is taken by another type or has a wrong shape."""
    for kind in types:
        if not CODE.fullmatch(kind.code) or not 400 <= kind.status <= 599:
            raise ValueError(f"problem type {kind.code!r}: code or status has a wrong shape")
        if _REGISTRY.types.setdefault(kind.code, kind) != kind:
            raise ValueError(f"problem type {kind.code!r} is registered twice with different contents")


def registered() -> Mapping[str, ProblemType]:
    """All known types by code, sorted."""
    return dict(sorted(_REGISTRY.types.items()))


def problem_type(code: str) -> ProblemType:
    """The registered type; for a domain code nobody registered, a plain 409 of that name."""
    known = _REGISTRY.types.get(code)
    if known is not None:
        return known
    title = code.replace("_", " ").capitalize() if CODE.fullmatch(code) else "Rejected"
    return ProblemType(code if CODE.fullmatch(code) else "rejected", 409, title, "", "", retryable=False)


def render(request: Request, problem: Problem) -> Response:
    """The response for `problem`. It repeats nothing of the request: `instance` is the correlation id as a URN.

    A 404 carries no id of its own: what is another dealer's and what never was answer byte for byte the same. Its
    ids stand in the headers.
    """
    kind = problem_type(problem.code)
    body: dict[str, Any] = dict(problem.extra)
    body |= {
        "type": f"{problems_url(request)}/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [fault.as_json() for fault in problem.errors]
    if kind.retryable is not None:
        body["retryable"] = kind.retryable
    state = request.scope.setdefault("state", {})
    state["problem"] = kind.code
    if kind.status != HTTPStatus.NOT_FOUND:
        if correlation := state.get("correlation"):
            body["instance"] = f"urn:uuid:{correlation}"
        if trace_id := telemetry.current_trace_id():
            body["trace_id"] = trace_id
    headers = {"Cache-Control": "no-store", "Content-Language": "en", **problem.headers}
    return Response(orjson.dumps(body), kind.status, headers, MEDIA_TYPE)


def problems_url(request: Request) -> str:
    """The absolute base of the problem pages, from the settings of the application."""
    return str(getattr(request.app.state, "problems_url", "/problems"))


def from_exception(error: Exception) -> Problem | None:
    """The problem that says what `error` means, or None for one nobody foresaw (a 500)."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Rejected):
        return Problem(error.code)
    if isinstance(error, errors.Unavailable):
        return Problem("unavailable", headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, errors.OutcomeUnknown):
        return Problem("outcome_unknown", headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, RequestValidationError):
        return Problem("invalid_request", errors=field_errors(error.errors(), error.body))
    if isinstance(error, HTTPException):
        return _from_http_exception(error)
    for kind, code in _BY_TYPE.items():
        if isinstance(error, kind):
            headers = {"Retry-After": "1"} if code == "idempotency_in_flight" else {}
            return Problem(code, headers=headers)
    return None


_BY_TYPE: dict[type[Exception], str] = {
    errors.Conflict: "conflict",
    errors.PreconditionFailed: "precondition_failed",
    errors.NotFound: "not_found",
    errors.IdempotencyKeyMissing: "idempotency_key_missing",
    errors.IdempotencyKeyReused: "idempotency_key_reused",
    errors.IdempotencyInFlight: "idempotency_in_flight",
}

_BY_STATUS = {
    400: "malformed_request",
    401: "authentication_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "content_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    503: "unavailable",
}


def _from_http_exception(error: HTTPException) -> Problem:
    """Starlette's own refusals. Their `detail` is dropped: some of them quote the request."""
    code = _BY_STATUS.get(error.status_code) or ("internal_error" if error.status_code >= 500 else "malformed_request")
    return Problem(code, headers=dict(error.headers or {}))


def handlers() -> dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]:
    """Exception handlers for the application; what they leave over is a 500 (`roadbook.http.app`). They are coroutines:
    Starlette gives others a thread, and every problem would wait for its turn."""

    async def handle(request: Request, error: Any) -> Response:
        problem = from_exception(error) or Problem("internal_error")
        if problem.code == "method_not_allowed" and (allowed := request.app.state.paths.allowed(request.scope["path"])):
            problem.headers["Allow"] = ", ".join(allowed)
        return render(request, problem)

    kinds: Iterable[type[Exception]] = (
        Problem,
        Rejected,
        errors.Unavailable,
        errors.OutcomeUnknown,
        RequestValidationError,
        HTTPException,
        *_BY_TYPE,
    )
    return dict.fromkeys(kinds, handle)
