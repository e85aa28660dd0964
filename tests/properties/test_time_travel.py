"""Time travel: 1,000 records as of one moment, as known at another, equal the independent fold byte for byte.

The histories stand in a real PostgreSQL, written by the projection's own handler; each record is read by the service's
own function, as headquarters or as a dealer would read it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import checker
from histories import ALL_KINDS, DEALERS, LEAD_KINDS, History
from properties import examples, explained, world_of

from projection.domain.record import canonical
from projection.reactions import FactsHandler
from projection.service import When, read_record
from projection.views.shares import Viewer
from projection.wakeups import Wakeups
from roadbook.database import Pool
from roadbook.errors import NotFound

EACH = 25  # of each history


async def keep(pool: Pool, history: History) -> None:
    handler = FactsHandler(Wakeups(), asyncio.Event())
    states = {event.stream: handler.initial(event.stream) for event in history.events}
    for event in history.events:
        states[event.stream] = handler.fold(states[event.stream], event)
    async with pool.acquire() as connection, connection.transaction():
        await handler.save(connection, history.events, states)


def drawn(history: History, chance: random.Random, moments: list[datetime]) -> datetime | None:
    """No bound, the very moment of an event, or any moment between the first and the last one."""
    first, last = min(moments), max(moments)
    sort = chance.random()
    if sort < 0.3:
        return None
    if sort < 0.7:
        return max(chance.choice(moments), chance.choice(moments))
    return first + (last - first) * chance.random()


async def test_a_record_of_any_two_moments_equals_the_independent_fold(
    pools: Callable[[str], Awaitable[Pool]],
) -> None:
    pool = await pools("projection")
    asked = there = hidden = changed = seed = 0
    while there < examples(1_000):
        seed += 1
        kinds = LEAD_KINDS if seed % 3 == 2 else ALL_KINDS  # only leads are shared
        history = History(seed, people=2, size=40, wild=seed % 4 == 3, links=True, kinds=kinds)
        await keep(pool, history)
        world, chance, now = world_of(history.events), random.Random(seed), history.end + timedelta(days=1)
        for _ in range(EACH):
            dealer = chance.choice((None, None, *DEALERS))
            as_of = drawn(history, chance, [event.time for event in history.events])
            known_at = drawn(history, chance, [event.recorded for event in history.events])
            ref = chance.choice(sorted(world.customers(dealer, now)) or history.refs)
            wanted = found_in(world.customers(dealer, now, as_of, known_at), ref)
            reader = Viewer(dealer, now, "checker", "checker", "checker")
            asked += 1
            try:
                record = await read_record(pool, ref, reader, When(as_of, known_at))
            except NotFound:
                assert wanted is None, f"history {seed}, {ref}, {dealer}, {as_of}, {known_at}: not found"
                hidden += 1
                continue
            there += 1
            where = f"history {seed}, {ref}, {dealer}, {as_of}, {known_at}"
            assert wanted is not None, where
            assert canonical(record.facts) == checker.canonical(wanted), explained(where, record.facts, wanted)
            changed += record.facts != (await read_record(pool, ref, reader)).facts
    print(
        f"\ntime travel: {asked} x (customer, viewer, as_of, known_at): {there} records equal to the independent fold, "
        f"{changed} of them other than today's; {hidden} not there for either"
    )


def found_in(customers: dict[str, checker.Facts], ref: str) -> checker.Facts | None:
    return next((facts for facts in customers.values() if ref in facts["head"]["party_refs"]), None)
