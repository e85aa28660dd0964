"""From an empty generation to the live one: read, compose, compare, switch, drop; each step goes on where it was."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from projection.composer import Composer
from projection.rebuild import carrying, comparing, generations, tables
from projection.rebuild.comparing import Comparison
from projection.rebuild.switching import Switch
from projection.wakeups import Wakeups
from roadbook.bus import BusUnavailable, Subscription
from roadbook.clock import Clock
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.consumer_work import Work
from roadbook.crashpoints import crashpoint
from roadbook.database import Connection, Pool, acquire, close_pool, create_pool, is_transient, is_unreachable
from roadbook.errors import Unavailable
from roadbook.logs import get_logger
from roadbook.replay import Replay, TooSlow
from roadbook.workers import Backoff, pause

NEAR: Final = 200  # records: so few behind the live generation are read in a moment, under its lock
PATIENCE_SECONDS: Final = 600.0
_log = get_logger(__name__)

Tell = Callable[[str, int, int, float], None]
"""Phase, done, of how many, seconds since it began."""


class Busy(Exception):
    """Another rebuild of this projection is at work."""


@dataclass(frozen=True, slots=True)
class Source:
    """A consumer of the live generation, as a rebuild reads it: under the same name, by a subscription of its own."""

    consumer: str
    work: Work
    subscription: Subscription


@dataclass(slots=True)
class Result:
    """Times in seconds. `records` were read from the topics and `composed` references written by this run;
    `locked_ms` is how long the live workers waited, `closed_ms` how long readers did, at most."""

    generation: int
    resumed: bool = False
    records: int = 0
    read_seconds: float = 0.0
    composed: int = 0
    compose_seconds: float = 0.0
    comparison: Comparison = field(default_factory=Comparison)
    switched: bool = False
    attempts: int = 0
    locked_ms: float = 0.0
    closed_ms: float = 0.0

    def shown(self) -> dict[str, Any]:
        rate = self.records / self.read_seconds if self.read_seconds else 0.0
        return {
            "generation": self.generation,
            "resumed": self.resumed,
            "switched": self.switched,
            "records": self.records,
            "records_per_second": round(rate),
            "read_seconds": round(self.read_seconds, 2),
            "composed": self.composed,
            "compose_seconds": round(self.compose_seconds, 2),
            "comparison": self.comparison.shown(),
            "attempts": self.attempts,
            "locked_ms": round(self.locked_ms, 1),
            "closed_ms": round(self.closed_ms, 1),
        }


@dataclass(frozen=True, slots=True)
class Rebuild:
    """`dsn` is the owner role's. `accept`: switch although records differ. `afresh`: throw away what an interrupted
    rebuild left. `tell` is called about every second, and at the end of each phase."""

    dsn: str
    clock: Clock
    sources: Sequence[Source]
    accept: bool = False
    afresh: bool = False
    tell: Tell = lambda *_: None

    async def run(self) -> Result:
        """Raises `Busy`, and what no repetition puts right."""
        owner = await _pool(self.dsn, "public")
        try:
            async with _alone(owner):
                finished = await self._finish_last(owner)
                if finished is not None:
                    return finished
                number, resumed = await self._begin(owner)
                _log.info("rebuild_resumed" if resumed else "rebuild_started", generation=number)
                filling = await _pool(self.dsn, f"{tables.schema_of(number)}, public")
                try:
                    result = Result(number, resumed)
                    await _Generation(self, owner, filling, result).build()
                finally:
                    await close_pool(filling)
                if result.switched:
                    await self._drop(owner)
                return result
        finally:
            for source in self.sources:
                await source.subscription.close()
            await close_pool(owner)

    async def _finish_last(self, owner: Pool) -> Result | None:
        """A rebuild that was killed after its switch has only the old tables left to drop."""
        async with acquire(owner) as connection:
            known = await generations.every(connection)
        if "retired" not in known:
            return None
        await self._drop(owner)
        return Result(known["live"].number, resumed=True, switched=True)

    async def _begin(self, owner: Pool) -> tuple[int, bool]:
        """(number, whether it goes on with one that is there). One made by other code, or before a migration, is no
        use."""
        async with acquire(owner) as connection, connection.transaction():
            begun = (await generations.every(connection)).get("building")
            if begun is not None:
                schema = tables.schema_of(begun.number)
                fits = not self.afresh and begun.made_by == generations.made_by()
                if fits and await tables.shape(connection, schema) == await tables.shape(connection, "public"):
                    return begun.number, True
                await tables.drop(connection, schema)
                await generations.give_up(connection, begun.number)
            number = await generations.begin(connection)
            await tables.make(connection, tables.schema_of(number))
        crashpoint("rebuild.begun")
        return number, False

    async def _drop(self, owner: Pool) -> None:
        async with acquire(owner) as connection, connection.transaction():
            old = (await generations.every(connection))["retired"]
            await tables.drop(connection, tables.schema_of(old.number))
            await generations.dropped(connection, old.number)
        crashpoint("rebuild.after_drop")


class _Generation:
    """One generation on its way. `filling` are connections that find its tables first."""

    def __init__(self, order: Rebuild, owner: Pool, filling: Pool, result: Result) -> None:
        self.order, self.owner, self.filling, self.result = order, owner, filling, result
        self.schema = tables.schema_of(result.generation)
        self.replays = {
            source.consumer: Replay(PostgresConsumerStore(filling, source.consumer), source.subscription, source.work)
            for source in order.sources
        }
        # No voice: derived events are the live generation's.
        self.composer = Composer(filling, order.clock, Wakeups(), asyncio.Event())

    async def build(self) -> None:
        await _patiently(self._read)
        await _patiently(lambda: self.compose("composing"))
        crashpoint("rebuild.composed")
        await _patiently(self._compare)
        crashpoint("rebuild.compared")
        if self.result.comparison.equal or self.order.accept:
            await _patiently(self._switch)

    # ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────
    async def _read(self) -> None:
        """Everything up to where the live generation is, until that is near."""
        while True:
            behind = await self.behind()
            if behind:
                async with _phase(self.order.tell, "reading", behind) as advance:
                    began = time.monotonic()
                    await self.read_to(await self.targets(), progress=advance)
                    self.result.read_seconds += time.monotonic() - began
            for consumer in self.replays:
                await self._carry_skips(consumer)
            if behind <= NEAR:
                return

    async def targets(self, connection: "Connection | None" = None) -> dict[str, Any]:
        if connection is not None:
            return {name: await carrying.live_offsets(connection, name) for name in self.replays}
        async with acquire(self.owner) as own:
            return {name: await carrying.live_offsets(own, name) for name in self.replays}

    async def behind(self) -> int:
        """By how many offsets the live generation is ahead."""
        count = 0
        for name, targets in (await self.targets()).items():
            reached = await self.replays[name].reached(targets)
            count += sum(max(0, target - reached[each]) for each, target in targets.items())
        return count

    async def read_to(
        self, targets: dict[str, Any], *, deadline: float = float("inf"), progress: Callable[[int], None] | None = None
    ) -> None:
        def counted(records: int, offsets: int) -> None:
            self.result.records += records
            if progress is not None:
                progress(offsets)

        tasks = [self.replays[name].to(each, deadline=deadline, progress=counted) for name, each in targets.items()]
        # gather without cancelling: no task is ever cancelled inside the Kafka client (T10).
        done = await asyncio.gather(*tasks, return_exceptions=True)
        failed = [each for each in done if isinstance(each, BaseException)]
        if failed:
            raise failed[0]

    async def _carry_skips(self, consumer: str) -> None:
        """What operators gave up in the live generation and this one has parked, too."""
        while True:
            async with acquire(self.owner) as connection:
                skips = await carrying.skips_to_repeat(connection, self.schema, consumer)
            if not await carrying.repeat(self.filling, consumer, skips):
                return
            targets = (await self.targets())[consumer]
            while await self.replays[consumer].retry(targets):
                pass

    # ── Composing ───────────────────────────────────────────────────────────────────────────────────────────────
    async def compose(self, phase: str | None = None) -> None:
        """Until nothing is marked."""
        async with acquire(self.filling) as connection:
            marks = await carrying.take_doubles(connection)
        began = time.monotonic()
        async with _phase(self.order.tell if phase else None, phase or "", marks) as advance:
            while done := await self.composer.round():
                self.result.composed += done
                advance(done)
        self.result.compose_seconds += time.monotonic() - began

    async def compose_later(self) -> set[str]:
        """What came since the comparison; returns whose references were marked, which are few by now."""
        async with acquire(self.filling) as connection:
            marked = await carrying.marked(connection)
        await self.compose()
        return marked

    # ── Comparing ───────────────────────────────────────────────────────────────────────────────────────────────
    async def _compare(self) -> None:
        """At equal offsets: the live workers wait until this generation has caught up and the snapshot is taken, no
        longer; what comes later is compared at the switch."""
        await self.read_to(await self.targets())
        async with acquire(self.owner) as holding, acquire(self.owner) as reading:
            snapshot = reading.transaction(isolation="repeatable_read")
            async with holding.transaction():
                await carrying.hold(holding, list(self.replays))
                await self.read_to(await self.targets(holding), deadline=time.monotonic() + 1.0)
                await snapshot.start()
                await reading.fetchval("SELECT 1 FROM public.generations LIMIT 1")  # takes the snapshot
            try:
                async with _phase(self.order.tell, "comparing", 1) as advance:
                    at = self.order.clock.now()
                    self.result.comparison = await comparing.compare(reading, self.schema, at)
                    advance(1)
            finally:
                await snapshot.rollback()
        async with acquire(self.owner) as connection:
            await carrying.removed_values(connection, self.schema)

    # ── Switching ───────────────────────────────────────────────────────────────────────────────────────────────
    async def _switch(self) -> None:
        """Again and again until all locks are had in time; between two tries everybody goes on."""
        deadline, failing = time.monotonic() + PATIENCE_SECONDS, Backoff(0.2, 5.0)
        touched: set[str] = set()
        while not self.result.switched:
            await self.read_to(await self.targets())
            touched |= await self.compose_later()
            self.result.attempts += 1
            switch = Switch(self, touched, time.monotonic())
            try:
                done = await switch.attempt()
            except TooSlow:
                touched |= switch.touched
                if time.monotonic() > deadline:
                    raise
                await pause(failing.step(), asyncio.Event())
                continue
            if not done:
                return  # what came meanwhile differs
            self.result.switched = True
            self.result.locked_ms, self.result.closed_ms = switch.locked_ms, switch.closed_ms
        crashpoint("rebuild.after_switch")
        _log.info("rebuild_switched", generation=self.result.generation)


async def _pool(dsn: str, path: str) -> Pool:
    settings = {"search_path": path, "idle_in_transaction_session_timeout": "0"}
    return await create_pool(
        dsn, size=6, name="roadbook-rebuild", statement_ms=0, command_seconds=3600, settings=settings
    )


@asynccontextmanager
async def _alone(pool: Pool) -> AsyncIterator[None]:
    """A lock that is in nobody's way but another rebuild's. It draws no transaction id and keeps no snapshot, so vacuum
    goes on however long it is held."""
    async with acquire(pool) as connection, connection.transaction():
        try:
            await connection.execute("LOCK TABLE public.generations IN SHARE UPDATE EXCLUSIVE MODE NOWAIT")
        except asyncpg.LockNotAvailableError:
            raise Busy from None
        yield


@asynccontextmanager
async def _phase(tell: Tell | None, name: str, total: int) -> AsyncIterator[Callable[[int], None]]:
    began = told = time.monotonic()
    done = 0

    def advance(more: int) -> None:
        nonlocal done, told
        done += more
        now = time.monotonic()
        if tell is not None and now - told >= 1:
            told = now
            tell(name, done, total, now - began)

    yield advance
    if tell is not None:
        tell(name, done, total, time.monotonic() - began)


async def _patiently(step: Callable[[], Any]) -> None:
    """A step finds out by itself how far it is, so it is simply begun again while what it stands on is away."""
    failing = Backoff(0.2, 5.0)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await step()
            return
        except Exception as error:
            passing = isinstance(error, BusUnavailable | Unavailable | TooSlow)
            if not (passing or is_unreachable(error) or is_transient(error)) or time.monotonic() > deadline:
                raise
            _log.warning("rebuild_retries", error_type=type(error).__name__)
            await pause(failing.step(), asyncio.Event())
