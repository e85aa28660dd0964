"""The whole path: from the client's command to the consumer's effect, with everything failing on the way."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from roadbook.consumer import Consumer, facts
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.testing.consumer_rig import Ledger
from simulated.consuming import read_effects, write_effects
from simulated.kafka import SimSubscription
from simulated.machine import any_
from simulated.publishing import TOPIC, Relays, Sequencing
from simulated.world import Process

NAME = "reader"


class Whole(Sequencing, Relays):
    """Two processes, each with a sequencer, a relay and a consumer; the consumer's tables are in the same database."""

    def begin(self) -> None:
        self._applied = 0
        self._last: dict[str, int] = {}
        super().begin()

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        consumer = Consumer(
            name=NAME,
            store=PostgresConsumerStore(any_(self.database.pool(process)), NAME),
            subscription=SimSubscription(self.broker, process),
            topics=(TOPIC,),
            work=facts(Ledger(write_effects, read_effects)),
            tick=2.0,
        )
        return [*super().works(process), self.relay(process), consumer._loop(asyncio.Event())]

    def check(self) -> None:
        super().check()
        effects = self.rows("effects")
        for number in sorted(effects)[self._applied :]:
            stream, version, id_ = effects[number]
            assert version == self._last.get(stream, 0) + 1, "applied twice, or not in order"
            assert id_ == self.events()[stream, version]["id"], "applied, and never stored"
            self._last[stream] = version
        self._applied = len(effects)

    def done(self) -> bool:
        return super().done() and len(self.rows("effects")) == len(self.events())
