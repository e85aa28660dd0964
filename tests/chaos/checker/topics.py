"""What stands on the topics, read with librdkafka: the first occurrence of every version of every stream."""

# fmt: off
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition


class Event(NamedTuple):
    stream: str
    version: int
    id: str
    name: str
    time: datetime
    recorded: datetime
    party_ref: str | None
    dealer: str | None
    data: dict[str, Any]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _value(value: Any) -> Any:
    """Texts that are instants become instants: what is written with an offset or without fractions is one moment."""
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return instant(value) if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T" else value


def event_of(headers: Mapping[str, str], value: bytes) -> Event:
    """`name` is the middle of the type: roadbook.<service>.<name>.v1; a newer version is another event."""
    name = headers["ce_type"].split(".", 2)[2].removesuffix(".v1")
    stream, version, id_ = headers["ce_subject"], int(headers["ce_sequence"]), headers["ce_id"]
    time, recorded = instant(headers["ce_time"]), instant(headers["ce_recordedtime"])
    ref, dealer = headers.get("ce_partyref"), headers.get("ce_dealer")
    return Event(stream, version, id_, name, time, recorded, ref, dealer, _value(json.loads(value)))


def streams_of(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Every stream's first occurrences. They must come as 1, 2, 3 …; a repeat must be the same event."""
    streams: dict[str, list[Event]] = {}
    for event in events:
        known = streams.setdefault(event.stream, [])
        if event.version == len(known) + 1:
            known.append(event)
        elif event.version > len(known) or known[event.version - 1] != event:
            raise ValueError(f"{event.stream}: {event.version} of {event.id} after {len(known)}")
    return streams


def read_topics(bootstrap: str, topics: Sequence[str]) -> Iterator[Event]:
    """All events of the topics up to their ends as of now, per partition in offset order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "checker", "enable.auto.commit": False})
    ends: dict[tuple[str, int], int] = {}
    for topic in topics:
        for number in consumer.list_topics(topic, timeout=20).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)
            ends |= {(topic, number): high} if low < high else {}
    consumer.assign([TopicPartition(topic, number, 0) for topic, number in ends])
    deadline = monotonic() + 60
    while ends:
        if monotonic() > deadline:
            raise TimeoutError(f"{len(ends)} partitions were not read to their ends")
        for message in consumer.consume(500, timeout=0.5):
            if message.error():
                continue
            deadline, place = monotonic() + 60, (message.topic(), message.partition())
            if message.offset() + 1 >= ends.get(place, 0):
                ends.pop(place, None)
            yield event_of({name: raw.decode() for name, raw in message.headers()}, message.value())
    consumer.close()
