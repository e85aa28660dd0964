"""What operators do to consumers: unpark and skip lock the offset row first (T12)."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from roadbook import ops
from roadbook.bus import TopicPartition
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool
from roadbook.events import Recorded
from roadbook.testing.consumer_rig import PARTITIONS, Rig, an_event, history
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemorySubscription
from roadbook.testing.rigs import effects_table_sql, postgres_rig
from roadbook.testing.waiting import eventually


@pytest.fixture
async def rig(lead_pool: Pool, owner_connection: asyncpg.Connection) -> Rig:
    await owner_connection.execute(effects_table_sql)
    broker = MemoryBroker()
    broker.create_topic("things", PARTITIONS)
    return postgres_rig(lead_pool, "things", MemoryPublisher(broker), lambda: MemorySubscription(broker))


async def parked(pool: Pool) -> list[tuple[str, int, str, int]]:
    async with pool.acquire() as connection:
        found = await ops.parked(connection, "thing")
    return [(each.stream, each.version, each.reason, each.waiting) for each in found]


async def without(rig: Rig, events: Sequence[Recorded], *missing: Recorded) -> None:
    """Until all but `missing` are applied. The ledger's fold insists on dense versions, so it is asked loosely here."""
    wanted = {(event.stream, event.version, event.id) for event in events if event not in missing}

    async def equal() -> bool:
        return set(await rig.effects()) == wanted

    await eventually(equal)


async def test_t12_skip_gives_one_version_up_and_the_rest_goes_on(lead_pool: Pool, rig: Rig) -> None:
    bad = an_event("thing/1", 1, "poison")
    rest = [an_event("thing/1", 2), an_event("thing/1", 3)]
    ledger = rig.ledger()
    ledger.dense = False
    async with rig.running(rig.consumer(ledger)):
        await rig.publish([bad, *rest])
        await rig.until_held(3)
        assert await parked(lead_pool) == [("thing/1", 1, "ZeroDivisionError", 2)]
        assert await ops.skip(lead_pool, "thing", "thing/1", 2, "lost") is False
        assert await ops.skip(lead_pool, "thing", "thing/1", 1, "given_up") is True
        await without(rig, [bad, *rest], bad)
        await rig.until_held(0)
        await rig.publish([bad])  # redelivered: it stays given up
        await rig.until_read()
    assert await parked(lead_pool) == []
    row = await lead_pool.fetchrow("SELECT stream, version, reason FROM consumer_skips")
    assert row is not None
    assert tuple(row) == ("thing/1", 1, "given_up")


async def test_t12_skip_of_a_forgery_keeps_the_true_event(lead_pool: Pool, rig: Rig) -> None:
    one, two, three = history("thing/1", 3)
    async with rig.running(rig.consumer(rig.ledger())):
        await rig.publish([one, two, an_event("thing/1", 1), three])
        await rig.until_held(2)
        assert await ops.skip(lead_pool, "thing", "thing/1", 1, "forged") is True
        await rig.until([one, two, three])
        await rig.until_held(0)


async def test_t12_skip_of_a_rival_lets_the_other_be_applied(lead_pool: Pool, rig: Rig) -> None:
    one, two, three = history("thing/1", 3)
    async with rig.running(rig.consumer(rig.ledger())):
        await rig.publish([one, three, an_event("thing/1", 3)])
        await rig.until_held(2)
        assert await ops.skip(lead_pool, "thing", "thing/1", 3, "forged") is True
        await rig.publish([two])
        await rig.until([one, two, three])
        await rig.until_held(0)


async def test_an_unreadable_record_is_tried_again_or_given_up(lead_pool: Pool, rig: Rig) -> None:
    from dataclasses import replace

    from roadbook.wire import to_message

    broken = replace(to_message(an_event("thing/1", 1)), value=b"{")
    async with rig.running(rig.consumer(rig.ledger())):
        await rig.publish([broken])
        (row,) = await rig.until_held(1)
        assert row[2] == "invalid_json"
        assert await ops.unpark(lead_pool, "thing", row[0]) == 1

        async def refused_again() -> bool:
            return [reason for _, _, reason in await rig.held()] == ["invalid_json"]

        await eventually(refused_again)
        # A later release of the decoder might read it: what was kept is the whole record.
        good = to_message(an_event("thing/1", 1))
        await lead_pool.execute("UPDATE held SET value = $1", good.value)
        await ops.unpark(lead_pool, "thing", row[0])
        await rig.until_held(0)
        assert [(stream, version) for stream, version, _ in await rig.effects()] == [("thing/1", 1)]
        await rig.publish([broken])
        (row,) = await rig.until_held(1)
        assert await ops.skip(lead_pool, "thing", row[0], 0, "junk") is True
        await rig.until_held(0)


async def test_t12_unpark_waits_for_the_workers_transaction(lead_pool: Pool, rig: Rig) -> None:
    async with rig.running(rig.consumer(rig.ledger())):
        await rig.publish([an_event("thing/1", 1, "poison")])
        await rig.until_held(1)
    partition = await lead_pool.fetchval("SELECT partition FROM held")
    place = TopicPartition("things", partition)
    store = PostgresConsumerStore(lead_pool, "thing")
    offset = (await store.offsets([place]))[place]
    async with store.transaction() as transaction:
        assert await transaction.advance({place: (offset, offset)})
        waiting = asyncio.create_task(ops.unpark(lead_pool, "thing", "thing/1"))

        async def blocked() -> bool:
            return bool(
                await lead_pool.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'"
                )
            )

        await eventually(blocked)
        assert not waiting.done()
    assert await waiting == 1


async def test_refusals(lead_pool: Pool) -> None:
    with pytest.raises(ValueError, match="code"):
        await ops.skip(lead_pool, "thing", "thing/1", 1, "Because Mrs Li said so")
    with pytest.raises(ValueError):
        await ops.rewind_consumer(lead_pool, "thing", -1)
    assert await ops.unpark(lead_pool, "thing", "thing/none") == 0
    assert await ops.rewind_consumer(lead_pool, "thing") == 0


async def test_lag_is_told(lead_pool: Pool, rig: Rig) -> None:
    events = history("thing/1", 4)
    async with rig.running(rig.consumer(rig.ledger())):
        await rig.publish(events)
        await rig.until(events)
        await rig.until_read()
    async with lead_pool.acquire() as connection:
        lags = await ops.consumer_lag(connection)
        assert sum(lag.next for lag in lags) == 4
        assert {lag.end for lag in lags} == {None}
        ends = {TopicPartition("things", number): 5 for number in range(PARTITIONS)}
        lags = await ops.consumer_lag(connection, ends)
    assert sum(lag.events or 0 for lag in lags) == 11
