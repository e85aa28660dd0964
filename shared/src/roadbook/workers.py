"""How the kit's endless workers wait, back off and stop. None of them is ever cancelled (T10): they are asked."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

STOP_SECONDS = 5.0


class Backoff:
    """Delays in seconds that double from `first` to `limit`, with jitter so that workers do not march in step."""

    def __init__(self, first: float, limit: float) -> None:
        self._first = first
        self._limit = limit
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    def step(self) -> float:
        delay, self._next = self._next, min(self._next * 2, self._limit)
        return delay * random.uniform(0.5, 1.0)


async def pause(seconds: float, *events: asyncio.Event) -> None:
    """Returns when any event is set, or after `seconds`."""
    if any(event.is_set() for event in events):
        return
    waiters = {asyncio.ensure_future(event.wait()) for event in events}
    try:
        if waiters:
            await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(seconds)
    finally:
        for waiter in waiters:
            waiter.cancel()


async def run_until(
    stop: asyncio.Event, *loops: Callable[[asyncio.Event], Coroutine[Any, Any, None]], grace: float = STOP_SECONDS
) -> None:
    """Runs `loops` until `stop`, or until the first of them fails: then its exception is raised.

    Each loop is given an event and ends soon after it is set. One that has not ended `grace` seconds later is left
    behind uncancelled: it sits in a call of the Kafka client, and the process is about to exit.
    """
    ending = asyncio.Event()
    tasks = [asyncio.ensure_future(loop(ending)) for loop in loops]
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    ending.set()
    done, _ = await asyncio.wait(tasks, timeout=grace)
    failed = [task for task in tasks if task in done and task.exception() is not None]
    if failed:
        await failed[0]
