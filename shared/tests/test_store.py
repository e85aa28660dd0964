"""The store contract on memory and on Postgres, and the traps that only Postgres has."""

import asyncio
from typing import Any

import asyncpg
import pytest

from roadbook.database import Pool
from roadbook.errors import Unavailable
from roadbook.store.memory import MemoryStore
from roadbook.store.port import Store, TimerFired, TimerGone, TimerWanted, VersionConflict
from roadbook.store.postgres import PostgresStore, forget_answers
from roadbook.testing.store_contract import NOW, StoreContract, a_stream, a_write, idempotency
from roadbook_cli.stack import Stack


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestPostgres(StoreContract):
    @pytest.fixture
    def store(self, lead_pool: Pool) -> Store:
        return PostgresStore(lead_pool)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'x'",
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events",
        "TRUNCATE streams",
    ],
)
async def test_t7_the_app_role_cannot_change_events(lead_pool: Pool, statement: str) -> None:
    await PostgresStore(lead_pool).write(a_write(a_stream(), 0))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await lead_pool.execute(statement)
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET actor = 'x'", "DELETE FROM events", "TRUNCATE events CASCADE"]
)
async def test_t7_even_the_owner_is_refused_by_the_trigger(
    lead_pool: Pool, owner_connection: asyncpg.Connection, statement: str
) -> None:
    await PostgresStore(lead_pool).write(a_write(a_stream(), 0))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="events are facts"):
        await owner_connection.execute(statement)


async def test_a_statement_that_takes_too_long_leaves_its_connection_clean(
    lead_pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """Found by chaos: the transaction was left open, and asyncpg complained of it when the connection came back."""

    async def slow(connection: Any, _: Any) -> None:
        await connection.execute("SET LOCAL statement_timeout = 50")
        await connection.execute("SELECT pg_sleep(5)")

    stream = a_stream()
    with pytest.raises(Unavailable):
        await PostgresStore(lead_pool).write(a_write(stream, 0), slow)
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    await PostgresStore(lead_pool).write(a_write(stream, 0))


async def test_t2_positions_follow_versions_whatever_the_contention(lead_pool: Pool) -> None:
    """20 streams, 10 writers each, half of them holding the transaction open for a while: positions drawn before
    the stream's lock would come out in another order than the versions."""
    store = PostgresStore(lead_pool)
    streams = [a_stream() for _ in range(20)]

    async def slow(_: object, recorded: object) -> None:
        await asyncio.sleep(0.002)

    async def writer(stream: str, n: int) -> None:
        for _ in range(500):
            try:
                version = len((await store.load(stream)).events)
                if version >= 10:
                    return
                await store.write(a_write(stream, version), slow if n % 2 else None)
            except (VersionConflict, Unavailable):  # 200 writers share 10 connections: nothing happened, once more
                continue

    await asyncio.gather(*(writer(stream, n) for stream in streams for n in range(10)))
    rows = await lead_pool.fetch("SELECT stream, array_agg(version ORDER BY position) AS v FROM events GROUP BY 1")
    assert len(rows) == len(streams)
    assert {tuple(row["v"]) for row in rows} == {tuple(range(1, 11))}


async def test_t2_the_sequence_does_not_cache(lead_pool: Pool) -> None:
    sql = "SELECT seqcache FROM pg_sequence WHERE seqrelid = 'outbox_position'::regclass"
    assert await lead_pool.fetchval(sql) == 1


async def test_t2_a_writer_that_waits_for_its_stream_has_drawn_no_position(
    lead_pool: Pool, owner_connection: asyncpg.Connection
) -> None:
    store, stream = PostgresStore(lead_pool), a_stream()
    await store.write(a_write(stream, 0))
    async with lead_pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("SELECT 1 FROM streams WHERE stream = $1 FOR UPDATE", stream)
        before = await owner_connection.fetchval("SELECT last_value FROM outbox_position")
        waiting = asyncio.create_task(store.write(a_write(stream, 1)))
        while not await lead_pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
        ):
            await asyncio.sleep(0.001)
        assert await owner_connection.fetchval("SELECT last_value FROM outbox_position") == before
    await waiting


async def test_t5_the_wait_for_a_key_in_flight_is_short_and_nothing_else_is_shortened(
    lead_pool: Pool,
) -> None:
    store, stream = PostgresStore(lead_pool), a_stream()
    await store.write(a_write(stream, 0))
    seen: list[str] = []

    async def look(connection: object, _: object) -> None:
        assert isinstance(connection, asyncpg.pool.PoolConnectionProxy)
        seen.append(await connection.fetchval("SHOW lock_timeout"))

    await store.write(a_write(stream, 1, idempotency=idempotency()), look)
    assert seen == ["0"]


async def test_stored_answers_go_after_thirty_days(lead_pool: Pool) -> None:
    store, old, young = PostgresStore(lead_pool), idempotency(), idempotency()
    for each in (old, young):
        await store.write(a_write(a_stream(), 0, idempotency=each))
    await lead_pool.execute("UPDATE idempotency SET created = now() - interval '31 days' WHERE key = $1", old.key)
    async with lead_pool.acquire() as connection:
        assert await forget_answers(connection) == 1
        assert await forget_answers(connection) == 0
    assert (await store.load("box/1", idempotency=old)).replay is None
    assert (await store.load("box/1", idempotency=young)).replay is not None


async def test_t18_a_timer_row_goes_only_after_its_stream_is_locked(lead_pool: Pool, stack: Stack) -> None:
    """Rescheduling takes stream, then timer. A worker that took the timer first would deadlock with it; 60 races."""
    store = PostgresStore(lead_pool)
    for _ in range(60):
        stream = a_stream()
        await store.write(a_write(stream, 0, timers=[TimerWanted("check", NOW)]))
        fire = store.write(a_write(stream, 1, fired=TimerFired(f"{stream}/check", NOW)))
        move = store.write(a_write(stream, 1, timers=[TimerWanted("check", NOW.replace(hour=9))]))
        outcomes = await asyncio.gather(fire, move, return_exceptions=True)
        lost = [o for o in outcomes if isinstance(o, Exception)]
        assert len(lost) == 1
        assert isinstance(lost[0], VersionConflict | TimerGone)
        assert len((await store.load(stream)).events) == 2
    assert "deadlock detected" not in stack.postgres.log.read_text(errors="replace")
