"""The two axes: the record as it was, and as it was known; and why it says what it says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from deals import deal

from projection.api.shown.why import WhyShown
from roadbook.wire import rfc3339

DAY = timedelta(days=1)
VIN = "LSVAA49J132047371"


def bare(record: dict[str, Any]) -> dict[str, Any]:
    """Without the moments that were asked for."""
    head = {name: value for name, value in record["head"].items() if name not in ("as_of", "known_at", "record_hash")}
    return {**record, "head": head}


async def test_as_of_is_the_record_of_then(world: Any, life: Callable[..., Any], headquarters: Any) -> None:
    one = life(now=world.clock.now()).captured().qualified("warm")
    await world.live(one)
    world.clock.move_to(one.now)
    then = await headquarters.record(one.party_ref)
    moment = rfc3339(one.now)
    one.now += 9 * DAY
    one.qualified("hot").lost()
    await world.live(one)
    world.clock.move_to(one.now)
    again = await headquarters.record(one.party_ref, as_of=moment)
    assert again == then  # hash, version and stage included
    assert (await headquarters.record(one.party_ref))["head"]["record_version"] == 4
    assert len(await headquarters.timeline(one.party_ref, as_of=moment)) == 2
    before = rfc3339(one.events[0].time - DAY)
    assert (await headquarters.get(f"/v1/customers/{one.party_ref}", as_of=before)).status_code == 404


async def test_known_at_leaves_out_what_was_told_later(world: Any, life: Callable[..., Any], headquarters: Any) -> None:
    one = life().captured()
    known = one.now
    one.now += 9 * DAY
    one.add("lead_qualified", {"grade": "hot", "reasons": [], "rules": "r"}, at=known)  # it happened then, we heard now
    await world.live(one)
    heard = await headquarters.record(one.party_ref, as_of=rfc3339(known))
    unheard = await headquarters.record(one.party_ref, as_of=rfc3339(known), known_at=rfc3339(known))
    assert (heard["head"]["stage"], unheard["head"]["stage"]) == ("hot_prospect", "prospect")
    assert unheard["head"]["known_at"] == rfc3339(known)
    assert len(await headquarters.timeline(one.party_ref, known_at=rfc3339(known))) == 1


async def test_a_link_counts_from_when_it_was_made_whatever_the_date(
    world: Any, life: Callable[..., Any], headquarters: Any
) -> None:
    one, two = (life(now=world.clock.now() - 30 * DAY).captured() for _ in range(2))
    await world.live(one, two)
    past = one.now
    alone = bare(await headquarters.record(one.party_ref, as_of=rfc3339(past)))
    await world.link(one.party_ref, two.party_ref)
    (told,) = world.links.values()
    joined = await headquarters.record(one.party_ref, as_of=rfc3339(past))
    assert joined["head"]["party_refs"] == sorted([one.party_ref, two.party_ref])
    before = rfc3339(told.last.recorded - timedelta(seconds=1))
    assert bare(await headquarters.record(one.party_ref, as_of=rfc3339(past), known_at=before)) == alone
    await world.unlink(one.party_ref, two.party_ref)
    between = rfc3339(told.events[0].recorded)
    assert (await headquarters.record(two.party_ref, known_at=between))["head"]["party_refs"] == joined["head"][
        "party_refs"
    ]
    assert bare(await headquarters.record(one.party_ref, as_of=rfc3339(past))) == alone


async def test_personal_values_are_todays_and_say_when_they_were_learned_later(
    world: Any, life: Callable[..., Any], headquarters: Any
) -> None:
    one = life().captured()
    await world.say(one, "name", "张伟")
    await world.live(one)
    now = await headquarters.record(one.party_ref)
    past = await headquarters.record(one.party_ref, known_at=rfc3339(one.now))
    assert now["identity"]["names"][0]["learned_later"] is past["identity"]["names"][0]["learned_later"] is False
    early = life(now=one.now - 9 * DAY).captured()
    await world.say(early, "name", "李娜")  # recorded on the first of January
    await world.live(early)
    told = await headquarters.record(early.party_ref, known_at=rfc3339(early.now))
    assert told["identity"]["names"][0] == {**told["identity"]["names"][0], "value": "李娜", "learned_later": True}


async def test_time_travel_uses_the_rights_of_today(world: Any, life: Callable[..., Any], caller: Any) -> None:
    one = life(dealer="dealer-sh-01").captured()
    before = rfc3339(one.now)
    one.routed("dealer-sh-02")
    await world.live(one)
    assert (await caller("dealer-sh-01").get(f"/v1/customers/{one.party_ref}", as_of=before)).status_code == 404
    record = await caller("dealer-sh-02").record(one.party_ref, as_of=before)
    assert record["head"]["record_version"] == 1


# ── Why ───────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_why_names_the_events_the_rule_and_where_a_personal_value_comes_from(
    world: Any, life: Callable[..., Any], dealer: Any
) -> None:
    one = life().captured()
    version = await world.say(one, "name", "张伟")
    sold = deal(life, one.party_ref, "dealer-sh-01", VIN)
    await world.live(one, *sold.streams)
    path = f"/v1/customers/{one.party_ref}/why"

    async def why(pointer: str, **params: Any) -> dict[str, Any]:
        answer = await dealer.client.get(path, params={"path": pointer, **params}, headers=dealer.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        WhyShown.model_validate(body)
        return body

    price = await why("/purchases/0/price")
    placed = sold.order.events[0]
    assert (price["value"], price["rule"]) == (12_500_000, {"name": "purchases", "version": "record-4"})
    assert [(each["event_id"], each["stream"], each["version"]) for each in price["events"]] == [
        (placed.id, sold.order.stream, 1)
    ]
    assert price["events"][0]["summary"].startswith("Ordered volkswagen-lavida")
    stage = await why("/head/stage")
    assert (stage["value"], stage["rule"]["name"]) == ("owner_new", "stage")
    assert {each["stream"] for each in stage["events"]} == {sold.order.stream}
    assert (await why("/quotes/0/lines/1/amount"))["events"][0]["event_id"] == sold.quote.events[0].id
    name = await why("/identity/names/0/value")
    assert (name["value"], name["events"], name["personal"]["version"]) == ("张伟", [], version.version)
    assert (await why("/head/stage", as_of=rfc3339(one.events[0].time)))["value"] == "in_purchase"
    for pointer in ("/purchases/1/price", "/nowhere", "head", "/purchases/x", "/purchases/01/price"):
        answer = await dealer.client.get(path, params={"path": pointer}, headers=dealer.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "path_unknown")
