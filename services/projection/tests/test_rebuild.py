"""A rebuild: the same tables, the same records, and whoever works or reads beside it notices nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from projection.main import FACTS_CONSUMER, PERSONAL_CONSUMER
from projection.reactions import FactsHandler, PersonalHandler
from projection.rebuild import Busy, Rebuild, Result, Source, comparing, tables
from projection.wakeups import Wakeups
from roadbook import ops
from roadbook.consumer import Park, facts, raw
from roadbook.testing.memory_bus import MemorySubscription
from roadbook_cli.postgres import Database


@pytest.fixture
async def owner(projection_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(projection_database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def rebuild(world: Any, projection_database: Database) -> Callable[..., Any]:
    """`await rebuild(accept=True)`."""

    async def run(handler: FactsHandler | None = None, **options: Any) -> Result:
        wakeups, nobody = Wakeups(), asyncio.Event()
        handler = handler or FactsHandler(wakeups, nobody)
        sources = [
            Source(FACTS_CONSUMER, facts(handler), MemorySubscription(world.broker, group="rebuild")),
            Source(
                PERSONAL_CONSUMER,
                raw(PersonalHandler(wakeups, nobody)),
                MemorySubscription(world.broker, group="rebuild"),
            ),
        ]
        return await Rebuild(projection_database.owner_url, world.clock, sources, **options).run()

    return run


# Marks and rounds count what was done, not what is there.
CONTENTS = [table for table in tables.GENERATIONAL if table not in ("dirty", "composer", "link_map")]


async def contents(connection: Any) -> dict[str, list[str]]:
    """Every row of every generational table."""
    return {
        table: sorted(row[0] for row in await connection.fetch(f"SELECT to_json(t)::text FROM {table} t"))
        for table in CONTENTS
    }


async def a_world(world: Any, life: Callable[..., Any]) -> list[Any]:
    """Customers of several dealers: with names, a share, a loss, links made and unmade by hand, something removed."""
    hot, lost = life().captured().qualified("hot"), life(dealer="dealer-sh-02").captured().lost()
    shared = life().captured().shared("dealer-sh-02", world.clock.now() + timedelta(days=30))
    alone = life(dealer=None).captured().add("lead_teleported", {})
    lives = [hot, lost, shared, alone]
    for each in lives:
        await world.say(each, "name", "Li Wei")
    await world.say(hot, "phone/1", {"raw": "13812345678", "e164": "+8613812345678"})
    await world.say(hot, "phone/1", None)
    await world.live(*lives)
    await world.link(shared.party_ref, alone.party_ref)
    await world.link(hot.party_ref, lost.party_ref)
    await world.settle()
    await world.unlink(hot.party_ref, lost.party_ref)
    await world.settle()
    return lives


async def test_every_table_is_either_made_anew_or_kept(owner: asyncpg.Connection) -> None:
    """A table that a migration adds must be put into one of both lists."""
    rows = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    assert sorted(row["relname"] for row in rows) == sorted([*tables.GENERATIONAL, *tables.KEPT])


async def test_the_new_tables_cannot_be_told_from_the_old_ones(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], owner: asyncpg.Connection
) -> None:
    await a_world(world, life)
    before, shape = await contents(owner), await tables.shape(owner, "public")
    oids = {
        row[0] for row in await owner.fetch("SELECT oid FROM pg_class WHERE relname = ANY($1)", tables.GENERATIONAL)
    }
    result = await rebuild()
    assert (result.switched, result.generation, result.resumed) == (True, 2, False)
    assert result.comparison.equal
    assert (result.comparison.customers, result.comparison.derived) == (4, 0)
    assert await contents(owner) == before
    assert await tables.shape(owner, "public") == shape
    now = {row[0] for row in await owner.fetch("SELECT oid FROM pg_class WHERE relname = ANY($1)", tables.GENERATIONAL)}
    assert not oids & now  # really others, and the old ones are gone
    assert await owner.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'generation%'") == 0
    rows = await owner.fetch("SELECT number, state FROM generations ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "dropped"), (2, "live")]
    again = await rebuild()
    assert (again.generation, again.switched) == (3, True)
    assert await contents(owner) == before


async def visible(reader: Any, one: Any) -> None:
    """The record with all of it; on a machine that is busy with other things, asked for again as a 503 says."""
    answer = await reader.get(f"/v1/customers/{one.party_ref}", min=one.token)
    while answer.status_code == 503:
        answer = await reader.get(f"/v1/customers/{one.party_ref}", min=one.token)
    assert answer.status_code == 200
    assert answer.json()["head"]["record_version"] == len(one.events)


async def test_live_workers_go_on_in_the_new_tables(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], headquarters: Any
) -> None:
    """Events arrive all the time, before, while and after it switches; each is applied once."""
    lives = await a_world(world, life)
    stop = asyncio.Event()
    newer: list[Any] = []

    async def arriving() -> None:
        while not stop.is_set():
            newer.append(life().captured())
            await world.publish(newer[-1].last)
            await world.publish(lives[0].experienced().last)
            await asyncio.sleep(0)
            await visible(headquarters, newer[-1])

    async with world.composing():
        task = asyncio.create_task(arriving())
        result = await rebuild()
        stop.set()
        await task
        assert result.switched
        one = life().captured()
        await world.publish(one.last)
        await visible(headquarters, one)
    await world.settle()
    expected = {each.stream: len(each.events) for each in [*lives, *newer, one, *world.links.values()]}
    rows = await world.pool.fetch("SELECT stream, count(*) AS facts, max(version) AS last FROM facts GROUP BY stream")
    assert {row["stream"]: row["last"] for row in rows} == expected
    assert all(row["facts"] == row["last"] for row in rows)
    assert await world.pool.fetchval("SELECT count(*) FROM dirty") == 0


async def test_a_difference_stops_the_switch_until_it_is_accepted(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], owner: asyncpg.Connection, headquarters: Any
) -> None:
    """The live cache was damaged: the rebuild says so, and puts it right when told to."""
    one, *_ = await a_world(world, life)
    damaged = "UPDATE stream_states SET state = replace(state::text, '\"hot\"', '\"cold\"')::json WHERE stream = $1"
    assert await owner.execute(damaged, one.stream) == "UPDATE 1"
    result = await rebuild()
    assert not result.switched
    assert list(result.comparison.records) == [one.party_ref]
    assert result.comparison.derived == 1
    different = result.comparison.listed[one.party_ref]
    assert (different.live, different.rebuilt) != (None, None)
    assert set(different.paths) >= {"/head/stage"}
    assert (await headquarters.record(one.party_ref))["head"]["stage"] == "prospect"
    accepted = await rebuild(accept=True)
    assert (accepted.switched, accepted.resumed, accepted.generation) == (True, True, 2)
    assert accepted.records == 0  # it had been read already
    assert (await headquarters.record(one.party_ref))["head"]["stage"] == "hot_prospect"
    # The composer looks at the differing record again, for what it has to tell others of it.
    assert await owner.fetch("SELECT party_ref FROM dirty") == [(one.party_ref,)]


@pytest.mark.parametrize("kept", [5, 3])
async def test_where_all_differ_only_the_first_are_kept(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch, kept: int,
) -> None:  # fmt: skip
    """A page at a time, and no more than so many: of a million customers, too."""
    monkeypatch.setattr(comparing, "PAGE", 2)
    monkeypatch.setattr(comparing, "LISTED", 2)
    monkeypatch.setattr(comparing, "KEPT", kept)
    lives = [life().captured().qualified("hot") for _ in range(5)]
    await world.live(*lives)
    await owner.execute("UPDATE stream_states SET state = replace(state::text, '\"hot\"', '\"cold\"')::json")
    result = await rebuild()
    assert not result.switched
    assert (len(result.comparison.records), result.comparison.more) == (kept, 5 - kept)
    assert result.comparison.records <= {each.party_ref for each in lives}
    assert result.comparison.derived == 5
    assert not result.comparison.equal
    listed = result.comparison.shown()
    assert listed["different_records"] == 5
    assert [each["customer_id"] for each in listed["listed"]] == sorted(result.comparison.listed)
    assert len(listed["listed"]) == 2
    assert (await rebuild(accept=True)).switched
    assert sorted(row[0] for row in await owner.fetch("SELECT party_ref FROM dirty")) == sorted(
        each.party_ref for each in lives
    )


async def test_a_lost_row_is_found(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], owner: asyncpg.Connection
) -> None:
    one, *_ = await a_world(world, life)
    await owner.execute("DELETE FROM personal_values WHERE party_ref = $1 AND key LIKE '%/name'", one.party_ref)
    result = await rebuild()
    assert not result.switched
    assert {table: count for table, count in result.comparison.rows.items() if count} == {"personal_values": 1}


class Poisoned(FactsHandler):
    """Cannot fold the second event of one stream."""

    stream = ""

    def fold(self, state: Any, event: Any) -> Any:
        if (event.stream, event.version) == (self.stream, 2):
            raise Park("poison")
        return super().fold(state, event)


async def test_what_operators_gave_up_stays_given_up(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = life().captured().qualified("hot").experienced()
    await world.live(one)
    handler = Poisoned(Wakeups(), asyncio.Event())
    handler.stream = one.stream
    # As if live workers had not been able to read it, and an operator had skipped it.
    first = await rebuild(handler, accept=True)
    assert first.switched
    assert [each.version for each in await ops.parked(world.pool)] == [2]
    assert await ops.skip(world.pool, FACTS_CONSUMER, one.stream, 2, "broken_sender")
    world.start()
    await asyncio.wait_for(_applied(world, one.stream, 3), 10)
    again = await rebuild(handler)
    assert again.switched
    assert again.comparison.equal
    assert await ops.parked(world.pool) == []
    assert await world.pool.fetchval("SELECT reason FROM consumer_skips") == "broken_sender"
    assert [row[0] for row in await world.pool.fetch("SELECT version FROM facts ORDER BY version")] == [1, 3]
    # Code that can read it takes it back: the record has all of it.
    better = await rebuild(accept=True)
    assert list(better.comparison.records) == [one.party_ref]
    assert await world.pool.fetchval("SELECT count(*) FROM consumer_skips") == 0
    assert await world.pool.fetchval("SELECT count(*) FROM facts") == 3


async def _applied(world: Any, stream: str, version: int) -> None:
    query = "SELECT version FROM stream_states WHERE stream = $1"
    while await world.pool.fetchval(query, stream) != version:
        await asyncio.sleep(0.02)


async def test_a_removed_value_stays_removed_when_the_topic_has_forgotten_it(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any]
) -> None:
    one = life().captured()
    await world.say(one, "name", "Li Wei")
    removed = await world.say(one, "name", None)
    await world.live(one)
    for log in world.broker.topics["roadbook.personal-data.v1"]:
        log.clear()  # compacted, and its tombstone's time is over
    await world.pool.execute("UPDATE consumer_offsets SET next = 0 WHERE consumer = $1", PERSONAL_CONSUMER)
    await rebuild()
    rows = await world.pool.fetch("SELECT key, version, value FROM personal_values")
    assert [tuple(row) for row in rows] == [(removed.key, removed.version, None)]


async def test_only_one_at_a_time(
    rebuild: Callable[..., Any], owner: asyncpg.Connection, projection_database: Database
) -> None:
    pid = await owner.fetchval("SELECT pg_backend_pid()")
    async with owner.transaction():
        await owner.execute("LOCK TABLE generations IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(Busy):
            await rebuild()
        query = "SELECT backend_xid IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $1"
        other = await asyncpg.connect(projection_database.owner_url)
        assert await other.fetchval(query, pid)  # it keeps nothing from vacuum
        await other.close()


async def test_an_interrupted_rebuild_of_other_code_begins_anew(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any], owner: asyncpg.Connection
) -> None:
    one, *_ = await a_world(world, life)
    await owner.execute("UPDATE stream_states SET version = version + 1 WHERE stream = $1", one.stream)
    assert not (await rebuild()).switched
    await owner.execute("UPDATE generations SET made_by = 'older code' WHERE state = 'building'")
    result = await rebuild()
    assert (result.resumed, result.switched) == (False, False)
    await owner.execute("ALTER TABLE generation_2.facts ADD later int")  # as a migration would have to public's
    assert not (await rebuild()).resumed
    assert (await rebuild()).resumed
    assert not (await rebuild(afresh=True)).resumed


async def test_a_long_read_delays_the_switch_and_does_not_fail(
    world: Any,
    life: Callable[..., Any],
    rebuild: Callable[..., Any],
    headquarters: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader holds the tables: the switch gives up and tries again, and other readers are answered meanwhile."""
    one, *_ = await a_world(world, life)
    async with world.pool.acquire() as connection:
        reading = connection.transaction()
        await reading.start()
        await connection.fetch("SELECT * FROM stream_states")
        task = asyncio.create_task(rebuild())
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        while not await world.pool.fetchval(waiting):
            await asyncio.sleep(0.005)
        for _ in range(5):
            assert (await headquarters.get(f"/v1/customers/{one.party_ref}")).is_success
        await reading.rollback()
    result = await task
    assert result.switched


async def test_derived_events_are_the_live_generations(
    world: Any, life: Callable[..., Any], rebuild: Callable[..., Any]
) -> None:
    world.composer = replace(world.composer, announced=lambda: None)
    await a_world(world, life)
    before = await world.pool.fetch("SELECT * FROM events ORDER BY position")
    assert before
    assert (await rebuild()).switched
    assert await world.pool.fetch("SELECT * FROM events ORDER BY position") == before
    await world.pool.execute(
        "INSERT INTO dirty (party_ref) SELECT party_ref FROM stream_states WHERE party_ref IS NOT NULL"
    )
    await world.settle()
    assert await world.pool.fetch("SELECT * FROM events ORDER BY position") == before
