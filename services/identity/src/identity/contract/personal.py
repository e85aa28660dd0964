"""A message of the personal-data topic, as identity reads it."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from roadbook.bus import Delivered

MAX_TEXT = 200


class Unstorable(Exception):
    """No such message, or one that no table can hold. Carries nothing of it."""


@dataclass(frozen=True, slots=True)
class Value:
    """`key` is `<aggregate>/<id>/<field>`; `value` any JSON, None for a tombstone."""

    party_ref: str
    service: str
    key: str
    version: int
    value: Any = field(repr=False)

    @property
    def name(self) -> str:
        """The field: `name`, `phone/1`."""
        return "/".join(self.key.split("/")[2:])


def read(record: Delivered) -> Value:
    """Raises `Unstorable` for anything else."""
    try:
        key = (record.key or b"").decode()
        party_ref, service, name = key.split("/", 2)
        if record.value is None:
            version, value = int(dict(record.headers)["sequence"]), None
        else:
            body = orjson.loads(record.value)
            version, value = int(body["version"]), body["value"]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise Unstorable from None
    if not (party_ref and service and name) or len(key) > MAX_TEXT or "\x00" in key or not 0 < version < 2**63:
        raise Unstorable
    return Value(party_ref, service, name, version, value)
