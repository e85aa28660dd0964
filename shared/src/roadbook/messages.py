"""What a service says and hears on Kafka, declared once: the AsyncAPI document and its page are made of this.

The schemas and golden samples of the messages lie in `contracts/events/<owner>`; `make contracts` writes the schemas.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from roadbook.codec import Codec
from roadbook.personal_relay import PERSONAL_TOPIC
from roadbook.wire import schema_of

PERSONAL: Final = "personal-data"
_STYLE: Final = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MOMENT: Final = {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Receives:
    """A consumer group on a topic. `types`: the wire types it understands; none for the personal-data topic."""

    topic: str
    group: str
    types: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Messages:
    """`sends`: codecs by aggregate (what stands before the `/` of a stream), `personal`: whether values of personal
    data are published too, `folder`: where `events/` is, `sends_to`: a topic that is not named after the service."""

    service: str
    folder: Path
    sends: Mapping[str, Codec[Any]]
    personal: bool = False
    receives: Sequence[Receives] = ()
    sends_to: str = ""

    @property
    def topic(self) -> str:
        return self.sends_to or f"roadbook.{self.service}.v1"


@dataclass(frozen=True, slots=True)
class Described:
    """One kind of message. `owner` is who publishes it, `name` has the version: `lead_qualified.v1`. `type` is the
    CloudEvents type, None where a message is no event. `aggregate` None: that is its owner's affair."""

    owner: str
    name: str
    type: str | None
    aggregate: str | None = None

    @property
    def schema_file(self) -> str:
        return f"{self.owner}/{self.name}.schema.json"

    @property
    def title(self) -> str:
        return self.name.partition(".")[0].replace("_", " ").capitalize()


PERSONAL_MESSAGES: Final = (
    Described(PERSONAL, "personal_value.v1", None),
    Described(PERSONAL, "personal_value_erased.v1", None),
)


def topics(messages: Messages) -> Iterator[tuple[str, tuple[Described, ...]]]:
    """(topic, its messages as far as this service is concerned), what it sends first."""
    if messages.sends:
        yield messages.topic, tuple(_sent(messages))
    if messages.personal:
        yield PERSONAL_TOPIC, PERSONAL_MESSAGES
    for each in messages.receives:
        yield each.topic, tuple(map(_of_type, each.types)) or PERSONAL_MESSAGES


def _sent(messages: Messages) -> Iterator[Described]:
    """Older versions too: they stay on the topic for ever."""
    for aggregate, codec in messages.sends.items():
        for each in codec.types:
            for version in range(1, each.version + 1):
                name = f"{each.name}.v{version}"
                yield Described(codec.service, name, f"roadbook.{codec.service}.{name}", aggregate)


def _of_type(type_: str) -> Described:
    _, owner, name = type_.split(".", 2)
    return Described(owner, name, type_)


def schemas(messages: Messages) -> dict[str, bytes]:
    """What `events/` has to hold as of this code: file -> JSON Schema. Of a type the newest version; schemas of older
    ones stay as they were written."""
    made = {
        f"{codec.service}/{each.name}.v{each.version}.schema.json": orjson.dumps(codec.schema(each), option=_STYLE)
        for codec in messages.sends.values()
        for each in codec.types
    }
    if messages.personal:
        made |= {
            each.schema_file: orjson.dumps(_personal_schema(each.name), option=_STYLE) for each in PERSONAL_MESSAGES
        }
    return made


def samples(folder: Path, message: Described) -> dict[str, Any]:
    """The golden samples by what tells them apart: `full` is `<name>.json`, `minimal` is `<name>.minimal.json`.

    Raises ValueError for one that is not JSON.
    """
    found = {}
    for path in sorted((folder / "events" / message.owner / "examples").glob(f"{message.name}.*json")):
        variant = path.name.removeprefix(message.name).removesuffix(".json").strip(".")
        try:
            found[variant or "full"] = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError:
            raise ValueError(f"{path.relative_to(folder.parent)} is not JSON") from None
    return dict(sorted(found.items(), key=lambda each: (each[0] != "full", each[0])))


def _personal_schema(name: str) -> dict[str, Any]:
    identity = {"$schema": _DIALECT, "$id": f"urn:roadbook:schema:{PERSONAL}.{name}"}
    if name.startswith("personal_value_erased"):
        return {
            **identity,
            "title": "PersonalValueErased",
            "description": "A tombstone: the value was removed or erased. Forget what you hold under this key.",
            "type": "null",
        }
    return {
        **identity,
        "title": "PersonalValue",
        "description": "The current value under its key. The highest `version` wins, whatever comes last.",
        "type": "object",
        "required": ["value", "source", "recorded_at", "verified_at", "version"],
        "properties": {
            "value": {"description": "Any JSON; its shape is the field's."},
            "source": {"type": "string", "description": "How it was learned."},
            "recorded_at": dict(_MOMENT),
            "verified_at": {"anyOf": [dict(_MOMENT), {"type": "null"}]},
            "version": {"type": "integer", "minimum": 1},
        },
    }


# ── Headers ───────────────────────────────────────────────────────────────────────────────────────────────────
def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


EVENT_HEADERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binding, binary mode. All values are UTF-8; further headers may come.",
    "required": [
        "content-type",
        *("ce_" + name for name in ("specversion", "id", "source", "type", "time", "subject", "dataschema")),
        *("ce_" + name for name in ("partitionkey", "sequence", "recordedtime", "correlationid", "actor")),
    ],
    "properties": {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": _text("UUIDv7. With `ce_source` it tells repeats apart.", format="uuid"),
        "ce_source": _text("Who published it.", pattern="^urn:roadbook:[a-z]+$"),
        "ce_type": _text("What happened, and the version of its shape."),
        "ce_time": _text("When it happened, UTC.", format="date-time"),
        "ce_subject": _text("The stream: `<aggregate>/<id>`.", pattern="^[a-z_]+/.+$"),
        "ce_dataschema": _text("The `$id` of the schema.", format="uri"),
        "ce_partitionkey": _text("The same as the message's key."),
        "ce_sequence": _text("The version of the stream, from 1 without a gap.", pattern="^[0-9]{10}$"),
        "ce_recordedtime": _text("When it was stored, UTC.", format="date-time"),
        "ce_correlationid": _text("The request it all began with."),
        "ce_causationid": _text("The event that led to this one."),
        "ce_traceparent": _text("W3C trace context of where it began."),
        "ce_actor": _text("A member of staff, a client or the system."),
        "ce_dealer": _text("Who held the stream as of this version. Absent: nobody."),
        "ce_partyref": _text("Whom it concerns."),
        "ce_vin": _text("Which vehicle it concerns."),
    },
}
PERSONAL_HEADERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "No CloudEvent: a value in a compacted topic. The version is a header too: a tombstone has no body.",
    "required": ["sequence", "partyref", "source"],
    "properties": {
        "sequence": _text("The version of the value; it only grows.", pattern="^[0-9]{10,19}$"),
        "partyref": _text("Whose value it is."),
        "source": _text("The service that published it.", pattern="^urn:roadbook:[a-z]+$"),
    },
}


def header_schema(message: Described) -> dict[str, Any]:
    """The headers of this message, with what is always the same in them."""
    if message.type is None:
        return dict(PERSONAL_HEADERS)
    fixed = {
        "ce_source": {"const": f"urn:roadbook:{message.owner}"},
        "ce_type": {"const": message.type},
        "ce_dataschema": {"const": schema_of(message.type)},
    }
    if message.aggregate is not None:
        fixed["ce_subject"] = {"type": "string", "pattern": f"^{message.aggregate}/.+$"}
    described = {
        name: {**({} if name in fixed else schema), **fixed.get(name, {}), "description": schema["description"]}
        for name, schema in EVENT_HEADERS["properties"].items()
        if "description" in schema
    }
    return {**EVENT_HEADERS, "properties": {**EVENT_HEADERS["properties"], **described}}
