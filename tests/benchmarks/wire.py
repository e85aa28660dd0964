"""A prepared statement as PostgreSQL's own messages, as `pgbench` sends it: a baseline as near to it as Python comes.
asyncpg opens the connection and prepares; then its protocol, with what it does for comfort, is put aside."""

import asyncio
import struct
from typing import Any

_EXECUTE_AND_SYNC = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00" + b"S\x00\x00\x00\x04"
_READY = b"Z\x00\x00\x00\x05I"
_BINARY = struct.pack("!hh", 1, 1)


class Failed(Exception):
    """The server said something else than that it was done."""


class Wire(asyncio.Protocol):
    """One at a time. The connection is asyncpg's no more: it can only be terminated."""

    def __init__(self, connection: Any, statement: Any) -> None:
        self._transport = connection._transport
        self._transport.set_protocol(self)
        self._bind = b"\x00" + statement.get_name().encode() + b"\x00" + _BINARY
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None
        self._said = b""

    async def execute(self, *values: bytes) -> None:
        """`values` as PostgreSQL's binary format has them."""
        parts = [self._bind, struct.pack("!h", len(values))]
        for value in values:
            parts += (struct.pack("!i", len(value)), value)
        parts.append(b"\x00\x00")  # no formats of results
        body = b"".join(parts)
        self._waiting = self._loop.create_future()
        self._transport.write(b"".join((b"B", struct.pack("!i", len(body) + 4), body, _EXECUTE_AND_SYNC)))
        await self._waiting

    def data_received(self, data: bytes) -> None:
        self._said += data
        if not self._said.endswith(_READY):
            if self._said[:1] == b"E":
                self._end(Failed(self._said[:200]))
            return
        done, self._said = self._said[:1] == b"2", b""
        self._end(None if done else Failed())

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or Failed())

    def _end(self, error: Exception | None) -> None:
        if self._waiting is None or self._waiting.done():
            return
        if error is None:
            self._waiting.set_result(None)
        else:
            self._waiting.set_exception(error)
