"""The consumer: takes its partitions by number, applies polled batches in one transaction each, never twice (T11–T16).

`Consumer` moves records from a subscription into transactions; what a transaction does with them is its `work`:
`facts(handler)` follows the per-stream version rule, `raw(handler)` is for compacted topics.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import asyncpg

from roadbook.bus import BusUnavailable, Delivered, OffsetOutOfRange, Subscription, TopicPartition
from roadbook.bus_metrics import (
    CONSUMER_APPLIED,
    CONSUMER_CONFLICTS,
    CONSUMER_DUPLICATES,
    CONSUMER_HELD,
    CONSUMER_LAG,
    CONSUMER_LAG_SECONDS,
    CONSUMER_LOST,
    CONSUMER_PARKED,
    CONSUMER_RETRIES,
    CONSUMER_WATCHDOG,
)
from roadbook.consumer_store import ConsumerStore, ConsumerTransaction
from roadbook.consumer_work import FactHandler, Outcome, RawHandler, Work, facts, raw
from roadbook.crashpoints import crashpoint
from roadbook.database import is_unreachable
from roadbook.errors import Unavailable
from roadbook.logs import get_logger
from roadbook.version_rule import CONFLICT, Park
from roadbook.workers import Backoff, pause, run_until

__all__ = ["Consumer", "FactHandler", "Park", "RawHandler", "Stuck", "TopicReplaced", "facts", "raw"]

log = get_logger(__name__)

MAX_RECORDS: Final = 500
POLL_SECONDS: Final = 0.25
TICK_SECONDS: Final = 1.0
WATCHDOG_SECONDS: Final = 60.0
# How long the log end must stay below our offset before we believe it: a broker that restarts may know less at first.
REPLACED_SECONDS: Final = 5.0
# Errors of what we stand on: waiting for them to pass is no sign of a stuck worker.
_WAITING_FOR_OTHERS: Final = (
    Unavailable,
    BusUnavailable,
    LookupError,
    asyncpg.InsufficientResourcesError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)


class LostOwnership(Exception):
    """Another worker, or an operator, moved what this one was about to move: the batch is dropped."""


class TopicReplaced(Exception):
    """The stored offset does not exist on the topic: it was replaced or truncated. An operator must decide (T11)."""


class Stuck(Exception):
    """The topic moves and this worker does not (T16). The process must exit, so that a fresh one takes over."""


@dataclass(frozen=True)
class _Settings:
    name: str
    topics: tuple[str, ...]
    ordinal: int
    replicas: int
    max_records: int
    watchdog: float
    replaced: float
    tick: float


class Consumer:
    """One worker of consumer `name`. Of each topic it takes the partitions p with p % replicas == ordinal.

    `watchdog`, `replaced` and `tick` (how often it looks for what operators did) are in seconds. `crash_prefix` names
    the crash points `<prefix>.in_tx` and `<prefix>.after_commit`.
    """

    def __init__(
        self,
        *,
        name: str,
        store: ConsumerStore,
        subscription: Subscription,
        topics: Sequence[str],
        work: Work,
        crash_prefix: Literal["proj", "react"] = "proj",
        ordinal: int = 0,
        replicas: int = 1,
        max_records: int = MAX_RECORDS,
        watchdog: float = WATCHDOG_SECONDS,
        replaced: float = REPLACED_SECONDS,
        tick: float = TICK_SECONDS,
    ) -> None:
        self._settings = _Settings(name, tuple(topics), ordinal, replicas, max_records, watchdog, replaced, tick)
        self._store = store
        self._subscription = subscription
        self._work = work
        self._in_tx, self._after_commit = crash_prefix + ".in_tx", crash_prefix + ".after_commit"
        self._next: dict[TopicPartition, int] = {}
        self._worked = 0.0  # seconds spent on transactions that were committed
        self._excused = self._unworked()  # until then this worker waited for something else than itself
        self._last_append = 0  # broker time of the last applied record, ms

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then a few seconds more. Raises `TopicReplaced` or `Stuck`; every other error is retried for
        ever. Closes the subscription."""
        try:
            await run_until(stop, self._loop, self._watch)
        finally:
            await self._subscription.close()

    # ── the loop ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _loop(self, stop: asyncio.Event) -> None:
        failing, out_of_range = Backoff(0.05, 2.0), 0
        while not stop.is_set():
            try:
                await self._claim(stop)
                await self._consume(stop, failing)
            except TopicReplaced:
                raise
            except OffsetOutOfRange:
                # The claim has looked at the end, so it is the beginning that is gone. Leaders change: look again.
                out_of_range += 1
                if out_of_range == 3:
                    raise TopicReplaced(f"{self._settings.name}: the topic was truncated before our offset") from None
                await pause(self._settings.replaced / 5, stop)
            except LostOwnership:
                CONSUMER_LOST.labels(self._settings.name).inc()
                await pause(failing.step(), stop)
            except Exception as error:
                delay = failing.step()
                self._note(error, delay)
                await pause(delay, stop)
            else:
                out_of_range = 0

    def _note(self, error: Exception, delay: float) -> None:
        if isinstance(error, _WAITING_FOR_OTHERS) or is_unreachable(error):
            self._excused = self._unworked() + delay
        reason = type(error).__name__
        CONSUMER_RETRIES.labels(self._settings.name, reason).inc()
        # Only the class: the text of an exception may quote what was being written.
        log.warning("consumer_retries", consumer=self._settings.name, reason=reason)

    async def _claim(self, stop: asyncio.Event) -> None:
        """Reads the stored offsets and seeks there."""
        self._next = {}
        partitions = await self._partitions()
        stored = await self._store.offsets(partitions)
        await self._subscription.assign(stored)
        await self._refuse_replaced(stored, stop)
        self._next = stored

    async def _partitions(self) -> list[TopicPartition]:
        own = []
        for topic in self._settings.topics:
            every = await self._subscription.partitions(topic)
            own += [each for each in every if each.partition % self._settings.replicas == self._settings.ordinal]
        return own

    async def _refuse_replaced(self, stored: Mapping[TopicPartition, int], stop: asyncio.Event) -> None:
        deadline = time.monotonic() + self._settings.replaced
        while not stop.is_set():
            ends = await self._subscription.end_offsets(list(stored))
            beyond = [each for each, offset in stored.items() if offset > ends[each]]
            if not beyond:
                return
            if time.monotonic() >= deadline:
                first = beyond[0]
                raise TopicReplaced(
                    f"{self._settings.name}: stored offset {stored[first]} of {first.topic}/{first.partition} is "
                    f"beyond the log end {ends[first]} ({len(beyond)} partitions)"
                )
            await pause(self._settings.replaced / 10, stop)

    async def _consume(self, stop: asyncio.Event, failing: Backoff) -> None:
        tick = 0.0
        while not stop.is_set():
            if time.monotonic() >= tick:
                await self._tick()
                tick = time.monotonic() + self._settings.tick
            polled = await self._subscription.poll(max_records=self._settings.max_records, timeout=POLL_SECONDS)
            await self._work_off([record for _, found in sorted(polled.items()) for record in found], failing)

    async def _work_off(self, polled: Sequence[Delivered], failing: Backoff) -> None:
        while True:
            part = polled[: self._work.take(polled)]
            polled = polled[len(part) :]
            if await self._transact(part, (), self._through(part) if polled else self._polled()):
                failing.reset()
            if not polled:
                return

    def _polled(self) -> dict[TopicPartition, int]:
        """Behind all that was polled: the position, not the last record's offset + 1, for compacted records and
        transaction markers leave gaps behind it (T11)."""
        return {each: self._subscription.position(each) for each in self._next}

    def _through(self, part: Sequence[Delivered]) -> dict[TopicPartition, int]:
        """Behind these records; more of the same poll follows."""
        own = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in part}
        return {**self._next, **own}

    async def _tick(self) -> None:
        """Notices what operators did: rewound offsets, streams to be tried again."""
        own = list(self._next)
        if await self._store.offsets(own) != self._next:
            raise LostOwnership
        retries = await self._store.retries(own)
        if retries:
            await self._transact((), retries, self._next)
        held = await self._store.held()
        CONSUMER_HELD.labels(self._settings.name).set(held.events)
        CONSUMER_PARKED.labels(self._settings.name).set(held.parked_streams)

    async def _transact(
        self, records: Sequence[Delivered], retries: Sequence[str], after: Mapping[TopicPartition, int]
    ) -> bool:
        """One batch, one transaction, which moves the offsets to `after`; False if there was nothing to do."""
        moves = {
            each: (before, after[each])
            for each, before in self._next.items()
            # A retry moves nothing, but it must hold the locks that operators take first.
            if after[each] != before or retries
        }
        if not moves:
            return False
        began = time.monotonic()
        async with self._store.transaction() as transaction:
            outcome = await self._apply(transaction, moves, records, retries)
        self._worked += time.monotonic() - began
        self._next = dict(after)
        self._report(outcome)
        crashpoint(self._after_commit)
        if records:
            self._last_append = max(record.timestamp for record in records)
        await self._work.committed()
        await self._subscription.commit({each: offset for each, (_, offset) in moves.items()})
        return True

    async def _apply(
        self,
        transaction: ConsumerTransaction,
        moves: Mapping[TopicPartition, tuple[int, int]],
        records: Sequence[Delivered],
        retries: Sequence[str],
    ) -> Outcome:
        if not await transaction.advance(moves):
            raise LostOwnership
        outcome = Outcome(0)
        if records or retries:
            worked = await self._work.apply(transaction, records, retries)
            if worked is None:
                raise LostOwnership
            outcome = worked
        crashpoint(self._in_tx)
        return outcome

    def _report(self, outcome: Outcome) -> None:
        name = self._settings.name
        CONSUMER_APPLIED.labels(name).inc(outcome.applied)
        CONSUMER_DUPLICATES.labels(name).inc(outcome.duplicates)
        for row in outcome.parked:
            CONSUMER_CONFLICTS.labels(name).inc(row.reason == CONFLICT)
            log.error("stream_parked", consumer=name, stream=row.stream, version=row.version, reason=row.reason)

    # ── the watchdog ────────────────────────────────────────────────────────────────────────────────────────────

    def _unworked(self) -> float:
        """Seconds in which nothing got done, of a clock. A long batch, one transaction for each event, is worked off
        partition after partition: the last of them stands still for as long, and that is no sign of a stuck worker."""
        return time.monotonic() - self._worked

    async def _watch(self, stop: asyncio.Event) -> None:
        marks: dict[TopicPartition, tuple[int, float]] = {}
        while not stop.is_set():
            await pause(min(self._settings.tick, self._settings.watchdog / 4), stop)
            own = dict(self._next)
            if not own:
                continue
            try:
                ends = await self._subscription.end_offsets(list(own))
            except Exception:
                self._excused = self._unworked()  # nobody can say that the topic moves
                continue
            self._export_lag(own, ends)
            now, late = self._unworked(), 0
            for each, end in ends.items():
                if end <= own[each] or marks.get(each, (-1, 0.0))[0] != own[each]:
                    marks[each] = (own[each], now)
                elif now - max(marks[each][1], self._excused) >= self._settings.watchdog:
                    late += end - own[each]
            if late:
                CONSUMER_WATCHDOG.labels(self._settings.name).inc()
                raise Stuck(
                    f"{self._settings.name}: {late} records wait and nothing moved for {self._settings.watchdog} s"
                )

    def _export_lag(self, own: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> None:
        behind = 0
        for topic in self._settings.topics:
            # Our own position may have moved on while the broker answered.
            lag = sum(
                max(0, end - self._next.get(each, own[each])) for each, end in ends.items() if each.topic == topic
            )
            CONSUMER_LAG.labels(self._settings.name, topic).set(lag)
            behind += lag
        since = max(0.0, time.time() - self._last_append / 1000) if behind and self._last_append else 0.0
        CONSUMER_LAG_SECONDS.labels(self._settings.name).set(since)
