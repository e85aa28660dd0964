"""Clients: closed loops and an open one, and HTTP at the least cost to the machine that the server also runs on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import cast

import orjson

from benchmarks.frame import Measures, latencies

Act = Callable[[int], Awaitable[object]]
"""One thing to do; its number tells it from all others of the run."""


def of(clients: int) -> str:
    return f"{clients} client" + "s" * (clients > 1)


class Counter:
    """Numbers over all runs of a row, so that no two acts are the same."""

    def __init__(self) -> None:
        self.next = 0

    def take(self) -> int:
        self.next += 1
        return self.next


async def closed(clients: int, seconds: float, act: Callable[[int], Act], numbers: Counter) -> Measures:
    """`clients` at once, each doing the next thing when the last is done. `act(client)` is what a client does."""
    taken: list[float] = []
    began = time.perf_counter()
    end = began + seconds

    async def client(place: int) -> None:
        own = act(place)
        while (start := time.perf_counter()) < end:
            await own(numbers.take())
            taken.append(time.perf_counter() - start)

    await asyncio.gather(*(client(place) for place in range(clients)))
    return {"rate": len(taken) / (time.perf_counter() - began), **latencies(taken)}


async def paced(rate: float, seconds: float, act: Act, numbers: Counter) -> None:
    """An open loop: one act every 1/rate seconds whatever the ones before it are doing."""
    began, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(_ignored(act, numbers.take())))
    await asyncio.gather(*tasks)


async def _ignored(act: Act, number: int) -> None:
    await act(number)


class Connection(asyncio.Protocol):
    """One connection that is kept, one request at a time; the request is bytes. A quarter of what a full client costs,
    which on two cores would be half of what is measured."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        host, _, port = url.removeprefix("http://").partition(":")
        _, protocol = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("closed by the server"))

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.lower().find(b"content-length:", 0, head)
        length = int(self._buffer[at + 15 : self._buffer.find(b"\r\n", at)]) if at >= 0 else 0
        whole = head + 4 + length
        if len(self._buffer) < whole:
            return
        status, body = int(self._buffer[9:12]), bytes(self._buffer[head + 4 : whole])
        del self._buffer[:whole]
        assert self._waiting is not None
        self._waiting.set_result((status, body))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Connections:
    """As many as clients at once, to one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[Connection] = []
        self._all: list[Connection] = []

    async def ask(self, request: bytes, expected: int, again: int = 0) -> bytes:
        """The body. `again` is a status after which the same is asked once more, for as long as it takes: a second
        later, as Retry-After says."""
        self._idle = [each for each in self._idle if not each.closed]  # servers close what was long idle
        if self._idle:
            connection = self._idle.pop()
        else:
            connection = await Connection.open(self._url)
            self._all.append(connection)
        try:
            status, body = await connection.ask(request)
        except ConnectionError:  # closed by the server at the moment it was used: asked again, as every client does
            return await self.ask(request, expected, again)
        self._idle.append(connection)
        if status == again:
            await asyncio.sleep(1)
            return await self.ask(request, expected, again)
        if status != expected:
            raise RuntimeError(f"{status}: {body[:500]!r}")
        return body

    def close(self) -> None:
        for each in self._all:
            each.close()


def post(path: str, body: object, **headers: str) -> bytes:
    content = orjson.dumps(body)
    return (
        _head("POST", path, {**headers, "content-type": "application/json", "content-length": str(len(content))})
        + content
    )


def get(path: str, **headers: str) -> bytes:
    return _head("GET", path, headers)


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nhost: bench\r\n{lines}\r\n".encode()
