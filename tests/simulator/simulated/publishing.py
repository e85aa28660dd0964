"""Commands, sequencers and relays of facts: what is acknowledged is stored, what is stored gets to Kafka, in order."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import asyncpg
import orjson
from hypothesis import strategies as st
from hypothesis.stateful import rule

from roadbook import commands, ops
from roadbook.commands import Order, execute
from roadbook.context import CommandContext, Idempotency
from roadbook.decider import Rejected
from roadbook.errors import Conflict, IdempotencyInFlight, OutcomeUnknown, Unavailable
from roadbook.events import Labels, Recorded, new_id
from roadbook.kafka.publisher import WATCHDOG_SECONDS, KafkaPublisher, _Producers
from roadbook.outbox import Sequencer
from roadbook.relay import Relay
from roadbook.store.postgres import PostgresStore
from roadbook.testing.relays import subject
from roadbook.wire import to_message
from simulated.kafka import SimProducer
from simulated.machine import Machine, Workers, any_
from simulated.postgres import Wait
from simulated.statements import append, sequence_outbox
from simulated.tally import NOW, Add, tally_of
from simulated.world import Process

STREAMS = ("tally/0", "tally/1", "tally/2")  # of both partitions
TOPIC = "things"
STOPS = ("lock timeout", "lock timeout", "lock timeout", "crash", "crash on the wire")


def publisher_of(machine: Machine, process: Process) -> KafkaPublisher:
    """The kit's publisher on a simulated producer; batches hold two messages."""
    made = KafkaPublisher("", client_id=process.name)
    made._producers = _Producers(lambda: any_(SimProducer(machine.broker, process, 2)), WATCHDOG_SECONDS)
    return made


@dataclass
class Operation:
    """A client's command. `outcome`: "sent", "ok", "rejected", "nothing" (surely not done) or "unknown"."""

    stream: str
    command: Add
    key: bool
    outcome: str = "sent"
    answer: Any = None
    tries: int = 1


class Clients(Machine):
    """Clients that send commands to two API processes, and send again what they do not know the outcome of."""

    def begin(self) -> None:
        commands._queues.clear()
        self.operations: list[Operation] = []
        self.apis = [self.world.process("api-0"), self.world.process("api-1")]
        self._checked = 0

    @rule(stream=st.sampled_from(STREAMS), number=st.integers(1, 3), key=st.booleans())
    def command(self, stream: str, number: int, key: bool) -> None:
        """So many at once, by turns to either process."""
        for amount in range(1, number + 1):
            self.operations.append(Operation(stream, Add(len(self.operations), amount), key))
            self.send(self.operations[-1], amount % 2)

    @rule(which=st.integers(0, 7), api=st.integers(0, 1))
    def repeat(self, which: int, api: int) -> None:
        """A client sends a command with a key once more: in doubt, or impatient, or by mistake."""
        keyed = [each for each in self.operations if each.key]
        if keyed:
            keyed[which % len(keyed)].tries += 1
            self.send(keyed[which % len(keyed)], api)

    @rule(
        api=st.integers(0, 1),
        kind=st.sampled_from(STOPS),
    )
    def stop_api(self, api: int, kind: str) -> None:
        """SIGKILL; or whoever has waited long enough for a request with the same key is told so (T5)."""
        if kind != "lock timeout":
            self.told["crash"] += 1
            self.world.kill(self.apis[api], wire=kind != "crash")
            self.apis[api] = self.world.process(f"api-{api}")
            return
        for request in self.world.requests:
            if isinstance(request.blocked, Wait) and request.blocked.table == "idempotency":
                self.told["lock timeout"] += 1
                self.world.fail(request, asyncpg.LockNotAvailableError("lock timeout"))
                return

    def send(self, operation: Operation, api: int) -> None:
        self.world.start(self.apis[api], self._run(operation, self.apis[api]))

    async def _run(self, operation: Operation, process: Process) -> None:
        outcome, answer = "unknown", None
        try:
            answer = await execute(
                PostgresStore(any_(self.database.pool(process))),
                tally_of(operation.stream),
                Order(operation.stream, operation.command, may_create=True),
                context_of(operation),
            )
            outcome = "ok"
        except Rejected:
            outcome = "rejected"
        except (Conflict, IdempotencyInFlight, Unavailable):
            outcome = "nothing"
        except OutcomeUnknown:
            pass
        finally:
            self._conclude_one(operation, outcome, answer)

    def _conclude_one(self, operation: Operation, outcome: str, answer: Any) -> None:
        definite = ("ok", "rejected")
        if operation.outcome in definite and outcome in definite:
            assert operation.outcome == outcome, "a repeat under the same key was answered otherwise"
            if outcome == "ok":
                assert answer.body == operation.answer.body, "a repeat under the same key was answered otherwise"
        if operation.outcome not in definite:
            operation.outcome, operation.answer = outcome, answer

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    def events(self) -> dict[tuple[str, int], Any]:
        return self.rows("events")

    def check(self) -> None:
        if len(self.events()) != self._checked:
            self._checked = len(self.events())
            self.check_streams()

    def check_streams(self) -> None:
        totals: dict[str, tuple[int, int, int]] = {}
        for (stream, version), event in sorted(self.events().items()):
            last, total, position = totals.get(stream, (0, 0, 0))
            said = orjson.loads(event["data"])
            assert version == last + 1, "a stream has a hole"
            assert event["position"] > position, "positions run against versions (T2)"
            assert said["total"] == total + said["amount"], "decided on a state that was not there"
            totals[stream] = version, said["total"], event["position"]

    def heal(self) -> None:
        super().heal()
        for operation in self.operations:
            if operation.key and operation.outcome in ("unknown", "nothing", "sent"):
                self.send(operation, 0)

    def done(self) -> bool:
        waiting = [each for each in self.operations if each.key and each.outcome not in ("ok", "rejected")]
        for operation in waiting:
            self.send(operation, 0)
        return not waiting

    def conclude(self) -> None:
        self.told["events"] += len(self.events())
        self.told["commands"] += sum(operation.tries for operation in self.operations)
        stored: dict[int, list[Any]] = {}
        for (stream, version), event in self.events().items():
            stored.setdefault(orjson.loads(event["data"])["operation"], []).append((stream, version, event["id"]))
        for operation in self.operations:
            found = stored.pop(operation.command.operation, [])
            match operation.outcome:
                case "ok":
                    told = [(operation.stream, operation.answer.version, operation.answer.body["events"][0])]
                    assert found == told, "acknowledged, and not stored exactly once"
                case "rejected" | "nothing":
                    assert not found, "refused, and stored all the same"
                case _:
                    assert len(found) <= 1, "stored twice"
        assert not stored, "invented"


def context_of(operation: Operation) -> CommandContext:
    idempotency = None
    if operation.key:
        digest = sha256(str(operation.command.operation).encode()).digest()
        idempotency = Idempotency(digest, digest)
    return CommandContext("staff-1", "client", None, NOW, "c-1", idempotency=idempotency)


class Log(Workers):
    """What the log of positions must be like at any time."""

    _read = 0

    def events(self) -> dict[tuple[str, int], Any]:
        return self.rows("events")

    def check_log(self) -> None:
        log, positions = self.rows("outbox_log"), {event["position"]: key for key, event in self.events().items()}
        facts = [position for (channel, _), position in sorted(log.items()) if channel == "facts"]
        assert len(facts) == self.rows("outbox_log_head")["facts"] - 1, "the log is not dense"
        assert len(set(facts)) == len(facts), "an event stands twice in the log"
        last: dict[str, int] = {}
        for position in facts:
            assert position in positions, "the log names what was never stored"
            stream, version = positions[position]
            assert version == last.get(stream, 0) + 1, "the log has versions out of order (T2)"
            last[stream] = version


class Sequencing(Clients, Log):
    """Two sequencers at once, and commands that commit in any order."""

    def begin(self) -> None:
        super().begin()
        self._logged = 0
        self.start_workers(2)

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        pool = any_(self.database.pool(process))
        return [Sequencer(pool, "facts", asyncio.Event(), asyncio.Event())._loop(asyncio.Event())]

    def check(self) -> None:
        super().check()
        if self.rows("outbox_log_head")["facts"] != self._logged:
            self._logged = self.rows("outbox_log_head")["facts"]
            self.check_log()

    def done(self) -> bool:
        return super().done() and not self.rows("outbox")

    def conclude(self) -> None:
        super().conclude()
        assert len(self.rows("outbox_log")) == len(self.events()), "stored, and never in the log (T3)"


class Relays(Log):
    """What must hold of the topic while relays are at work."""

    def begin(self) -> None:
        super().begin()
        self._seen: dict[str, int] = {}
        self._read, self._cursor, self._rewound = 0, 1, False

    @rule(partition=st.integers(0, 1))
    def away(self, partition: int) -> None:
        """A partition takes nothing, until it does again."""
        self.broker.away ^= {partition}

    def heal(self) -> None:
        super().heal()
        self.broker.away.clear()

    @rule()
    def rewind_relay(self) -> None:
        """An operator has it all published again."""
        before = self.rows("relay_cursor")["facts"]
        self.operate(lambda pool: ops.rewind_relay(pool, "facts"))
        self._rewound = self.rows("relay_cursor")["facts"] <= before

    def relay(self, process: Process) -> Coroutine[Any, Any, None]:
        pool, moved = any_(self.database.pool(process)), asyncio.Event()
        return Relay(pool, publisher_of(self, process), TOPIC, moved)._loop(asyncio.Event())

    def check(self) -> None:
        super().check()
        self.check_topic()
        self.check_cursor()

    def check_cursor(self) -> None:
        cursor = self.rows("relay_cursor")["facts"]
        assert cursor >= self._cursor or self._rewound, "the cursor went back, and no operator moved it"
        self._cursor, self._rewound = cursor, self._rewound and any(p.name == "operator" for p in self._asking())
        if cursor > 1:
            position = self.rows("outbox_log")["facts", cursor - 1]
            confirmed = [key for key, event in self.events().items() if event["position"] <= position]
            assert all(self._seen.get(stream, 0) >= version for stream, version in confirmed), (
                "below the cursor, not on Kafka"
            )

    def check_topic(self) -> None:
        """What is new on the topic: first occurrences are 1, 2, 3, … and byte for byte what is stored."""
        for record in self.broker.appended[self._read :]:
            stream, version = subject(record)
            assert version <= self._seen.get(stream, 0) + 1, f"version {version} before the one before it (T10)"
            event = self.events().get((stream, version))
            assert event is not None, "on Kafka, and not stored"
            message = to_message(recorded(event, stream))
            assert (record.key, record.value, record.headers) == (message.key, message.value, message.headers)
            self._seen[stream] = max(self._seen.get(stream, 0), version)
        self._read = len(self.broker.appended)

    def done(self) -> bool:
        heads, cursors = self.rows("outbox_log_head"), self.rows("relay_cursor")
        return super().done() and heads["facts"] == cursors["facts"]

    def conclude(self) -> None:
        super().conclude()
        self.told["records"] += len(self.broker.appended)
        stored: dict[str, int] = {}
        for stream, version in self.events():
            stored[stream] = max(stored.get(stream, 0), version)
        assert self._seen == stored, "stored, and not on Kafka"


class Relaying(Relays):
    """Two relays on one log; what is stored and sequenced is there at once."""

    relays = 2

    def begin(self) -> None:
        super().begin()
        self.database.most = 5  # two batches for a partition, and something for the other
        for stream in (*STREAMS, *STREAMS):
            self.more(stream, 1)
        self.start_workers(self.relays)

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        return [self.relay(process)]

    @rule(stream=st.sampled_from(STREAMS), number=st.integers(1, 4))
    def more(self, stream: str, number: int) -> None:
        """Events, stored and in the log."""
        for _ in range(number):
            version = sum(name == stream for name, _ in self.events())
            write = [stream, version, stream, NOW, [new_id()], ["roadbook.toy.added.v1"], [NOW], ["{}"], [None], [None]]
            origin = [[None], "a", "c", None, None, [], [], [], "", [], [], [], [], None, None, None, None, None, None]
            self.database.run(append, *write, *origin)
        while self.database.run(sequence_outbox, "facts", 100):
            pass
        self.told["events"] += number


def recorded(event: Any, stream: str) -> Recorded:
    columns = {name: event[name] for name in ("stream", "version", "id", "type", "time", "recorded", "data")}
    origin = {name: event[name] for name in ("actor", "correlation", "causation", "traceparent")}
    return Recorded(**columns, **origin, key=stream, labels=Labels(event["dealer"], event["party_ref"], event["vin"]))
