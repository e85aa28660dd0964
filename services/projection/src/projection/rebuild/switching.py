"""The switch: one transaction in which the new generation becomes the live one.

Its order of locks: first the table of offsets, with which every worker and operator begins, so that none of them is
under way; then the composer's row of locks; last, and only for as long as the exchange takes, what readers read. Who
waits for a table that is exchanged finds the new one: Postgres looks the name up again once it has the lock, and a
cached plan is made anew.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final

import asyncpg

from projection.rebuild import carrying, comparing, generations, tables
from roadbook.crashpoints import crashpoint
from roadbook.database import Connection, acquire
from roadbook.replay import TooSlow

if TYPE_CHECKING:
    from projection.rebuild.running import _Generation

# Live workers wait at most so long, which is less than their statements' timeout and than readers wait for a `?min=`.
LOCKED_SECONDS: Final = 1.2
WORKERS_MS: Final = 500
READERS_MS: Final = 100
READER_TRIES: Final = 5


class Switch:
    """One attempt. `touched` are the references that have changed since the comparison."""

    def __init__(self, generation: "_Generation", touched: set[str], began: float) -> None:
        self.generation, self.touched, self.began = generation, set(touched), began
        self.locked_ms = self.closed_ms = 0.0

    async def attempt(self) -> bool:
        """False: records differ, nothing was done. Raises `TooSlow`: not everything could be had in time."""
        try:
            async with acquire(self.generation.owner) as connection, connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {WORKERS_MS}")
                await connection.execute("LOCK TABLE public.consumer_offsets IN ACCESS EXCLUSIVE MODE")
                self.began = time.monotonic()
                if not await self._catch_up(connection):
                    raise _Differs
                await connection.execute("LOCK TABLE public.composer IN ACCESS EXCLUSIVE MODE")
                await self._close(connection)
                closed = time.monotonic()
                await self._exchange(connection)
                crashpoint("rebuild.in_switch")
        except _Differs:
            return False
        except asyncpg.LockNotAvailableError:
            raise TooSlow from None
        self.locked_ms = 1000 * (time.monotonic() - self.began)
        self.closed_ms = 1000 * (time.monotonic() - closed)
        return True

    async def _catch_up(self, connection: Connection) -> bool:
        """To the very offsets of the live generation, composed and compared."""
        own, deadline = self.generation, self.began + LOCKED_SECONDS
        await own.read_to(await own.targets(connection), deadline=deadline)
        for consumer in own.replays:
            if await carrying.skips_to_repeat(connection, own.schema, consumer):
                raise TooSlow  # an operator's word of this moment: between two attempts it is taken over
        self.touched |= await own.compose_later()
        comparison = own.result.comparison
        at = own.order.clock.now()
        await comparing.compare_again(connection, own.schema, self.touched, at, comparison)
        if time.monotonic() > deadline:
            raise TooSlow
        return comparison.equal or own.order.accept

    async def _close(self, connection: Connection) -> None:
        """Readers wait while we wait for the last of them, so never long; in between they go on."""
        names = ", ".join(f"public.{table}" for table in tables.GENERATIONAL)
        for left in reversed(range(READER_TRIES)):
            try:
                async with connection.transaction():
                    await connection.execute(f"SET LOCAL lock_timeout = {READERS_MS}")
                    await connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
                return
            except asyncpg.LockNotAvailableError:
                if not left or time.monotonic() > self.began + LOCKED_SECONDS:
                    raise TooSlow from None
                await asyncio.sleep(READERS_MS / 2000)

    async def _exchange(self, connection: Connection) -> None:
        own = self.generation
        known = await generations.every(connection)
        old, new = known["live"].number, own.result.generation
        await carrying.unparked(connection, own.schema)
        await carrying.number_marks_on(connection, own.schema)
        await tables.exchange(connection, tables.schema_of(old), own.schema)
        await generations.switched(connection, old, new)
        # What the new generation sees otherwise is news to whoever reads derived events.
        if own.result.comparison.more:
            await carrying.mark_everybody(connection)
        else:
            await carrying.mark(connection, sorted(own.result.comparison.records))


class _Differs(Exception):
    """Rolls the attempt back."""
