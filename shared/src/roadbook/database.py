"""Connections to Postgres: a pool that never makes anybody wait for ever, and its errors as the shell knows them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from roadbook.errors import Unavailable

ACQUIRE_SECONDS: Final = 2.0
# Against a frozen server asyncpg answers after twice its timeout: once for the statement, once for the cancel.
COMMAND_SECONDS: Final = 2.5
STATEMENT_MS: Final = 2_000
IDLE_IN_TRANSACTION_MS: Final = 10_000

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"  # generic in its stubs only
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

UNREACHABLE: Final = (
    OSError,  # refused, reset, no route; TimeoutError is one of them
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutting down, starting, statement cancelled by its timeout
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # we still hold on to a primary that was demoted
    asyncpg.InternalClientError,
)


async def create_pool(
    dsn: str,
    *,
    size: int = 10,
    name: str = "roadbook",
    command_seconds: float = COMMAND_SECONDS,
    statement_ms: int = STATEMENT_MS,
    settings: Mapping[str, str] | None = None,
    init: Any = None,
) -> Pool:
    """A pool of at most `size` connections. None is opened yet, so a service starts while its database is away.

    `statement_ms` 0 = no limit (rebuilds). `settings` are further session settings of the server.
    `init`: async function of a new connection (codecs).
    """
    server_settings = {
        "application_name": name,
        "timezone": "UTC",
        "statement_timeout": str(statement_ms),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
        **(settings or {}),
    }
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=ACQUIRE_SECONDS,
        command_timeout=command_seconds,
        max_inactive_connection_lifetime=60.0,
        server_settings=server_settings,
        init=init,
        reset=_keep,
    )


async def _keep(connection: Any) -> None:
    """Instead of asyncpg's statement (RESET ALL and more), a round trip at the end of each use: nobody here sets
    anything for longer than a transaction, and an open one asyncpg still rolls back before it asks for this."""


@asynccontextmanager
async def acquire(pool: Pool, seconds: float = ACQUIRE_SECONDS) -> AsyncIterator[Connection]:
    """A connection for the body of the `async with`. The only way to get one: `pool.acquire()` alone waits for ever.

    Raises `Unavailable` if none is free, or none can be opened, within `seconds`. Errors of the body pass unchanged:
    only the caller knows whether it was a COMMIT whose outcome is unknown (`is_unreachable` tells the kind).
    """
    try:
        connection = await pool.acquire(timeout=seconds)
    except (*UNREACHABLE, asyncpg.PostgresError):  # whatever refuses a connection: nothing happened yet
        raise Unavailable(retry_after=1) from None
    try:
        yield connection
    finally:
        # Shielded: a cancelled request must not leave its connection half reset in the pool.
        await asyncio.shield(_release(pool, connection))


async def _release(pool: Pool, connection: Connection) -> None:
    try:
        await pool.release(connection, timeout=COMMAND_SECONDS)
    except UNREACHABLE:
        connection.terminate()  # the pool opens another when it needs one


async def close_pool(pool: Pool, seconds: float = 5.0) -> None:
    """Close when all connections are back; after `seconds` cut those that are not."""
    try:
        async with asyncio.timeout(seconds):
            await pool.close()
    except (TimeoutError, *UNREACHABLE):
        pool.terminate()


def is_unreachable(error: BaseException) -> bool:
    """Connection, timeout and shutdown errors: infrastructure, never the fault of the data."""
    if isinstance(error, asyncpg.DataError):
        return False  # the client-side one is an InterfaceError too
    return isinstance(error, UNREACHABLE)


def is_transient(error: BaseException) -> bool:
    """The server rolled the transaction back (deadlock, serialisation, lock timeout): nothing happened, try again."""
    return isinstance(error, asyncpg.TransactionRollbackError | asyncpg.LockNotAvailableError)


def is_unstorable(error: BaseException) -> bool:
    """Values Postgres refuses (NUL, lone surrogates, integers too large): the net behind the checks of the edge."""
    return isinstance(error, asyncpg.DataError | asyncpg.UntranslatableCharacterError)


async def check(pool: Pool) -> dict[str, Any]:
    """Readiness: one round trip. Raises what went wrong."""
    async with acquire(pool) as connection:
        await connection.fetchval("SELECT 1")
    return {"idle": pool.get_idle_size(), "size": pool.get_size()}
