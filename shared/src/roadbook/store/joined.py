"""The event store inside a transaction that is under way: what a reaction writes is committed with its offset (T15)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from roadbook.database import Connection
from roadbook.store.postgres import PostgresStore, translated

R = TypeVar("R")


class JoinedStore(PostgresStore):
    """`Store` on a connection whose transaction somebody else commits. A write that fails is undone to where it began
    and leaves the rest standing; of a lost connection the whole has to begin anew."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The transaction's own, for what is read and written beside the commands."""
        return self._connection

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        yield self._connection

    async def _committed(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        try:
            async with self._connection.transaction():  # a savepoint
                return await work(self._connection)
        except Exception as error:
            raise translated(error) from None


async def together(store: PostgresStore, work: Callable[[JoinedStore], Awaitable[R]]) -> R:
    """Several commands in one transaction, committed when this returns; `work` may be told everything that
    `Store.write` raises, and so may the caller. What `work` raises undoes all of it."""
    return await store._committed(lambda connection: work(JoinedStore(connection)))
