"""The clients' memory: one JSON line per phase of an attempt, on disk before anything depends on it.

The invoke line is fsynced before the first byte of the request, the answer's line before the answer is used. Many
callers share one fsync.
"""

import asyncio
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REST = 0.01  # seconds after an fsync: a thread's turn for each line would cost more than what it writes


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Journal:
    """A file of JSON lines. `write` returns when the line is on disk."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def write(self, line: dict[str, Any]) -> None:
        self._lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if self._writer is None:
            self._writer = asyncio.create_task(self._flush())
        self._more.set()
        await done

    async def _flush(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            lines, waiting = self._lines, self._waiting
            self._lines, self._waiting = [], []
            if lines:
                await asyncio.to_thread(self._sync, b"".join(lines))
            for done in waiting:
                if not done.done():
                    done.set_result(None)
            await asyncio.sleep(REST)

    def _sync(self, data: bytes) -> None:
        os.write(self._file, data)
        os.fsync(self._file)

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        if self._lines:
            self._sync(b"".join(self._lines))
        os.close(self._file)


@dataclass(frozen=True)
class Answered:
    """An attempt that is over, for figures. `at` and `took` are monotonic seconds."""

    at: float
    took: float
    service: str
    class_: str
    status: int | None
    problem: str | None
    replayed: bool
    attempt: int


@dataclass
class Figures:
    """What the load did so far."""

    answers: list[Answered] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    commands: int = 0  # of operations that are over; each row of a list is one
    classes: Counter[str] = field(default_factory=Counter)  # of operations, by their last answer
    unclear: set[str] = field(default_factory=set)  # operations that were unknown at least once
    kinds: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)  # of those kinds

    def since(self, moment: float, until: float = float("inf")) -> list[Answered]:
        found = []
        for each in reversed(self.answers):
            if each.at < moment:
                break
            if each.at <= until:
                found.append(each)
        return found[::-1]
