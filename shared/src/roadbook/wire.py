"""Events on the wire: CloudEvents 1.0, Kafka binding 0.x binary mode (headers `ce_*`, value = the stored JSON bytes).

`to_message` is byte-stable: the same stored event always gives the same key, headers and value, so that a repeat
on the topic can be told from a forgery.
"""

from datetime import UTC, datetime
from functools import lru_cache

from roadbook.bus import Delivered, Message
from roadbook.events import Labels, Recorded

CONTENT_TYPE = b"application/json"
SEQUENCE_DIGITS = 10
_JSON = ("content-type", CONTENT_TYPE)
_SPEC = ("ce_specversion", b"1.0")


class Undecodable(Exception):
    """The message is not an event of ours. `code` says why; no content of it is carried along."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def service_of(event_type: str) -> str:
    """`roadbook.lead.lead_qualified.v1` -> `lead`."""
    return event_type.split(".", 3)[1]


def schema_of(event_type: str) -> str:
    """`roadbook.lead.lead_qualified.v1` -> `urn:roadbook:schema:lead.lead_qualified.v1`."""
    return "urn:roadbook:schema:" + event_type.removeprefix("roadbook.")


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and `Z`, always 27 characters, so that text order is time order."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("offset missing")
    return moment.astimezone(UTC)


def to_message(event: Recorded) -> Message:
    """A relay does little else: what is the same for all events of a type is made once."""
    source, type_, schema = _of_type(event.type)
    key = event.key.encode()
    headers = [
        _JSON,
        _SPEC,
        ("ce_id", event.id.encode()),
        source,
        type_,
        ("ce_time", rfc3339(event.time).encode()),
        ("ce_subject", event.stream.encode()),
        schema,
        ("ce_partitionkey", key),
        ("ce_sequence", b"%0*d" % (SEQUENCE_DIGITS, event.version)),
        ("ce_recordedtime", rfc3339(event.recorded).encode()),
        ("ce_correlationid", event.correlation.encode()),
    ]
    optional = (
        ("ce_causationid", event.causation),
        ("ce_traceparent", event.traceparent),
        ("ce_actor", event.actor),
        ("ce_dealer", event.labels.dealer),
        ("ce_partyref", event.labels.party_ref),
        ("ce_vin", event.labels.vin),
    )
    headers += [(name, text.encode()) for name, text in optional if text is not None]
    return Message(key, event.data.encode(), tuple(headers))


@lru_cache(maxsize=1_000)
def _of_type(event_type: str) -> tuple[tuple[str, bytes], tuple[str, bytes], tuple[str, bytes]]:
    return (
        ("ce_source", f"urn:roadbook:{service_of(event_type)}".encode()),
        ("ce_type", event_type.encode()),
        ("ce_dataschema", schema_of(event_type).encode()),
    )


def from_message(message: Delivered) -> Recorded:
    """Reads a delivered message back. Unknown headers are ignored. Raises `Undecodable` and nothing else."""
    if not message.value:
        # An empty value would be a tombstone on a compacted topic: never legal where facts live (DESIGN §7).
        raise Undecodable("empty_value")
    try:
        headers = {name: raw.decode() for name, raw in message.headers}
        event = Recorded(
            stream=headers["ce_subject"],
            version=int(headers["ce_sequence"]),
            id=headers["ce_id"],
            type=headers["ce_type"],
            time=parse_rfc3339(headers["ce_time"]),
            recorded=parse_rfc3339(headers["ce_recordedtime"]),
            data=message.value.decode(),
            key=(message.key or b"").decode(),
            labels=Labels(headers.get("ce_dealer"), headers.get("ce_partyref"), headers.get("ce_vin")),
            actor=headers.get("ce_actor", ""),
            correlation=headers.get("ce_correlationid", ""),
            causation=headers.get("ce_causationid"),
            traceparent=headers.get("ce_traceparent"),
        )
    except UnicodeDecodeError:
        raise Undecodable("invalid_utf8") from None
    except (KeyError, ValueError, OverflowError):
        raise Undecodable("invalid_headers") from None
    if headers.get("ce_specversion") != "1.0":
        raise Undecodable("invalid_headers")
    if not event.stream or event.version < 1 or not event.id or "\x00" in event.data + event.stream + event.id:
        raise Undecodable("invalid_headers")
    return event
