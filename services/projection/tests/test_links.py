"""Links as identity says them: the map, records that join and part, and what a vehicle's owners see."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from deals import deal, owned

from projection.api import shown
from projection.api.shown.sales import VehicleShown
from projection.domain.facts import Leaf
from projection.domain.streams.link import LinkState
from projection.views import links
from roadbook.database import Pool, acquire
from roadbook.position import Position, encode

SH1, SH2 = "dealer-sh-01", "dealer-sh-02"
VIN = "LSVAA49J132047371"


@pytest.fixture
def three(life: Callable[..., Any]) -> Any:
    """Leads of three references, in the order of their names."""
    return sorted((life().captured() for _ in range(3)), key=lambda each: str(each.party_ref))


async def map_of(pool: Pool) -> dict[str, str]:
    return {row["party_ref"]: row["customer_id"] for row in await pool.fetch("SELECT * FROM customer_map")}


async def test_linked_references_are_one_record_and_parted_ones_as_if_never(
    world: Any, three: Any, headquarters: Any, caller: Any
) -> None:
    await world.live(*three)
    one, two, _ = (each.party_ref for each in three)
    before = {ref: (await headquarters.get(f"/v1/customers/{ref}")).content for ref in (one, two)}
    lines = await headquarters.timeline(two)
    await world.link(one, two)
    await world.settle()
    assert await map_of(world.pool) == {one: one, two: one}
    for ref in (one, two):
        head = (await headquarters.record(ref))["head"]
        assert (head["customer_id"], head["party_refs"], head["merged_from"]) == (one, [one, two], [two])
    row = await world.pool.fetchrow(
        "SELECT customer_id, party_refs FROM summaries WHERE scope = '*' AND customer_id = $1", one
    )
    assert list(row["party_refs"]) == [one, two]
    assert await world.pool.fetchval("SELECT count(*) FROM summaries WHERE scope = '*' AND customer_id = $1", two) == 0
    await world.unlink(one, two)
    await world.settle()
    assert await map_of(world.pool) == {}
    assert {ref: (await headquarters.get(f"/v1/customers/{ref}")).content for ref in (one, two)} == before
    assert await headquarters.timeline(two) == lines
    assert await world.pool.fetchval("SELECT count(*) FROM summaries WHERE scope = '*' AND customer_id = $1", two) == 1


async def test_the_middle_of_three_taken_away_parts_them(world: Any, three: Any) -> None:
    await world.live(*three)
    one, two, last = (each.party_ref for each in three)
    await world.link(one, two)
    await world.link(two, last)
    assert await map_of(world.pool) == {one: one, two: one, last: one}
    await world.unlink(one, two)
    assert await map_of(world.pool) == {two: two, last: two}


async def test_two_links_at_once_give_the_right_map(projection_pool: Pool) -> None:
    """Each sees, once it has the lock, what the other committed; without the lock each would map its own pair only."""

    def pair(smaller: str, larger: str) -> LinkState:
        return LinkState(smaller, larger, Leaf(True, (smaller + larger,)))

    async with acquire(projection_pool) as first, acquire(projection_pool) as second:
        async with first.transaction():
            await links.apply(first, [pair("a", "b")])
            other = asyncio.create_task(_apart(second, pair("b", "c")))
            done, _ = await asyncio.wait([other], timeout=0.3)
            assert not done  # it waits for the lock
        await other
    assert await map_of(projection_pool) == {"a": "a", "b": "a", "c": "a"}


async def _apart(connection: Any, state: LinkState) -> None:
    async with connection.transaction():
        await links.apply(connection, [state])


async def test_min_waits_for_a_link_and_for_a_transfer(
    world: Any, three: Any, life: Any, headquarters: Any, caller: Any
) -> None:
    one, two, _ = (each.party_ref for each in three)
    await world.live(*three)
    await world.link(one, two)
    (told,) = world.links.values()
    path = f"/v1/customers/{one}"
    assert (await headquarters.get(path, min=told.token)).status_code == 200
    car = owned(life(stream=f"vehicle/{VIN}"), one, SH1, "private")
    owned(car, two, SH2, "private")
    await world.live(car)
    first = encode(Position(((car.stream, 1),)))
    assert (await caller(SH1).get(path, min=first)).status_code == 200
    assert (await caller(SH1).get(path, min=car.token)).status_code == 503  # SH2 made it: as if it never came
    assert (await caller(SH1).get(path, min=told.token)).status_code == 503  # links are nobody's at a dealer


async def test_a_vehicle_shows_its_owners_as_far_as_one_may_see_them(
    world: Any, life: Any, headquarters: Any, caller: Any
) -> None:
    first, second = life(dealer=SH1).captured(), life(dealer=SH2).captured()
    sold = deal(life, first.party_ref, SH1, VIN)
    owned(sold.vehicle, None, SH2, "trade_in")
    owned(sold.vehicle, second.party_ref, SH2, "used_sale")
    await world.live(first, second, *sold.streams)
    whole = (await headquarters.get(f"/v1/vehicles/{VIN}")).json()
    VehicleShown.model_validate(whole)
    assert [each["party_ref"] for each in whole["owners"]] == [first.party_ref, None, second.party_ref]
    assert [each["customer_id"] for each in whole["deliveries"]] == [first.party_ref]
    mine = (await caller(SH1).get(f"/v1/vehicles/{VIN}")).json()
    assert [(each["party_ref"], each["until"]) for each in mine["owners"]] == [(first.party_ref, None)]
    theirs = (await caller(SH2).get(f"/v1/vehicles/{VIN}")).json()
    assert [each["party_ref"] for each in theirs["owners"]] == [None, second.party_ref]
    assert theirs["deliveries"] == []
    assert (await caller("dealer-sh-03").get(f"/v1/vehicles/{VIN}")).status_code == 404
    record = await headquarters.record(first.party_ref)
    shown.RecordShown.model_validate(record)
    assert record["vehicles"][0]["stage"] == "former"
    assert (await caller(SH1).record(first.party_ref))["vehicles"][0]["stage"] == "owner_new"
    assert await headquarters.found(vin=VIN) == sorted([first.party_ref, second.party_ref])
    assert await caller(SH2).found(vin=VIN) == [second.party_ref]
    entries = await headquarters.timeline(second.party_ref, stream=sold.vehicle.stream)
    assert [entry["version"] for entry in entries] == [3]
