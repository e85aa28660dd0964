"""A route that works its body while it arrives: no buffering, its own limit, pace and time."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from starlette.responses import Response

from roadbook.context import CommandContext
from roadbook.http.app import create_app
from roadbook.http.context import command
from roadbook.http.routes import STREAMS_AT_ONCE, router
from roadbook.http.stream import CHUNK_BYTES, BodyStream, stream
from roadbook.settings import Settings
from roadbook.testing.http import Signer, serving

LIMIT = 4 * 1024 * 1024
CHUNK_SECONDS = 0.7


class Sink:
    """An application that counts what it is sent; `hold` keeps it from reading on after the first chunk."""

    def __init__(self, signer: Signer) -> None:
        self.settings = Settings.for_service("sample", signer.environment())
        self.signer = signer
        self.sizes: list[int] = []
        self.at_work = 0
        self.hold: asyncio.Event | None = None
        self.ended: list[str] = []
        things = router("/v1", ["things"])

        @things.post("/things:import", openapi_extra={"requestBody": {"content": {"text/csv": {}}}})
        async def import_things(
            body: Annotated[BodyStream, stream("text/csv", "text/plain", limit=LIMIT, chunk_seconds=CHUNK_SECONDS)],
            context: Annotated[CommandContext, command("thing:write")],
        ) -> Response:
            self.at_work += 1
            try:
                while chunk := await body.next():
                    self.sizes.append(len(chunk))
                    if self.hold is not None:
                        await self.hold.wait()
            except BaseException as error:
                self.ended.append(type(error).__name__)
                raise
            return Response(json.dumps([sum(self.sizes), body.media_type, body.encoding]), media_type="text/plain")

        self.app = create_app(settings=self.settings, name="sample", title="Sample", routers=[things])


@pytest.fixture
def sink(signer: Signer) -> Sink:
    return Sink(signer)


@pytest.fixture
async def address(sink: Sink) -> AsyncIterator[tuple[str, int]]:
    async with serving(sink.app, sink.settings, header_seconds=0.5, body_seconds=0.3) as found:
        yield found


@pytest.fixture
async def client(sink: Sink, address: tuple[str, int]) -> AsyncIterator[httpx2.AsyncClient]:
    url = f"http://{address[0]}:{address[1]}"
    async with httpx2.AsyncClient(base_url=url, headers=sink.signer.bearer(), trust_env=False) as made:
        yield made


def head(sink: Sink, length: int) -> bytes:
    return (
        f"POST /v1/things:import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sink.signer.token()}\r\n"
        f"Content-Type: text/csv\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def send(client: httpx2.AsyncClient, content: Any, **headers: str) -> httpx2.Response:
    return await client.post("/v1/things:import", content=content, headers={"Content-Type": "text/csv", **headers})


async def test_it_arrives_in_pieces_and_whole(client: httpx2.AsyncClient, sink: Sink) -> None:
    answer = await send(client, b"x" * 1_000_000, **{"Content-Type": "text/plain; charset=utf-8"})
    assert answer.json() == [1_000_000, "text/plain", "identity"]
    assert len(sink.sizes) > 1
    assert all(CHUNK_BYTES <= size < 8 * CHUNK_BYTES for size in sink.sizes[:-1])
    assert (await send(client, b"x", **{"Content-Encoding": "GZIP"})).json()[2] == "gzip"
    assert (await send(client, b"")).status_code == 200


@pytest.mark.parametrize("length", [LIMIT + 1, None], ids=["declared", "chunked"])
async def test_more_than_the_limit_is_413(client: httpx2.AsyncClient, sink: Sink, length: int | None) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 65536 + 1):
            yield b"x" * 65536

    answer = await send(client, b"x" * length if length else pieces())
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    assert sum(sink.sizes) <= LIMIT


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "application/json"}, {"Content-Encoding": "br"}, {"Content-Encoding": "gzip, gzip"}],
    ids=str,
)
async def test_another_type_or_encoding_is_415(client: httpx2.AsyncClient, sink: Sink, headers: dict[str, str]) -> None:
    answer = await send(client, b"x", **headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert sink.at_work == 0


async def test_a_stranger_is_not_read(client: httpx2.AsyncClient, sink: Sink) -> None:
    assert (await send(client, b"x", Authorization="Bearer a.b.c")).status_code == 401
    assert sink.at_work == 0


async def test_the_sender_is_held_back_while_the_handler_works(sink: Sink, address: tuple[str, int]) -> None:
    """Of 4 MiB only what fits into buffers is taken; and the server's deadline for bodies does not cut it off."""
    sink.hold = asyncio.Event()
    reader, writer = await asyncio.open_connection(*address)
    # Left to itself the kernel lets a sender's buffer grow to 4 MiB, and then takes all of it.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    writer.write(head(sink, LIMIT))
    writer.write(b"x" * LIMIT)
    while not sink.sizes:
        await asyncio.sleep(0.01)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.drain(), CHUNK_SECONDS + 0.5)  # longer than both deadlines
    assert len(sink.sizes) == 1
    sink.hold.set()
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert sum(sink.sizes) == LIMIT
    writer.close()


async def test_a_trickle_is_408_however_steady(sink: Sink, address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head(sink, 1000))

    async def trickle() -> None:
        for _ in range(1000):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 408")
    assert sink.ended == ["Problem"]
    trickling.cancel()
    writer.close()


async def test_a_client_that_leaves_ends_the_work(sink: Sink, address: tuple[str, int]) -> None:
    _, writer = await asyncio.open_connection(*address)
    writer.write(head(sink, LIMIT) + b"x" * 100_000)
    while not sink.sizes:
        await asyncio.sleep(0.01)
    writer.close()
    while not sink.ended:
        await asyncio.sleep(0.01)
    assert sink.ended == ["ClientGone"]


async def test_only_a_few_at_once_and_the_place_is_given_back(client: httpx2.AsyncClient, sink: Sink) -> None:
    sink.hold = asyncio.Event()
    held = [asyncio.create_task(send(client, b"x")) for _ in range(STREAMS_AT_ONCE)]
    while sink.at_work < STREAMS_AT_ONCE:
        await asyncio.sleep(0.01)
    refused = await send(client, b"x")
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert "Retry-After" in refused.headers
    sink.hold.set()
    assert [answer.status_code for answer in await asyncio.gather(*held)] == [200, 200]
    assert (await send(client, b"x")).status_code == 200
