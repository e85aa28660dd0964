"""The position token: what a caller has caused, so that a later read can wait until it is visible (`?min=`).

Opaque to callers: base64url of a JSON list of stream versions and personal-data versions; no personal data in it.
The values of one command share party reference and stream, so these are written once.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter, ValidationError

from roadbook.store.port import PersonalVersion

MAX_CHARACTERS = 8192


class BadPosition(Exception):
    """The token was not made by us."""


@dataclass(frozen=True, slots=True)
class Position:
    """`streams` are (stream, version); a read that is at or past all of them shows what the token stands for."""

    streams: tuple[tuple[str, int], ...] = ()
    personal: tuple[PersonalVersion, ...] = ()

    def merge(self, other: "Position") -> "Position":
        return Position(self.streams + other.streams, self.personal + other.personal)


Shape = tuple[list[tuple[str, int]], list[tuple[str, str, list[tuple[str, int]]]]]
_shape: TypeAdapter[Shape] = TypeAdapter(Shape)


def encode(position: Position) -> str:
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for value in position.personal:
        prefix, field = _split(value.key)
        groups.setdefault((value.party_ref, prefix), []).append((field, value.version))
    raw = orjson.dumps([position.streams, [(*of_what, values) for of_what, values in groups.items()]])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(token: str) -> Position:
    """Raises `BadPosition`."""
    if len(token) > MAX_CHARACTERS:
        raise BadPosition
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        streams, groups = _shape.validate_json(raw, strict=False)
    except (binascii.Error, ValidationError, ValueError):
        raise BadPosition from None
    personal = [(ref, prefix + field, version) for ref, prefix, values in groups for field, version in values]
    if any(not 0 <= version < 2**31 or "\x00" in name for name, version in streams):
        raise BadPosition
    if any(not 0 <= p[2] < 2**63 or "\x00" in p[0] + p[1] for p in personal):
        raise BadPosition
    return Position(tuple(streams), tuple(PersonalVersion(*p) for p in personal))


def _split(key: str) -> tuple[str, str]:
    """`<aggregate>/<id>/<field>` -> (`<aggregate>/<id>/`, `<field>`)."""
    parts = key.split("/", 2)
    return ("/".join(parts[:2]) + "/", parts[2]) if len(parts) == 3 else ("", key)


def of(stream: str | None, version: int | None, personal: Sequence[PersonalVersion]) -> Position:
    return Position(((stream, version),) if stream and version else (), tuple(personal))
