"""Reactions: each acting event of others becomes one command here, in the transaction of its offset (T15)."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import rule

from roadbook import ops
from roadbook.commands import Order, execute
from roadbook.consumer import Consumer
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.context import CommandContext
from roadbook.decider import Rejected
from roadbook.errors import Conflict, OutcomeUnknown, Unavailable
from roadbook.events import Recorded
from roadbook.reactions import Reaction, Reactions, caused_by
from roadbook.store.joined import JoinedStore
from roadbook.store.postgres import PostgresStore
from simulated.consuming import NAME, PLACES, STREAM, Topics
from simulated.kafka import SimSubscription
from simulated.machine import any_
from simulated.tally import NOW, Add, tally_of
from simulated.world import Process

ACTING = "roadbook.thing.happened.v1"
TALLY = "tally/0"  # all of them fill one: it becomes full, and clients fill it too
OWN = 1_000_000  # operations of clients are numbered from here


class Reacting(Topics):
    """Two workers of one reaction, and clients who send commands to the same stream."""

    def begin(self) -> None:
        super().begin()
        self._clients = OWN
        self._numbers: dict[str, int] = {}
        self._read = 0
        self._acted: Counter[int] = Counter()
        self.start_workers(2)

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        consumer = Consumer(
            name=NAME,
            store=PostgresConsumerStore(any_(self.database.pool(process)), NAME),
            subscription=SimSubscription(self.broker, process),
            topics=tuple(self.topics),
            work=Reactions(
                Reaction(NAME, frozenset({ACTING}), NOW - timedelta(days=1), self.act, stream=lambda _: TALLY)
            ),
            crash_prefix="react",
            tick=0.5,
        )
        return [consumer._loop(asyncio.Event())]

    async def act(self, store: JoinedStore, event: Recorded) -> None:
        number = self._numbers.setdefault(event.id, len(self._numbers))
        order = Order(TALLY, Add(number, 1), may_create=True)
        await execute(store, tally_of(TALLY), order, caused_by(event, NAME, "toy", NOW))

    @rule(amount=st.integers(1, 2))
    def command(self, amount: int) -> None:
        self._clients += 1
        process = self.world.process(f"client-{self._clients}")
        self.world.start(process, self._command(process, Add(self._clients, amount)))

    async def _command(self, process: Process, command: Add) -> None:
        store = PostgresStore(any_(self.database.pool(process)))
        context = CommandContext("staff-1", "client", None, NOW, "c-1")
        try:
            await execute(store, tally_of(TALLY), Order(TALLY, command, may_create=True), context)
        except (Rejected, Conflict, OutcomeUnknown, Unavailable):
            return

    @rule(stream=STREAM)
    def bulk(self, stream: str) -> None:
        """Events that trigger nothing."""
        self.append(self.next_event(stream, "noted"))
        self.sent[stream] = len(self.genuine[stream])

    @rule(to=st.integers(0, 3))
    def rewind(self, to: int) -> None:
        self.operate(lambda pool: ops.rewind_consumer(pool, NAME, to))

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        events = self.rows("events")
        for version in range(self._read + 1, len(events) + 1):
            said = orjson.loads(events[TALLY, version]["data"])
            before = orjson.loads(events[TALLY, version - 1]["data"])["total"] if version > 1 else 0
            assert said["total"] == before + said["amount"], "decided on a state that was not there"
            self._acted[said["operation"]] += 1
            assert self._acted[said["operation"]] == 1, "acted twice on one event"
        self._read = len(events)

    def done(self) -> bool:
        ends = {(NAME, topic, n): len(log) for topic, logs in self.broker.topics.items() for n, log in enumerate(logs)}
        return self.rows("consumer_offsets") == ends

    def conclude(self) -> None:
        outcomes = self.rows("reaction_outcomes")
        for stream in PLACES:
            acting = [event for event in self.genuine[stream] if event.type == ACTING]
            for event in acting:
                outcome = outcomes.get((NAME, UUID(event.id)))
                assert outcome is not None, "an event was passed over"
                acted = self._acted[self._numbers[event.id]]
                assert acted == (outcome == "done"), "the outcome is not what was done"
        assert not self.rows("held"), "held, though nothing was missing"
