"""All that stands on the topics, read with librdkafka, kept in a file that can be asked: a run may exceed memory."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, TopicPartition

PERSONAL: Final = "roadbook.personal-data.v1"
FILE: Final = "kafka.sqlite"
_SECONDS: Final = 60  # without a message before the dump gives up
_SCHEMA: Final = """
CREATE TABLE messages (
    topic TEXT, partition INT, "offset" INT, key BLOB, headers TEXT, value BLOB, stream TEXT, version INT,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE TABLE partitions (topic TEXT PRIMARY KEY, count INT);
"""


class Message(NamedTuple):
    """`headers` in their order; a value that is no UTF-8 is shown as `surrogateescape` has it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, str], ...]
    value: bytes | None

    @property
    def place(self) -> tuple[str, int, int]:
        return self.topic, self.partition, self.offset


class Dump:
    """The messages of a run. `partitions` of each topic; `raw` for whoever has a question of its own."""

    def __init__(self, run: Path) -> None:
        self.raw = sqlite3.connect(run / FILE)

    @classmethod
    def of(cls, run: Path, messages: Iterable[Message], partitions: Mapping[str, int]) -> "Dump":
        """Written anew, beside `kafka.jsonl` for eyes and other tools."""
        (run / FILE).unlink(missing_ok=True)
        dump = cls(run)
        dump.raw.executescript(_SCHEMA)
        dump.raw.executemany("INSERT INTO partitions VALUES (?, ?)", partitions.items())
        with (run / "kafka.jsonl").open("w", encoding="utf-8") as file:
            dump.raw.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _rows(messages, file))
        dump.raw.execute("CREATE INDEX of_stream ON messages (stream, version)")
        dump.raw.commit()
        return dump

    @property
    def partitions(self) -> dict[str, int]:
        return dict(self.raw.execute("SELECT topic, count FROM partitions"))

    def facts(self) -> Iterator[Message]:
        """Of the topics of facts, as they stand in each partition."""
        sql = 'SELECT topic, partition, "offset", key, headers, value FROM messages WHERE topic <> ? ORDER BY 1, 2, 3'
        return map(_message, self.raw.execute(sql, (PERSONAL,)))

    def personal(self) -> Iterator[Message]:
        sql = 'SELECT topic, partition, "offset", key, headers, value FROM messages WHERE topic = ? ORDER BY 1, 2, 3'
        return map(_message, self.raw.execute(sql, (PERSONAL,)))

    def of_stream(self, stream: str) -> Iterator[Message]:
        sql = 'SELECT topic, partition, "offset", key, headers, value FROM messages WHERE stream = ? ORDER BY 1, 2, 3'
        return map(_message, self.raw.execute(sql, (stream,)))


def _rows(messages: Iterable[Message], file: Any) -> Iterator[tuple[Any, ...]]:
    for each in messages:
        headers = dict(each.headers)
        shown = {
            **dict(zip(("topic", "partition", "offset"), each.place, strict=True)),
            "key": each.key and each.key.decode("utf-8", "replace"),
            "headers": {name: text.encode("utf-8", "replace").decode() for name, text in headers.items()},
            "value_sha256": hashlib.sha256(each.value or b"").hexdigest(),
        }
        file.write(json.dumps(shown, ensure_ascii=False) + "\n")
        stream, version = headers.get("ce_subject"), headers.get("ce_sequence", "")
        told = json.dumps(each.headers)
        number = int(version) if version.isdigit() and len(version) < 18 else None
        yield (*each.place, each.key, told, each.value, stream and stream.encode("utf-8", "replace").decode(), number)


def _message(row: Sequence[Any]) -> Message:
    topic, partition, offset, key, headers, value = row
    return Message(topic, partition, offset, key, tuple((name, text) for name, text in json.loads(headers)), value)


def dumped(run: Path, bootstrap: str, topics: Sequence[str]) -> Dump:
    """The topics from their beginnings to their ends as of now, aborted transactions left out. Raises TimeoutError."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "judge",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
        }
    )
    try:
        known = consumer.list_topics(timeout=30).topics
        partitions = {topic: len(known[topic].partitions) for topic in topics if topic in known}
        wanted = [TopicPartition(topic, n, 0) for topic, count in partitions.items() for n in range(count)]
        return Dump.of(run, _read(consumer, wanted), partitions)
    finally:
        consumer.close()


def _read(consumer: Consumer, wanted: Sequence[TopicPartition]) -> Iterator[Message]:
    consumer.assign(list(wanted))
    left = {(each.topic, each.partition) for each in wanted}
    deadline = monotonic() + _SECONDS
    while left:
        if monotonic() > deadline:
            raise TimeoutError(f"{len(left)} partitions were not read to their ends")
        for message in consumer.consume(1000, timeout=0.5):
            error = message.error()
            if error is not None:
                if error.name() == "_PARTITION_EOF":
                    left.discard((message.topic(), message.partition()))
                continue
            deadline = monotonic() + _SECONDS
            headers = tuple(
                (name, (raw or b"").decode("utf-8", "surrogateescape")) for name, raw in message.headers() or ()
            )
            yield Message(
                message.topic(), message.partition(), message.offset(), message.key(), headers, message.value()
            )
