"""A TCP proxy of our own in front of Kafka and Postgres: cuts (RST), delays, open lines that say nothing."""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

_LIMIT = 1 << 20
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST instead of FIN


class _Side(asyncio.Protocol):
    """One of the two sockets of a line. What arrives here leaves on `other`."""

    def __init__(self, line: "_Line", name: str) -> None:
        self.line, self.name = line, name
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None
        self.waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_LIMIT)
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for data in self.waiting:
            self.transport.write(data)
        self.waiting.clear()
        if self.name == "client":
            self.line.opened()

    def data_received(self, data: bytes) -> None:
        self.line.pass_on(self, data)

    def send(self, data: bytes) -> None:
        if self.transport is None:
            self.waiting.append(data)
        elif not self.transport.is_closing():
            self.transport.write(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.line.ended()

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()


class _Line:
    """A client's connection and ours to the server."""

    def __init__(self, proxy: "Proxy") -> None:
        self.proxy = proxy
        self.client, self.server = _Side(self, "client"), _Side(self, "server")
        self.client.other, self.server.other = self.server, self.client
        self.poisoned = False  # bytes of it were swallowed: it can only be cut
        self.over = False

    def opened(self) -> None:
        self.proxy.lines.add(self)
        self.proxy.accepted += 1
        self.task = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.server, "127.0.0.1", self.proxy.target)
        except OSError:
            self.ended()
            return
        if self.over and self.server.transport:
            self.server.transport.abort()

    def pass_on(self, side: _Side, data: bytes) -> None:
        proxy = self.proxy
        if proxy.silent or self.poisoned:
            self.poisoned = True
            proxy.swallowed += len(data)
            return
        other = side.other
        assert other is not None
        if proxy.delay:
            asyncio.get_running_loop().call_later(proxy.delay, other.send, data)
        else:
            other.send(data)
        if proxy.cut_after is not None and side is self.client and proxy.cut_after(data):
            proxy.cuts += 1
            asyncio.get_running_loop().call_later(proxy.cut_pause, self.cut)

    def cut(self) -> None:
        """RST to both."""
        for side in (self.client, self.server):
            transport = side.transport
            if transport is not None and not transport.is_closing():
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                transport.abort()
        self.ended()

    def ended(self) -> None:
        self.over = True
        self.proxy.lines.discard(self)
        for side in (self.client, self.server):
            if side.transport is not None and not side.transport.is_closing():
                side.transport.close()


@dataclass(eq=False)
class Proxy:
    """Listens on `port` of loopback and passes everything on to `target`, unless told otherwise.

    `silent`: nothing is passed on and nothing is closed (half-open lines; they are cut when it ends). `delay`: seconds
    for every piece. `cut_after(bytes of a client)`: the line is cut `cut_pause` seconds after those were passed on.
    """

    port: int
    target: int
    silent: bool = False
    delay: float = 0.0
    cut_after: Callable[[bytes], bool] | None = None
    cut_pause: float = 0.0
    lines: set[_Line] = field(default_factory=set)
    accepted: int = 0
    cuts: int = 0
    swallowed: int = 0
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(self).client, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> int:
        """RST on every line; how many there were."""
        lines = list(self.lines)
        for line in lines:
            line.cut()
        self.cuts += len(lines)
        return len(lines)

    def speak(self) -> None:
        """Ends the silence: lines of which something was swallowed are cut, as their bytes are gone."""
        self.silent = False
        for line in [line for line in self.lines if line.poisoned]:
            line.cut()
