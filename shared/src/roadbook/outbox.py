"""The sequencer: turns the pending set of positions into a dense log (T3), from which relays read by plain numbers.

Any number of sequencers may run: the head row's lock serialises them.
"""

import asyncio
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

from roadbook.bus_metrics import OUTBOX_BACKLOG, OUTBOX_OLDEST, RELAY_LAG
from roadbook.crashpoints import armed, crashpoint
from roadbook.database import Connection, Pool, acquire
from roadbook.logs import get_logger
from roadbook.workers import Backoff, pause, run_until

log = get_logger(__name__)

Channel = Literal["facts", "personal"]
CHUNK = 500
# Seconds from one step that moved less than a chunk to the next. What comes meanwhile is moved, sent, fetched and
# folded together: each of these costs much the same for one event as for ten, and on a busy machine what they cost is
# what everybody waits for. After a longer silence nothing waits. A Kafka transaction costs most: so values rest longer.
REST: dict[Channel, float] = {"facts": 0.02, "personal": 0.04}
# Seconds between looks that find nothing: they double from the first to the limit. Who was ever woken is told of what
# its own process does, and looks for what others do less often: a look costs as much as a small step.
POLL_FIRST, POLL_TOLD, POLL_LIMIT = 0.005, 0.05, 0.25
ERROR_FIRST, ERROR_LIMIT = 0.05, 2.0
FIGURES_SECONDS = 2.0

_SEQUENCE = "SELECT sequence_outbox($1, $2)"


class Sequencer:
    """Moves positions of one channel. `wake` is set by whoever committed some (T4: no NOTIFY); `moved` is set here
    when the log has grown, for the relay of the same process."""

    def __init__(self, pool: Pool, channel: Channel, wake: asyncio.Event, moved: asyncio.Event) -> None:
        self._pool = pool
        self._channel: Channel = channel
        self._wake = wake
        self._moved = moved

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; errors are retried for ever."""
        await run_until(stop, self._loop, self._watch)

    async def _loop(self, stop: asyncio.Event) -> None:
        idle, failing = Backoff(POLL_FIRST, POLL_LIMIT), Backoff(ERROR_FIRST, ERROR_LIMIT)
        told = False
        while not stop.is_set():
            woken = self._wake.is_set()
            if woken and not told:
                told, idle = True, Backoff(POLL_TOLD, POLL_LIMIT)
            self._wake.clear()  # before looking, so that a commit after the look wakes the next round
            rested = time.monotonic() + REST[self._channel]
            try:
                moved = await self.step()
            except Exception as error:
                log.warning("sequencer_retries", kind=self._channel, error_type=type(error).__name__)
                await pause(failing.step(), stop)
                continue
            failing.reset()
            if moved:
                idle.reset()
            if moved == CHUNK:
                continue
            if moved or woken:  # in vain, too: what wakes it may be the other channel's
                await pause(rested - time.monotonic(), stop)
            await pause(idle.step(), self._wake, stop)

    async def step(self) -> int:
        """Moves at most `CHUNK` positions, in one transaction; returns how many. One statement is a transaction by
        itself: BEGIN and COMMIT would be two more round trips, and only who dies in between can tell."""
        inside = armed("sequencer.before_commit")
        async with acquire(self._pool) as connection:
            async with connection.transaction() if inside else nullcontext():
                moved: int = await connection.fetchval(_SEQUENCE, self._channel, CHUNK)
                if moved:
                    crashpoint("sequencer.before_commit")
            if moved:
                crashpoint("sequencer.after_commit")
                self._moved.set()
        return moved

    async def _watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with acquire(self._pool) as connection:
                    found = await backlog(connection, self._channel)
            except Exception as error:
                log.debug("outbox_figures_missing", kind=self._channel, error_type=type(error).__name__)
            else:
                OUTBOX_BACKLOG.labels(self._channel).set(found.pending)
                OUTBOX_OLDEST.labels(self._channel).set(found.oldest_age_seconds or 0.0)
                RELAY_LAG.labels(self._channel).set(found.behind)
            await pause(FIGURES_SECONDS, stop)


@dataclass(frozen=True)
class OutboxLag:
    """`pending` positions are not in the log yet; `behind` log entries (`cursor` to `log_head`) are not confirmed on
    Kafka. The age is the oldest of both kinds', by the business time it was recorded at; None when all is done."""

    channel: str
    pending: int
    oldest_age_seconds: float | None
    log_head: int
    cursor: int
    behind: int


_BACKLOG = """
WITH oldest AS (
    SELECT coalesce(
        (SELECT position FROM outbox_log l WHERE l.channel = $1 AND l.no = c.next),
        (SELECT min(position) FROM outbox WHERE channel = $1)
    ) AS position FROM relay_cursor c WHERE c.channel = $1
)
SELECT (SELECT count(*) FROM outbox WHERE channel = $1) AS pending,
       extract(epoch FROM clock_timestamp() - coalesce(
           (SELECT recorded FROM events WHERE $1 = 'facts' AND position = oldest.position),
           (SELECT recorded_at FROM personal_data WHERE $1 = 'personal' AND version = oldest.position)
       ))::float8 AS age,
       h.next AS head, c.next AS cursor
FROM oldest, outbox_log_head h, relay_cursor c WHERE h.channel = $1 AND c.channel = $1
"""


async def backlog(connection: Connection, channel: Channel) -> OutboxLag:
    row = await connection.fetchrow(_BACKLOG, channel)
    assert row is not None  # the migration made both rows
    age = None if row["age"] is None else max(0.0, row["age"])
    return OutboxLag(channel, row["pending"], age, row["head"], row["cursor"], row["head"] - row["cursor"])
