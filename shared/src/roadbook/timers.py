"""Timers: rows that are due at a business time and become an ordinary command then (DESIGN §10, T18).

A claim is a lease in real time and holds no lock: it keeps two workers from doing the same work, nothing more.
What makes a timer happen once is the command itself: it appends, then removes exactly the row it answers to.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from roadbook import telemetry
from roadbook.clock import Clock
from roadbook.crashpoints import crashpoint
from roadbook.database import Pool, acquire, is_unreachable
from roadbook.decider import Rejected
from roadbook.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from roadbook.logs import get_logger
from roadbook.store.port import TimerFired, TimerGone

BATCH = 100
LEASE_SECONDS = 10
POLL_SECONDS = 0.25

_CLAIM = f"""
UPDATE timers SET claimed = now(), attempts = attempts + 1
WHERE id IN (SELECT id FROM timers
             WHERE due <= $1 AND (claimed IS NULL OR claimed < now() - interval '{LEASE_SECONDS} seconds')
             ORDER BY due LIMIT {BATCH} FOR UPDATE SKIP LOCKED)
RETURNING id, stream, kind, due
"""

_DONE = "DELETE FROM timers WHERE id = $1 AND due = $2"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timer:
    """`stream` is the one it belongs to, `kind` what it is for, `due` the business time it was set to."""

    id: str
    stream: str
    kind: str
    due: datetime

    @property
    def fired(self) -> TimerFired:
        return TimerFired(self.id, self.due)


Handle = Callable[[Timer], Awaitable[object]]
"""Runs the timer's command with `fired=timer.fired`."""


async def done(pool: Pool, timer: Timer) -> None:
    """Removes the timer's row, unless it was rescheduled: what it was for was done on another stream, or is void."""
    async with acquire(pool) as connection:
        await connection.execute(_DONE, timer.id, timer.due)


class TimerWorker:
    def __init__(self, pool: Pool, clock: Clock, handle: Handle) -> None:
        self._pool = pool
        self._clock = clock
        self._handle = handle

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; a database that is away is waited for."""
        pause = POLL_SECONDS
        while not stop.is_set():
            try:
                worked = await self.step()
                pause = 0.0 if worked == BATCH else POLL_SECONDS
            except Exception as error:
                if not (isinstance(error, Unavailable) or is_unreachable(error)):
                    raise
                pause = min(max(pause, POLL_SECONDS) * 2, 5.0)
            if pause:
                try:
                    await asyncio.wait_for(stop.wait(), pause)
                except TimeoutError:
                    continue

    async def step(self) -> int:
        """Claims what is due now and runs it; returns how many timers were claimed."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_CLAIM, self._clock.now())
        if rows:
            crashpoint("timer.after_claim")
        for row in sorted(rows, key=lambda r: (r["due"], r["id"])):
            await self._run(Timer(row["id"], row["stream"], row["kind"], row["due"]))
        return len(rows)

    async def _run(self, timer: Timer) -> None:
        try:
            with telemetry.span(f"timer {timer.kind}"):
                await self._handle(timer)
        except TimerGone:
            return  # rescheduled, or done by another worker
        except (Rejected, NotFound):
            # The domain has nothing left to say about it: done.
            await done(self._pool, timer)
        except (Conflict, Unavailable, OutcomeUnknown):
            return  # the lease runs out and it is tried again
        except Exception as error:
            # A defect of one timer's command must not stop the others; the attempt is counted in its row.
            log.error("timer_failed", kind=timer.kind, error_type=type(error).__name__)
        crashpoint("timer.after_commit")
