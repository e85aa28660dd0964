"""Several commands in one transaction: all of them, or none."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest

from roadbook import commands
from roadbook.commands import Order, creation, execute, several
from roadbook.context import CommandContext
from roadbook.database import Connection, Pool
from roadbook.decider import Rejected
from roadbook.errors import Overtaken
from roadbook.events import new_id
from roadbook.store.joined import JoinedStore, together
from roadbook.store.postgres import PostgresStore
from roadbook.testing.boxes import CloseBox, Command, Fill, OpenBox, boxes

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def context() -> CommandContext:
    return CommandContext("staff-1", "test", None, NOW, new_id())


async def open_and_fill(store: JoinedStore, name: str) -> int:
    await execute(store, boxes, Order(boxes.stream(name), OpenBox("d-1", NOW), may_create=True), context())
    await execute(store, boxes, Order(boxes.stream(name), Fill(1, NOW)), context())
    seen = await store.connection.fetchval("SELECT count(*) FROM events")
    return int(seen)


async def test_commands_on_several_streams_are_committed_as_one_and_wake_once(lead_pool: Pool) -> None:
    woken: list[None] = []
    store = PostgresStore(lead_pool, lambda: woken.append(None))

    async def both(joined: JoinedStore) -> int:
        await open_and_fill(joined, "one")
        return await open_and_fill(joined, "two")

    assert await together(store, both) == 4  # its own connection sees what is not committed yet
    assert len(woken) == 1
    rows = await lead_pool.fetch("SELECT stream, count(*) AS n FROM events GROUP BY stream ORDER BY stream")
    assert [row["n"] for row in rows] == [2, 2]


async def test_what_fails_undoes_all_of_it_and_wakes_nobody(lead_pool: Pool) -> None:
    woken: list[None] = []

    async def fails(joined: JoinedStore) -> None:
        await open_and_fill(joined, "one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await together(PostgresStore(lead_pool, lambda: woken.append(None)), fails)
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 0
    assert woken == []


# ── What a transaction knows of itself ──────────────────────────────────────────────────────────────────────────


def loads(log: list[str]) -> int:
    return sum("FROM events WHERE stream" in query for query in log)


async def test_a_stream_it_wrote_is_not_loaded_again_and_is_what_loading_would_say(lead_pool: Pool) -> None:
    await together(PostgresStore(lead_pool), lambda joined: open_and_fill(joined, "old"))
    log: list[str] = []

    async def fill(joined: JoinedStore) -> None:
        with joined.connection.query_logger(lambda record: log.append(record.query)):
            for name in ("new", "old", "new", "old"):
                await execute(joined, boxes, Order(boxes.stream(name), OpenBox("d-1", NOW), may_create=True), context())
                await execute(joined, boxes, Order(boxes.stream(name), Fill(1, NOW)), context())
        assert loads(log) == 3  # "new" once; "old" twice, for the first command changed nothing of it
        for name in ("new", "old"):
            known = await joined.load(boxes.stream(name))
            assert list(known.events) == list((await JoinedStore(joined.connection).load(boxes.stream(name))).events)
            assert len(known.events) >= 3

    await together(PostgresStore(lead_pool), fill)


async def test_what_was_undone_is_not_known_any_more(lead_pool: Pool) -> None:
    async def fails(joined: JoinedStore) -> None:
        async with joined.all_or_nothing():
            await execute(joined, boxes, Order(boxes.stream("one"), CloseBox(NOW)), context())
            await open_and_fill(joined, "two")
            raise ZeroDivisionError

    async def work(joined: JoinedStore) -> None:
        await open_and_fill(joined, "one")
        with pytest.raises(ZeroDivisionError):
            await fails(joined)
        await execute(joined, boxes, Order(boxes.stream("one"), Fill(1, NOW)), context())
        assert (await joined.load(boxes.stream("two"))).events == []

    await together(PostgresStore(lead_pool), work)
    assert await lead_pool.fetchval("SELECT array_agg(version) FROM streams") == [3]


async def test_one_savepoint_guards_all_that_is_written_in_it(lead_pool: Pool) -> None:
    log: list[str] = []

    async def work(joined: JoinedStore) -> None:
        with joined.connection.query_logger(lambda record: log.append(record.query)):
            async with joined.all_or_nothing():
                await open_and_fill(joined, "one")
            assert sum("SAVEPOINT" in query for query in log) == 1  # and none that releases it
            await open_and_fill(joined, "two")
        assert sum(query.startswith("SAVEPOINT") for query in log) == 3  # one for each write that nothing else guards

    await together(PostgresStore(lead_pool), work)


async def test_what_stands_in_it_is_undone_with_it_whoever_wrote_it(lead_pool: Pool) -> None:
    async def inner(connection: Connection) -> None:
        other = JoinedStore(connection)
        async with other.all_or_nothing():
            await open_and_fill(other, "inner")

    async def outer(joined: JoinedStore) -> None:
        async with joined.all_or_nothing():
            await open_and_fill(joined, "outer")
            await inner(joined.connection)
            raise ZeroDivisionError

    async def work(joined: JoinedStore) -> None:
        await open_and_fill(joined, "before")
        with pytest.raises(ZeroDivisionError):
            await outer(joined)
        await open_and_fill(joined, "after")

    await together(PostgresStore(lead_pool), work)
    streams = await lead_pool.fetch("SELECT stream FROM streams ORDER BY 1")
    assert [row["stream"] for row in streams] == [boxes.stream("after"), boxes.stream("before")]


# ── Read ahead ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_streams_read_ahead_are_what_loading_would_say_and_are_loaded_once(lead_pool: Pool) -> None:
    names = [boxes.stream(name) for name in ("one", "two", "none")]
    log: list[str] = []

    async def work(joined: JoinedStore) -> None:
        for name in ("one", "two"):
            await open_and_fill(joined, name)
        fresh = JoinedStore(joined.connection)
        with joined.connection.query_logger(lambda record: log.append(record.query)):
            await fresh.read_ahead([*names, names[0]])
            ahead = [await fresh.load(name) for name in names]
        await asyncio.sleep(0)  # the logger is called by the loop
        assert len(log) == 1
        assert [[*each.events] for each in ahead] == [[*(await fresh.load(name)).events] for name in names]

    await together(PostgresStore(lead_pool), work)


async def test_who_was_overtaken_since_reading_ahead_begins_anew_from_what_stands_there(lead_pool: Pool) -> None:
    one, two = boxes.stream("one"), boxes.stream("two")

    async def fill(joined: JoinedStore) -> None:
        async with joined.all_or_nothing():
            await execute(joined, boxes, Order(one, Fill(1, NOW)), context())

    async def work(joined: JoinedStore) -> None:
        await joined.read_ahead([one, two])
        await execute(PostgresStore(lead_pool), boxes, Order(one, Fill(2, NOW)), context())
        with pytest.raises(Overtaken):
            await fill(joined)
        await fill(joined)

    for name in ("one", "two"):
        await together(PostgresStore(lead_pool), partial(open_and_fill, name=name))
    await together(PostgresStore(lead_pool), work)
    assert await lead_pool.fetchval("SELECT version FROM streams WHERE stream = $1", one) == 4


async def test_what_it_wrote_since_is_known_better_than_what_was_read_ahead(lead_pool: Pool) -> None:
    async def work(joined: JoinedStore) -> None:
        await joined.read_ahead([boxes.stream("one"), boxes.stream("two")])
        await joined.write(creation(boxes, Order(boxes.stream("one"), OpenBox("d-1", NOW), creates=True), context()))
        await execute(joined, boxes, Order(boxes.stream("one"), Fill(1, NOW)), context())

    await together(PostgresStore(lead_pool), work)
    assert await lead_pool.fetchval("SELECT version FROM streams") == 2


async def test_what_another_store_wrote_on_its_connection_is_found_by_the_conflict(lead_pool: Pool) -> None:
    async def work(joined: JoinedStore) -> None:
        await open_and_fill(joined, "one")
        await execute(JoinedStore(joined.connection), boxes, Order(boxes.stream("one"), Fill(1, NOW)), context())
        await execute(joined, boxes, Order(boxes.stream("one"), Fill(1, NOW)), context())

    await together(PostgresStore(lead_pool), work)
    assert await lead_pool.fetchval("SELECT version FROM streams") == 4


async def test_it_does_not_queue_with_commands_that_may_wait_for_its_locks(lead_pool: Pool) -> None:
    store = PostgresStore(lead_pool)
    async with commands._turn(store, boxes.stream("one"), contended=True), asyncio.timeout(30):
        await together(store, lambda joined: open_and_fill(joined, "one"))


# ── Several commands on one stream ──────────────────────────────────────────────────────────────────────────────


async def test_several_commands_on_a_stream_are_one_load_and_one_write(lead_pool: Pool) -> None:
    log: list[str] = []
    told: list[Command] = [OpenBox("d-1", NOW), Fill(1, NOW), OpenBox("d-1", NOW), Fill(2, NOW)]

    async def work(joined: JoinedStore) -> None:
        with joined.connection.query_logger(lambda record: log.append(record.query)):
            await execute(joined, several(boxes), Order(boxes.stream("one"), told, may_create=True), context())
        for command in told:
            await execute(joined, boxes, Order(boxes.stream("two"), command, may_create=True), context())

    await together(PostgresStore(lead_pool), work)
    assert (loads(log), sum("append(" in query for query in log)) == (1, 1)
    rows = await lead_pool.fetch(
        "SELECT version, type, data::text, dealer, party_ref FROM events WHERE stream = $1 ORDER BY version",
        boxes.stream("one"),
    )
    assert [tuple(row) for row in rows] == [
        tuple(row)
        for row in await lead_pool.fetch(
            "SELECT version, type, data::text, dealer, party_ref FROM events WHERE stream = $1 ORDER BY version",
            boxes.stream("two"),
        )
    ]
    assert len(rows) == 3
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 2


async def test_one_of_several_that_is_rejected_rejects_them_all(lead_pool: Pool) -> None:
    store = PostgresStore(lead_pool)
    told: list[Command] = [OpenBox("d-1", NOW), CloseBox(NOW), Fill(1, NOW), OpenBox("d-2", NOW)]
    with pytest.raises(Rejected, match="box_closed"):
        await execute(store, several(boxes), Order(boxes.stream("one"), told, may_create=True), context())
    assert await lead_pool.fetchval("SELECT count(*) FROM events") == 0
