"""The composer: no mark is lost, no older summary overwrites a newer one, and time alone wakes it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from projection import composer as composer_module
from projection import service
from projection.composer import Composer
from projection.domain.record import derive
from projection.reactions import FactsHandler
from projection.views import search
from projection.wakeups import Wakeups
from roadbook.testing.waiting import eventually
from roadbook_cli.postgres import Database


async def stage_of(world: Any, ref: str, scope: str = "*") -> str | None:
    query = "SELECT stage FROM summaries WHERE scope = $1 AND customer_id = $2"
    stage: str | None = await world.pool.fetchval(query, scope, ref)
    return stage


async def save(connection: Any, world: Any, life: Any) -> None:
    """What the consumer's transaction does with the last event of `life`."""
    handler = FactsHandler(world.wakeups, asyncio.Event())
    states = dict(await handler.load(connection, [life.stream]))
    state = handler.fold(states.get(life.stream, handler.initial(life.stream)), life.last)
    await handler.save(connection, [life.last], {life.stream: state})


async def test_a_change_committed_while_the_composer_works_is_composed_next(
    world: Any, life: Callable[..., Any]
) -> None:
    """The consumer's transaction is open while the composer takes the older mark: its own mark survives."""
    one = life().captured()
    await world.publish(one.last)
    await world.consumed()
    async with world.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        one.qualified("hot")
        await save(connection, world, one)
        assert await world.composer.round() == 1  # neither waits for the consumer nor sees its mark
        assert await stage_of(world, one.party_ref) == "prospect"
        await transaction.commit()
    assert await world.composer.round() == 1
    assert await stage_of(world, one.party_ref) == "hot_prospect"


async def test_reading_states_before_taking_marks_loses_a_change(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrong order, shown: states are read, a change commits, and then its mark is taken with the old one."""
    one = life().captured()
    await world.publish(one.last)
    await world.consumed()

    async with world.pool.acquire() as connection, connection.transaction():
        await search.lock(connection)
        early = await service.reach(connection, [one.party_ref], None, world.clock.now())
        async with world.pool.acquire() as other:  # the consumer commits in between
            one.qualified("hot")
            await save(other, world, one)
        refs = await search.take_marks(connection, 500)

        async def read_early(*_: Any) -> Any:
            return early

        monkeypatch.setattr(service, "reach", read_early)
        await world.composer._compose(connection, refs)
    monkeypatch.undo()
    assert await stage_of(world, one.party_ref) == "prospect"  # wrong,
    assert await world.composer.round() == 0  # and nothing is left that would put it right
    # The right order with the same timing: the states are read by a statement after the one that takes the marks.
    async with world.pool.acquire() as connection, connection.transaction():
        await search.lock(connection)
        async with world.pool.acquire() as other:
            await save(other, world, one.lost())
        refs = await search.take_marks(connection, 500)
        await world.composer._compose(connection, refs)
    query = "SELECT open_leads FROM summaries WHERE scope = '*' AND customer_id = $1"
    assert await world.pool.fetchval(query, one.party_ref) == 0


async def test_a_slower_composer_does_not_overwrite_newer_rows(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, woken by time, has read the states and not yet written; the second, with a newer mark, must wait."""
    one = life().captured()
    await world.live(one)
    second = Composer(world.pool, world.clock, Wakeups(), asyncio.Event())
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with world.pool.acquire() as connection, connection.transaction():
        await search.lock(connection)
        refs = [one.party_ref]
        early = await service.reach(connection, refs, None, world.clock.now())
        async with world.pool.acquire() as other:
            await save(other, world, one.qualified("hot"))
        late = asyncio.create_task(second.round())
        while not late.done() and not await connection.fetchval(blocked):
            await asyncio.sleep(0.01)

        async def read_early(*_: Any) -> Any:
            return early

        with monkeypatch.context() as patch:
            patch.setattr(service, "reach", read_early)
            await world.composer._compose(connection, refs)
    assert await late == 1
    assert await stage_of(world, one.party_ref) == "hot_prospect"


async def test_it_rests_between_rounds_and_ends_when_it_is_told_to(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while it rests is composed together, later: the parts of a customer come one after another."""
    one, two, stop = life().captured(), life().captured(), asyncio.Event()
    monkeypatch.setattr(composer_module, "REST", 3600.0)
    await world.publish(one.last)
    await world.consumed()
    running = asyncio.create_task(world.composer.run(stop))

    async def composed() -> bool:
        return await stage_of(world, one.party_ref) == "prospect"

    await eventually(composed)
    await world.publish(two.last)
    await world.consumed()
    world.composer.wake.set()
    stop.set()
    await asyncio.wait_for(running, 5)
    assert await stage_of(world, two.party_ref) is None
    assert await world.composer.round() == 1


async def test_it_does_not_rest_after_a_whole_batch_though_one_customer_had_all_of_its_marks(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, stop = life().captured(), life().captured(), asyncio.Event()
    monkeypatch.setattr(composer_module, "REST", 3600.0)
    monkeypatch.setattr(composer_module, "BATCH", 2)
    await world.publish(one.last, two.last)
    await world.consumed()
    marks = [one.party_ref, one.party_ref, two.party_ref]
    await world.pool.execute("DELETE FROM dirty")
    await world.pool.execute("INSERT INTO dirty (party_ref) SELECT unnest($1::text[])", marks)
    running = asyncio.create_task(world.composer.run(stop))

    async def composed() -> bool:
        return await stage_of(world, two.party_ref) == "prospect"

    await eventually(composed)
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_time_alone_wakes_the_composer(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured()
    due = world.clock.now() + timedelta(days=1)
    await world.live(one.scheduled(due))
    query = "SELECT overdue FROM summaries WHERE scope = '*' AND customer_id = $1"
    assert await world.pool.fetchval(query, one.party_ref) == 0
    assert await world.composer.round() == 0
    world.clock.move_to(due)
    assert await world.composer.round() == 1
    assert await world.pool.fetchval(query, one.party_ref) == 1
    assert await world.composer.round() == 0


async def test_a_summary_for_every_viewer_and_none_for_others(world: Any, life: Callable[..., Any]) -> None:
    one, two, nobodys = life().captured(), life(dealer="dealer-sh-02").captured(), life(dealer=None).captured()
    await world.live(one, two, nobodys)
    await world.link(one.party_ref, two.party_ref)
    await world.settle()
    rows = await world.pool.fetch("SELECT scope, customer_id, record_version FROM summaries")
    assert sorted((row["scope"], row["customer_id"], row["record_version"]) for row in rows) == sorted(
        [
            ("*", min(one.party_ref, two.party_ref), 2),
            ("*", nobodys.party_ref, 1),
            ("dealer-sh-01", one.party_ref, 1),
            ("dealer-sh-02", two.party_ref, 1),
        ]
    )


async def test_unlinking_gives_the_rows_of_a_world_without_the_link(world: Any, life: Callable[..., Any]) -> None:
    one, two = life().captured(), life().captured().qualified("hot")
    await world.say(one, "name", "Li Wei")
    await world.say(two, "phone/1", {"raw": "13812345678", "e164": "+8613812345678"})
    await world.live(one, two)

    async def rows() -> list[Any]:
        return [
            sorted(map(tuple, await world.pool.fetch(f"SELECT * FROM {table}")), key=str)
            for table in ("summaries", "search_keys")
        ]

    before = await rows()
    await world.link(one.party_ref, two.party_ref)
    await world.settle()
    assert await rows() != before
    await world.unlink(one.party_ref, two.party_ref)
    await world.settle()
    assert await rows() == before


async def test_one_customer_that_cannot_be_derived_stops_no_other(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = life().captured(), life().captured()

    def fails(streams: Any, *rest: Any) -> Any:
        if any(state.stream == bad.stream for state in streams):
            raise ZeroDivisionError
        return derive(streams, *rest)

    monkeypatch.setattr(composer_module, "derive", fails)
    await world.live(bad, good)
    assert await stage_of(world, good.party_ref) == "prospect"
    assert await stage_of(world, bad.party_ref) is None


async def test_what_two_viewers_see_alike_is_derived_once(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headquarters and the only dealer see the same; where a second dealer holds a part, each sees its own."""
    derived: list[list[str]] = []

    def counting(streams: Any, *rest: Any) -> Any:
        streams = list(streams)
        derived.append(sorted(state.stream for state in streams))
        return derive(streams, *rest)

    monkeypatch.setattr(composer_module, "derive", counting)
    one, other = life().captured(), life().captured()
    theirs = life(dealer="dealer-sh-02", party_ref=other.party_ref).captured()
    await world.say(one, "name", "Li Wei")
    await world.publish(one.last, other.last, theirs.last)
    await world.consumed()
    assert await world.composer.round() == 2
    both = sorted([other.stream, theirs.stream])
    assert sorted(derived) == sorted([[one.stream], both, [other.stream], [theirs.stream]])
    rows = await world.pool.fetch("SELECT scope, key FROM search_keys WHERE party_ref = $1", one.party_ref)
    assert {(row["scope"], row["key"]) for row in rows} == {("*", "liwei"), ("dealer-sh-01", "liwei")}
    for scope, ref in (("*", one.party_ref), ("dealer-sh-01", one.party_ref), ("dealer-sh-02", other.party_ref)):
        assert await stage_of(world, ref, scope) == "prospect"


async def test_what_may_be_read_of_the_person_is_derived_apart(world: Any, life: Callable[..., Any]) -> None:
    """The same streams and other personal values are another record: a share of facts gives no key of a name."""
    one = life().captured()
    one.shared("dealer-sh-02", world.clock.now() + timedelta(days=1))
    await world.say(one, "name", "Li Wei")
    await world.live(one)
    rows = await world.pool.fetch("SELECT scope, key FROM search_keys WHERE party_ref = $1", one.party_ref)
    assert {(row["scope"], row["key"]) for row in rows} == {("*", "liwei"), ("dealer-sh-01", "liwei")}
    assert await stage_of(world, one.party_ref, "dealer-sh-02") == "prospect"


async def test_a_wake_reaches_only_those_who_wait_for_it() -> None:
    wakeups = Wakeups()
    woken: list[str] = []
    with wakeups.waiting({"a", "b"}, lambda: woken.append("one")):
        wakeups.wake(["c"])
        assert woken == []
        wakeups.wake(["b"])
        assert woken == ["one"]
    assert wakeups._waiting == {}


ROUND = """
import asyncio, sys
from projection.composer import Composer
from projection.domain.record import derive
from projection.wakeups import Wakeups
from roadbook.clock import RealClock
from roadbook.database import create_pool

async def main():
    pool = await create_pool(sys.argv[1])
    await Composer(pool, RealClock(), Wakeups(), asyncio.Event()).round()

asyncio.run(main())
"""


@pytest.mark.parametrize(("point", "composed"), [("compose.in_tx", False), ("compose.after_commit", True)])
async def test_a_kill_at_each_point_loses_nothing(
    world: Any, life: Callable[..., Any], projection_database: Database, point: str, composed: bool
) -> None:
    one = life().captured()
    await world.publish(one.last)
    await world.consumed()
    environment = {**os.environ, "CRASHPOINT": point, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ROUND, projection_database.url, env=environment
    )
    assert await process.wait() == -signal.SIGKILL
    assert (await stage_of(world, one.party_ref) is not None) is composed
    assert await world.pool.fetchval("SELECT count(*) FROM dirty") == (0 if composed else 1)
    await world.composer.round()
    assert await stage_of(world, one.party_ref) == "prospect"
    assert await world.pool.fetchval("SELECT count(*) FROM dirty") == 0
