"""A service that is deployed anew with the next version of each of its events still reads what it wrote before."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import identity.contract
import lead.contract
import sales.contract
from roadbook.codec import Codec, EventType, NewerVersion

EXAMPLES = Path(__file__).parents[2] / "contracts" / "events"
CODECS = {
    "identity": identity.contract.CODECS,
    "lead": lead.contract.CODECS,
    "sales": sales.contract.CODECS,
}


def lifted(raw: dict[str, Any]) -> dict[str, Any]:
    """What version 2 made of version 1: the reader must pass it on to the newest shape."""
    return {**raw, "of_version_2": True}


def samples() -> Iterator[Any]:
    for service, codecs in CODECS.items():
        for codec in codecs.values():
            for path in sorted((EXAMPLES / service / "examples").glob("*.json")):
                name = path.name.split(".")[0]
                if any(each.name == name for each in codec.types):
                    yield pytest.param(service, codec, name, path, id=f"{service}.{path.stem}")


@pytest.mark.parametrize(("service", "codec", "name", "path"), list(samples()))
def test_the_next_version_reads_every_golden_sample(service: str, codec: Codec[Any], name: str, path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def upcast(raw: dict[str, Any]) -> dict[str, Any]:
        seen.append(raw)
        return lifted(raw)

    (now,) = [each for each in codec.types if each.name == name]
    following = Codec(service, (EventType(now.cls, name, 2, {1: upcast}),))
    text = path.read_text()
    stored = f"roadbook.{service}.{name}.v1"
    event = following.decode(stored, text)
    assert event == codec.decode(stored, text)
    assert seen == [json.loads(text)]

    written = following.encode(event)
    assert written.type == f"roadbook.{service}.{name}.v2"
    assert following.decode(written.type, written.data) == event
    with pytest.raises(NewerVersion):  # and the code of before parks it, instead of guessing (T14)
        codec.decode(written.type, written.data)
