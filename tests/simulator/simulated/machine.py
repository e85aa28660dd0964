"""What all machines have: arrivals in any order, lost answers, refusals, deaths, frozen processes, passing time."""

import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from roadbook import consumer, outbox, personal_relay, reactions, relay
from roadbook.errors import Unavailable
from roadbook.kafka import publisher
from simulated.kafka import Broker, refused
from simulated.postgres import Database, Statement
from simulated.statements import STATEMENTS
from simulated.world import Process, Request, World

TOPICS = {"things": 2}
FAULTS = ("lose", "refuse", "leave", "delay", "crash", "freeze", "overtaken")
SMALL = st.integers(0, 11)


def any_(value: Any) -> Any:
    """A model in the place of what it is a model of."""
    return value


class Silent:
    """The log of a simulated process: nobody reads it."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


@contextmanager
def quiet() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for module in (consumer, outbox, personal_relay, relay, publisher):
            patched.setattr(module, "log", Silent())
        yield


class Machine(RuleBasedStateMachine):
    """`told` counts over all histories of a run; `statements` is what a seeded bug replaces."""

    told: ClassVar[Counter[str]] = Counter()
    statements: ClassVar[Mapping[str, Statement]] = STATEMENTS
    topics: ClassVar[Mapping[str, int]] = TOPICS

    def __init__(self) -> None:
        super().__init__()
        random.seed(0)  # the jitter of the kit's back-offs
        self.world = World()
        self.database = Database(self.world, self.statements)
        for channel in ("facts", "personal"):
            self.database.tables["outbox_log_head"][channel] = 1
            self.database.tables["relay_cursor"][channel] = 1
        self.broker = Broker(self.world, self.topics)
        self.workers: list[Process] = []
        self._started = 0
        loop = self.world.loop
        self._patched = pytest.MonkeyPatch()
        for module in (consumer, outbox, personal_relay, reactions):
            self._patched.setattr(module, "time", SimpleNamespace(monotonic=loop.time, time=loop.time))
        self.told["histories"] += 1
        self.begin()

    def begin(self) -> None:
        """Starts the processes."""

    def works(self, process: Process) -> list[Coroutine[Any, Any, None]]:
        """What a worker process runs."""
        raise NotImplementedError

    def worker(self) -> Process:
        """A fresh worker process, started."""
        self._started += 1
        process = self.world.process(f"worker-{self._started}")
        self.world.start(process, *self.works(process))
        return process

    def start_workers(self, count: int) -> None:
        self.workers = [self.worker() for _ in range(count)]

    # ── what happens ────────────────────────────────────────────────────────────────────────────────────────────

    @rule(number=st.integers(1, 12))
    def flow(self, number: int) -> None:
        """The next so many arrive in order; where nothing is under way, time goes on."""
        for _ in range(number):
            ready = self.world.ready()
            if ready:
                self.world.deliver(ready[0])
            elif not self.world.loop.tick():
                break

    @rule(which=SMALL)
    def arrive(self, which: int) -> None:
        """One that others had been sent before."""
        if (request := self._pick(which)) is not None:
            self.world.deliver(request)

    @rule(which=SMALL)
    def delay(self, which: int) -> None:
        """It stays on its way until `hurry`, whatever overtakes it."""
        if (request := self._pick(which)) is not None:
            request.delayed = True
            self.told["delay"] += 1

    @rule()
    def hurry(self) -> None:
        for request in self.world.requests:
            request.delayed = False

    @rule(which=SMALL, kind=st.sampled_from(("lose", "refuse", "refuse", "leave")))
    def fault(self, which: int, kind: str) -> None:
        """An answer is lost; it never got there, or is refused; the client gave up, and it gets there later."""
        request = self._pick(which)
        if request is None or (kind == "leave" and not request.outlives):
            return
        self.told[kind] += 1
        match kind:
            case "lose":
                self.world.deliver(request, lose=True)
            case "refuse":
                self.world.fail(request, refused() if request.kind == "produce" else None)
            case "leave":
                self.world.leave(request)

    @rule(seconds=st.sampled_from((0.1, 1.0, 31.0)))
    def wait(self, seconds: float) -> None:
        """Time passes; at most so many timers are heard of."""
        until = self.world.loop.now + seconds
        for _ in range(5):
            if not self.world.loop.tick(until):
                self.world.loop.now = max(self.world.loop.now, until)
                break

    def _pick(self, which: int) -> Request | None:
        ready = self.world.ready()
        return ready[which % len(ready)] if ready else None

    def operate(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
        """What an operator does with a pool: at once, unless others hold what it needs; then later."""
        operator = self.world.process("operator")
        self.world.start(operator, self._operate(operator, work))
        for _ in range(20):
            own = [each for each in self.world.ready() if each.process is operator]
            if not own:
                break
            self.world.deliver(own[0])

    def _asking(self) -> list[Process]:
        return [each.process for each in self.world.requests]

    async def _operate(self, operator: Process, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
        try:
            await work(any_(self.database.pool(operator)))
        except (Unavailable, OSError, ValueError):
            return  # it is given again, or not

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def holds(self) -> None:
        self.told["steps"] += 1
        self.check()

    def check(self) -> None:
        """After each step."""

    def done(self) -> bool:
        """Whether, healed, everything has got to where it belongs."""
        return True

    def heal(self) -> None:
        self.hurry()
        for process in self.workers:
            process.frozen = False

    def conclude(self) -> None:
        """After the end."""

    def teardown(self) -> None:
        try:
            self.heal()
            self.world.drain(self.done)
            self.check()
            self.conclude()
        finally:
            self.world.close()
            self._patched.undo()

    def rows(self, table: str) -> dict[Any, Any]:
        """Committed rows."""
        return self.database.tables[table]


class Workers(Machine):
    """A machine with worker processes, which die and stand still."""

    @rule(which=SMALL, number=st.integers(5, 25))
    def overtaken(self, which: int, number: int) -> None:
        """One stands still in whatever it does, the others go on, and then it wakes up as if nothing had been."""
        process = self.workers[which % len(self.workers)]
        self.told["overtaken"] += 1
        process.frozen = True
        self.flow(number)
        process.frozen = False

    @rule(which=SMALL, kind=st.sampled_from(("crash", "crash on the wire", "freeze", "freeze")))
    def stop(self, which: int, kind: str) -> None:
        """SIGKILL, and another process in its place (`on the wire`: what it had sent still arrives); or SIGSTOP, and
        SIGCONT for a frozen one."""
        place = which % len(self.workers)
        if kind == "freeze":
            self.workers[place].frozen = not self.workers[place].frozen
            self.told["freeze"] += self.workers[place].frozen
            return
        self.told["crash"] += 1
        self.world.kill(self.workers[place], wire=kind != "crash")
        self.workers[place] = self.worker()


@contextmanager
def measured(told: Counter[str], name: str) -> Iterator[None]:
    """Prints how many histories were told, and how quickly; by the processor's time, for the machine may be shared."""
    began = time.process_time()
    yield
    seconds = time.process_time() - began
    faults = ", ".join(f"{told[kind]} {kind}" for kind in FAULTS if told[kind])
    print(
        f"\nsimulator, {name}: {told['histories']:,} histories, {told['steps']:,} steps, "
        f"{told['histories'] / seconds * 60:,.0f} histories/min per core ({faults})"
    )
