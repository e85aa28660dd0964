"""What is waiting where, twice a second: outbox backlog, and how far consumers are behind the log."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import asyncpg

from run.eyes import Eyes
from run.stand import SERVICES, Stand

_BACKLOG = """
SELECT (SELECT count(*) FROM outbox) + (SELECT coalesce(sum(h.next - c.next), 0)
        FROM outbox_log_head h JOIN relay_cursor c USING (channel))
"""
_OFFSETS = "SELECT topic, partition, next FROM consumer_offsets"
CALM = 150  # events: about a second of load


@dataclass(frozen=True)
class Sight:
    at: float
    backlog: int | None  # None: Postgres did not say
    lag: int | None
    applied: int | None  # sum of the projection's offsets: what is newly visible moves it


@dataclass
class Monitor:
    stand: Stand
    eyes: Eyes
    sights: list[Sight] = field(default_factory=list)
    _connections: dict[str, asyncpg.Connection] = field(default_factory=dict)

    async def run(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            self.sights.append(await self.look())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), 0.5)
        for connection in self._connections.values():
            connection.terminate()

    async def look(self) -> Sight:
        backlog, lag, applied = 0, 0, None
        for service in SERVICES:
            try:
                async with asyncio.timeout(3):
                    connection = await self._connection(service)
                    backlog += int(await connection.fetchval(_BACKLOG))
                    rows = await connection.fetch(_OFFSETS)
            except Exception:
                broken = self._connections.pop(service, None)
                if broken is not None:
                    broken.terminate()
                return Sight(time.monotonic(), None, None, None)
            ends = dict(self.eyes.ends)
            lag += sum(max(0, ends.get((row["topic"], row["partition"]), 0) - row["next"]) for row in rows)
            if service == "projection":
                applied = sum(row["next"] for row in rows)
        return Sight(time.monotonic(), backlog, lag, applied)

    async def _connection(self, service: str) -> asyncpg.Connection:
        known = self._connections.get(service)
        if known is None or known.is_closed():
            self._connections[service] = known = await self.stand.connect(service)
        return known

    def peak(self, since: float, until: float = float("inf")) -> int:
        return max((s.backlog for s in self.sights if s.backlog is not None and since <= s.at <= until), default=0)

    def peak_lag(self, since: float, until: float = float("inf")) -> int:
        return max((s.lag for s in self.sights if s.lag is not None and since <= s.at <= until), default=0)

    async def calm(self, since: float, seconds: float) -> float | None:
        """Seconds from `since` until little waits anywhere; None when that takes longer than `seconds`."""
        while time.monotonic() - since < seconds:
            if self.sights and self.sights[-1].at > since:
                last = self.sights[-1]
                if last.backlog is not None and last.lag is not None and last.backlog + last.lag < CALM:
                    return last.at - since
            await asyncio.sleep(0.1)
        return None
