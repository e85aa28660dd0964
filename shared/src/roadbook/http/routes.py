"""The route class of every service: authenticate, admit, read the body strictly, run the handler within its budget.

In this order, so that a stranger's body is never read and a slow sender never holds a place at the database.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from roadbook.errors import OutcomeUnknown, Unavailable
from roadbook.http.auth import authenticated, identify
from roadbook.http.body import DEFAULT_LIMIT, BodyLimit, parse_json, read_body
from roadbook.http.context import WITH_KEY, WITHOUT_KEY
from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem
from roadbook.http.stream import StreamedBody
from roadbook.logs import get_logger

BUDGET_SECONDS: Final = 5.0
LARGE_BODIES_AT_ONCE: Final = 8
STREAMS_AT_ONCE: Final = 2
ASIDE_AT_ONCE: Final = 256
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
XML_TYPES: Final = frozenset({"application/xml", "text/xml"})
_SCOPED: Final = (authenticated, WITH_KEY, WITHOUT_KEY)

_log = get_logger(__name__)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(slots=True)
class Admission:
    """At most `limit` handlers at work, so that nobody queues for ever at the pool (T8).

    A handler that outlives its budget keeps its place until it is really done.
    """

    limit: int
    working: set[asyncio.Task[Response]] = field(default_factory=set)
    large_bodies: int = 0
    streams: int = 0
    waiting_aside: int = 0

    def check(self) -> None:
        if len(self.working) - self.waiting_aside >= self.limit:
            raise Problem("overloaded", headers={"Retry-After": "1"})

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """A handler that waits in here, with no connection in hand, lets another have its place; so do 256 at once, the
        next ones keep theirs. Or whoever waits for what comes late would keep out those whose answer is there."""
        steps = int(self.waiting_aside < ASIDE_AT_ONCE)
        self.waiting_aside += steps
        try:
            yield
        finally:
            self.waiting_aside -= steps

    @contextlib.contextmanager
    def large_body(self) -> Iterator[None]:
        if self.large_bodies >= LARGE_BODIES_AT_ONCE:
            raise Problem("overloaded", headers={"Retry-After": "5"})
        self.large_bodies += 1
        try:
            yield
        finally:
            self.large_bodies -= 1

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        if self.streams >= STREAMS_AT_ONCE:
            raise Problem("overloaded", headers={"Retry-After": "10"})
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1

    async def drained(self, seconds: float) -> bool:
        """Wait until no handler is at work; False if some still are after `seconds`."""
        if self.working:
            await asyncio.wait(set(self.working), timeout=seconds)
        return not self.working


class StrictRequest(Request):
    """What FastAPI sees: the body is already read and parsed by our rules."""

    def keep(self, body: bytes, value: Any) -> None:
        self._body = body
        self._value = value

    async def json(self) -> Any:
        return self._value


class StrictRoute(APIRoute):
    """Accepts `max_body_size` (bytes) as FastAPI's own routes do; 256 KiB if not given."""

    def __init__(self, *args: Any, max_body_size: int | None = None, **options: Any) -> None:
        # Kept from FastAPI: its limiter answers in plain text and cannot know of ours.
        self.body_limit = max_body_size or DEFAULT_LIMIT
        super().__init__(*args, max_body_size=None, **options)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """`GET /v1/leads/7:accept` is a command asked for with the wrong method (405), not a lead called `7:accept`."""
        match, child = super().matches(scope)
        if (
            match is not Match.NONE
            and "}:" not in self.path_format
            and scope["app"].state.paths.is_command(scope["path"])
        ):
            return Match.NONE, {}
        return match, child

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()
        scopes = declared_scopes(self.dependant)
        known = declared_query(self.dependant)
        streamed = streamed_body(self.dependant)

        async def handle(request: Request) -> Response:
            if scopes is not None:
                await identify(request, scopes)
            if request.scope["query_string"] and not known.issuperset(request.query_params.keys()):
                # Unknown fields are errors (T9). The name is the client's: it is not repeated.
                raise Problem("invalid_request", errors=[FieldError(None, "unknown_parameter", "is not known here")])
            admission: Admission = request.app.state.admission
            strict = StrictRequest(request.scope, request.receive)
            if streamed is not None:
                _check_media_type(request, streamed.media_types[0], frozenset(streamed.media_types))
                admission.check()
                strict.keep(b"", None)  # nobody may read it before the handler does
                with admission.stream():
                    return await _within_budget(original(strict), admission, safe=False, seconds=None)
            if request.method not in SAFE_METHODS:
                admission.check()
                await self._read(request, strict, admission)
            admission.check()
            return await _within_budget(original(strict), admission, safe=request.method in SAFE_METHODS)

        return handle

    async def _read(self, request: Request, strict: StrictRequest, admission: Admission) -> None:
        """Read the body even where none is expected: its bytes are part of the idempotency fingerprint."""
        limiter: BodyLimit = request.scope["state"]["body_limit"]
        limiter.limit = self.body_limit
        large = admission.large_body() if self.body_limit > DEFAULT_LIMIT else contextlib.nullcontext()
        with large:
            raw = await read_body(request.receive)
        strict.keep(raw, None)
        if self.body_field is None:
            if raw.strip() not in (b"", b"{}"):
                raise Problem("invalid_request", errors=[FieldError("", "unknown_field", "no body is expected")])
            return
        if not raw:
            return
        declared = getattr(self.body_field.field_info, "media_type", "application/json")
        more = ((self.openapi_extra or {}).get("requestBody") or {}).get("content") or {}
        _check_media_type(request, declared, frozenset(more))
        if declared == "application/json":
            strict.keep(raw, parse_json(raw))


async def _within_budget(
    work: Coroutine[Any, Any, Response], admission: Admission, safe: bool, seconds: float | None = BUDGET_SECONDS
) -> Response:
    """The handler is never cancelled: it may be in the middle of a COMMIT. The answer comes in time all the same."""
    task = asyncio.create_task(work)
    admission.working.add(task)
    task.add_done_callback(admission.working.discard)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        return task.result()
    task.add_done_callback(_late)
    raise Unavailable(retry_after=1) if safe else OutcomeUnknown(retry_after=1)


def _late(task: asyncio.Task[Response]) -> None:
    error = None if task.cancelled() else task.exception()
    _log.warning("handler_outlived_its_budget", error_type=type(error).__name__ if error else None)


def _check_media_type(request: Request, declared: str, more: frozenset[str]) -> None:
    """`more` are further types that the route's own OpenAPI entry (`openapi_extra`) lists."""
    given = request.headers.getlist("content-type")
    kind = given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""
    if declared in XML_TYPES:
        fits = kind in XML_TYPES
    elif declared == "application/json":
        fits = kind == declared or (kind.startswith("application/") and kind.endswith("+json"))
    else:
        fits = kind == declared
    if not fits and kind not in more:
        raise Problem("unsupported_media_type", headers={"Accept": ", ".join(sorted({declared, *more}))})


def router(prefix: str = "", tags: list[str] | None = None, **options: Any) -> APIRouter:
    """The `APIRouter` a service declares its routes on; `create_app` refuses routes of any other."""
    return APIRouter(prefix=prefix, tags=list(tags or []), route_class=StrictRoute, redirect_slashes=False, **options)


def declared_scopes(dependant: Dependant) -> list[str] | None:
    """The scopes a route asks for, over all its dependencies; None if it asks for none."""
    found: set[str] = set()
    seen = False
    for each in _flatten(dependant):
        if each.call in _SCOPED:
            seen = True
            found.update(each.own_oauth_scopes or ())
            found.update(each.parent_oauth_scopes or ())
    return sorted(found) if seen and found else None


def streamed_body(dependant: Dependant) -> StreamedBody | None:
    """What a route that works its body while it arrives wants of it."""
    return next((each.call for each in _flatten(dependant) if isinstance(each.call, StreamedBody)), None)


def declared_query(dependant: Dependant) -> frozenset[str]:
    """The names of the query parameters a route takes, over all its dependencies."""
    return frozenset(field.alias for each in (dependant, *_flatten(dependant)) for field in each.query_params)


def has_cleanup(dependant: Dependant) -> bool:
    """Whether a dependency has code after a `yield`: it would run after the response (T1)."""
    calls = [each.call for each in _flatten(dependant) if each.call is not None]
    return any(inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call) for call in calls)


def in_threads(dependant: Dependant) -> bool:
    """Whether a dependency is no coroutine: each of those takes a thread of the pool there and back, for every request,
    and waits in line for one behind the others."""
    calls = [each.call for each in _flatten(dependant) if each.call is not None]
    return not all(
        inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__) for call in calls
    )


def _flatten(dependant: Dependant) -> Iterator[Dependant]:
    for child in dependant.dependencies:
        yield child
        yield from _flatten(child)
