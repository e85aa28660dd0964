"""Read your writes: waiting until what a caller wrote can be seen."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from projection.views import positions
from projection.views.shares import Viewer
from projection.wakeups import Wakeups
from roadbook.database import Pool, acquire
from roadbook.position import Position

WAIT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.05


class NotYet(Exception):
    """What the caller wants to see at least has not arrived in time."""


async def wait_for(pool: Pool, wakeups: Wakeups, position: Position, viewer: Viewer) -> None:
    """Until everything `position` names is visible to the viewer; `NotYet` after 2 s. No connection is held
    meanwhile."""
    names = {stream for stream, _ in position.streams} | {value.party_ref for value in position.personal}

    async def check() -> bool:
        async with acquire(pool) as connection:
            return await positions.reached(connection, position, viewer.dealer, viewer.at)

    await _until(check, wakeups, names)


async def wait_for_composer(pool: Pool, wakeups: Wakeups, position: Position) -> None:
    """Until the composer has been past everything `position` names, which must be visible already."""
    async with acquire(pool) as connection:
        parties = await positions.parties_of(connection, position)
        mark = await positions.last_mark(connection, parties)

    async def check() -> bool:
        async with acquire(pool) as connection:
            return await positions.composed(connection, parties, mark)

    if mark:
        await _until(check, wakeups, set(parties))


async def _until(check: Callable[[], Awaitable[bool]], wakeups: Wakeups, names: Collection[str]) -> None:
    """Real time, not business time. A wake makes it quick; the poll serves where another process writes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    with wakeups.waiting(names) as woken:
        while not await check():
            left = deadline - loop.time()
            if left <= 0:
                raise NotYet
            try:
                async with asyncio.timeout(min(POLL_SECONDS, left)):
                    await woken.wait()
            except TimeoutError:
                continue
            woken.clear()
