"""The event store inside a transaction that is under way: what a reaction writes is committed with its offset (T15)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeVar

import asyncpg

from roadbook.context import Idempotency
from roadbook.database import Connection
from roadbook.errors import Conflict, Overtaken
from roadbook.events import Recorded
from roadbook.store.port import Loaded, Replay, Stored, VersionConflict, Views, Write
from roadbook.store.postgres import PostgresStore, read_many, translated

_savepoints = count(1)

R = TypeVar("R")


class JoinedStore(PostgresStore):
    """`Store` on a connection whose transaction somebody else commits. A write that fails is undone to where it began
    and leaves the rest standing; of a lost connection or a deadlock the whole has to begin anew. Inside
    `all_or_nothing` a write has no savepoint of its own (two round trips): what fails there undoes all of the body.

    A stream that it wrote is not loaded again: its row is locked by this transaction, so nobody else can add to it.
    What was read ahead is good for one load of a stream: should others have added to it since, the write says so."""

    joined = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._guarded = False  # inside `all_or_nothing`
        self._read: dict[str, Sequence[Recorded]] = {}  # streams as they were loaded, and not written yet
        self._own: dict[str, Sequence[Recorded]] = {}  # streams written here, with all that came before
        self._ahead: dict[str, Sequence[Recorded]] = {}  # streams read ahead and not asked for yet

    @property
    def connection(self) -> Connection:
        """The transaction's own, for what is read and written beside the commands."""
        return self._connection

    @asynccontextmanager
    async def all_or_nothing(self) -> AsyncIterator[None]:
        """A savepoint: what the body raises undoes what was written in it, and leaves the rest standing. A write raises
        `Overtaken` where others were first on its stream: the body may be begun anew.

        It is left to the end of the transaction to release it, which saves a round trip; hence a name of its own."""
        own, guarded, name = dict(self._own), self._guarded, f"roadbook_{next(_savepoints)}"
        await self._connection.execute(f"SAVEPOINT {name}")
        self._guarded = True
        try:
            yield
        except BaseException:
            self._own, self._read, self._ahead = own, {}, {}
            await self._connection.execute(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        finally:
            self._guarded = guarded

    async def read_ahead(self, streams: Sequence[str]) -> None:
        """All of them in one round trip, for the commands that will ask for them."""
        wanted = {stream for stream in streams if stream not in self._own}
        self._ahead = await read_many(self._connection, sorted(wanted)) if wanted else {}

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Loaded:
        if stream in self._own and idempotency is None:
            return Loaded(self._own[stream], None)
        ahead = self._ahead.pop(stream, None)
        if ahead is not None and idempotency is None:
            loaded = Loaded(ahead, None)
        else:
            loaded = await super().load(stream, idempotency=idempotency)
        self._read[stream] = loaded.events
        return loaded

    async def write(self, write: Write, views: Views | None = None) -> Stored | Replay:
        # Whatever comes of it, what was known of the stream is no longer the whole of it.
        before = self._own.pop(write.stream, None) or self._read.pop(write.stream, ())
        self._ahead.pop(write.stream, None)
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
