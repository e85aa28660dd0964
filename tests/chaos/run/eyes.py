"""Eyes on the topics that are not ours (librdkafka), past the proxies: how far the log goes, and what is repeated."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from confluent_kafka import Consumer, TopicPartition

TOPICS = ("roadbook.lead.v1", "roadbook.identity.v1", "roadbook.sales.v1", "roadbook.derived.v1")
PERSONAL = "roadbook.personal-data.v1"


@dataclass
class Eyes:
    """A thread that reads all topics from the beginning. `repeats`: moments (monotonic) at which one was seen."""

    bootstrap: str
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    repeats: deque[float] = field(default_factory=deque)
    seen: int = 0
    _known: set[tuple[str, str, str]] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def repeated(self, since: float, until: float = float("inf")) -> int:
        return sum(since <= moment <= until for moment in list(self.repeats))

    def _run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "eyes",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "reconnect.backoff.max.ms": 500,
                "topic.metadata.refresh.interval.ms": 5000,
                "log_level": 0,
            },
            logger=None,
        )
        try:
            partitions = [(topic, n) for topic in (*TOPICS, PERSONAL) for n in range(12)]
            consumer.assign([TopicPartition(topic, n, 0) for topic, n in partitions])
            while not self._stop.is_set():
                for message in consumer.consume(500, 0.2):
                    self._take(message)
        finally:
            consumer.close()

    def _take(self, message: object) -> None:
        from confluent_kafka import KafkaError, Message

        assert isinstance(message, Message)
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # its offset is where the log ends, markers included
                self.ends[message.topic() or "", message.partition() or 0] = message.offset() or 0
            return
        topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        self.ends[topic, partition] = max(self.ends.get((topic, partition), 0), offset + 1)
        if topic == PERSONAL:
            return
        self.seen += 1
        headers = dict(message.headers() or [])
        place = (topic, str(headers.get("ce_subject")), str(headers.get("ce_sequence")))
        if place in self._known:
            self.repeats.append(time.monotonic())
        self._known.add(place)
