"""Messages of the personal-data topic."""

from dataclasses import dataclass, field
from datetime import datetime

import orjson

from projection.contract.facts import MAX_TEXT, Unstorable
from roadbook.bus import Delivered
from roadbook.wire import parse_rfc3339


@dataclass(frozen=True, slots=True)
class PersonalRow:
    """A message of the personal-data topic. `value` is JSON text, None for a tombstone."""

    party_ref: str
    service: str
    key: str
    version: int
    value: str | None = field(repr=False)
    source: str | None
    recorded_at: datetime | None
    verified_at: datetime | None

    @property
    def stream(self) -> str:
        return "/".join(self.key.split("/")[:2])


def read_personal(record: Delivered) -> PersonalRow:
    """Raises for anything that is no such message; exceptions carry nothing of it."""
    try:
        return _personal(record)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise Unstorable from None


def _personal(record: Delivered) -> PersonalRow:
    key = (record.key or b"").decode()
    party_ref, service, name = key.split("/", 2)
    if not (party_ref and service and name) or len(key) > MAX_TEXT or "\x00" in key:
        raise Unstorable
    if record.value is None:
        version = int(dict(record.headers)["sequence"])
        row = PersonalRow(party_ref, service, name, version, None, None, None, None)
    else:
        body = orjson.loads(record.value)
        verified = body.get("verified_at")
        value = body["value"]
        row = PersonalRow(
            party_ref,
            service,
            name,
            int(body["version"]),
            None if value is None else orjson.dumps(value).decode(),
            str(body["source"])[:MAX_TEXT].replace("\x00", ""),
            parse_rfc3339(body["recorded_at"]),
            None if verified is None else parse_rfc3339(verified),
        )
    if not 0 < row.version < 2**63:
        raise Unstorable
    return row
