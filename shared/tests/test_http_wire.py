"""F37, F38, F44, C5, C6: what only a real socket shows."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from roadbook.http import server as server_module
from roadbook.http.server import MAX_HEADER_BYTES, MAX_HEADERS
from roadbook.testing.http import serving

GOOD: dict[str, Any] = {"at": "2026-01-01T08:00:00+08:00", "person": {"name": "Li"}}
HEAD_SECONDS = 0.6
BODY_SECONDS = 0.9


@pytest.fixture
async def address(sample: Any) -> AsyncIterator[tuple[str, int]]:
    async with serving(sample.app, sample.settings, header_seconds=HEAD_SECONDS, body_seconds=BODY_SECONDS) as found:
        yield found


class Wire:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split(" ")[1]), headers, body

    async def ended(self, seconds: float) -> bool:
        """Whether the server closed the connection within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


async def connect(address: tuple[str, int]) -> Wire:
    return Wire(*await asyncio.open_connection(*address, limit=2**20))


def post(sample: Any, body: bytes, *, length: int | None = None, path: str = "/v1/things") -> bytes:
    token = sample.signer.token()
    declared = len(body) if length is None else length
    head = (
        f'POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: "k"\r\n'
        f"Content-Type: application/json\r\nContent-Length: {declared}\r\n\r\n"
    )
    return head.encode() + body


def assert_problem(answer: tuple[int, dict[str, str], bytes], status: int, code: str) -> None:
    found, headers, body = answer
    assert (found, json.loads(body)["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"


async def test_a_request_and_another_on_the_same_connection(sample: Any, address: tuple[str, int]) -> None:
    wire = await connect(address)
    for _ in range(3):
        await wire.send(post(sample, json.dumps(GOOD).encode()))
        status, headers, _ = await wire.answer()
        assert status == 201
        assert "server" not in headers


async def test_pipelined_requests_are_answered_in_order(sample: Any, address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 5 + b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [(await wire.answer())[0] for _ in range(6)] == [200] * 5 + [404]


async def test_a_flood_of_pipelined_requests_is_cut(sample: Any, address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
    assert await wire.ended(5)


# slow clients
async def test_silence_ends_the_connection(address: tuple[str, int]) -> None:
    wire = await connect(address)
    assert await wire.ended(5)


@pytest.mark.parametrize("drip", [b"X", b"\r\n", b"a: b\r\n"], ids=["one byte", "empty lines", "headers"])
async def test_a_head_that_trickles_is_cut_at_the_deadline(drip: bytes, address: tuple[str, int]) -> None:
    """C6: every byte pushed uvicorn's own timer back."""
    wire = await connect(address)
    started = time.monotonic()
    if drip != b"\r\n":
        await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ")
    closed = asyncio.create_task(wire.ended(10))
    while not closed.done():
        try:
            await wire.send(drip)
        except ConnectionError:
            break
        await asyncio.wait({closed}, timeout=0.05)
    assert await closed
    assert time.monotonic() - started < HEAD_SECONDS + server_module.LINGER_SECONDS + 1.5


async def test_a_head_that_trickles_gets_a_408(address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost")
    assert_problem(await wire.answer(), 408, "request_timeout")


async def test_a_second_head_that_trickles_is_cut_too(sample: Any, address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.answer())[0] == 200
    await wire.send(b"GET /livez HTTP/1.1\r\nHos")
    assert_problem(await wire.answer(), 408, "request_timeout")
    assert await wire.ended(5)


async def test_empty_lines_between_requests_do_not_keep_a_connection(address: tuple[str, int]) -> None:
    """They stop uvicorn's idle timer, and to the parser they are nothing."""
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.answer())[0] == 200
    await wire.send(b"\r\n")
    assert await wire.ended(5)


async def test_a_body_that_trickles_is_cut_and_nothing_happens(sample: Any, address: tuple[str, int]) -> None:
    wire = await connect(address)
    raw = json.dumps(GOOD).encode()
    await wire.send(post(sample, raw[:10], length=len(raw)))
    answered = asyncio.create_task(wire.answer())
    sent = 10
    while not answered.done() and sent < len(raw) - 1:
        await wire.send(raw[sent : sent + 1])
        sent += 1
        await asyncio.wait({answered}, timeout=0.1)
    assert_problem(await answered, 408, "request_timeout")
    assert await wire.ended(5)
    assert not sample.contexts
    assert not sample.app.state.admission.working


async def test_slow_senders_hold_no_place_at_the_database(sample: Any, address: tuple[str, int]) -> None:
    sample.app.state.admission.limit = 2
    raw = json.dumps(GOOD).encode()
    slow = [await connect(address) for _ in range(20)]
    for wire in slow:
        await wire.send(post(sample, raw[:5], length=len(raw)))
    quick = await connect(address)
    await quick.send(post(sample, raw))
    assert (await quick.answer())[0] == 201


async def test_the_others_are_served_while_idle_sockets_wait(sample: Any, address: tuple[str, int]) -> None:
    idle = [await connect(address) for _ in range(200)]
    quick = await connect(address)
    await quick.send(post(sample, json.dumps(GOOD).encode()))
    assert (await quick.answer())[0] == 201
    for wire in idle:
        assert await wire.ended(5)


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(sample: Any, address: tuple[str, int]) -> None:
    raw = json.dumps(GOOD).encode()
    wire = await connect(address)
    await wire.send(post(sample, raw[:5], length=len(raw)))
    wire.writer.transport.abort()
    quick = await connect(address)
    await quick.send(post(sample, raw))
    assert (await quick.answer())[0] == 201
    assert len(sample.contexts) == 1


async def test_a_client_that_leaves_after_its_command_does_not_stop_it(sample: Any, address: tuple[str, int]) -> None:
    """C7: the commit must not depend on who is listening."""
    sample.hold = asyncio.Event()
    wire = await connect(address)
    await wire.send(post(sample, json.dumps(GOOD).encode()))
    while not sample.contexts:
        await asyncio.sleep(0.005)
    wire.writer.transport.abort()
    sample.hold.set()
    assert await sample.app.state.admission.drained(5)
    assert sample.finished == 1


# large things
@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * (MAX_HEADER_BYTES + 1) + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 8_000_000,
        b"GET /" + b"a" * (MAX_HEADER_BYTES + 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(MAX_HEADERS + 1)) + b"\r\n",
    ],
    ids=["one header", "unfinished header", "path", "many headers"],
)
async def test_large_heads_are_431(head: bytes, address: tuple[str, int]) -> None:
    wire = await connect(address)
    sending = asyncio.create_task(wire.send(head))
    assert_problem(await wire.answer(), 431, "headers_too_large")
    assert await wire.ended(5)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_heads_just_under_the_cap_pass(address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * (MAX_HEADER_BYTES - 200) + b"\r\n\r\n")
    assert (await wire.answer())[0] == 200
    many = b"".join(b"X-%d: 1\r\n" % n for n in range(MAX_HEADERS - 2))
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n")
    assert (await wire.answer())[0] == 200


@pytest.mark.parametrize("size", [256 * 1024 + 1, 10 * 256 * 1024])
async def test_large_bodies_are_413_and_the_answer_arrives(size: int, sample: Any, address: tuple[str, int]) -> None:
    wire = await connect(address)
    sending = asyncio.create_task(wire.send(post(sample, b" " * size)))
    assert_problem(await wire.answer(), 413, "content_too_large")
    await sending
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.answer())[0] == 200
    assert not sample.contexts


async def test_a_refused_body_that_does_not_end_is_cut(sample: Any) -> None:
    async with serving(sample.app, sample.settings) as address:  # long before the deadline of a body
        wire = await connect(address)
        await wire.send(post(sample, b" " * 1000, length=10**12))
        assert_problem(await wire.answer(), 413, "content_too_large")
        sending = asyncio.create_task(_flood(wire))
        assert await wire.ended(server_module.LINGER_SECONDS * 2 + 2)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _flood(wire: Wire) -> None:
    while True:
        await wire.send(b" " * 65536)
        await asyncio.sleep(0.01)


async def test_a_connection_idles_out_after_an_early_answer(sample: Any) -> None:
    """The rest of a refused body stopped uvicorn's idle timer, and nothing started it again."""
    async with serving(sample.app, sample.settings, keep_alive_seconds=0.3) as address:
        wire = await connect(address)
        await wire.send(post(sample, b" " * 100, length=300_000))
        assert (await wire.answer())[0] == 413
        await wire.send(b" " * 299_900)
        assert await wire.ended(5)


async def test_a_chunked_body_is_counted(sample: Any, address: tuple[str, int]) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b" " * 1024

    host, port = address
    headers = {**sample.signer.bearer(), "Idempotency-Key": "k", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://{host}:{port}/v1/things", content=chunks(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHo st: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
async def test_what_is_no_http_is_400(raw: bytes, address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(raw)
    status, headers, body = await wire.answer()
    if status == 401:  # the head was good: refused before the broken body was read
        return
    assert (status, json.loads(body)["code"]) == (400, "malformed_request")
    assert headers["connection"] == "close"
    assert await wire.ended(5)


async def test_websockets_are_not_spoken(address: tuple[str, int]) -> None:
    wire = await connect(address)
    await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert (await wire.answer())[0] in (200, 400)


async def test_connections_beyond_the_limit_are_503(sample: Any) -> None:
    settings = sample.settings.model_copy(update={"max_connections": 10})
    async with serving(sample.app, settings) as address:
        idle = [await connect(address) for _ in range(10)]
        late = await connect(address)
        await late.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await late.answer()
        assert_problem(answer, 503, "overloaded")
        assert answer[1]["retry-after"] == "1"
        for wire in idle:
            wire.writer.close()
            await wire.writer.wait_closed()
        again = await connect(address)
        await again.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await again.answer())[0] in (200, 503)


async def test_a_500_keeps_the_connection(sample: Any, address: tuple[str, int]) -> None:
    """C9: uvicorn's own 500 closes it, and the client's next request is lost."""
    sample.raises = RuntimeError("x")
    wire = await connect(address)
    for _ in range(2):
        await wire.send(post(sample, json.dumps(GOOD).encode()))
        assert_problem(await wire.answer(), 500, "internal_error")
