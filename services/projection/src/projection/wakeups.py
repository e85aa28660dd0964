"""Waking readers that wait for a write: a short-cut inside one process, beside which everybody polls anyway."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

Woken = Callable[[], None]


class Wakeups:
    """Names are streams and party references. A wake nobody waits for costs one look-up."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[Woken]] = {}

    @contextmanager
    def waiting(self, names: Collection[str], woken: Woken) -> Iterator[None]:
        """`woken` is called when any of `names` is woken from now on. Enter before looking at the tables."""
        for name in names:
            self._waiting.setdefault(name, set()).add(woken)
        try:
            yield
        finally:
            for name in names:
                self._waiting[name].discard(woken)
                if not self._waiting[name]:
                    del self._waiting[name]

    def wake(self, names: Iterable[str]) -> None:
        for name in names:
            for woken in self._waiting.get(name, ()):
                woken()
