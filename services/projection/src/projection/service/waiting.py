"""Read your writes: waiting until what a caller wrote can be seen."""

from projection.service.gathered import Gathered
from projection.views import positions
from projection.views.positions import Asked, Mark
from projection.views.shares import Viewer
from projection.wakeups import Wakeups
from roadbook.database import Pool, acquire
from roadbook.position import Position


class Waiting:
    """All readers of this process that wait. No connection is held meanwhile."""

    def __init__(self, pool: Pool, wakeups: Wakeups) -> None:
        self._pool = pool
        self._visible: Gathered[Asked] = Gathered(wakeups, self._reached)
        self._composed: Gathered[Mark] = Gathered(wakeups, self._past)

    async def visible(self, position: Position, viewer: Viewer) -> None:
        """Until everything `position` names is visible to the viewer; `NotYet` after 2 s."""
        names = {stream for stream, _ in position.streams} | {value.party_ref for value in position.personal}
        await self._visible.until(Asked(position, viewer.dealer, viewer.at), names)

    async def composed(self, position: Position) -> None:
        """Until the composer has been past everything `position` names, which must be visible already."""
        async with acquire(self._pool) as connection:
            parties = await positions.parties_of(connection, position)
            mark = await positions.last_mark(connection, parties)
        if mark:
            await self._composed.until(Mark(tuple(parties), mark), set(parties))

    async def _reached(self, asked: list[Asked]) -> list[bool]:
        async with acquire(self._pool) as connection:
            return await positions.reached(connection, asked)

    async def _past(self, marks: list[Mark]) -> list[bool]:
        async with acquire(self._pool) as connection:
            return await positions.composed(connection, marks)
