"""The golden samples of every service: each that was ever published still reads, whatever was added since, and will
when its event gets a next version."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from roadbook.codec import Codec, EventType, NewerVersion
from roadbook_cli.contracts.generate import surface
from roadbook_cli.project import SERVICES

EVENTS = Path(__file__).parents[2] / "contracts" / "events"
CODECS: dict[str, list[Codec[Any]]] = {name: list(surface(name).state.messages.sends.values()) for name in SERVICES}


@dataclass(frozen=True)
class Golden:
    """`type` is the full name of the event's type; `codec` the one of its aggregate."""

    path: Path
    name: str
    type: str
    codec: Codec[Any]

    @property
    def text(self) -> str:
        return self.path.read_text().removesuffix("\n")


def published(service: str) -> Iterator[tuple[Path, str, str]]:
    """Each sample's file, the event's name and its full type."""
    for path in sorted((EVENTS / service / "examples").glob("*.json")):
        name, version = path.name.split(".")[:2]
        yield path, name, f"roadbook.{service}.{name}.{version}"


def golden(service: str) -> Iterator[Golden]:
    for path, name, type_ in published(service):
        for codec in CODECS[service]:
            if name in {each.name for each in codec.types}:
                yield Golden(path, name, type_, codec)


EACH = pytest.mark.parametrize(
    "sample", [pytest.param(each, id=f"{name}.{each.path.stem}") for name in SERVICES for each in golden(name)]
)


@EACH
def test_it_reads_and_loses_nothing(sample: Golden) -> None:
    """Written anew it says the same; fields that were added since stand at their defaults."""
    event = sample.codec.decode(sample.type, sample.text)
    again = sample.codec.encode(event)
    assert again.type == sample.type
    said, written = json.loads(sample.text), json.loads(again.data)
    assert list(written)[: len(said)] == list(said)  # what is new comes last
    assert {name: value for name, value in written.items() if name in said} == said
    assert sample.codec.decode(again.type, again.data) == event
    assert sample.codec.encode(sample.codec.decode(again.type, again.data)).data == again.data


@EACH
def test_it_fits_its_schema(sample: Golden) -> None:
    _, service, rest = sample.type.split(".", 2)
    schema = json.loads((EVENTS / service / f"{rest}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(sample.text))


@EACH
def test_a_reader_tolerates_what_it_does_not_know(sample: Golden) -> None:
    later = json.dumps({**json.loads(sample.text), "of_a_later_day": {"field": 1}})
    assert sample.codec.decode(sample.type, later) == sample.codec.decode(sample.type, sample.text)


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_has_a_sample(service: str) -> None:
    types = [codec.type_name(each.cls) for codec in CODECS[service] for each in codec.types]
    assert {type_ for _, _, type_ in published(service)} == set(types)
    assert len(types) == len(set(types))  # no name twice


@EACH
def test_the_next_version_reads_it(sample: Golden) -> None:
    """A service that is deployed anew with version 2 of the event lifts what it wrote before; the code of before parks
    what the new one writes, instead of guessing (T14)."""
    seen: list[dict[str, Any]] = []

    def upcast(raw: dict[str, Any]) -> dict[str, Any]:
        seen.append(raw)
        return {**raw, "of_version_2": True}

    (now,) = [each for each in sample.codec.types if each.name == sample.name]
    following = Codec(sample.codec.service, (EventType(now.cls, sample.name, 2, {1: upcast}),))
    event = following.decode(sample.type, sample.text)
    assert event == sample.codec.decode(sample.type, sample.text)
    assert seen == [json.loads(sample.text)]
    written = following.encode(event)
    assert written.type == f"{sample.type.removesuffix('.v1')}.v2"
    assert following.decode(written.type, written.data) == event
    with pytest.raises(NewerVersion):
        sample.codec.decode(written.type, written.data)
