"""Identity's public events: every sample ever published reads, whatever was added since."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with check-jsonschema

from identity.contract import CODECS
from roadbook.codec import Codec

FOLDER = Path(__file__).parents[3] / "contracts" / "events" / "identity"
SAMPLES = sorted((FOLDER / "examples").glob("*.json"))


def type_of(sample: Path) -> str:
    name, version = sample.name.split(".")[:2]
    return f"roadbook.identity.{name}.{version}"


def codec_of(sample: Path) -> Codec[Any]:
    name = sample.name.split(".")[0]
    return next(each for each in CODECS.values() if name in {t.name for t in each.types})


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_published_sample_reads_and_loses_nothing(sample: Path) -> None:
    """Written anew it says the same; fields that were added since stand at their defaults."""
    data, its = sample.read_text().removesuffix("\n"), codec_of(sample)
    event = its.decode(type_of(sample), data)
    again = its.encode(event)
    assert again.type == type_of(sample)
    said, written = orjson.loads(data), orjson.loads(again.data)
    assert list(written)[: len(said)] == list(said)  # what is new comes last
    assert {name: value for name, value in written.items() if name in said} == said
    assert its.decode(again.type, again.data) == event
    assert its.encode(its.decode(again.type, again.data)).data == again.data


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_published_sample_fits_its_schema(sample: Path) -> None:
    name, version = sample.name.split(".")[:2]
    schema = json.loads((FOLDER / f"{name}.{version}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(sample.read_text()))


def test_every_event_has_a_sample() -> None:
    every = {each.type_name(t.cls) for each in CODECS.values() for t in each.types}
    assert {type_of(sample) for sample in SAMPLES} == every
    assert len(every) == sum(len(each.types) for each in CODECS.values())  # no name twice
