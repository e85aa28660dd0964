"""Waking readers that wait for a write: a short-cut inside one process, beside which everybody polls anyway."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager


class Wakeups:
    """Names are streams and party references. A wake nobody waits for costs one look-up."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def waiting(self, names: Collection[str]) -> Iterator[asyncio.Event]:
        """An event that is set when any of `names` is woken from now on. Enter before looking at the tables."""
        event = asyncio.Event()
        for name in names:
            self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            for name in names:
                self._waiting[name].discard(event)
                if not self._waiting[name]:
                    del self._waiting[name]

    def wake(self, names: Iterable[str]) -> None:
        for name in names:
            for event in self._waiting.get(name, ()):
                event.set()
