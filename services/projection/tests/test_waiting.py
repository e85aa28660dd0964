"""Read your writes, as it is waited for: how many queries it takes, that no wake is lost, nobody served too soon."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from projection.service import NotYet, Waiting
from projection.service.gathered import Gathered
from projection.views import positions
from projection.views.positions import Asked
from projection.views.shares import Viewer
from projection.wakeups import Wakeups
from roadbook.errors import Unavailable
from roadbook.position import Position
from roadbook.testing.waiting import eventually

NEVER = 3600.0
"""Seconds between polls where wakes alone are looked at."""


class Tables:
    """What is committed, and every query that was made. `during` is called in the middle of the next one: after it has
    seen the tables and before the one who asked knows."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.queries: list[list[str]] = []
        self.during: Callable[[], None] | None = None
        self.error: Exception | None = None

    async def look(self, wanted: list[str]) -> list[bool]:
        self.queries.append(sorted(wanted))
        found = [each in self.there for each in wanted]
        await asyncio.sleep(0)
        error, self.error = self.error, None
        if error is not None:
            raise error
        during, self.during = self.during, None
        if during is not None:
            during()
        return found


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def wakeups() -> Wakeups:
    return Wakeups()


def waiting(gathered: Gathered[str], *names: str) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(gathered.until(name, {name})) for name in names]


async def asked(tables: Tables, queries: int) -> None:
    await eventually(lambda: _done(len(tables.queries) >= queries))


async def _done(value: bool) -> bool:
    return value


async def test_a_wake_is_one_query_for_all_it_wakes(tables: Tables, wakeups: Wakeups) -> None:
    gathered = Gathered(wakeups, tables.look, NEVER)
    names = [f"lead/{number:03}" for number in range(100)]
    tasks = waiting(gathered, *names, "lead/other")
    await asked(tables, 1)
    tables.there |= set(names)
    wakeups.wake(names)
    await asyncio.gather(*tasks[:100])
    assert tables.queries == [[*names, "lead/other"], names]  # and one that nobody woke did not ask again
    tables.there.add("lead/other")
    wakeups.wake(["lead/other"])
    await tasks[100]
    assert tables.queries[2:] == [["lead/other"]]


async def test_what_is_there_already_takes_one_query_for_all_who_ask_at_once(tables: Tables, wakeups: Wakeups) -> None:
    gathered = Gathered(wakeups, tables.look, NEVER)
    tables.there |= {"a", "b", "c"}
    await asyncio.gather(*waiting(gathered, "a", "b", "c"))
    assert tables.queries == [["a", "b", "c"]]


async def test_a_wake_in_the_middle_of_a_query_is_not_lost(tables: Tables, wakeups: Wakeups) -> None:
    """It was committed after the query had seen the tables; nothing else will ever wake them."""

    def commit() -> None:
        tables.there.add("a")
        wakeups.wake(["a"])

    gathered = Gathered(wakeups, tables.look, NEVER)
    tables.during = commit
    await asyncio.wait_for(asyncio.gather(*waiting(gathered, "a")), 5)
    assert tables.queries == [["a"], ["a"]]


async def test_who_comes_in_the_middle_of_a_query_is_in_the_next(tables: Tables, wakeups: Wakeups) -> None:
    gathered = Gathered(wakeups, tables.look, NEVER)
    tables.there |= {"a", "b", "c"}
    late: list[asyncio.Task[None]] = []
    tables.during = lambda: late.extend(waiting(gathered, "b", "c"))
    await asyncio.gather(*waiting(gathered, "a"))
    await asyncio.wait_for(asyncio.gather(*late), 5)
    assert tables.queries == [["a"], ["b", "c"]]


async def test_a_wake_before_its_time_lets_nobody_through(tables: Tables, wakeups: Wakeups) -> None:
    """A wake says that something of that name was committed, not that it was this."""
    gathered = Gathered(wakeups, tables.look, NEVER)
    (task,) = waiting(gathered, "a")
    for number in range(2, 5):
        await asked(tables, number - 1)
        wakeups.wake(["a"])
    await asked(tables, 4)
    assert not task.done()
    tables.there.add("a")
    wakeups.wake(["a"])
    await task


async def test_another_process_commits_and_nobody_here_is_woken(tables: Tables, wakeups: Wakeups) -> None:
    """Not even while this process commits without a pause: each query here wakes somebody for the next."""

    class Busy(Tables):
        async def look(self, wanted: list[str]) -> list[bool]:
            self.during = lambda: wakeups.wake(["busy"])
            return await super().look(wanted)

    busy = Busy()
    gathered = Gathered(wakeups, busy.look, 0.01)
    one, other, never = waiting(gathered, "busy", "theirs", "theirs too")
    await asked(busy, 3)
    busy.there |= {"theirs", "theirs too"}
    await asyncio.wait_for(asyncio.gather(other, never), 5)
    busy.there.add("busy")
    await one


async def test_an_error_is_told_to_those_who_asked(tables: Tables, wakeups: Wakeups) -> None:
    gathered = Gathered(wakeups, tables.look, NEVER)
    tables.error, tables.there = Unavailable(retry_after=1), {"a", "b"}
    found = await asyncio.gather(*waiting(gathered, "a", "b"), return_exceptions=True)
    assert [type(each) for each in found] == [Unavailable, Unavailable]
    await asyncio.gather(*waiting(gathered, "a", "b"))


async def test_nothing_is_left_of_who_went_away(tables: Tables, wakeups: Wakeups) -> None:
    gathered = Gathered(wakeups, tables.look, NEVER)
    tasks = waiting(gathered, "a", "b")
    await asked(tables, 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await eventually(lambda: _done(gathered._task is None))
    assert (gathered._waiting, gathered._due, wakeups._waiting) == (set(), {}, {})
    wakeups.wake(["a"])
    assert len(tables.queries) == 1


# ── On the tables ─────────────────────────────────────────────────────────────────────────────────────────────
class Counted:
    """A pool that counts what is taken of it: a query of those who wait takes one connection."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.taken = 0

    async def acquire(self, *, timeout: float) -> Any:
        self.taken += 1
        return await self.pool.acquire(timeout=timeout)

    async def release(self, connection: Any, *, timeout: float) -> None:
        await self.pool.release(connection, timeout=timeout)


def viewer(world: Any, dealer: str | None) -> Viewer:
    return Viewer(dealer, world.clock.now(), "staff-1", "read_customer", "c")


async def test_readers_of_what_is_there_share_a_query(world: Any, life: Any) -> None:
    lives = [life().captured().qualified("hot") for _ in range(20)]
    await world.live(*lives)
    pool = Counted(world.pool)
    waits: Any = Waiting(pool, world.wakeups)
    who = viewer(world, "dealer-sh-01")
    await asyncio.gather(*(waits.visible(Position(((each.stream, 2),)), who) for each in lives))
    assert pool.taken == 1


async def test_each_of_a_query_is_answered_as_if_it_had_asked_alone(world: Any, life: Any) -> None:
    """Of all kinds, for several viewers: what one may not see or what has not come must not come through another's."""
    mine, foreign = life().captured(), life(dealer="dealer-sh-02").captured()
    shared = life(dealer="dealer-sh-02").captured()
    shared.shared("dealer-sh-01", world.clock.now() + timedelta(days=1))
    named = [await world.say(each, "name", "Li Wei") for each in (mine, foreign, shared)]
    await world.live(mine, foreign, shared)
    wanted = [Position(((each.stream, version),)) for each in (mine, foreign, shared) for version in (1, 2, 3)]
    wanted += [Position(personal=(value,)) for value in named]
    wanted += [Position(((mine.stream, 1),), (value,)) for value in named]
    wanted += [Position(((mine.stream, 1), (foreign.stream, 1))), Position((("lead/none", 1),)), Position()]
    at = world.clock.now()
    asked = [Asked(each, dealer, at) for each in wanted for dealer in (None, "dealer-sh-01", "dealer-sh-02", "none")]
    async with world.pool.acquire() as connection:
        together = await positions.reached(connection, asked)
        alone = [(await positions.reached(connection, [each]))[0] for each in asked]
    assert together == alone
    assert together[: 4 * 2] == [True, True, False, False, False, False, False, False]  # mine at 1, and at 2
    assert together[4 * 3 : 4 * 4] == [True, False, True, False]  # the foreign one
    assert together[4 * 7 : 4 * 8] == [True, True, True, False]  # the shared one at 2
    assert together[4 * 11 : 4 * 12] == [True, False, True, False]  # its name: facts alone are shared
    assert together[-4:] == [True] * 4


async def test_what_never_comes_is_told_in_the_end_and_the_others_do_not_wait_for_it(world: Any, life: Any) -> None:
    one = life().captured()
    await world.live(one)
    waits, who = Waiting(world.pool, world.wakeups), viewer(world, None)
    never = asyncio.create_task(waits.visible(Position(((one.stream, 99),)), who))
    await waits.visible(Position(((one.stream, 1),)), who)
    assert not never.done()
    with pytest.raises(NotYet):
        await never
