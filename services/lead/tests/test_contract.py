"""Lead's public events: every sample ever published reads and writes back byte for byte; the schemas are as written."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with check-jsonschema

from lead.contract import schemas
from lead.contract.lead import codec
from lead.domain.lead import LeadQualified
from roadbook.codec import Malformed, NewerVersion, UnknownType

FOLDER = Path(__file__).parents[3] / "contracts" / "events" / "lead"
SAMPLES = sorted((FOLDER / "examples").glob("*.json"))


def type_of(sample: Path) -> str:
    name, version = sample.name.split(".")[:2]
    return f"roadbook.lead.{name}.{version}"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_published_sample_reads_and_writes_back_byte_for_byte(sample: Path) -> None:
    data = sample.read_text().removesuffix("\n")
    event = codec.decode(type_of(sample), data)
    assert codec.encode(event).data == data
    assert codec.encode(event).type == type_of(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_published_sample_fits_its_schema(sample: Path) -> None:
    name, version = sample.name.split(".")[:2]
    schema = json.loads((FOLDER / f"{name}.{version}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(sample.read_text()))


def test_every_event_has_a_sample() -> None:
    assert {type_of(sample) for sample in SAMPLES} == {codec.type_name(t.cls) for t in codec.types}


def test_the_schemas_are_those_of_the_code() -> None:
    published = {path.name: path.read_bytes() for path in FOLDER.glob("*.schema.json")}
    assert published == schemas(), "run: python -m lead.contract contracts/events/lead"


def test_a_reader_tolerates_fields_it_does_not_know() -> None:
    data = '{"grade":"hot","reasons":["x"],"rules":"1","at":"2026-01-05T08:00:00Z","later":{"field":1}}'
    assert isinstance(codec.decode("roadbook.lead.lead_qualified.v1", data), LeadQualified)


def test_what_cannot_be_read_says_why() -> None:
    with pytest.raises(UnknownType):
        codec.decode("roadbook.lead.lead_sold.v1", "{}")
    with pytest.raises(NewerVersion):
        codec.decode("roadbook.lead.lead_qualified.v2", "{}")
    with pytest.raises(Malformed) as failure:
        codec.decode("roadbook.lead.lead_qualified.v1", '{"grade":"张伟"}')
    assert "张伟" not in str(failure.value)
