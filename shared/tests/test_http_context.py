"""T5, T6, F40: the conditions of a command, as its headers say them."""

import hashlib
import re
import uuid
from typing import Any

import httpx2
import orjson
import pytest

THING = "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"
GOOD: dict[str, Any] = {"at": "2026-01-01T08:00:00+08:00", "person": {"name": "Li"}}
CANARY = "canary7f3a"


def headers_of(sample: Any, **more: str) -> dict[str, str]:
    return {**sample.signer.bearer(), "Idempotency-Key": '"k-1"', **more}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', 201),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", 201),
        ('"with \\"quotes\\" and spaces"', 201),
        ('"k";param=1', 201),
        ('"' + "k" * 255 + '"', 201),
        ('"' + "k" * 256 + '"', 400),
        ("k" * 256, 400),
        ('""', 400),
        ("", 400),
        ('"open', 400),
        ('"a", "b"', 400),
        ("two words", 400),
        ("a,b", 400),
        ('"é"', 400),
        (":YQ==:", 201),
        ("?1", 400),
    ],
)
async def test_the_key_is_a_structured_string(given: str, status: int, sample: Any, client: httpx2.AsyncClient) -> None:
    headers = [*sample.signer.bearer().items(), ("Idempotency-Key", given.encode("latin-1"))]
    answer = await client.post("/v1/things", json=GOOD, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert answer.json()["code"] == "idempotency_key_invalid"


async def test_the_key_is_required_where_something_is_created(sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/things", json=GOOD, headers=sample.signer.bearer())
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    answer = await client.post(f"/v1/things/{THING}/close", headers=sample.signer.bearer())
    assert answer.status_code == 409
    assert sample.contexts[-1].idempotency is None


async def test_two_keys_are_none(sample: Any, client: httpx2.AsyncClient) -> None:
    headers = [*sample.signer.bearer().items(), ("Idempotency-Key", '"a"'), ("Idempotency-Key", '"b"')]
    answer = await client.post("/v1/things", json=GOOD, headers=headers)
    assert answer.json()["code"] == "idempotency_key_invalid"


async def test_the_scope_of_a_key(sample: Any, client: httpx2.AsyncClient) -> None:
    """F40: another dealer, client, path or key is another scope; quoted or bare is the same."""
    raw = orjson.dumps(GOOD)

    async def key(path: str = "/v1/things", given: str = '"k-1"', content: bytes = raw, **claims: Any) -> Any:
        headers = {**sample.signer.bearer(**claims), "Idempotency-Key": given, "Content-Type": "application/json"}
        await client.post(path, content=content, headers=headers)
        return sample.contexts[-1].idempotency

    first = await key()
    assert first.fingerprint == hashlib.sha256(raw).digest()
    assert len(first.key) == 32
    assert await key() == first
    assert await key(given="k-1") == first
    assert await key(sub="staff-2", client_id="staff-1") == first
    spaced = await key(content=raw + b" ")
    assert spaced.key == first.key
    assert spaced.fingerprint != first.fingerprint
    others = [
        await key(given='"k-2"'),
        await key(dealer="dealer-2"),
        await key(client_id="dms-1"),
        await key(dealer=None, scope="thing:write network:all"),
        await key(path=f"/v1/things/{THING}/close", content=b"{}"),
    ]
    assert len({first.key, *(other.key for other in others)}) == 6


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (None, None),
        ('"v7"', 7),
        ('"v0"', 0),
        ("*", None),
        ('W/"v7"', 412),
        ('"v07"', 412),
        ('"abc"', 412),
        ('"v99999999999"', 412),
        ('"v9999999999"', 412),
        ("v7", 400),
        ("7", 400),
        ('"v7', 400),
        ('"v7", "v8"', 400),
        ("é", 400),
        ("", 400),
    ],
)
async def test_if_match(given: str | None, outcome: int | None, sample: Any, client: httpx2.AsyncClient) -> None:
    headers = list(sample.signer.bearer().items())
    if given is not None:
        headers.append(("If-Match", given.encode("latin-1")))
    answer = await client.post(f"/v1/things/{THING}/close", headers=headers)
    if outcome in (400, 412):
        assert answer.status_code == outcome
    else:
        assert sample.contexts[-1].if_match == outcome


async def test_who_and_when(sample: Any, client: httpx2.AsyncClient) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    correlation = str(uuid.uuid4())
    more = {"traceparent": parent, "X-Correlation-Id": correlation.upper()}
    answer = await client.post("/v1/things", json=GOOD, headers=headers_of(sample, **more))
    ctx = sample.contexts[-1]
    assert (ctx.actor, ctx.client, ctx.dealer, ctx.causation) == ("staff-1", "staff-1", "dealer-1", None)
    assert ctx.now.utcoffset().total_seconds() == 0
    assert ctx.correlation == answer.headers["x-correlation-id"] == correlation
    assert ctx.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert ctx.traceparent != parent
    assert answer.headers["traceparent"] == ctx.traceparent


@pytest.mark.parametrize("given", ["", "张三", CANARY, "0199a3c4", f"{THING}, {THING}"])
async def test_a_correlation_that_is_no_uuid_is_replaced(given: str, sample: Any, client: httpx2.AsyncClient) -> None:
    headers = httpx2.Headers(headers_of(sample), encoding="utf-8")
    headers["X-Correlation-Id"] = given
    answer = await client.post("/v1/things", json=GOOD, headers=headers)
    assert uuid.UUID(answer.headers["x-correlation-id"]).version == 7


@pytest.mark.parametrize("given", ["", "00-zz-zz-01", CANARY, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_a_broken_traceparent_starts_a_new_trace(given: str, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/things", json=GOOD, headers=headers_of(sample, traceparent=given))
    assert answer.status_code == 201
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", sample.contexts[-1].traceparent)
