"""The proxy on a real socket: it passes on, cuts with RST, delays, and is silent without closing."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from run.proxies import Proxies

from roadbook_cli import ports

NAME = "echo"


@pytest.fixture
async def proxies() -> AsyncIterator[Proxies]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    found = Proxies()
    found.add(NAME, ports.choose("proxy"), server.sockets[0].getsockname()[1])
    await found.start()
    yield found
    await found.stop()
    server.close()


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def said(self, data: bytes) -> bytes:
        self.writer.write(data)
        async with asyncio.timeout(20):
            return await self.reader.readexactly(len(data))


async def line(proxies: Proxies) -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", proxies.ports[NAME]))


async def test_it_passes_on_what_it_gets(proxies: Proxies) -> None:
    one, other = await line(proxies), await line(proxies)
    assert await one.said(b"here" * 100_000) == b"here" * 100_000
    assert await other.said(b"there") == b"there"
    assert await proxies.counts([NAME]) == {"accepted": 2, "cuts": 0, "swallowed": 0}


async def test_a_cut_is_a_reset(proxies: Proxies) -> None:
    one = await line(proxies)
    await one.said(b"x")
    assert await proxies.cut([NAME]) == 1
    with pytest.raises(ConnectionResetError):
        await one.said(b"x")
    assert await (await line(proxies)).said(b"again") == b"again"


async def test_silence_closes_nothing_until_it_ends(proxies: Proxies) -> None:
    one = await line(proxies)
    await one.said(b"x")
    await proxies.silence([NAME], True)
    one.writer.write(b"lost")
    other = await line(proxies)
    other.writer.write(b"lost")
    waiting = asyncio.ensure_future(asyncio.gather(one.reader.read(1), other.reader.read(1), return_exceptions=True))
    while (await proxies.counts([NAME]))["swallowed"] < 8:
        assert not waiting.done()
    await proxies.silence([NAME], False)
    async with asyncio.timeout(20):
        assert all(each == b"" or isinstance(each, ConnectionError) for each in await waiting)
    assert await (await line(proxies)).said(b"again") == b"again"


async def test_a_delay(proxies: Proxies) -> None:
    one = await line(proxies)
    await proxies.delay([NAME], 0.15)
    begun = time.monotonic()
    assert await one.said(b"slow") == b"slow"
    assert time.monotonic() - begun >= 0.3  # there and back


async def test_a_cut_after_commit_comes_after_the_commit(proxies: Proxies) -> None:
    one = await line(proxies)
    await proxies.cut_at_commit([NAME], 1.0)
    assert await one.said(b"SELECT 1") == b"SELECT 1"
    one.writer.write(b"COMMIT;")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await one.said(b"SELECT 2")
    assert (await proxies.counts([NAME]))["cuts"] == 1
