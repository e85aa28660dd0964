"""Events as the store keeps them: named bytes with their place in a stream."""

from dataclasses import dataclass, field
from datetime import datetime

from uuid_utils import uuid7


def new_id() -> str:
    """A fresh UUIDv7: sortable by time of minting; never a secret, never a source of business time."""
    return str(uuid7())


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is decided but not stored yet.

    `type` is the full wire type (`roadbook.lead.lead_qualified.v1`), `time` when it happened (aware UTC),
    `data` its JSON object as text: exactly these bytes are stored and published, for ever.
    """

    type: str
    time: datetime
    data: str
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Labels:
    """What an event says about itself outside its data, as of its version: the holding dealer, whom and which
    vehicle it concerns. None where that does not apply."""

    dealer: str | None = None
    party_ref: str | None = None
    vin: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored event.

    `version` counts from 1 without holes inside `stream`; `recorded` is when it was stored (never earlier than
    the stream's previous event); `key` is the stream's partition key, fixed for its life.
    """

    stream: str
    version: int
    id: str
    type: str
    time: datetime
    recorded: datetime
    data: str
    key: str
    labels: Labels
    actor: str
    correlation: str
    causation: str | None = None
    traceparent: str | None = None
