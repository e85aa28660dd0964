"""Business time. Leases, timeouts and tokens use real time instead (DESIGN §10)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current business time, aware, UTC."""
        ...


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """Stands still until it is moved; never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> datetime:
        if step < timedelta(0):
            raise ValueError("a clock never goes back")
        self._now += step
        return self._now

    def move_to(self, moment: datetime) -> datetime:
        return self.advance(moment.astimezone(UTC) - self._now)


class FileClock:
    """A simulated clock shared by several processes: the file holds one RFC 3339 time, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        moment = datetime.fromisoformat(self._path.read_text().strip())
        if moment.tzinfo is None:
            raise ValueError(f"{self._path.name}: the time has no offset")
        return moment.astimezone(UTC)


def clock_from(setting: str) -> Clock:
    """`real`, or `file:<path>`."""
    if setting == "real":
        return RealClock()
    kind, _, path = setting.partition(":")
    if kind == "file" and path:
        return FileClock(Path(path))
    raise ValueError("ROADBOOK_CLOCK is 'real' or 'file:<path>'")
