"""What is waiting where, twice a second: outbox backlog, and how far consumers are behind the log."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from run.eyes import Eyes
from run.stand import SERVICES, Stand
from run.still import Still

_BACKLOG = """
SELECT (SELECT count(*) FROM outbox) + (SELECT coalesce(sum(h.next - c.next), 0)
        FROM outbox_log_head h JOIN relay_cursor c USING (channel))
"""
_OFFSETS = "SELECT consumer, topic, partition, next FROM consumer_offsets"
CALM = 150  # events: about a second of load


@dataclass(frozen=True)
class Sight:
    at: float
    backlog: int | None  # None: Postgres did not say
    lag: int | None
    behind: dict[str, int]  # lag by consumer
    applied: int | None  # sum of the projection's offsets: what is newly visible moves it


@dataclass
class Monitor:
    stand: Stand
    eyes: Eyes
    folder: Path
    sights: list[Sight] = field(default_factory=list)
    still: Still = field(default_factory=Still)
    _connections: dict[str, asyncpg.Connection] = field(default_factory=dict)

    async def run(self, ending: asyncio.Event) -> None:
        began = time.monotonic()
        file = (self.folder / "monitor.jsonl").open("w", encoding="utf-8")
        while not ending.is_set():
            sight = await self.look()
            self.sights.append(sight)
            file.write(json.dumps({**vars(sight), "at": round(sight.at - began, 2)}) + "\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), 0.5)
        for connection in self._connections.values():
            connection.terminate()
        file.close()

    async def look(self) -> Sight:
        backlog, behind, places, applied = 0, dict[str, int](), dict[str, int](), None
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
                return Sight(time.monotonic(), None, None, {}, None)
            ends = dict(self.eyes.ends)
            for row in rows:
                late = max(0, ends.get((row["topic"], row["partition"]), 0) - row["next"])
                behind[row["consumer"]] = behind.get(row["consumer"], 0) + late
                places[row["consumer"]] = places.get(row["consumer"], 0) + row["next"]
            if service == "projection":
                applied = sum(row["next"] for row in rows)
        self.still.see(time.monotonic(), behind, places)
        return Sight(time.monotonic(), backlog, sum(behind.values()), behind, applied)

    async def _connection(self, service: str) -> asyncpg.Connection:
        known = self._connections.get(service)
        if known is None or known.is_closed():
            self._connections[service] = known = await self.stand.connect(service)
        return known

    def peak(self, since: float, until: float = float("inf")) -> int:
        return max((s.backlog for s in self.sights if s.backlog is not None and since <= s.at <= until), default=0)

    def peak_lag(self, since: float, until: float = float("inf")) -> int:
        return max((s.lag for s in self.sights if s.lag is not None and since <= s.at <= until), default=0)

    def usual(self, until: float) -> int:
        """The backlog of the ten seconds before `until`, at most: on a busy machine that is not nothing."""
        waited = [s.backlog for s in self.sights if until - 10 < s.at < until and s.backlog is not None]
        return max([CALM, *waited])

    @property
    def lag(self) -> int:
        """The last one known."""
        return next((s.lag for s in reversed(self.sights[-20:]) if s.lag is not None), 0)

    def waiting(self) -> str:
        last = self.sights[-1]
        return f"backlog {last.backlog}, behind { ({name: n for name, n in last.behind.items() if n}) }"

    async def calm(self, since: float, seconds: float, little: int) -> float | None:
        """Seconds from `since` until the backlog is no more than `little`; None when that takes longer than `seconds`.
        How far readers are behind is shown apart: under full load that is their speed, not what a fault did."""
        while time.monotonic() - since < seconds:
            if self.sights and self.sights[-1].at > since:
                last = self.sights[-1]
                if last.backlog is not None and last.backlog <= little:
                    return last.at - since
            await asyncio.sleep(0.1)
        return None
