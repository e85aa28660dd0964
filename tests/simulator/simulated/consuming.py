"""Consumers: whatever comes twice, late, forged or broken, each version takes effect once and in order (T11–T13)."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import rule

from roadbook import ops
from roadbook.bus import Message
from roadbook.consumer import Consumer, facts
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.consumer_work import Work
from roadbook.events import Recorded
from roadbook.kafka import partition_of
from roadbook.testing.consumer_rig import Ledger, Row, an_event
from roadbook.version_rule import CONFLICT, RETRY
from roadbook.wire import to_message
from simulated.kafka import SimSubscription
from simulated.machine import Workers, any_
from simulated.statements import READ_EFFECTS, WRITE_EFFECTS
from simulated.world import Process

NAME = "reader"
PLACES = {"thing/0": "things", "thing/6": "things", "thing/3": "others"}  # each in a partition of its own
STREAM = st.sampled_from(tuple(PLACES))


class Topics(Workers):
    """What others publish: histories of streams, as relays that crash and overlap send them."""

    topics: ClassVar[Mapping[str, int]] = {"things": 2, "others": 2}

    def begin(self) -> None:
        super().begin()
        self.genuine: dict[str, list[Recorded]] = {stream: [] for stream in PLACES}
        self.sent: dict[str, int] = dict.fromkeys(PLACES, 0)  # all versions up to here stand on the topic

    def append(self, *events: Recorded) -> None:
        for event in events:
            self.append_raw(event.stream, to_message(event))

    def append_raw(self, stream: str, message: Message) -> None:
        topic = PLACES[stream]
        partition = partition_of(stream.encode(), self.topics[topic])
        self.broker.append(topic, partition, [message])
        self.told["records"] += 1

    def next_event(self, stream: str, type_name: str = "happened") -> Recorded:
        made = an_event(stream, len(self.genuine[stream]) + 1, type_name)
        self.genuine[stream].append(made)
        self.told["events"] += 1
        return made

    @rule(stream=STREAM, number=st.integers(1, 3), again=st.integers(0, 2))
    def publish(self, stream: str, number: int, again: int) -> None:
        """A relay's run: it starts at or below what is there already."""
        for _ in range(number):
            self.next_event(stream)
        self.append(*self.genuine[stream][max(0, self.sent[stream] - again) :])
        self.sent[stream] = len(self.genuine[stream])


class Consuming(Topics):
    """Two workers that both believe all partitions to be theirs."""

    def begin(self) -> None:
        super().begin()
        self.forged: dict[str, set[str]] = {stream: set() for stream in PLACES}
        self._offsets: dict[Any, int] = {}
        self._applied = 0
        self._last: dict[str, int] = {}
        self._rewound = False
        self._cured = False
        self.ledgers: list[Ledger] = []
        self.start_workers(2)

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        return [self.consumer(process)._loop(asyncio.Event())]

    def consumer(self, process: Process) -> Consumer:
        return Consumer(
            name=NAME,
            store=PostgresConsumerStore(any_(self.database.pool(process)), NAME),
            subscription=SimSubscription(self.broker, process),
            topics=tuple(self.topics),
            work=self.work(process),
            tick=0.5,
        )

    def work(self, process: Process) -> Work:
        self.ledgers.append(Ledger(write_effects, read_effects, cured=self._cured, dense=False))
        return facts(self.ledgers[-1])

    # ── what others do ──────────────────────────────────────────────────────────────────────────────────────────

    @rule(stream=STREAM, kind=st.sampled_from(("gap", "poison", "conflict", "garbage", "repeat")))
    def forge(self, stream: str, kind: str) -> None:
        """`gap`: a version comes before the one before it, which follows with the next run."""
        self.told[kind] += 1
        match kind:
            case "gap":
                self.next_event(stream)
                self.append(self.next_event(stream))
            case "poison":
                self.next_event(stream, "poison")
                self.publish(stream, 1, 0)
            case "conflict" if self.genuine[stream]:
                rival = an_event(stream, len(self.genuine[stream]))
                self.forged[stream].add(rival.id)
                self.append(rival)
            case "garbage":
                self.append_raw(stream, Message(stream.encode(), b"{", (("ce_id", b"\xff"),)))
            case "repeat":
                self.append(*self.genuine[stream][: self.sent[stream]])

    @rule(stream=STREAM)
    def unpark(self, stream: str) -> None:
        self.operate(lambda pool: ops.unpark(pool, NAME, stream))

    @rule(to=st.integers(0, 3))
    def rewind(self, to: int) -> None:
        self._rewound = True
        self.operate(lambda pool: ops.rewind_consumer(pool, NAME, to))

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        effects = self.rows("effects")
        if len(effects) != self._applied:
            for number in sorted(effects)[self._applied :]:
                self._check_effect(*effects[number])
            self._applied = len(effects)
        offsets = self.rows("consumer_offsets")
        for place, offset in offsets.items():
            assert offset >= self._offsets.get(place, 0) or self._rewound, "an offset went back by itself"
        self._offsets = dict(offsets)
        self._rewound = self._rewound and any(process.name == "operator" for process in self._asking())

    def _check_effect(self, stream: str, version: int, id_: str) -> None:
        assert version == self._last.get(stream, 0) + 1, "applied twice, or not in order"
        assert id_ == self.genuine[stream][version - 1].id or id_ in self.forged[stream], "applied, and never published"
        self._last[stream] = version

    def heal(self) -> None:
        super().heal()
        self._cured = True
        for ledger in self.ledgers:
            ledger.cured = True
        for stream in PLACES:
            self.append(*self.genuine[stream][self.sent[stream] :])
            self.sent[stream] = len(self.genuine[stream])

    def done(self) -> bool:
        """All is read, and an operator has had tried again what had failed."""
        held = [row for row in self.rows("held").values() if row["stream"] in PLACES]
        if any(row["reason"] == RETRY for row in held):
            return False
        parked = {row["stream"] for row in held if row["reason"] not in (None, CONFLICT)}
        for stream in sorted(parked):
            self.operate(lambda pool, stream=stream: ops.unpark(pool, NAME, stream))
        ends = {(NAME, topic, n): len(log) for topic, logs in self.broker.topics.items() for n, log in enumerate(logs)}
        return not parked and self.rows("consumer_offsets") == ends

    def conclude(self) -> None:
        held = self.rows("held")
        for stream, events in self.genuine.items():
            kept = {key[2] for key in held if key[1] == stream}
            if self.forged[stream]:
                missing = {event.version for event in events} - set(range(1, self._last.get(stream, 0) + 1)) - kept
                assert not missing, "neither applied nor held"
            else:
                assert self._last.get(stream, 0) == len(events), "published, and never applied"
                assert not kept, "applied, and still held"
            assert self.rows("consumer_streams").get((NAME, stream), 0) == self._last.get(stream, 0)


async def write_effects(connection: Any, rows: Sequence[Row]) -> None:
    await connection.executemany(WRITE_EFFECTS, rows)


async def read_effects(connection: Any, streams: Sequence[str]) -> list[Row]:
    found: list[Row] = await connection.fetch(READ_EFFECTS, list(streams))
    return found
