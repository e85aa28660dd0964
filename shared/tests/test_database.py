"""T8, B1, B2, B5, B10, F16, F17: the pool makes nobody wait for ever, and comes back by itself."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from roadbook.database import (
    Pool,
    acquire,
    check,
    close_pool,
    create_pool,
    is_unreachable,
    is_unstorable,
)
from roadbook.errors import Unavailable


@pytest.fixture
async def pool(lead_database: Any) -> AsyncIterator[Pool]:
    made = await create_pool(lead_database.url, size=2, command_seconds=0.5)
    yield made
    await close_pool(made)


async def test_a_full_pool_answers_in_time(pool: Pool) -> None:
    async with acquire(pool), acquire(pool):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            async with acquire(pool, seconds=0.1):
                pass
        assert time.monotonic() - started < 1
    assert (await check(pool))["size"] <= 2


async def test_the_session_has_limits(pool: Pool) -> None:
    async with acquire(pool) as connection:
        found = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "timezone")
        }
    assert found == {"statement_timeout": "2s", "idle_in_transaction_session_timeout": "10s", "timezone": "UTC"}


async def test_a_slow_statement_is_cut_and_the_pool_lives(pool: Pool) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError) as raised:
        async with acquire(pool) as connection:
            await connection.execute("SELECT pg_sleep(30)")
    assert is_unreachable(raised.value)
    assert time.monotonic() - started < 3
    await check(pool)


async def test_a_cancelled_transaction_is_rolled_back_and_the_connection_returns(pool: Pool) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        async with acquire(pool) as connection, connection.transaction():
            await connection.execute("SET LOCAL application_name = 'inside'")
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with acquire(pool) as one, acquire(pool) as two:
        for connection in (one, two):
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SHOW application_name") == "roadbook"


async def test_giving_a_connection_back_costs_no_round_trip(pool: Pool) -> None:
    async with acquire(pool) as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
    async with acquire(pool) as one, acquire(pool) as two:
        other = one if two.get_server_pid() == backend else two
        last = await other.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", backend)
    assert last == "SELECT pg_backend_pid()"


async def test_a_transaction_left_open_is_rolled_back(pool: Pool) -> None:
    async with acquire(pool) as connection:
        await connection.execute("BEGIN; SET LOCAL application_name = 'inside'")
    async with acquire(pool) as one, acquire(pool) as two:
        for connection in (one, two):
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SHOW application_name") == "roadbook"


async def test_a_killed_backend_costs_one_error(pool: Pool, stack: Any) -> None:
    async with acquire(pool) as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        stack.postgres.psql(f"SELECT pg_terminate_backend({pid})", database="postgres")
        with pytest.raises(Exception, match=r".") as raised:  # which one depends on who sees it first
            await connection.fetchval("SELECT 1")
    assert is_unreachable(raised.value)
    await check(pool)


async def test_an_immediate_stop_and_the_way_back(pool: Pool, stack: Any) -> None:
    await check(pool)
    await asyncio.to_thread(stack.postgres.stop, "immediate")
    try:
        for _ in range(3):
            started = time.monotonic()
            with pytest.raises(Exception, match=r".") as raised:
                await check(pool)
            assert isinstance(raised.value, Unavailable) or is_unreachable(raised.value)
            assert time.monotonic() - started < 5
    finally:
        await asyncio.to_thread(stack.postgres.start)
    await check(pool)


async def test_a_pool_is_made_while_the_database_is_away() -> None:
    away = await create_pool("postgresql://nobody:x@127.0.0.1:1/x")
    with pytest.raises(Unavailable):
        await check(away)
    await close_pool(away)


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", 2**63], ids=["NUL", "lone surrogate", "too large"])
async def test_values_that_cannot_be_stored_are_told_from_broken_connections(value: Any, pool: Pool) -> None:
    kind = "bigint" if isinstance(value, int) else "text"
    with pytest.raises((asyncpg.DataError, UnicodeEncodeError, asyncpg.PostgresError)) as raised:
        async with acquire(pool) as connection:
            await connection.fetchval(f"SELECT $1::{kind}", value)
    assert is_unstorable(raised.value)
    assert not is_unreachable(raised.value)


async def test_json_with_nul_cannot_be_stored(pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresError) as raised:
        async with acquire(pool) as connection:
            await connection.fetchval("SELECT $1::jsonb", json.dumps({"a": "\x00"}))
    assert is_unstorable(raised.value)
