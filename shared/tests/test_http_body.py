"""T9, F37, F38, F45: whatever the body is, the answer is a problem that repeats nothing of it."""

import json
import time
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.http.body import MAX_DEPTH, parse_json
from roadbook.http.problems import Problem

GOOD: dict[str, Any] = {"at": "2026-01-01T08:00:00+08:00", "person": {"name": "Li"}}
CANARY = "canary7f3a"


def _with(fragment: str) -> bytes:
    return f'{{"at":"2026-01-01T08:00:00Z","person":{{"name":"{CANARY}"}},{fragment}}}'.encode()


CORPUS: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "not json": (CANARY.encode(), 400),
    "cut": (b'{"at":"' + CANARY.encode(), 400),
    "utf-16": (json.dumps(GOOD).encode("utf-16"), 400),
    "utf-16 without mark": (json.dumps(GOOD).encode("utf-16-le"), 400),
    "utf-8 with mark": (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), 400),
    "bad utf-8": (b'{"at":"\xff\xfe' + CANARY.encode() + b'"}', 400),
    "overlong utf-8": (b'{"at":"\xc0\x80"}', 400),
    "utf-8 surrogate": (b'{"at":"\xed\xa0\x80"}', 400),
    "nan": (_with('"ratio":NaN'), 400),
    "infinity": (_with('"ratio":Infinity'), 400),
    "minus infinity": (_with('"ratio":-Infinity'), 400),
    "1e999": (_with('"ratio":1e999'), 400),
    "many digits of a float": (_with('"ratio":0.' + "1" * 100), 400),
    "int of 5000 digits": (_with('"counts":{"a":' + "9" * 5000 + "}"), 400),
    "2^63": (_with('"counts":{"a":9223372036854775808}'), 400),
    "2^63-1": (_with('"counts":{"a":9223372036854775807}'), 422),
    "lone surrogate": (_with('"tags":["\\ud800"]'), 400),
    "lone surrogate in a key": (_with('"counts":{"\\udfff":1}'), 400),
    "nul": (_with('"tags":["a\\u0000b"]'), 400),
    "nul in a key": (_with('"\\u0000":1'), 400),
    "raw nul": (_with('"tags":["a\x00b"]'), 400),
    "raw control": (_with('"tags":["a\x07b"]'), 400),
    "duplicate key": (_with('"ratio":0.1,"ratio":0.2'), 400),
    "duplicate key inside": (_with('"counts":{"a":1,"a":2}'), 400),
    "depth 33": (b"[" * 33 + b"]" * 33, 400),
    "depth 900": (b"[" * 900 + b"]" * 900, 400),
    "depth 100000": (b"[" * 100_000, 400),
    "depth of objects": (b'{"a":' * 40 + b"1" + b"}" * 40, 400),
    "brackets in a string": (_with('"tags":["' + "[" * 60 + '"]'), 422),
    "array": (b"[]", 422),
    "null": (b"null", 422),
    "string": (f'"{CANARY}"'.encode(), 422),
    "number": (b"1", 422),
    "unknown field": (_with(f'"{CANARY}":1'), 422),
    "bool for int": (_with('"counts":{"a":true}'), 422),
    "string for float": (_with('"ratio":"0.5"'), 422),
    "float for int": (_with('"counts":{"a":1.0}'), 422),
    "mass assignment": (_with('"dealer_id":"x","points":9,"version":7,"role":"admin"'), 422),
    "trailing": (json.dumps(GOOD).encode() + b"{}", 400),
    "comment": (b"/* x */" + json.dumps(GOOD).encode(), 400),
    "single quotes": (b"{'at':1}", 400),
}


def headers_of(sample: Any) -> dict[str, str]:
    return {**sample.signer.bearer(), "Idempotency-Key": '"k-1"', "Content-Type": "application/json"}


@pytest.mark.parametrize("name", CORPUS)
async def test_a_bad_body_is_refused_without_an_echo(name: str, sample: Any, client: httpx2.AsyncClient) -> None:
    body, status = CORPUS[name]
    answer = await client.post("/v1/things", content=body, headers=headers_of(sample))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    assert not sample.contexts


async def test_a_known_name_in_the_wrong_place_points_to_the_object(sample: Any, client: httpx2.AsyncClient) -> None:
    body = {**GOOD, "person": {"name": "Li", "currency": CANARY}}
    answer = await client.post("/v1/things", json=body, headers=headers_of(sample))
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("/person", "unknown_field")]


async def test_a_good_body_reaches_the_handler(sample: Any, client: httpx2.AsyncClient) -> None:
    full = {
        **GOOD,
        "price": {"minor": 1, "currency": "CNY"},
        "tags": ["a"],
        "counts": {"张": 1},
        "person": {"name": "张 三\n", "born": "1990-02-28"},
    }
    answer = await client.post("/v1/things", json=full, headers=headers_of(sample))
    assert answer.status_code == 201, answer.text


async def test_errors_name_fields_of_the_contract_only(sample: Any, client: httpx2.AsyncClient) -> None:
    body = {
        "person": {"name": "", CANARY: 1},
        "counts": {CANARY: -1},
        "tags": ["ok", "Not A Code"],
        "price": {"minor": 1.5, "currency": "ZZZ"},
    }
    answer = await client.post("/v1/things", json=body, headers=headers_of(sample))
    assert answer.status_code == 422
    assert CANARY not in answer.text
    found = {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}
    assert found == {
        ("/at", "missing"),
        ("/person/name", "string_too_short"),
        ("/person", "unknown_field"),
        ("/counts", "greater_than_equal"),
        ("/tags/1", "string_pattern_mismatch"),
        ("/price/minor", "int_type"),
        ("/price/currency", "currency"),
    }


@pytest.mark.parametrize(
    "moment", ["2026-01-01T08:00:00", "2026-01-01T08:00Z", "2026-01-01", 1767225600, "2026-13-01T00:00:00Z"]
)
async def test_a_time_needs_seconds_and_an_offset(moment: Any, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/things", json={**GOOD, "at": moment}, headers=headers_of(sample))
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["errors"]] == ["instant"]


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
async def test_the_content_type_must_fit(kind: str | None, sample: Any, client: httpx2.AsyncClient) -> None:
    headers = {name: value for name, value in headers_of(sample).items() if name != "Content-Type"}
    if kind is not None:
        headers["Content-Type"] = kind
    answer = await client.post("/v1/things", content=json.dumps(GOOD).encode(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/merge+json", "APPLICATION/JSON"])
async def test_json_types_are_read(kind: str, sample: Any, client: httpx2.AsyncClient) -> None:
    headers = {**headers_of(sample), "Content-Type": kind}
    answer = await client.post("/v1/things", content=json.dumps(GOOD).encode(), headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("size", [256 * 1024 + 1, 2_560 * 1024])
async def test_a_body_over_the_limit_is_413(size: int, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/things", content=b" " * size, headers=headers_of(sample))
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")


async def test_the_limit_counts_what_arrives_not_what_is_declared(sample: Any, client: httpx2.AsyncClient) -> None:
    async def stream() -> Any:
        for _ in range(300):
            yield b" " * 1024

    answer = await client.post("/v1/things", content=stream(), headers=headers_of(sample))
    assert answer.status_code == 413


async def test_a_body_at_the_limit_is_read(sample: Any, client: httpx2.AsyncClient) -> None:
    raw = json.dumps(GOOD).encode()
    padded = raw + b" " * (256 * 1024 - len(raw))
    answer = await client.post("/v1/things", content=padded, headers=headers_of(sample))
    assert answer.status_code == 201


async def test_a_route_may_take_more_and_raw_bytes(sample: Any, client: httpx2.AsyncClient) -> None:
    headers = {**headers_of(sample), "Content-Type": "text/xml"}
    raw = b"<adf>\xc4\xe3</adf>" + b" " * 500_000
    answer = await client.post("/v1/imports", content=raw, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"bytes": len(raw)})
    answer = await client.post("/v1/imports", content=b" " * (1024 * 1024 + 1), headers=headers)
    assert answer.status_code == 413


async def test_a_route_without_a_body_takes_none(sample: Any, client: httpx2.AsyncClient) -> None:
    url = "/v1/things/0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d/close"
    assert (await client.post(url, content=b"", headers=headers_of(sample))).status_code == 409
    assert (await client.post(url, content=b"{}", headers=headers_of(sample))).status_code == 409
    assert (await client.post(url, content=b'{"dealer":"x"}', headers=headers_of(sample))).status_code == 422


async def test_nul_in_path_or_query_is_malformed(sample: Any, client: httpx2.AsyncClient) -> None:
    for url in ("/v1/things/%00", "/v1/things?cursor=%00"):
        answer = await client.get(url, headers=sample.signer.bearer())
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_parameters_are_named_but_not_repeated(sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"/v1/things?pageSize={CANARY}", headers=sample.signer.bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"parameter": "pageSize", "code": "int_parsing", "detail": "must be an integer"}]
    answer = await client.get(f"/v1/things/{CANARY}", headers=sample.signer.bearer())
    assert answer.status_code == 422
    assert CANARY not in answer.text


# What any JSON text may hold, and any bytes at all.
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["at", "person", "name", "tags", "counts"]) | st.text(), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(value=_VALUES)
async def test_any_json_gives_no_5xx_and_no_echo(value: Any, sample: Any) -> None:
    marked = {"person": {"name": value, CANARY: CANARY}, CANARY: value, "at": value, "tags": [CANARY, value]}
    async with sample.client() as client:
        for body in (value, marked):
            raw = json.dumps(body).encode()
            answer = await client.post("/v1/things", content=raw, headers=headers_of(sample))
            assert answer.status_code in (400, 422)
            assert CANARY not in answer.text


@given(raw=st.binary(max_size=300))
async def test_any_bytes_give_no_5xx(raw: bytes, sample: Any) -> None:
    async with sample.client() as client:
        answer = await client.post("/v1/things", content=raw, headers=headers_of(sample))
        assert answer.status_code in (400, 422)


@given(value=_VALUES)
def test_what_is_accepted_is_what_json_means(value: Any) -> None:
    raw = json.dumps(value).encode()
    try:
        parsed = parse_json(raw)
    except Problem:
        return
    assert parsed == json.loads(raw)


@pytest.mark.parametrize("raw", [b'["\\ud800"]', b'"\\ud800"', b'["a\\u0000"]', b'[[["\\udfff"]]]'])
def test_texts_outside_of_objects_are_checked_too(raw: bytes) -> None:
    with pytest.raises(Problem):
        parse_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'"' + b'\\"' * 131_000,
        b'"' * 262_000,
        b"[" * 262_000,
        b'{"a":' * 50_000,
        b"9" * 262_000,
        b'["' + b"\\" * 262_000,
    ],
    ids=["escaped quotes", "quotes", "brackets", "objects", "digits", "backslashes"],
)
def test_f38_refusing_takes_linear_time(raw: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Problem):
        parse_json(raw)
    assert time.process_time() - started < 1  # quadratic: minutes


def test_depth_is_counted_exactly() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    with pytest.raises(Problem):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert parse_json(b'["' + b'[\\"' * 50 + b'"]') is not None
