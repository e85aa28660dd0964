"""Timers on the simulated clock: due once, as they were set, whoever else is at work."""

import asyncio
from datetime import timedelta

import pytest

from roadbook.clock import SimulatedClock
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import Pool
from roadbook.decider import Rejected
from roadbook.events import new_id
from roadbook.store.postgres import PostgresStore
from roadbook.testing.boxes import Box, CloseBox, Command, OpenBox, boxes
from roadbook.timers import Handle, Timer, TimerWorker


def context(clock: SimulatedClock) -> CommandContext:
    return CommandContext("system:timer", "system", None, clock.now(), new_id())


@pytest.fixture
def store(lead_pool: Pool) -> PostgresStore:
    return PostgresStore(lead_pool)


@pytest.fixture
async def stream(store: PostgresStore, clock: SimulatedClock) -> str:
    name = boxes.stream(new_id())
    order: Order[Command] = Order(name, OpenBox("d-1", clock.now()), creates=True)
    await execute(store, boxes, order, context(clock))
    return name


@pytest.fixture
def close(store: PostgresStore, clock: SimulatedClock) -> Handle:
    async def handle(timer: Timer) -> object:
        order: Order[Command] = Order(timer.stream, CloseBox(timer.due), fired=timer.fired)
        return await execute(store, boxes, order, context(clock))

    return handle


async def box(store: PostgresStore, stream: str) -> Box:
    return boxes.fold((await store.load(stream)).events)


async def test_a_timer_fires_when_it_is_due_and_its_event_is_at_the_due_time(
    lead_pool: Pool, store: PostgresStore, clock: SimulatedClock, stream: str, close: Handle
) -> None:
    worker = TimerWorker(lead_pool, clock, close)
    assert await worker.step() == 0
    due = clock.now() + timedelta(days=1)
    clock.advance(timedelta(days=3))
    assert await worker.step() == 1
    assert (await box(store, stream)).closed
    assert (await store.load(stream)).events[-1].time == due
    assert await worker.step() == 0


async def test_t18_two_workers_and_a_command_make_one_event(
    lead_pool: Pool, store: PostgresStore, clock: SimulatedClock, stream: str, close: Handle
) -> None:
    clock.advance(timedelta(days=1))
    order: Order[Command] = Order(stream, CloseBox(clock.now()))
    await asyncio.gather(
        *(TimerWorker(lead_pool, clock, close).step() for _ in range(4)), execute(store, boxes, order, context(clock))
    )
    assert [e.type for e in (await store.load(stream)).events].count("roadbook.toy.box_closed.v1") == 1
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_t18_the_claim_holds_no_lock_while_the_command_runs(
    lead_pool: Pool, store: PostgresStore, clock: SimulatedClock, stream: str
) -> None:
    clock.advance(timedelta(days=1))
    seen: list[object] = []

    async def look(timer: Timer) -> None:
        seen.append(await lead_pool.fetchrow("SELECT * FROM timers WHERE id = $1 FOR UPDATE NOWAIT", timer.id))

    await TimerWorker(lead_pool, clock, look).step()
    assert len(seen) == 1


async def test_a_rejection_means_done(lead_pool: Pool, clock: SimulatedClock, stream: str) -> None:
    clock.advance(timedelta(days=1))

    async def refuse(_: Timer) -> None:
        raise Rejected("box_closed")

    await TimerWorker(lead_pool, clock, refuse).step()
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_a_defect_in_one_timer_keeps_its_row_and_stops_nobody(
    lead_pool: Pool, store: PostgresStore, clock: SimulatedClock, stream: str, close: Handle
) -> None:
    other = boxes.stream(new_id())
    order: Order[Command] = Order(other, OpenBox("d-1", clock.now()), creates=True)
    await execute(store, boxes, order, context(clock))
    clock.advance(timedelta(days=1))

    async def handle(timer: Timer) -> object:
        if timer.stream == stream:
            raise ZeroDivisionError
        return await close(timer)

    await TimerWorker(lead_pool, clock, handle).step()
    assert (await box(store, other)).closed
    assert await lead_pool.fetchval("SELECT attempts FROM timers WHERE stream = $1", stream) == 1
    await lead_pool.execute("UPDATE timers SET claimed = now() - interval '1 minute'")  # the lease runs out
    assert await TimerWorker(lead_pool, clock, close).step() == 1
    assert (await box(store, stream)).closed


async def test_run_stops_when_asked(lead_pool: Pool, clock: SimulatedClock, close: Handle) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(TimerWorker(lead_pool, clock, close).run(stop))
    stop.set()
    await asyncio.wait_for(running, 5)


def test_a_simulated_clock_never_goes_back(clock: SimulatedClock) -> None:
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(timedelta(seconds=-1))
