"""Facts and personal values through the kit's consumer into a real Postgres."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from projection import contract, service
from projection.domain.streams import stream
from projection.main import FACTS_CONSUMER
from projection.service import states
from projection.views import records as views
from roadbook import ops
from roadbook.bus import Message
from roadbook.codec import Codec
from roadbook.events import new_id
from roadbook.testing.waiting import eventually
from roadbook.wire import to_message

DAY = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


async def state_of(world: Any, name: str) -> stream.StreamState:
    async with world.pool.acquire() as connection:
        return (await service.load_states(connection, [name]))[name]


async def held(world: Any) -> list[tuple[str, int, str | None]]:
    rows = await world.pool.fetch("SELECT stream, version, reason FROM held ORDER BY stream, version")
    return [(row["stream"], row["version"], row["reason"]) for row in rows]


# ── Facts ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_event_is_kept_as_it_came(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured().qualified("hot")
    await world.publish(*one.events)
    await world.consumed()
    rows = await world.pool.fetch("SELECT * FROM facts ORDER BY version")
    assert [(row["version"], row["id"], row["data"]) for row in rows] == [
        (event.version, event.id, event.data) for event in one.events
    ]
    assert rows[0]["party_ref"] == one.party_ref
    assert rows[0]["actor"] == "staff-1"
    assert (await state_of(world, one.stream)).version == 2


async def test_the_app_role_can_change_no_fact(world: Any, life: Callable[..., Any]) -> None:
    await world.publish(life().captured().last)
    await world.consumed()
    for statement in ("UPDATE facts SET type = 'x'", "DELETE FROM facts", "TRUNCATE facts"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.pool.execute(statement)


async def test_doubles_and_gaps_end_in_the_same_state(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured().qualified("warm").qualified("hot")
    first, second, third = one.events
    await world.publish(third, first, first, third, second, first, second)
    await world.consumed()
    plain = stream.initial(one.stream)
    for event in one.events:
        plain = stream.evolve(plain, contract.read(event))
    assert contract.dump_state(await state_of(world, one.stream)) == contract.dump_state(plain)
    assert await held(world) == []
    assert await world.pool.fetchval("SELECT count(*) FROM facts") == 3


async def test_an_unknown_type_is_kept_advances_and_shows_in_the_timeline(
    world: Any, life: Callable[..., Any], dealer: Any
) -> None:
    one = life().captured().add("lead_teleported", {"to": "mars"}).qualified("hot")
    await world.live(one)
    assert await held(world) == []
    entries = await dealer.timeline(one.party_ref)
    assert [(entry["version"], entry["known"]) for entry in entries] == [(1, True), (2, False), (3, True)]
    record = await dealer.record(one.party_ref)
    assert (record["head"]["unknown_events"], record["head"]["stage"]) == (1, "hot_prospect")


async def test_a_newer_version_of_a_known_type_parks_its_stream_alone(world: Any, life: Callable[..., Any]) -> None:
    new, other = life().captured().add("lead_qualified", {"grade": 5}, version=2).lost(), life().captured()
    await world.live(new, other)
    assert await held(world) == [(new.stream, 2, "newer_version"), (new.stream, 3, None)]
    assert (await state_of(world, new.stream)).version == 1
    assert (await state_of(world, other.stream)).version == 1


async def test_a_broken_body_parks_its_stream_and_unparking_retries(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured().add("lead_qualified", {"grade": {}})
    await world.live(one)
    assert await held(world) == [(one.stream, 2, "Malformed")]
    assert await ops.unpark(world.pool, FACTS_CONSUMER, one.stream) == 1

    async def parked_again() -> bool:
        return await held(world) == [(one.stream, 2, "Malformed")]

    await eventually(parked_again)
    assert await ops.skip(world.pool, FACTS_CONSUMER, one.stream, 2, "test")
    await world.publish(one.qualified("hot").last)
    await world.consumed()

    async def went_on() -> bool:
        return (await state_of(world, one.stream)).version == 3

    await eventually(went_on)


async def test_a_header_no_table_can_hold_parks_and_does_not_stop_the_worker(
    world: Any, life: Callable[..., Any]
) -> None:
    bad, good = life().captured(), life().captured()
    bad.events[0] = replace(bad.events[0], actor="x" * 3000)
    await world.live(bad, good)
    assert [row[2] for row in await held(world)] == ["Unstorable"]
    assert (await state_of(world, good.stream)).version == 1


async def test_another_event_at_a_known_version_parks(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured()
    await world.live(one)
    await world.publish(replace(one.last, id=new_id()))
    await world.consumed()
    assert await held(world) == [(one.stream, 1, "conflicting_event")]


async def test_code_that_learns_a_type_folds_its_streams_again(
    world: Any, life: Callable[..., Any], dealer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old code does not know LeadQualified; the upgrade does. Reading is right at once, the cache after `refold`."""
    one, other = life().captured().qualified("hot"), life().captured()
    newer = contract.LEAD
    without = tuple(each for each in newer.types if each.name != "lead_qualified")
    monkeypatch.setitem(contract.CODECS, "lead", Codec("lead", without))
    monkeypatch.setattr(states, "KNOWN", frozenset(contract.known_types()))
    await world.live(one, other)
    assert (await dealer.record(one.party_ref))["head"]["stage"] == "prospect"

    monkeypatch.setitem(contract.CODECS, "lead", newer)
    monkeypatch.setattr(states, "KNOWN", frozenset(contract.known_types()))
    assert (await dealer.record(one.party_ref))["head"]["stage"] == "hot_prospect"
    assert await world.pool.fetchval("SELECT unknown FROM stream_states WHERE stream = $1", one.stream)
    assert await service.refold(world.pool) == 1
    assert await world.pool.fetchval("SELECT unknown FROM stream_states WHERE stream = $1", one.stream) == []
    assert await world.composer.round() == 1
    summary = await world.pool.fetchval(
        "SELECT stage FROM summaries WHERE customer_id = $1 AND scope = '*'", one.party_ref
    )
    assert summary == "hot_prospect"
    assert await service.refold(world.pool) == 0


async def test_events_that_come_to_a_stale_stream_are_folded_on_a_fresh_state(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = life().captured().qualified("hot")
    await world.live(one)
    monkeypatch.setitem(stream.FOLDS, "lead", 9)
    await world.publish(one.lost().last)
    await world.consumed()
    assert await world.pool.fetchval("SELECT fold FROM stream_states") == 9
    assert await service.refold(world.pool) == 0


async def test_a_refold_beside_a_worker_changes_nothing_of_what_the_worker_wrote(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = life().captured()
    await world.live(one)
    async with world.pool.acquire() as connection:
        stale = await service.refolded(connection, [one.stream])
        await world.publish(one.qualified("hot").last)
        await world.consumed()
        await views.save_refolded(connection, [(state, contract.dump_state(state)) for state in stale])
    assert (await state_of(world, one.stream)).version == 2


async def test_a_new_kind_of_stream_is_folded_once_code_knows_it(
    world: Any, life: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(stream.FOLDS, "lead")
    one = life().captured()
    await world.live(one)
    assert await world.pool.fetchval("SELECT fold FROM stream_states") == 0
    monkeypatch.setitem(stream.FOLDS, "lead", 1)
    assert await service.refold(world.pool) == 1


async def test_streams_of_nobody_are_kept_and_do_no_harm(
    world: Any, life: Callable[..., Any], headquarters: Any
) -> None:
    """Campaigns, showroom days, media spend, group buys: no party, no dealer, types nobody here knows."""
    others = [
        life(stream=f"{kind}/spring", party_ref=None, dealer=None).add(f"{kind}_told", {"reach": 5}).add("more", {})
        for kind in ("campaign", "showroomday", "mediaspend", "groupbuy")
    ]
    for other in others:
        other.events = [replace(event, key=other.stream) for event in other.events]
    one = life().captured()
    await world.live(one, *others)
    assert await held(world) == []
    assert await world.pool.fetchval("SELECT count(*) FROM facts") == 9
    assert await world.pool.fetchval("SELECT count(*) FROM stream_states WHERE unknown <> '{}'") == 0
    assert await service.refold(world.pool) == 0
    assert await world.pool.fetchval("SELECT count(*) FROM dirty") == 0
    record = await headquarters.record(one.party_ref)
    assert (record["head"]["unknown_events"], record["head"]["record_version"]) == (0, 1)


async def test_a_share_no_table_can_hold_parks_and_does_not_stop_the_worker(
    world: Any, life: Callable[..., Any]
) -> None:
    bad, good = life().captured().shared("d" * 3000, DAY + timedelta(days=1)), life().captured()
    naive = (
        life()
        .captured()
        .add("customer_shared", {"dealer": "dealer-sh-02", "scope": "facts", "until": "2026-02-01T00:00:00"})
    )
    await world.live(bad, naive, good)
    assert [row[1:] for row in await held(world)] == [(2, "Unstorable"), (2, "Unstorable")]
    assert (await state_of(world, good.stream)).version == 1


async def test_a_batch_is_a_few_statements_whatever_its_size(world: Any, life: Callable[..., Any]) -> None:
    """T15: bulk SQL. Counted at the connection: the handler's own statements for 1 and for 60 events."""
    counts = []
    async with world.pool.acquire() as connection:
        for size in (1, 1, 60):  # the first round teaches the connection its types
            events = [life().captured().last for _ in range(size)]
            seen: list[str] = []
            states = {
                event.stream: stream.evolve(stream.initial(event.stream), contract.read(event)) for event in events
            }
            with connection.query_logger(lambda record, seen=seen: seen.append(record.query)):
                await service.load_states(connection, sorted(states))
                ordered = [(states[name], contract.dump_state(states[name])) for name in sorted(states)]
                await views.save_facts(connection, events, ordered)
                await asyncio.sleep(0)  # the log of a statement is handed over by the loop
            counts.append(len(seen))
    assert counts[1:] == [2, 2]


# ── Personal data ─────────────────────────────────────────────────────────────────────────────────────────────
async def value_of(world: Any, name: str) -> tuple[str | None, int]:
    row = await world.pool.fetchrow("SELECT value, version FROM personal_values WHERE key LIKE $1", f"%/{name}")
    return (None, 0) if row is None else (row["value"] and json.loads(row["value"]), row["version"])


async def test_the_highest_version_wins_whatever_comes_last(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured()
    for text, version in (("second", 2), ("first", 1)):  # in one batch
        await world.say(one, "name", text, version=version)
    await world.consumed()
    assert await value_of(world, "name") == ("second", 2)
    await world.say(one, "name", "zombie", version=1)  # in a later one
    await world.consumed()
    assert await value_of(world, "name") == ("second", 2)


async def test_a_tombstone_keeps_its_version_so_that_nothing_older_comes_back(
    world: Any, life: Callable[..., Any]
) -> None:
    """T17: compaction keeps the last offset, not the highest version."""
    one = life().captured()
    await world.say(one, "name", "first", version=5)
    await world.say(one, "name", None, version=6)
    await world.consumed()
    assert await value_of(world, "name") == (None, 6)
    await world.say(one, "name", "zombie", version=5)
    await world.consumed()
    assert await value_of(world, "name") == (None, 6)
    await world.say(one, "name", "told anew", version=7)
    await world.consumed()
    assert await value_of(world, "name") == ("told anew", 7)


async def test_nothing_up_to_a_fence_is_kept(world: Any, life: Callable[..., Any]) -> None:
    one, other = life().captured(), life().captured()
    await world.pool.execute("INSERT INTO personal_fences VALUES ($1, 'lead', 10)", one.party_ref)
    await world.say(one, "name", "erased", version=10)
    await world.say(one, "birth_date", "1985-04-03", version=11)
    await world.say(one, "comments", "of another service", version=3, service="care")
    await world.say(other, "name", "another", version=9)
    await world.consumed()
    rows = await world.pool.fetch("SELECT party_ref, version FROM personal_values ORDER BY version")
    assert [(row["party_ref"], row["version"]) for row in rows] == [
        (one.party_ref, 3), (other.party_ref, 9), (one.party_ref, 11),
    ]  # fmt: skip


async def test_what_is_no_personal_value_is_passed_over_without_a_trace_of_it(
    world: Any, life: Callable[..., Any]
) -> None:
    one = life().captured()
    for key, value in ((b"no-slashes", b"{}"), (b"a/b/c", b"canary"), (b"a/b/" + b"c" * 300, b'{"value": 1}')):
        await world.broker.append("roadbook.personal-data.v1", 3, [Message(key, value)])
    await world.say(one, "name", "张伟")
    await world.consumed()
    assert await value_of(world, "name") == ("张伟", 1)
    rows = await world.pool.fetch("SELECT * FROM held")
    assert len(rows) == 3
    assert "canary" not in str([dict(row) for row in rows])


async def test_personal_data_that_come_before_their_facts_are_shown_with_them(
    world: Any, life: Callable[..., Any], dealer: Any
) -> None:
    one = life().captured()
    await world.say(one, "name", "张伟")
    await world.settle()
    assert (await dealer.get(f"/v1/customers/{one.party_ref}")).status_code == 404
    assert await dealer.found(name="张伟") == []
    await world.live(one)
    assert (await dealer.record(one.party_ref))["identity"]["names"][0]["value"] == "张伟"
    assert await dealer.found(name="张伟") == [one.party_ref]


async def test_wire_and_back_keeps_what_the_record_needs(world: Any, life: Callable[..., Any]) -> None:
    one = life().captured()
    message = to_message(one.last)
    assert message.value == one.last.data.encode()
    await world.live(one)
    state = await state_of(world, one.stream)
    assert (state.party_ref, state.dealer, state.last_event) == (one.party_ref, one.dealer, one.last.time)
    assert state.last_event - one.events[0].time == timedelta(0)
