"""The sequencer: a dense log out of a pending set, whatever commits late or runs twice (T3)."""

import asyncio
import random

import asyncpg
import pytest

from roadbook import outbox
from roadbook.database import Pool
from roadbook.outbox import Sequencer, backlog
from roadbook.store.port import VersionConflict
from roadbook.testing.relays import sequence, write, write_streams
from roadbook.testing.waiting import eventually
from roadbook_cli.postgres import Database
from roadbook_cli.stack import Stack


async def log_of(pool: Pool) -> list[tuple[int, str, int]]:
    rows = await pool.fetch(
        "SELECT l.no, e.stream, e.version FROM outbox_log l JOIN events e USING (position)"
        " WHERE l.channel = 'facts' ORDER BY l.no"
    )
    return [tuple(row) for row in rows]


async def test_t3_a_late_commit_is_not_lost(lead_pool: Pool, lead_database: Database) -> None:
    late = await asyncpg.connect(lead_database.url)
    transaction = late.transaction()
    await transaction.start()
    position = await late.fetchval("SELECT nextval('outbox_position')")
    await late.execute("INSERT INTO outbox (channel, position) VALUES ('personal', $1)", position)
    later = await lead_pool.fetchval(
        "INSERT INTO outbox (channel, position) VALUES ('personal', nextval('outbox_position')) RETURNING position"
    )
    assert position < later
    assert await sequence(lead_pool, "personal") == 1
    await transaction.commit()
    assert await sequence(lead_pool, "personal") == 1
    rows = await lead_pool.fetch("SELECT no, position FROM outbox_log ORDER BY no")
    assert [tuple(row) for row in rows] == [(1, later), (2, position)]
    await late.close()


async def test_t3_many_writers_and_sequencers_give_a_dense_log_in_stream_order(lead_pool: Pool) -> None:
    chance = random.Random(3)
    stop = asyncio.Event()
    holes = 0

    async def writer(number: int) -> None:
        for version in range(12):
            await write(lead_pool, f"thing/{number}", version, 1)
            if chance.random() < 0.3:
                with pytest.raises(VersionConflict):
                    await write(lead_pool, f"thing/{number}", 99)  # conflicts and rolls back

    async def reader() -> None:
        nonlocal holes
        while not stop.is_set():
            row = await lead_pool.fetchrow("SELECT count(*) AS n, coalesce(max(no), 0) AS top FROM outbox_log")
            assert row is not None
            holes += row["n"] != row["top"]  # a reader's cursor would have passed a number it never saw

    wake, moved = asyncio.Event(), asyncio.Event()
    workers = [asyncio.create_task(Sequencer(lead_pool, "facts", wake, moved).run(stop)) for _ in range(3)] + [
        asyncio.create_task(reader())
    ]
    await asyncio.gather(*(writer(number) for number in range(8)))

    async def all_sequenced() -> bool:
        return len(await log_of(lead_pool)) == 96

    await eventually(all_sequenced)
    stop.set()
    await asyncio.gather(*workers)
    log = await log_of(lead_pool)
    assert [no for no, _, _ in log] == list(range(1, 97))
    for number in range(8):
        assert [version for _, stream, version in log if stream == f"thing/{number}"] == list(range(1, 13))
    assert holes == 0


async def test_t4_a_wake_up_is_faster_than_the_poll(lead_pool: Pool) -> None:
    wake, moved, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(Sequencer(lead_pool, "facts", wake, moved).run(stop))
    await write(lead_pool, "thing/1", 0)
    await asyncio.wait_for(moved.wait(), 5)  # by polling
    took = []
    for version in range(1, 6):
        moved.clear()
        await write(lead_pool, "thing/1", version)
        wake.set()
        before = asyncio.get_running_loop().time()
        await asyncio.wait_for(moved.wait(), 5)
        took.append(asyncio.get_running_loop().time() - before)
    stop.set()
    await running
    assert min(took) < 0.05


@pytest.mark.parametrize(("chunk", "at_once"), [(500, 1), (1, 3)])
async def test_it_rests_after_less_than_a_chunk_and_ends_when_it_is_told_to(
    lead_pool: Pool, monkeypatch: pytest.MonkeyPatch, chunk: int, at_once: int
) -> None:
    monkeypatch.setitem(outbox.REST, "facts", 3600.0)
    monkeypatch.setattr(outbox, "CHUNK", chunk)
    wake, moved, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    for version in range(at_once):
        await write(lead_pool, "thing/1", version)
    sequencer = Sequencer(lead_pool, "facts", wake, moved)
    running = asyncio.create_task(sequencer.run(stop))

    async def all_moved() -> bool:
        return len(await log_of(lead_pool)) == at_once

    await eventually(all_moved)
    if chunk > 1:
        await write(lead_pool, "thing/1", at_once)
        wake.set()
    stop.set()
    await asyncio.wait_for(running, 5)
    assert len(await log_of(lead_pool)) == at_once  # the one that came while it rested waits for the next
    assert await sequencer.step() == (1 if chunk > 1 else 0)


async def test_it_rests_when_it_was_woken_in_vain(lead_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(outbox.REST, "facts", 3600.0)
    wake, moved, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    looked, sequencer = asyncio.Event(), Sequencer(lead_pool, "facts", wake, moved)
    look = sequencer.step

    async def step() -> int:
        found = await look()
        looked.set()
        return found

    monkeypatch.setattr(sequencer, "step", step)
    wake.set()
    running = asyncio.create_task(sequencer.run(stop))
    await asyncio.wait_for(looked.wait(), 5)
    await write(lead_pool, "thing/1", 0)
    wake.set()
    stop.set()
    await asyncio.wait_for(running, 5)
    assert await log_of(lead_pool) == []
    assert await look() == 1


async def test_a_crash_of_the_database_is_survived(stack: Stack, lead_pool: Pool) -> None:
    wake, moved, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(Sequencer(lead_pool, "facts", wake, moved).run(stop))
    await write(lead_pool, "thing/1", 0)
    await asyncio.to_thread(stack.postgres.stop, "immediate")
    await asyncio.to_thread(stack.postgres.start)

    async def written() -> bool:
        try:
            await write(lead_pool, "thing/2", 0)
        except Exception:
            return False
        return True

    await eventually(written)

    async def all_sequenced() -> bool:
        return len(await log_of(lead_pool)) == 2

    await eventually(all_sequenced)
    stop.set()
    await running


async def test_the_backlog_is_told(lead_pool: Pool) -> None:
    async def figures() -> tuple[int, int, bool]:
        async with lead_pool.acquire() as connection:
            found = await backlog(connection, "facts")
        return found.pending, found.behind, found.oldest_age_seconds is None

    assert await figures() == (0, 0, True)
    await write_streams(lead_pool, 2, 2)
    assert await figures() == (4, 0, False)
    await sequence(lead_pool)
    assert await figures() == (0, 4, False)
    await lead_pool.execute("UPDATE relay_cursor SET next = 5 WHERE channel = 'facts'")
    assert await figures() == (0, 0, True)
