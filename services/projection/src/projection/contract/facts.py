"""Facts as they come and as they are stored: tolerant readers.

A type nobody here knows is kept as unknown; a newer version of a known one is refused, so that its stream parks (T14).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from projection.contract.identity import IDENTITY
from projection.contract.lead import LEAD
from projection.contract.sales import SALES
from projection.domain.facts import Fact
from projection.domain.streams import lead, link, vehicle
from roadbook.codec import Codec, UnknownType
from roadbook.events import Labels, Recorded

CODECS: Final[Mapping[str, Codec[Any]]] = {"lead": LEAD, "identity": IDENTITY, "sales": SALES}
MAX_TEXT = 200  # what an index entry holds without trouble, far more than any id or code of ours


class Unstorable(Exception):
    """A header no table can hold. Found before SQL, so that the stream parks and not the worker (T13)."""


def read(recorded: Recorded) -> Fact:
    """Raises `NewerVersion`, `Malformed` or `Unstorable`; an unknown type gives a fact without an event."""
    for text in (recorded.type, recorded.actor, recorded.correlation, recorded.causation or "", *_labels(recorded)):
        if len(text) > MAX_TEXT or "\x00" in text:
            raise Unstorable
    if len(recorded.stream) > MAX_TEXT or len(recorded.id) > MAX_TEXT:
        raise Unstorable
    try:
        event = _codec(recorded.type).decode(recorded.type, recorded.data)
    except (UnknownType, KeyError):
        event = None
    if not _sound(event):
        raise Unstorable
    return Fact(
        id=recorded.id,
        stream=recorded.stream,
        version=recorded.version,
        type=recorded.type,
        time=recorded.time,
        recorded=recorded.recorded,
        party_ref=recorded.labels.party_ref,
        dealer=recorded.labels.dealer,
        event=event,
    )


def read_stored(row: "StoredFact") -> Fact:
    """The same for an event out of our own table."""
    labels = Labels(row.dealer, row.party_ref, None)
    return read(
        Recorded(row.stream, row.version, row.id, row.type, row.time, row.recorded, row.data, "", labels, row.actor, "")
    )


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A row of `facts`, as far as folding and the timeline need it."""

    stream: str
    version: int
    id: str
    type: str
    time: datetime
    recorded: datetime
    data: str
    party_ref: str | None
    dealer: str | None
    actor: str


def known_types(topic: str | None = None) -> list[str]:
    """All that are understood; of a topic those of its service."""
    codecs = [each for name, each in CODECS.items() if topic in (None, f"roadbook.{name}.v1")]
    return [codec.type_name(each.cls) for codec in codecs for each in codec.types]


def _codec(type_: str) -> Codec[Any]:
    """Of the service that the type's name names: `roadbook.<service>.…`."""
    return CODECS[type_.split(".")[1] if type_.count(".") >= 3 else ""]


def _sound(event: object) -> bool:
    """Whether our tables can hold what is in it, and times can be compared."""
    match event:
        case lead.CustomerShared(dealer=dealer, scope=scope):
            texts: list[str | None] = [dealer, scope]
        case vehicle.OwnershipTransferred(party_ref=party_ref):
            texts = [party_ref]
        case link.LinkProposed() | link.PartyRefsLinked() | link.LinkRejected() | link.PartyRefsUnlinked():
            if not "" < event.smaller < event.larger:
                return False
            texts = [event.smaller, event.larger]
        case _:
            texts = []
    return all(text is None or (len(text) <= MAX_TEXT and "\x00" not in text) for text in texts) and _aware(event)


def _aware(event: object) -> bool:
    """A time without its offset cannot be compared with any other."""
    if not is_dataclass(event):
        return True
    times = (getattr(event, each.name) for each in fields(event))
    return all(time.tzinfo is not None for time in times if isinstance(time, datetime))


def _labels(recorded: Recorded) -> list[str]:
    labels = recorded.labels
    return [text for text in (labels.dealer, labels.party_ref, labels.vin) if text is not None]
