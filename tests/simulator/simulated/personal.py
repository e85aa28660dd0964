"""Personal data: what stands last on the compacted topic is the current value, and no older one comes after (T17)."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from roadbook.kafka.publisher import WATCHDOG_SECONDS, KafkaTransactionalPublisher, _Producers
from roadbook.personal_relay import PersonalRelay
from simulated.kafka import SimProducer
from simulated.machine import Workers, any_
from simulated.statements import append, sequence_outbox
from simulated.tally import NOW
from simulated.world import Process

TOPIC = "people"
PARTIES = ("p-0", "p-1", "p-2")


class Personal(Workers):
    """Two relays that fence each other, and clients that change and erase values."""

    topics = {TOPIC: 2}  # noqa: RUF012
    service = "toy"

    def begin(self) -> None:
        super().begin()
        self._values = 0
        self._newest: dict[bytes, int] = {}
        self._read = [0, 0]
        self.start_workers(2)

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        pool, stop = any_(self.database.pool(process)), asyncio.Event()
        publisher = KafkaTransactionalPublisher("", client_id=process.name, transactional_id="toy.personal-data")
        publisher._producers = _Producers(
            lambda: any_(SimProducer(self.broker, process, 2, "toy.personal-data")), WATCHDOG_SECONDS
        )
        relay = PersonalRelay(pool, publisher, self.service, asyncio.Event(), topic=TOPIC)
        return [relay._loop(stop)]

    @rule(party=st.sampled_from(PARTIES), erase=st.booleans())
    def learn(self, party: str, erase: bool) -> None:
        """A command that writes values: stored, and in the log."""
        self._values += 1
        value = None if erase else f'"v{self._values}"'
        keys = [f"tally/{party}/name", f"tally/{party}/phone"]
        event: list[Any] = [f"tally/{party}", 0, party, NOW, [], [], [], [], [], [], [], "a", "c", None, None]
        personal = [[party, party], keys, [value, value], "test", [None, None]]
        self.database.run(append, *event, *personal, [], [], [], None, None, None, None, None, None)
        while self.database.run(sequence_outbox, "personal", 100):
            pass

    @rule(which=st.integers(0, 1), party=st.sampled_from(PARTIES), number=st.integers(5, 25))
    def overtaken_by_news(self, which: int, party: str, number: int) -> None:
        """A value is replaced and published while one relay stands still, whatever it has in hand."""
        self.workers[which].frozen = True
        self.learn(party, erase=True)
        self.flow(number)
        self.workers[which].frozen = False

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        for partition, log in enumerate(self.broker.topics[TOPIC]):
            end = self.broker.readable(TOPIC, partition)
            for entry in log[self._read[partition] : end]:
                if entry.record is None or entry.transaction is None or entry.transaction.state != "committed":
                    continue
                key, version = entry.record.key or b"", int(dict(entry.record.headers)["sequence"])
                assert version >= self._newest.get(key, 0), "an older value came after a newer one (T17)"
                self._newest[key] = version
            self._read[partition] = end

    def done(self) -> bool:
        head, cursor = self.rows("outbox_log_head")["personal"], self.rows("relay_cursor")["personal"]
        return bool(head == cursor)

    def conclude(self) -> None:
        current = {
            f"{row['party_ref']}/{self.service}/{row['key']}".encode(): row["version"]
            for row in self.rows("personal_data").values()
        }
        assert self._newest == current, "the topic's last values are not the current ones"
        self.told["events"] += len(current)
        self.told["records"] += sum(map(len, self.broker.topics[TOPIC]))
