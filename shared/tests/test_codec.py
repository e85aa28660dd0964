"""The codec: stable names, tolerant reading, upcasters on raw JSON."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.codec import Codec, EventType, Malformed, NewerVersion, UnknownType
from roadbook.testing.boxes import BoxOpened, Filled, codec

AT = datetime(2026, 1, 5, 8, 0, 0, 123456, tzinfo=UTC)


def test_the_name_is_fixed_and_the_bytes_are_in_declared_order() -> None:
    encoded = codec.encode(BoxOpened("d-1", AT))
    assert encoded.type == "roadbook.toy.box_opened.v1"
    assert encoded.data == '{"owner":"d-1","at":"2026-01-05T08:00:00.123456Z"}'
    assert encoded.time == AT


@given(st.integers(-(2**53), 2**53), st.datetimes(timezones=st.just(UTC)))
def test_what_is_encoded_is_decoded(amount: int, at: datetime) -> None:
    event = Filled(amount, at)
    encoded = codec.encode(event)
    assert codec.decode(encoded.type, encoded.data) == event


def test_unknown_fields_are_ignored() -> None:
    data = '{"amount":3,"at":"2026-01-05T08:00:00Z","new":{"field":1}}'
    assert codec.decode("roadbook.toy.filled.v1", data) == Filled(3, AT.replace(microsecond=0))


@pytest.mark.parametrize(
    "type_", ["roadbook.toy.other.v1", "roadbook.lead.filled.v1", "filled", "", "roadbook.toy.filled.vx"]
)
def test_an_unknown_type_says_so(type_: str) -> None:
    with pytest.raises(UnknownType):
        codec.decode(type_, "{}")


def test_a_newer_version_of_a_known_name_says_so() -> None:
    with pytest.raises(NewerVersion):
        codec.decode("roadbook.toy.filled.v2", "{}")


@pytest.mark.parametrize("data", ["", "[]", "null", "{", '{"amount":"x","at":"2026-01-05T08:00:00Z"}', '{"amount":1}'])
def test_data_that_does_not_fit_is_malformed_and_the_error_carries_none_of_it(data: str) -> None:
    with pytest.raises(Malformed) as caught:
        codec.decode("roadbook.toy.filled.v1", data)
    assert str(caught.value) == "roadbook.toy.filled.v1"
    assert caught.value.__cause__ is None


@dataclass(frozen=True)
class Painted:
    colour: str
    coats: int
    at: datetime


def _rename(raw: dict[str, Any]) -> dict[str, Any]:
    return {"colour": raw["color"], **{k: v for k, v in raw.items() if k != "color"}}


def _count(raw: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "coats": 1}


painted: Codec[Painted] = Codec("toy", (EventType(Painted, "painted", 3, {1: _rename, 2: _count}),))


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (1, '{"color":"red","at":"2026-01-05T08:00:00Z"}'),
        (2, '{"colour":"red","at":"2026-01-05T08:00:00Z"}'),
        (3, '{"colour":"red","coats":1,"at":"2026-01-05T08:00:00Z"}'),
    ],
)
def test_every_version_ever_written_reads(version: int, data: str) -> None:
    assert painted.decode(f"roadbook.toy.painted.v{version}", data) == Painted("red", 1, AT.replace(microsecond=0))


def test_a_version_without_its_upcaster_is_refused_at_start_up() -> None:
    with pytest.raises(ValueError, match="upcaster"):
        EventType(Painted, "painted", 3, {1: _rename})


def test_the_schema_is_2020_12_and_named() -> None:
    schema = codec.schema(codec.types[1])
    assert schema["$id"] == "urn:roadbook:schema:toy.filled.v1"
    assert schema["required"] == ["amount", "at"]
