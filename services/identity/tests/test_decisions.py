"""Decisions about links come one after another, whoever takes them; a matcher that fails leaves nothing half done."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from lead_api import ok

from identity.service import links, matching
from identity.service.matching import match_some
from roadbook.context import CommandContext
from roadbook.decider import Rejected
from roadbook.events import new_id
from roadbook.store.joined import JoinedStore, together


def steward(world: Any) -> CommandContext:
    return CommandContext("steward-1", "desk", None, world.clock.now(), new_id())


async def test_two_decisions_at_once_see_each_other(world: Any, hq: Any) -> None:
    """a and c were told apart; a–b and b–c at once: one is made, the other refused, every time."""
    for _ in range(5):
        a, b, c = [(await world.lead())[0] for _ in range(3)]
        ok(await hq.post("/v1/links:split", {"party_refs": [a, c], "reason": "two"}))
        outcomes = await asyncio.gather(
            *(links.link(world.service, pair, steward(world)) for pair in (links.pair_of(a, b), links.pair_of(b, c))),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in outcomes) == ["Answer", "Rejected"]
        (refused,) = (each for each in outcomes if isinstance(each, Rejected))
        assert refused.code == "cannot_link"


async def test_matchers_beside_each_other_decide_once(world: Any) -> None:
    refs = [(await world.lead(name="张伟", phone="13812345678"))[0] for _ in range(4)]
    await asyncio.gather(*(match_some(world.service, 1, world.clock.now()) for _ in range(8)))
    await world.match()
    rows = await world.pool.fetch("SELECT stream, count(*) AS n FROM events WHERE stream LIKE 'link/%' GROUP BY stream")
    assert len(rows) == 6
    assert {row["n"] for row in rows} == {1}
    assert len(refs) == 4


async def test_what_fails_for_one_reference_stops_no_other_and_is_tried_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, twin = [(await world.lead(name="张伟", phone="13812345678"))[0] for _ in range(2)]
    good = [(await world.lead(name="李娜", phone="13912345678"))[0] for _ in range(2)]
    real = matching._match

    async def failing(store: JoinedStore, refs: Sequence[str], now: Any) -> None:
        await real(store, refs, now)
        if {bad, twin} & {*refs}:
            raise ZeroDivisionError  # after its decisions, which are undone with it

    with monkeypatch.context() as patched:
        patched.setattr(matching, "_match", failing)
        await world.match()
        assert await world.types(f"link/{':'.join(sorted(good))}") == ["party_refs_linked"]
        left = "SELECT party_ref, attempts FROM match_dirty WHERE due > clock_timestamp() + interval '8 seconds'"
        assert {tuple(row) for row in await world.pool.fetch(left)} == {(bad, 1), (twin, 1)}
    await world.pool.execute("UPDATE match_dirty SET due = clock_timestamp()")
    await world.match()
    assert await world.types(f"link/{':'.join(sorted((bad, twin)))}") == ["party_refs_linked"]
    assert await world.pool.fetchval("SELECT count(*) FROM match_dirty") == 0


async def test_many_references_cost_as_many_round_trips_as_one(world: Any) -> None:
    counts = []
    for batch in (["张伟"], ["李娜", "王芳", "刘洋", "陈静", "杨帆"]):
        refs = [(await world.lead(name=name, phone=f"138{ord(name[0]):08d}"))[0] for name in batch]
        log: list[str] = []

        async def work(joined: JoinedStore, refs: Sequence[str] = refs, log: list[str] = log) -> None:
            with joined.connection.query_logger(lambda record: log.append(record.query)):
                await matching._place(joined, refs, world.clock.now())
                await matching._match(joined, refs, world.clock.now())

        await together(world.service.store, work)
        counts.append(len(log))
    assert counts == [4, 4]


async def test_evidence_and_events_hold_no_value(world: Any) -> None:
    for name in ("张伟", "Zhang Wei", "张先生"):
        await world.lead(name=name, phone="13812345678", email="zhang.wei@example.com", birth_date="1985-04-03")
    await world.match()
    every = await world.pool.fetch("SELECT data::text FROM events UNION ALL SELECT evidence::text FROM pairs")
    text = " ".join(row[0] for row in every)
    for value in ("张", "Zhang", "13812345678", "zhang.wei", "1985-04-03"):
        assert value not in text


async def test_a_value_that_comes_before_its_reference_is_not_lost(world: Any) -> None:
    a, _ = await world.lead(name="张伟", phone="13812345678")
    early = "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"
    await world.learn(early, "lead/x/name", "张伟")
    await world.learn(early, "lead/x/phone/1", {"raw": "13812345678"})
    await world.match()
    await world.lead(early)
    await world.match()
    assert await world.types(f"link/{':'.join(sorted((a, early)))}") == ["party_refs_linked"]
