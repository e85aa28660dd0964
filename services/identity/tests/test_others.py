"""What others publish, read tolerantly: their golden samples, and messages that are none."""

from pathlib import Path

import pytest

from identity.contract import others, personal
from roadbook.bus import Delivered

SAMPLES = Path(__file__).parents[3] / "contracts" / "events" / "lead" / "examples"


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("lead_captured.v1*.json")), ids=lambda path: path.name)
def test_every_sample_of_a_capture_reads(sample: Path) -> None:
    read = others.lead.decode(others.CAPTURED, sample.read_text())
    assert isinstance(read, others.LeadCaptured)
    assert read.party_ref


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("lead_enriched.v1*.json")), ids=lambda path: path.name)
def test_every_sample_of_an_enrichment_reads(sample: Path) -> None:
    assert isinstance(others.lead.decode(others.ENRICHED, sample.read_text()), others.LeadEnriched)


def test_what_hands_a_lead_on_is_published_by_lead() -> None:
    names = {type_.split(".")[2] for type_ in others.HANDED_ON}
    assert names <= {path.name.split(".")[0] for path in SAMPLES.glob("*.json")}


def message(key: str | None, value: bytes | None, *headers: tuple[str, bytes]) -> Delivered:
    return Delivered("personal", 0, 1, None if key is None else key.encode(), value, headers, 0)


def test_a_personal_value_reads_with_its_field() -> None:
    read = personal.read(message("r1/lead/lead/l1/phone/1", b'{"value": {"raw": "1"}, "version": 7}'))
    assert (read.party_ref, read.service, read.key, read.name, read.version) == (
        "r1", "lead", "lead/l1/phone/1", "phone/1", 7
    )  # fmt: skip
    assert personal.read(message("r1/lead/lead/l1/name", None, ("sequence", b"9"))).value is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"{}"),
        ("r1", b'{"value": 1, "version": 1}'),
        ("r1/lead/x", b"nonsense"),
        ("r1/lead/x", b'{"version": 1}'),
        ("r1/lead/x", b'{"value": 1, "version": 0}'),
        ("r1/lead/x\x00", b'{"value": 1, "version": 1}'),
        ("r1/lead/" + "x" * 300, b'{"value": 1, "version": 1}'),
        ("r1/lead/x", None),
    ],
)
def test_what_is_no_such_message_is_refused_without_a_word_of_it(key: str | None, value: bytes | None) -> None:
    with pytest.raises(personal.Unstorable) as refused:
        personal.read(message(key, value))
    assert str(refused.value) == ""
