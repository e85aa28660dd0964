"""Processes, and what is under way between them and the servers.

The event loop is a plain list of callbacks without a selector and with a clock of its own, so that a history of some
hundred steps costs milliseconds and happens the same way whenever it is told again.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any

TURNS = 20_000  # more callbacks than this without anything coming in: somebody is spinning


class Died(BaseException):
    """What a killed process's code sees at its next await: no handler of ours may catch it."""


class Loop(asyncio.AbstractEventLoop):
    """Runs what is ready; sleeps for nobody. `now` in seconds moves by `tick` only."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> "asyncio.Task[Any]":
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Nobody asks after the tasks of killed processes."""

    def settle(self) -> None:
        """Runs all that is ready, and what that makes ready."""
        if not self._ready:
            return
        asyncio._set_running_loop(self)
        try:
            for _ in range(TURNS):
                if not self._ready:
                    return
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
            raise AssertionError("something spins without ever waiting for an answer")
        finally:
            asyncio._set_running_loop(None)

    def tick(self, until: float | None = None) -> bool:
        """Moves on to the next timer (if it is due by `until`); False if there is none."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers or (until is not None and self._timers[0][0] > until):
            return False
        when, _, handle = heapq.heappop(self._timers)
        self.now = max(self.now, when)
        self._ready.append(handle)
        self.settle()
        return True


@dataclass(eq=False)
class Process:
    """`frozen`: nothing it waits for arrives, as under SIGSTOP; what it sent before still does its work."""

    name: str
    alive: bool = True
    frozen: bool = False
    tasks: list["asyncio.Task[Any]"] = field(default_factory=list)
    on_death: list[Callable[[], None]] = field(default_factory=list)


Work = Callable[[], Any]
"""What a server does with a request. Returns the answer, raises the error it answers with, or returns a generator: each
of its yields is a place where others may come first; a callable it yields says whether it is still blocked."""


@dataclass(eq=False)
class Request:
    """`kind` is what faults are aimed at: statement, commit, produce, poll, … `outlives`: the server does it though the
    process that asked is dead, if it was on the wire."""

    process: Process
    kind: str
    work: Work
    future: "asyncio.Future[Any] | None"
    outlives: bool = False
    owner: Any = None  # the transaction it belongs to
    loss: Callable[[], Exception] = ConnectionResetError  # what the client sees when no answer comes
    on_loss: Callable[[], None] | None = None
    delayed: bool = False
    running: Generator[Any, None, Any] | None = None
    blocked: Callable[[], bool] | None = None

    def ready(self) -> bool:
        return not self.delayed and (self.blocked is None or not self.blocked())


class World:
    def __init__(self) -> None:
        self.loop = Loop()
        self.requests: list[Request] = []
        self.processes: list[Process] = []

    # ── processes ───────────────────────────────────────────────────────────────────────────────────────────────

    def process(self, name: str) -> Process:
        made = Process(name)
        self.processes.append(made)
        return made

    def start(self, process: Process, *works: Coroutine[Any, Any, Any]) -> "list[asyncio.Task[Any]]":
        made = [self.loop.create_task(work) for work in works]
        process.tasks += made
        self.loop.settle()
        return made

    def kill(self, process: Process, *, wire: bool = False) -> None:
        """SIGKILL. With `wire`, requests that were sent already still arrive."""
        process.alive, process.frozen = False, False
        self.processes.remove(process)
        orphans = [each for each in self.requests if each.process is process]
        for each in orphans:
            if not (wire and each.outlives):
                self.requests.remove(each)
                if each.running is not None:
                    each.running.close()
            _resolve(each, error=Died())
        for hook in process.on_death:
            hook()
        for task in process.tasks:
            task.cancel()
        self.loop.settle()
        for task in process.tasks:
            if task.done() and not task.cancelled():
                task.exception()

    # ── requests ────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, process: Process, kind: str, work: Work, **more: Any) -> Any:
        return await self.send(Request(process, kind, work, self.loop.create_future(), **more))

    async def send(self, request: Request) -> Any:
        if not request.process.alive:
            raise Died
        self.requests.append(request)
        assert request.future is not None
        return await request.future

    def ready(self) -> list[Request]:
        """What can go on now, the longest waiting first."""
        return [each for each in self.requests if not each.process.frozen and each.ready()]

    def deliver(self, request: Request, *, lose: bool = False) -> None:
        """The server works on it; the answer arrives, or (`lose`) does not: then the client sees a connection reset, or
        what `on_loss` does."""
        try:
            answer = self._work(request)
        except _NotYet:
            return
        except Exception as error:
            self.requests.remove(request)
            _resolve(request, error=error)
        else:
            self.requests.remove(request)
            if not lose:
                _resolve(request, answer)
            elif request.on_loss is not None:
                request.on_loss()
            else:
                _resolve(request, error=request.loss())
        self.loop.settle()

    def _work(self, request: Request) -> Any:
        if request.running is None:
            answer = request.work()
            if not isinstance(answer, Generator):
                return answer
            request.running = answer
        request.blocked = None
        try:
            request.blocked = request.running.send(None)
        except StopIteration as done:
            return done.value
        raise _NotYet

    def fail(self, request: Request, error: Exception | None = None) -> None:
        """The client sees `error`, or that the connection is gone; the server never did it."""
        self.requests.remove(request)
        if request.running is not None:
            request.running.close()
        waited = request.future is not None and not request.future.done()
        _resolve(request, error=error or request.loss())
        if request.owner is not None and not (waited and request.process.alive):
            request.owner.rollback()  # the server's doing: who sent this COMMIT is dead or gave up, and it never came
        self.loop.settle()

    def leave(self, request: Request) -> None:
        """The client gives up on it; it arrives all the same, some day."""
        _resolve(request, error=request.loss())
        self.loop.settle()

    def drain(self, done: Callable[[], bool], rounds: int = 3_000) -> None:
        """Everything arrives in the order it was sent, time goes on, until `done`. Not getting there is a failure."""
        for _ in range(rounds):
            ready = self.ready()
            if ready:
                self.deliver(ready[0])
                continue
            if done():
                return
            if not self.ready() and not self.loop.tick():  # `done` may have sent something
                break
        if not done():
            raise AssertionError("healed, and yet it does not come to an end")

    def close(self) -> None:
        for process in list(self.processes):
            self.kill(process)
        self.requests.clear()


class _NotYet(Exception):
    pass


def _resolve(request: Request, answer: Any = None, error: BaseException | None = None) -> None:
    future, request.future = request.future, None
    if future is None or future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)
