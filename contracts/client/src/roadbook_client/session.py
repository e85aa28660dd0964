"""One caller at one service: the token, keys that survive repeats, repeats until a deadline, problems as exceptions."""

import asyncio
import inspect
import json as json_
import random
import time
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx2
import stamina

from roadbook_client.paging import Listing
from roadbook_client.problems import Problem, RoadbookError, Unreachable

TokenSource = Callable[[], str | Awaitable[str]]
Content = bytes | str | Callable[[], AsyncIterable[bytes]]
Query = Mapping[str, Any]
Position = str | Mapping[str, Any]

# A gateway's own answers: what became of the request is not known, and it carries a key or changes nothing.
_AGAIN: Final = frozenset({429, 502, 503, 504})
_TRANSIENT: Final = (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError)
_UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of success, as it came. Names in `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def etag(self) -> str | None:
        """For `if_match` of a command, or the header If-None-Match of another read."""
        return self.headers.get("etag")

    def json(self) -> Any:
        """Raises `Problem` `unexpected_answer` for what is not JSON."""
        try:
            return json_.loads(self.content)
        except ValueError:
            raise Problem(self.status, "unexpected_answer", "the body is not JSON") from None


@dataclass(slots=True)
class Tokens:
    """The current token of a source; asked again when a service refuses the one it gave."""

    source: TokenSource
    current: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, refused: str | None = None) -> str:
        """`refused`: the token that was not good any more. Of many callers that meet it, one fetches the next."""
        async with self.lock:
            if self.current is None or self.current == refused:
                made = self.source()
                self.current = await made if inspect.isawaitable(made) else made
            return self.current


@dataclass(frozen=True, slots=True)
class Session:
    """`patience`: seconds until a call gives up, repeats and waits included. `timeout`: seconds without a sign of life
    until one attempt is given up."""

    http: httpx2.AsyncClient
    base_url: str
    tokens: Tokens
    patience: float = 30.0
    timeout: float = 10.0

    async def send(self, request: "Call") -> Reply:
        """Raises `Problem` or `Unreachable`, both only when repeating is of no use or the time is up."""
        again = _Again(time.monotonic() + self.patience)
        try:
            async with asyncio.timeout(self.patience) as limit:
                async for attempt in stamina.retry_context(
                    again, attempts=None, timeout=None, wait_initial=0.05, wait_max=2.0, wait_jitter=0.2
                ):
                    with attempt:
                        return await self._authorized(request)
        except TimeoutError:
            if not limit.expired():
                raise  # the token source's own
            raise again.last or Unreachable(request.method, request.path, "deadline") from None
        raise AssertionError("unreachable: stamina answers or raises")

    async def _authorized(self, request: "Call") -> Reply:
        token = await self.tokens.get()
        try:
            return await self._once(request, token)
        except Problem as problem:
            if problem.status != _UNAUTHORIZED:
                raise
        return await self._once(request, await self.tokens.get(refused=token))

    async def _once(self, request: "Call", token: str) -> Reply:
        content = request.content() if callable(request.content) else request.content
        headers = {**request.headers, "Authorization": f"Bearer {token}"}
        url = self.base_url.rstrip("/") + request.path
        try:
            answer = await self.http.request(
                request.method, url, params=request.query, content=content, headers=headers, timeout=self.timeout
            )
        except _TRANSIENT as error:
            raise Unreachable(request.method, request.path, type(error).__name__) from error
        if not answer.is_success and answer.status_code != httpx2.codes.NOT_MODIFIED:
            raise Problem.of(answer.status_code, answer.headers, answer.content)
        return Reply(answer.status_code, dict(answer.headers), answer.content)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, the same at every repeat: its key, and its body byte for byte."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = None


@dataclass(slots=True)
class _Again:
    """Whether to repeat after an error: stamina's hook. True: after its own backoff; a number: after these seconds."""

    deadline: float
    last: RoadbookError | None = None

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, RoadbookError):
            return False
        self.last = error
        if not isinstance(error, Problem):
            return True
        if not may_repeat(error):
            return False
        if error.retry_after is None:
            return True
        # The jitter comes on top: never earlier than the service asked for, and not all at the same moment.
        wait = error.retry_after + random.uniform(0, 0.2)
        return wait if time.monotonic() + wait < self.deadline else False


def may_repeat(problem: Problem) -> bool:
    """What the service says of itself counts; where it says nothing, the status does."""
    if problem.retryable is not None:
        return problem.retryable
    return problem.status in _AGAIN


# ── What the generated operations call ────────────────────────────────────────────────────────────────────────
class Operations:
    """The base of the generated classes. `send` is for what they do not offer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        json: Any = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any request, with this client's token, repeats and errors. A POST gets no key here: set the header, or be
        sure that it changes nothing."""
        given = dict(headers or {})
        if json is not None:
            content, given = encoded(json), {"Content-Type": "application/json", **given}
        return await self._session.send(Call(method, path, parameters(query or {}), given, content))

    async def _read(self, method: str, path: str, *, query: Query | None = None, json: Any = None) -> Any:
        reply = await self.send(method, path, query=query, json=json, headers={"Accept": "application/json"})
        return reply.json()

    async def _command(
        self,
        method: str,
        path: str,
        key: str | None,
        if_match: int | str | None,
        *,
        query: Query | None = None,
        json: Any = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        conditions = {"Accept": "application/json", "Idempotency-Key": key_header(key), **(headers or {})}
        if if_match is not None:
            conditions["If-Match"] = f'"v{if_match}"' if isinstance(if_match, int) else if_match
        reply = await self.send(method, path, query=query, json=json, content=content, headers=conditions)
        return reply.json()

    def _list(self, method: str, path: str, *, cursor: str | None, query: Query, json: Any = None) -> Listing[Any, Any]:
        async def fetch(cursor: str | None) -> Any:
            return await self._read(method, path, query={**query, "cursor": cursor}, json=json)

        return Listing(fetch, cursor)


def key_header(key: str | None) -> str:
    """A structured-field string (RFC 9651), fresh when none is given. Raises ValueError for what is none."""
    if key is None:
        return f'"{uuid.uuid4()}"'
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError("an idempotency key is one or more visible ASCII characters")
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encoded(body: Any) -> bytes:
    return json_.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def parameters(query: Query) -> tuple[tuple[str, str], ...]:
    """Without those that are None."""
    return tuple((name, _text(name, value)) for name, value in query.items() if value is not None)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{name}: a time needs an offset")
    return value.isoformat() if isinstance(value, date) else str(value)


def position(of: Position | None) -> str | None:
    """The position in a command's answer, or the position itself: a read with `min` shows all up to it."""
    return of if of is None or isinstance(of, str) else str(of["position"])


def content_headers(media_type: str, encoding: str | None) -> dict[str, str]:
    return {"Content-Type": media_type} | ({"Content-Encoding": encoding} if encoding else {})


def segment(value: date | str) -> str:
    """A value inside a path."""
    return quote(str(value), safe="")
