"""Many new streams in one transaction leave the tables as one transaction each does; and the traps of Postgres."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadbook.database import Pool
from roadbook.events import Labels
from roadbook.store.memory import MemoryStore
from roadbook.store.port import PersonalValue, Store, TimerWanted, Write
from roadbook.store.postgres import PostgresStore
from roadbook.testing.store_contract import NOW, a_stream, a_write
from roadbook_cli.stack import Stack

WRITES = st.lists(
    st.builds(
        lambda stream, events, fields, due, dealer, source: (stream, events, fields, due, dealer, source),
        st.integers(0, 9),
        st.integers(1, 3),
        st.lists(st.sampled_from(["name", "phone/1", "note"]), unique=True, max_size=3),
        st.one_of(st.none(), st.integers(0, 99)),
        st.one_of(st.none(), st.just("dealer-1")),
        st.sampled_from(["web", "list"]),
    ),
    max_size=8,
)


def made(drawn: Sequence[Any], names: Sequence[str]) -> list[Write]:
    writes = []
    for number, events, fields, due, dealer, source in drawn:
        stream = names[number]
        writes.append(
            replace(
                a_write(stream, 0, events),
                labels=[Labels(dealer, f"p-{number}", None)] * events,
                personal=[PersonalValue(f"p-{number}", f"{stream}/{f}", {"raw": f} if n else None)
                          for n, f in enumerate(fields)],
                personal_source=source,
                timers=[TimerWanted("check", None if due is None else NOW + timedelta(hours=due))],
            )
        )  # fmt: skip
    return writes


_TABLES = {
    "streams": "SELECT stream, version, key, last_recorded FROM streams ORDER BY 1",
    "events": "SELECT stream, version, id::text, type, time, recorded, data::text, actor, correlation, causation, "
    "traceparent, dealer, party_ref, vin FROM events ORDER BY 1, 2",
    "order": "SELECT stream, array_agg(version ORDER BY position) FROM events GROUP BY 1 ORDER BY 1",
    "personal": "SELECT party_ref, key, value::text, source, recorded_at, verified_at FROM personal_data ORDER BY 1, 2",
    "timers": "SELECT id, stream, kind, due, claimed, attempts FROM timers ORDER BY 1",
    "facts": "SELECT count(*) FROM outbox JOIN events USING (position) WHERE channel = 'facts'",
    "values": "SELECT count(*) FROM outbox o JOIN personal_data p ON p.version = o.position WHERE channel = 'personal'",
    "outbox": "SELECT channel, count(*) FROM outbox GROUP BY 1 ORDER BY 1",
}


async def tables(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    found = {name: [tuple(row) for row in await connection.fetch(sql)] for name, sql in _TABLES.items()}
    await connection.execute("DELETE FROM outbox; DELETE FROM personal_data; DELETE FROM timers")
    await connection.execute(
        "ALTER TABLE events DISABLE TRIGGER events_are_facts; DELETE FROM events; DELETE FROM streams;"
        "ALTER TABLE events ENABLE TRIGGER events_are_facts"
    )
    return found


async def one_by_one(store: Store, writes: Sequence[Write]) -> None:
    seen = set()
    for write in writes:
        if write.stream not in seen:
            await store.write(write)
        seen.add(write.stream)


def test_many_leave_the_same_tables_as_one_by_one_on_postgres(
    lead_pool: Pool, stack: Stack, lead_database: Any
) -> None:
    names = [a_stream() for _ in range(10)]

    @settings(max_examples=40)
    @given(WRITES)
    def same(drawn: Any) -> None:
        runner.run(compare(made(drawn, names)))

    async def compare(writes: list[Write]) -> None:
        pool = await asyncpg.create_pool(lead_database.url, min_size=0, max_size=2)
        owner = await asyncpg.connect(lead_database.owner_url)
        try:
            store = PostgresStore(pool)
            await one_by_one(store, writes)
            expected = await tables(owner)
            await store.create_many(writes)
            assert await tables(owner) == expected
        finally:
            await owner.close()
            await pool.close()

    with asyncio.Runner() as runner:
        same()


@given(WRITES)
def test_many_leave_the_same_as_one_by_one_in_memory(drawn: Any) -> None:
    writes = made(drawn, [a_stream() for _ in range(10)])
    single, bulk = MemoryStore(), MemoryStore()
    asyncio.run(one_by_one(single, writes))
    asyncio.run(bulk.create_many(writes))
    assert (bulk.streams, bulk.log, bulk.personal, bulk.timers) == (
        single.streams, single.log, single.personal, single.timers,
    )  # fmt: skip


async def test_t2_no_position_is_drawn_while_a_stream_row_is_waited_for(
    lead_pool: Pool, owner_connection: asyncpg.Connection
) -> None:
    store, streams = PostgresStore(lead_pool), sorted(a_stream() for _ in range(3))
    async with lead_pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("INSERT INTO streams VALUES ($1, 1, 'k', now())", streams[1])
        before = await owner_connection.fetchval("SELECT last_value FROM outbox_position")
        waiting = asyncio.create_task(store.create_many([a_write(stream, 0) for stream in streams]))
        while not await lead_pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.001)
        assert await owner_connection.fetchval("SELECT last_value FROM outbox_position") == before
    assert [outcome is None for outcome in await waiting] == [False, True, False]


async def test_two_lists_in_opposite_order_never_deadlock(lead_pool: Pool, stack: Stack) -> None:
    """Both are held up at the stream in the middle: had they come there from both ends, each would hold what the other
    needs next."""
    store = PostgresStore(lead_pool)
    writes = [a_write(a_stream(), 0) for _ in range(9)]
    async with lead_pool.acquire() as blocker:
        middle = blocker.transaction()
        await middle.start()
        await blocker.execute("INSERT INTO streams VALUES ($1, 1, 'k', now())", sorted(w.stream for w in writes)[4])
        lists = [asyncio.create_task(store.create_many(each)) for each in (writes, writes[::-1])]
        while await blocker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:
            await asyncio.sleep(0.001)
        await middle.rollback()
    outcomes = await asyncio.gather(*lists)
    assert sum(outcome is not None for each in outcomes for outcome in each) == 9
    assert "deadlock detected" not in stack.postgres.log.read_text(errors="replace")


async def test_many_wake_the_sequencer(lead_pool: Pool) -> None:
    woken: list[bool] = []
    await PostgresStore(lead_pool, lambda: woken.append(True)).create_many([a_write(a_stream(), 0)])
    assert woken == [True]


@pytest.mark.parametrize("store", [MemoryStore()], ids=["memory"])
async def test_nothing_to_create_is_nothing(store: Store) -> None:
    assert list(await store.create_many([])) == []
