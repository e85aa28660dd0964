"""The AsyncAPI 3.1 document of a service, made of what it declares in `roadbook.messages`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from roadbook.events import Labels, Recorded
from roadbook.kafka.admin import FACT_TOPIC_CONFIG, PERSONAL_TOPIC_CONFIG
from roadbook.messages import PERSONAL, Described, Messages, header_schema, samples, topics
from roadbook.personal_relay import PERSONAL_TOPIC, personal_message
from roadbook.wire import parse_rfc3339, to_message

PARTITIONS: Final = 12
REPLICAS: Final = 3
BINDING: Final = "0.5.0"
MEDIA_TYPE: Final = "application/vnd.aai.asyncapi+json;version=3.1.0"
_NUMBERS: Final = ("retention.ms", "retention.bytes")
_EXAMPLE: Final = {
    "id": "0199a3c4-9a41-7f08-b6d5-3c2e1f0a9b87",
    "thing": "0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42",
    "party": "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d",
    "correlation": "0199a3c4-6c1d-7a40-8b2c-1e0d9f8a7b6c",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


def document(messages: Messages, *, title: str, version: str, schemas: str = "../events") -> dict[str, Any]:
    """`schemas`: where the schema files are, seen from the document."""
    found = dict(_merged(topics(messages)))
    return {
        "asyncapi": "3.1.0",
        "id": f"urn:roadbook:{messages.service}",
        "info": {
            "title": f"{title} events",
            "version": version,
            "description": "Facts as CloudEvents 1.0 in Kafka's binary mode, one topic per service, in the order of "
            "each stream. Readers ignore fields, headers and types they do not know; a change they could trip over "
            "is a new version of a type. Delivery is at least once: (`ce_source`, `ce_id`) tells repeats apart.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {"host": "kafka.roadbook.example:9092", "protocol": "kafka", "description": "Your brokers."}
        },
        "channels": {_slug(topic): _channel(topic, kinds) for topic, kinds in found.items()},
        "operations": dict(_operations(messages)),
        "components": {
            "messages": {
                _key(kind): _message(kind, messages, schemas)
                for kind in sorted({kind for kinds in found.values() for kind in kinds}, key=_key)
            },
            "correlationIds": {
                "request": {
                    "description": "The request it all began with.",
                    "location": "$message.header#/ce_correlationid",
                },
                "version": {
                    "description": "Values are not correlated with requests: their version is what a reader waits for.",
                    "location": "$message.header#/sequence",
                },
            },
        },
    }


def _merged(pairs: Any) -> Mapping[str, Sequence[Described]]:
    """A topic that is both written and read is one channel."""
    found: dict[str, list[Described]] = {}
    for topic, kinds in pairs:
        known = found.setdefault(topic, [])
        known += [kind for kind in kinds if kind not in known]
    return found


def _slug(topic: str) -> str:
    """`roadbook.personal-data.v1` -> `personal-data`."""
    return topic.split(".")[1]


def _key(kind: Described) -> str:
    return f"{kind.owner}.{kind.name}"


def _reference(kind: Described, topic: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{_slug(topic)}/messages/{_key(kind)}"}


# ── Channels and operations ───────────────────────────────────────────────────────────────────────────────────
def _channel(topic: str, kinds: Sequence[Described]) -> dict[str, Any]:
    personal = topic == PERSONAL_TOPIC
    config = PERSONAL_TOPIC_CONFIG if personal else FACT_TOPIC_CONFIG
    configuration: dict[str, Any] = {
        name: int(value) if name in _NUMBERS else value for name, value in config.items() if name != "cleanup.policy"
    }
    return {
        "address": topic,
        "title": "Personal data" if personal else f"Facts of {_slug(topic)}",
        "description": "The current value of every field of personal data; compacted, so that what is erased goes."
        if personal
        else "Every fact, kept for ever. The key keeps a stream's facts in one partition, in their order.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {_key(kind): {"$ref": f"#/components/messages/{_key(kind)}"} for kind in kinds},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": PARTITIONS,
                "replicas": REPLICAS,
                "topicConfiguration": {"cleanup.policy": [config["cleanup.policy"]], **configuration},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(messages: Messages) -> Any:
    for topic, kinds in topics(replace(messages, receives=())):
        what, words = ("facts", "what happened") if topic == messages.topic else (PERSONAL, "current values")
        yield f"publish-{what}", _operation("send", topic, f"Publish {words}", kinds)
    for each in messages.receives:
        ((_, kinds),) = topics(Messages(messages.service, messages.folder, {}, receives=(each,)))
        words = "Keep and fold what happened" if each.types else "Keep current values"
        operation = _operation("receive", each.topic, words, kinds)
        group = {"type": "string", "enum": [each.group]}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": BINDING}}
        yield f"read-{_slug(each.topic)}", operation


def _operation(action: str, topic: str, summary: str, kinds: Any) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_slug(topic)}"},
        "summary": summary,
        "messages": [_reference(kind, topic) for kind in sorted(kinds, key=_key)],
    }


# ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────
def _message(kind: Described, messages: Messages, schemas: str) -> dict[str, Any]:
    event = kind.type is not None
    shown: dict[str, Any] = {
        "name": kind.type or kind.name,
        "title": kind.title,
        "summary": f"Owner: {kind.owner}."
        + (f" Stream: `{kind.aggregate}/<id>`." if kind.aggregate else "")
        + ("" if event else " The key is `<party>/<service>/<stream>/<field>`."),
        "contentType": "application/json",
        "headers": header_schema(kind),
        "payload": {"$ref": f"{schemas}/{kind.schema_file}"},
        "correlationId": {"$ref": f"#/components/correlationIds/{'request' if event else 'version'}"},
        "bindings": {"kafka": {"key": message_key(kind), "bindingVersion": BINDING}},
    }
    examples = [
        {
            "name": f"{kind.name.partition('.')[0]}_{variant}",
            "headers": _example_headers(kind, data, messages),
            "payload": data,
        }
        for variant, data in samples(messages.folder, kind).items()
    ]
    if examples:
        shown["examples"] = examples
    return shown


def message_key(kind: Described) -> dict[str, Any]:
    if kind.type is None:
        words = "Party, service, stream and field: `<party>/<service>/<aggregate>/<id>/<field>`."
    else:
        words = "The stream's party, the VIN where a vehicle owns the stream, else the stream; fixed for its life."
    return {"type": "string", "description": words}


def _example_headers(kind: Described, data: Any, messages: Messages) -> dict[str, str]:
    """The headers such a message is sent with, made by the code that sends it."""
    if kind.type is None:
        row = {
            "party_ref": _EXAMPLE["party"],
            "key": "stream/field",
            "value": None,
            "version": data["version"] if data else 43,
        }
        return {
            name: value.decode()
            for name, value in personal_message(row, messages.service if messages.personal else "example").headers
        }
    moment = parse_rfc3339(data["at"]) if "at" in data else datetime(2026, 1, 5, 8, tzinfo=UTC)
    event = Recorded(
        stream=f"{kind.aggregate or kind.owner}/{_EXAMPLE['thing']}",
        version=1,
        id=_EXAMPLE["id"],
        type=kind.type,
        time=moment,
        recorded=moment,
        data=orjson.dumps(data).decode(),
        key=_EXAMPLE["party"],
        labels=Labels(dealer="dealer-sh-01", party_ref=_EXAMPLE["party"]),
        actor="staff-sh-01-1",
        correlation=_EXAMPLE["correlation"],
        traceparent=_EXAMPLE["traceparent"],
    )
    return {name: value.decode() for name, value in to_message(event).headers}
