"""Several commands in one transaction: all of them, or none."""

from datetime import UTC, datetime

import pytest

from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import Pool
from roadbook.events import new_id
from roadbook.store.joined import JoinedStore, together
from roadbook.store.postgres import PostgresStore
from roadbook.testing.boxes import Fill, OpenBox, boxes

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
