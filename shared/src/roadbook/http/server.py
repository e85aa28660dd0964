"""The listening side: uvicorn with httptools, and deadlines that no trickle of bytes can push back (C5, C6, C8)."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Literal

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from roadbook.http.problems import MEDIA_TYPE, problem_type
from roadbook.settings import Settings

HEADER_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
LINGER_SECONDS: Final = 2.0
WRITE_STALL_SECONDS: Final = 30.0
KEEP_ALIVE_SECONDS: Final = 15.0
DRAIN_SECONDS: Final = 10
MAX_HEADER_BYTES: Final = 16 * 1024
MAX_HEADERS: Final = 100
MAX_PIPELINED: Final = 16

Phase = Literal["idle", "head", "body"]


class GuardedProtocol(HttpToolsProtocol):
    """Absolute deadlines for head and body, caps for headers, pipelining and connections, problems for refusals.

    `_phase` is what the parser waits for: nothing yet, the rest of a head, or the rest of a body.
    """

    max_connections: ClassVar[int] = 1000
    problems_url: ClassVar[str] = "/problems"
    header_seconds: ClassVar[float] = HEADER_SECONDS
    body_seconds: ClassVar[float] = BODY_SECONDS
    keep_alive_seconds: ClassVar[float] = KEEP_ALIVE_SECONDS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.timeout_keep_alive = self.keep_alive_seconds  # type: ignore[assignment]  # call_later takes a float
        self._phase: Phase = "head"
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._unparsed_head = 0
        self._refusal: str | None = None
        self._finished = False

    # connection
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        if len(self.connections) > 2 * self.max_connections:
            transport.abort()
            return
        self._wait("head", self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._finished:
            return  # refused: what still arrives is read and forgotten, so that the answer is not reset away
        if self._phase == "idle":
            self._wait("head", self.header_seconds)
        super().data_received(data)
        # httptools keeps an unfinished header to itself: what it has not told us of is counted by the raw bytes.
        if self._phase == "head" and not self._finished:
            self._unparsed_head += len(data)
            if self._unparsed_head > MAX_HEADER_BYTES:
                self._refuse("headers_too_large")

    # parser
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        if self._phase != "head":
            self._wait("head", self.header_seconds)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop("malformed_request")

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)
        if len(self.headers) > MAX_HEADERS:
            self._stop("headers_too_large")

    def on_headers_complete(self) -> None:
        self._wait("body", self.body_seconds)
        self.scope["state"]["release_body"] = functools.partial(self._release, self.scope)
        app = self.app
        if len(self.connections) > self.max_connections:
            self.app = _Overloaded(self.problems_url)
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_message_complete(self) -> None:
        self._phase = "idle"
        self._unparsed_head = 0
        self._cancel()
        super().on_message_complete()
        if self.cycle.response_complete and self.timeout_keep_alive_task is None:
            # Answered before its body ended, and the body's bytes stopped uvicorn's timer for idle connections.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase == "body" and not self.transport.is_closing():
            # Answered before the body was read (401, 413): read on a little, for a reset would eat the answer.
            self._wait("body", LINGER_SECONDS)

    # a client that does not read
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(WRITE_STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    # refusing
    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or "malformed_request")

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEADER_BYTES:
            self._stop("headers_too_large")

    def _stop(self, code: str) -> None:
        """Leave the parser by an error; uvicorn then calls `send_400_response`."""
        self._refusal = code
        raise ValueError(code)

    def _wait(self, phase: Phase, seconds: float) -> None:
        self._cancel()
        self._phase = phase
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _release(self, scope: object) -> None:
        """For a route that keeps time by itself (`roadbook.http.stream`): the deadline of this body falls."""
        if self._phase == "body" and self.scope is scope:
            self._cancel()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self._phase == "head" and not self._unparsed_head:
            self.transport.close()  # connected and silent: there is no request to answer
        else:
            self._refuse("request_timeout")

    def _refuse(self, code: str) -> None:
        """Answer outside of ASGI and close. An answer already under way is cut instead."""
        self._finished = True
        self._cancel()
        if self.transport.is_closing():
            return
        running = self.cycle is not None and not self.cycle.response_complete
        if running:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if running and self.cycle.response_started:
            self.transport.abort()
            return
        if self.cycle is None or not (self.cycle.response_complete and self._phase == "body"):
            self.transport.write(_response(code, self.problems_url))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def _problem_bytes(code: str, problems_url: str) -> bytes:
    kind = problem_type(code)
    body = {"type": f"{problems_url}/{code}", "title": kind.title, "status": kind.status, "code": code}
    return orjson.dumps(body)


def _response(code: str, problems_url: str) -> bytes:
    body = _problem_bytes(code, problems_url)
    head = (
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
    )
    return STATUS_LINE[problem_type(code).status] + head.encode() + body


class _Overloaded:
    """The application of connections beyond the limit."""

    def __init__(self, problems_url: str) -> None:
        self._body = _problem_bytes("overloaded", problems_url)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(self._body)).encode()),
            (b"retry-after", b"1"),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


class Server(uvicorn.Server):
    """Leaves signals to `roadbook.runtime`, which ends more than HTTP."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(settings: Settings) -> socket.socket:
    """The listening socket; raises OSError when the address is taken or not ours. Port 0 = any free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=2048)


def make_server(app: Any, settings: Settings, **overrides: Any) -> Server:
    """A server that is not running yet: `await server.serve(sockets=[bind(settings)])`.

    `overrides`, for tests, set attributes of the protocol: `header_seconds`, `body_seconds`, `keep_alive_seconds`.
    """
    attributes = {
        "max_connections": settings.max_connections,
        "problems_url": settings.problems_url,
        **overrides,
    }
    config = uvicorn.Config(
        app,
        http=type("Protocol", (GuardedProtocol,), attributes),
        ws="none",
        loop="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        reset_contextvars=True,
    )
    return Server(config)
