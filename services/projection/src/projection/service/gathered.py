"""Waiting for the tables, gathered: however many wait, one query at a time asks for all of them."""

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from projection.wakeups import Wakeups

WAIT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.05

Wanted = TypeVar("Wanted")


class NotYet(Exception):
    """What the caller wants to see at least has not arrived in time."""


@dataclass(slots=True, eq=False)
class _Waiter(Generic[Wanted]):
    wanted: Wanted
    deadline: float
    there: asyncio.Future[None]


class Gathered(Generic[Wanted]):
    """`look` asks the tables, in one query, which of those wanted are there.

    If each waiter asked for itself, the questions would take the time of the very process that has to get on with what
    they wait for: the later it is, the more wait, and the more they ask. Here what becomes due during a query is in the
    next one. Real time, not business time. A wake makes it quick; the poll serves where another process writes, and is
    one query for all, too.
    """

    def __init__(
        self, wakeups: Wakeups, look: Callable[[list[Wanted]], Awaitable[list[bool]]], poll: float = POLL_SECONDS
    ) -> None:
        self._wakeups = wakeups
        self._look = look
        self._poll = poll
        self._waiting: set[_Waiter[Wanted]] = set()
        self._due: dict[_Waiter[Wanted], None] = {}  # in the order in which they became due
        self._changed = asyncio.Event()
        self._polled = 0.0
        self._task: asyncio.Task[None] | None = None

    async def until(self, wanted: Wanted, names: Collection[str]) -> None:
        """Until `wanted` is there; `NotYet` after 2 s, and whatever `look` raises. `names` are woken when it may be."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(wanted, loop.time() + WAIT_SECONDS, loop.create_future())
        # Known to the wakes before it is looked for: what is committed during that query makes it due again.
        with self._wakeups.waiting(names, lambda: self._is_due(waiter)):
            self._waiting.add(waiter)
            self._is_due(waiter)
            try:
                await waiter.there
            finally:
                self._leave(waiter)

    def _is_due(self, waiter: _Waiter[Wanted]) -> None:
        if waiter not in self._waiting:
            return
        self._due[waiter] = None
        self._changed.set()
        if self._task is None:
            # Nobody's own: the request it began with may be over long before it is, and its logs and spans with it.
            self._task = asyncio.create_task(self._run(), context=contextvars.Context())

    def _leave(self, waiter: _Waiter[Wanted]) -> None:
        self._waiting.discard(waiter)
        self._due.pop(waiter, None)
        if not self._waiting:
            self._changed.set()

    async def _run(self) -> None:
        """While anybody waits."""
        loop = asyncio.get_running_loop()
        self._polled = loop.time()
        try:
            while self._waiting:
                if not self._due:
                    await self._pause(self._polled + self._poll - loop.time())
                self._changed.clear()
                # By the clock and not only when it is quiet: those who wait for another process would never be due
                # while this one commits all the time.
                if loop.time() >= self._polled + self._poll:
                    self._polled, self._due = loop.time(), dict.fromkeys(self._waiting)
                due, self._due = list(self._due), {}
                if due:
                    await self._serve(due)
        finally:
            self._task = None
            for waiter in self._waiting:
                waiter.there.cancel()  # the process ends: nobody would look for them any more

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _serve(self, due: Sequence[_Waiter[Wanted]]) -> None:
        outcome: Sequence[bool | Exception]
        try:
            outcome = await self._look([waiter.wanted for waiter in due])
        except Exception as error:  # theirs who asked: each request answers it as its own
            outcome = [error] * len(due)
        now = asyncio.get_running_loop().time()
        for waiter, found in zip(due, outcome, strict=True):
            if waiter.there.done():
                continue
            if isinstance(found, Exception):
                waiter.there.set_exception(found)
            elif found:
                waiter.there.set_result(None)
            elif waiter.deadline <= now:
                waiter.there.set_exception(NotYet())
            else:
                continue
            self._leave(waiter)
