"""The event store inside a transaction that is under way: what a reaction writes is committed with its offset (T15)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from roadbook.context import Idempotency
from roadbook.database import Connection
from roadbook.errors import Conflict, Overtaken
from roadbook.events import Recorded
from roadbook.store.port import Loaded, Replay, Stored, VersionConflict, Views, Write
from roadbook.store.postgres import PostgresStore, translated

R = TypeVar("R")


class JoinedStore(PostgresStore):
    """`Store` on a connection whose transaction somebody else commits. A write that fails is undone to where it began
    and leaves the rest standing; of a lost connection or a deadlock the whole has to begin anew. Inside
    `all_or_nothing` a write has no savepoint of its own (two round trips): what fails there undoes all of the body.

    A stream that it wrote is not loaded again: its row is locked by this transaction, so nobody else can add to it."""

    joined = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._guarded = False  # inside `all_or_nothing`
        self._read: dict[str, Sequence[Recorded]] = {}  # streams as they were loaded, and not written yet
        self._own: dict[str, Sequence[Recorded]] = {}  # streams written here, with all that came before

    @property
    def connection(self) -> Connection:
        """The transaction's own, for what is read and written beside the commands."""
        return self._connection

    @asynccontextmanager
    async def all_or_nothing(self) -> AsyncIterator[None]:
        """A savepoint: what the body raises undoes what was written in it, and leaves the rest standing. A write raises
        `Overtaken` where others were first on its stream: the body may be begun anew."""
        own, guarded = dict(self._own), self._guarded
        try:
            async with self._connection.transaction():
                self._guarded = True
                yield
        except BaseException:
            self._own, self._read = own, {}
            raise
        finally:
            self._guarded = guarded

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Loaded:
        if stream in self._own and idempotency is None:
            return Loaded(self._own[stream], None)
        loaded = await super().load(stream, idempotency=idempotency)
        self._read[stream] = loaded.events
        return loaded

    async def write(self, write: Write, views: Views | None = None) -> Stored | Replay:
        # Whatever comes of it, what was known of the stream is no longer the whole of it.
        before = self._own.pop(write.stream, None) or self._read.pop(write.stream, ())
        outcome = await super().write(write, views)
        if isinstance(outcome, Stored) and outcome.events and len(before) == write.expected:
            self._own[write.stream] = (*before, *outcome.events)
        return outcome

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        yield self._connection

    async def _committed(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        try:
            if self._guarded:
                return await work(self._connection)
            async with self._connection.transaction():  # a savepoint
                return await work(self._connection)
        except Exception as error:
            if isinstance(error, asyncpg.TransactionRollbackError):
                raise Conflict from None  # once more would meet the same: what it was about is locked until the end
            told = translated(error)
            if self._guarded and isinstance(told, VersionConflict):
                raise Overtaken from None  # in place nothing can be decided anew before the savepoint is rolled back to
            raise told from None


async def together(store: PostgresStore, work: Callable[[JoinedStore], Awaitable[R]]) -> R:
    """Several commands in one transaction, committed when this returns; `work` may be told everything that
    `Store.write` raises, and so may the caller. What `work` raises undoes all of it."""
    return await store._committed(lambda connection: work(JoinedStore(connection)))
