"""The record over HTTP on a real Postgres: what a viewer sees, and what it can never find out."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from projection.api import shown
from roadbook.position import Position, encode
from roadbook.wire import rfc3339

HQ = "*"
VIN = "LSVAA49J132047371"


def without_request(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem without what names the single request."""
    return {name: value for name, value in problem.items() if name not in ("instance", "trace_id")}


@pytest.fixture
def zhang(life: Callable[..., Any]) -> Any:
    one = life()
    return (
        one.captured(
            budget={"currency": "CNY", "minimum": 1, "maximum": 2},
            window={"earliest": "2026-02-01", "latest": None},
            consents=[{"purpose": "marketing", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
        )
        .scheduled(one.now + timedelta(days=1), assignee="staff-7")
        .qualified("hot", "visited", "budget_fits")
    )


async def test_a_record_has_every_section(world: Any, zhang: Any, dealer: Any) -> None:
    await world.say(zhang, "name", "张伟")
    await world.say(zhang, "phone/1", {"raw": "138 1234 5678", "e164": "+8613812345678", "certainty": 0.5})
    await world.live(zhang)
    record = await dealer.record(zhang.party_ref)
    shown.RecordShown.model_validate(record)
    assert record["head"]["customer_id"] == zhang.party_ref
    assert record["head"]["stage"] == "hot_prospect"
    assert record["head"]["stage_since"] == rfc3339(zhang.events[2].time)
    assert record["head"]["record_version"] == 3
    assert record["head"]["completeness"]["missing"] == ["address", "needs"]
    assert record["identity"]["names"][0]["value"] == "张伟"
    assert record["identity"]["contact_points"][0]["value"]["e164"] == "+8613812345678"
    assert record["consent"][0]["state"] == "granted"
    assert record["responsibility"]["current"][0]["dealer"] == "dealer-sh-01"
    assert record["responsibility"]["current"][0]["staff"] == "staff-7"
    lead = record["intent"]["open_leads"][0]
    assert (lead["grade"], lead["reasons"]) == ("hot", ["visited", "budget_fits"])
    assert lead["next_action"]["overdue"] is True  # the clock stands on the fifth of January
    assert record["journey"]["follow_ups"][0]["outcome"] == "missed"
    assert record["timeline"] == f"/v1/customers/{zhang.party_ref}/timeline"


async def test_etag_holds_until_facts_or_personal_data_change(world: Any, zhang: Any, dealer: Any) -> None:
    await world.live(zhang)
    path = f"/v1/customers/{zhang.party_ref}"
    tag = (await dealer.get(path)).headers["etag"]
    assert tag.startswith('W/"')
    assert (await dealer.get(path, {"If-None-Match": tag})).status_code == 304
    hash_before = (await dealer.record(zhang.party_ref))["head"]["record_hash"]
    await world.say(zhang, "name", "张伟")
    await world.settle()
    after = await dealer.get(path, {"If-None-Match": tag})
    assert after.status_code == 200
    assert after.json()["head"]["record_hash"] == hash_before  # personal data stand outside the hash
    await world.publish(zhang.qualified("cold").last)
    await world.settle()
    again = await dealer.get(path, {"If-None-Match": after.headers["etag"]})
    assert again.status_code == 200
    assert again.json()["head"]["record_hash"] != hash_before


async def test_a_foreign_dealer_gets_the_same_404_as_for_nothing(
    world: Any, zhang: Any, caller: Any, life: Any
) -> None:
    await world.live(zhang)
    stranger = caller("dealer-sh-02")
    for suffix in ("", "/timeline"):
        foreign = await stranger.get(f"/v1/customers/{zhang.party_ref}{suffix}")
        nothing = await stranger.get(f"/v1/customers/{life().party_ref}{suffix}")
        assert foreign.status_code == nothing.status_code == 404
        assert without_request(foreign.json()) == without_request(nothing.json())
        assert foreign.headers.keys() == nothing.headers.keys()


async def test_a_dealer_that_lost_a_stream_no_longer_sees_it(world: Any, zhang: Any, caller: Any) -> None:
    await world.live(zhang)
    zhang.dealer = "dealer-sh-02"
    await world.publish(zhang.qualified("warm").last)
    await world.settle()
    assert (await caller("dealer-sh-01").get(f"/v1/customers/{zhang.party_ref}")).status_code == 404
    record = await caller("dealer-sh-02").record(zhang.party_ref)
    assert [entry["dealer"] for entry in record["responsibility"]["history"]] == ["dealer-sh-01"]


async def test_two_dealers_and_headquarters_see_three_records_of_one_person(
    world: Any, life: Any, caller: Any, headquarters: Any
) -> None:
    one, two = life(dealer="dealer-sh-01").captured(), life(dealer="dealer-sh-02").captured().qualified("hot")
    await world.live(one, two)
    alone = await caller("dealer-sh-01").record(one.party_ref)
    tag = (await caller("dealer-sh-01").get(f"/v1/customers/{one.party_ref}")).headers["etag"]
    await world.link(one.party_ref, two.party_ref)
    await world.settle()
    mine = await caller("dealer-sh-01").record(one.party_ref)
    assert mine == alone  # as_of included: the clock stands still
    assert (await caller("dealer-sh-01").get(f"/v1/customers/{one.party_ref}")).headers["etag"] == tag
    assert (await caller("dealer-sh-01").get(f"/v1/customers/{two.party_ref}")).status_code == 404
    for ref in (one.party_ref, two.party_ref):
        whole = await headquarters.record(ref)
        assert whole["head"]["customer_id"] == min(one.party_ref, two.party_ref)
        assert whole["head"]["record_version"] == 3
        assert whole["head"]["stage"] == "hot_prospect"
    await world.unlink(one.party_ref, two.party_ref)
    await world.settle()
    assert (await headquarters.record(one.party_ref))["head"]["party_refs"] == [one.party_ref]


async def test_own_references_linked_through_a_foreign_one_stay_apart(
    world: Any, life: Any, caller: Any, headquarters: Any
) -> None:
    """A link through another dealer's reference would tell that the other dealer knows the person."""
    one, two = life().captured(), life().captured()
    foreign = life(dealer="dealer-sh-02").captured()
    await world.live(one, two, foreign)
    await world.link(one.party_ref, foreign.party_ref)
    await world.link(foreign.party_ref, two.party_ref)
    await world.settle()
    mine = await caller("dealer-sh-01").record(one.party_ref)
    assert mine["head"]["party_refs"] == [one.party_ref]
    assert len((await headquarters.record(one.party_ref))["head"]["party_refs"]) == 3
    await world.link(one.party_ref, two.party_ref)
    await world.settle()
    mine = await caller("dealer-sh-01").record(two.party_ref)
    assert mine["head"]["party_refs"] == sorted((one.party_ref, two.party_ref))


async def test_timeline_pages_filters_and_orders_by_what_happened_when(world: Any, life: Any, dealer: Any) -> None:
    late = life().captured()
    late.scheduled(late.now + timedelta(days=1))
    late.now += timedelta(days=2)
    late.qualified("hot").missed(late.events[1].time + timedelta(days=1))  # recorded last, happened before
    await world.live(late)
    ref = late.party_ref
    whole = await dealer.timeline(ref)
    shown.TimelinePage.model_validate(
        {"items": whole, "next_cursor": None, "has_more": False,
         "pageInfo": {"hasNextPage": False, "nextPageCursor": None}}
    )  # fmt: skip
    assert [entry["version"] for entry in whole] == [1, 2, 4, 3]
    assert whole[0]["summary"] == "Purchase intent captured from web_form for volkswagen-lavida"
    assert await dealer.timeline(ref, limit=1) == whole
    assert await dealer.timeline(ref, type="roadbook.lead.lead_qualified.v1") == [whole[3]]
    assert await dealer.timeline(ref, stream="lead/nothing-of-mine") == []
    assert await dealer.timeline(ref, to=whole[2]["occurred_at"]) == whole[:2]
    assert await dealer.timeline(ref, **{"from": whole[2]["occurred_at"]}) == whole[2:]
    page = await dealer.get(f"/v1/customers/{ref}/timeline", limit=1)
    other_query = await dealer.get(
        f"/v1/customers/{ref}/timeline", limit=1, cursor=page.json()["next_cursor"], stream=late.stream
    )
    assert other_query.status_code == 400
    assert other_query.json()["code"] == "cursor_invalid"


async def test_search_finds_by_every_key_in_any_writing(world: Any, life: Any, dealer: Any) -> None:
    one = life().captured(vehicles=[{"interest": "sell", "vin": VIN}])
    await world.say(one, "name", "Ｌi  Wei")
    await world.say(one, "phone/1", {"raw": "138-1234 5678", "e164": "+8613812345678"})
    await world.say(one, "phone/2", {"raw": "call 61 23 45", "e164": None})
    await world.say(one, "email/1", {"raw": "Li@Example.com", "address": "Li@example.com", "key": "li@example.com"})
    await world.say(one, "family_name", "Li")
    await world.say(one, "given_name", "Wei")
    await world.live(one)
    me = [one.party_ref]
    for phone in ("+86 138 1234 5678", "13812345678", "６１２３４５"):
        assert await dealer.found(phone=phone) == me
    assert await dealer.found(email="LI@example.COM") == me
    for name in ("liwei", "LI W", "l", "wei li"):
        assert await dealer.found(name=name) == me
    assert await dealer.found(vin="lsv aa49j1 32047371") == me
    assert await dealer.found(name="wang") == []
    page = (await dealer.search({"name": "li"})).json()
    shown.FoundPage.model_validate(page)
    assert page["items"][0]["names"] == ["Ｌi  Wei"]
    assert page["items"][0]["stage"] == "prospect"


async def test_search_refuses_what_is_no_key(dealer: Any) -> None:
    for body in ({}, {"phone": "12345678", "vin": VIN}, {"vin": "not a vin"}, {"email": "nobody"}, {"name": " "}):
        answer = await dealer.search(body)
        assert answer.status_code == 422, body
        assert "not a vin" not in answer.text


async def test_search_pages_by_customer(world: Any, life: Any, dealer: Any) -> None:
    lives = [life().captured() for _ in range(5)]
    for number, one in enumerate(lives):
        await world.say(one, "name", f"王{number}")
    await world.live(*lives)
    first = (await dealer.search({"name": "王"}, limit=2)).json()
    second = (await dealer.search({"name": "王"}, limit=2, cursor=first["next_cursor"])).json()
    third = (await dealer.search({"name": "王"}, limit=2, cursor=second["next_cursor"])).json()
    found = [item["customer_id"] for page in (first, second, third) for item in page["items"]]
    assert found == sorted(one.party_ref for one in lives)
    assert third["has_more"] is False
    wrong = await dealer.search({"name": "李"}, limit=2, cursor=first["next_cursor"])
    assert wrong.json()["code"] == "cursor_invalid"


async def test_search_never_finds_another_dealers_customer(
    world: Any, life: Any, caller: Any, headquarters: Any
) -> None:
    """The same phone at two dealers, linked or not: each finds its own reference, and nothing else of the answer
    differs from a world in which the other is not."""
    one, two = life(dealer="dealer-sh-01").captured(), life(dealer="dealer-sh-02").captured()
    for each in (one, two):
        await world.say(each, "phone/1", {"raw": "13812345678", "e164": "+8613812345678"})
    await world.say(two, "name", "Secret Name")
    await world.live(one, two)
    before = (await caller("dealer-sh-01").search({"phone": "13812345678"})).json()
    await world.link(one.party_ref, two.party_ref)
    await world.settle()
    after = (await caller("dealer-sh-01").search({"phone": "13812345678"})).json()
    assert before == after
    assert [item["customer_id"] for item in after["items"]] == [one.party_ref]
    assert await caller("dealer-sh-01").found(name="secret") == []
    assert await caller("dealer-sh-02").found(phone="13812345678") == [two.party_ref]
    assert await caller("dealer-sh-03").found(phone="13812345678") == []
    assert await headquarters.found(phone="13812345678") == [min(one.party_ref, two.party_ref)]
    item = (await headquarters.search({"name": "secretname"})).json()["items"][0]
    assert item["party_refs"] == sorted((one.party_ref, two.party_ref))


async def test_one_reference_at_two_dealers_shows_each_its_own_streams_and_values(
    world: Any, life: Any, caller: Any, headquarters: Any
) -> None:
    """As after the hand-over of one of two leads: even the reference is the same."""
    mine = life().captured()
    theirs = life(dealer="dealer-sh-02", party_ref=mine.party_ref).captured().qualified("hot")
    for each, name in ((mine, "Li Wei"), (theirs, "Li Secret")):
        await world.say(each, "name", name)
    await world.live(mine, theirs)
    item = (await caller().search({"name": "liwei"})).json()["items"][0]
    assert (item["names"], item["stage"], item["open_leads"]) == (["Li Wei"], "prospect", 1)
    assert await caller().found(name="lisecret") == []
    record = await caller().record(mine.party_ref)
    assert [leaf["value"] for leaf in record["identity"]["names"]] == ["Li Wei"]
    assert record["head"]["record_version"] == 1
    assert len(await caller().timeline(mine.party_ref)) == 1
    assert len((await headquarters.record(mine.party_ref))["identity"]["names"]) == 2


async def test_search_forgets_a_value_and_a_lost_stream(world: Any, life: Any, caller: Any) -> None:
    one = life().captured()
    await world.say(one, "name", "Li Wei")
    await world.live(one)
    assert await caller().found(name="li") == [one.party_ref]
    await world.say(one, "name", None)
    await world.settle()
    assert await caller().found(name="li") == []
    await world.say(one, "name", "Li Wei")
    one.dealer = "dealer-sh-02"
    await world.publish(one.qualified("hot").last)
    await world.settle()
    assert await caller().found(name="li") == []
    assert await caller("dealer-sh-02").found(name="li") == [one.party_ref]


# ── Read your writes ──────────────────────────────────────────────────────────────────────────────────────────
async def test_min_waits_for_facts_and_personal_data(world: Any, zhang: Any, dealer: Any) -> None:
    async with world.composing():
        await world.publish(*zhang.events)
        named = await world.say(zhang, "name", "张伟")
        token = encode(Position(((zhang.stream, 3),), (named,)))
        record = await dealer.record(zhang.party_ref, min=token)
        assert record["identity"]["names"][0]["value"] == "张伟"
        assert record["head"]["record_version"] == 3


async def test_min_on_search_waits_for_the_composer(world: Any, zhang: Any, dealer: Any) -> None:
    async with world.composing():
        await world.publish(*zhang.events)
        named = await world.say(zhang, "name", "张伟")
        token = encode(Position(((zhang.stream, 3),), (named,)))
        answer = await dealer.search({"name": "张"}, min=token)
        assert [item["customer_id"] for item in answer.json()["items"]] == [zhang.party_ref]


async def test_min_on_search_does_not_take_the_tables_for_the_composer(world: Any, zhang: Any, dealer: Any) -> None:
    """Consumed but not composed: the record may be read, the search must wait."""
    world.start()
    await world.publish(*zhang.events)
    assert (await dealer.get(f"/v1/customers/{zhang.party_ref}", min=zhang.token)).status_code == 200
    answer = await dealer.search({"name": "张"}, min=zhang.token)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_yet_visible")
    while await world.composer.round():
        pass
    assert (await dealer.search({"name": "张"}, min=zhang.token)).status_code == 200


async def test_min_that_never_comes_is_a_503_with_retry_after(world: Any, zhang: Any, dealer: Any) -> None:
    await world.live(zhang)
    token = encode(Position(((zhang.stream, 99),)))
    for path in (f"/v1/customers/{zhang.party_ref}", f"/v1/customers/{zhang.party_ref}/timeline"):
        answer = await dealer.get(path, min=token)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["code"] == "not_yet_visible"
    broken = await dealer.get(f"/v1/customers/{zhang.party_ref}", min="!")
    assert broken.json()["code"] == "position_invalid"


async def test_t8_who_waits_keeps_nobody_out_whose_answer_is_there(
    app: Any, world: Any, zhang: Any, dealer: Any
) -> None:
    await world.live(zhang)
    app.state.admission.limit = 2
    path, later = f"/v1/customers/{zhang.party_ref}", encode(Position(((zhang.stream, 99),)))
    waiting = [asyncio.create_task(dealer.get(path, min=later)) for _ in range(5)]
    while app.state.admission.waiting_aside < 5:
        await asyncio.sleep(0)
    assert (await dealer.get(path)).status_code == 200
    assert {answer.json()["code"] for answer in await asyncio.gather(*waiting)} == {"not_yet_visible"}
    assert (len(app.state.admission.working), app.state.admission.waiting_aside) == (0, 0)


async def test_min_does_not_tell_how_far_another_dealers_stream_is(world: Any, life: Any, caller: Any) -> None:
    """Else a dealer could count the events of a customer it lost, by asking for one version after the other."""
    mine, foreign = life().captured(), life(dealer="dealer-sh-02").captured()
    named = await world.say(foreign, "name", "Li Wei")
    await world.live(mine, foreign)
    path = f"/v1/customers/{mine.party_ref}"
    there = await caller().get(path, min=foreign.token)
    nowhere = await caller().get(path, min=encode(Position((("lead/none", 1),))))
    personal = await caller().get(path, min=encode(Position((), (named,))))
    assert there.status_code == nowhere.status_code == personal.status_code == 503
    assert without_request(there.json()) == without_request(nowhere.json()) == without_request(personal.json())


# ── The edge ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_access_is_refused_without_token_and_without_scope(
    http: Any, caller: Callable[..., Any], life: Any
) -> None:
    path = f"/v1/customers/{life().party_ref}"
    assert (await http.get(path)).status_code == 401
    assert (await caller(scopes=["lead:read"]).get(path)).status_code == 403


def test_every_route_is_in_the_document_with_its_scope(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert set(paths) == {
        "/v1/customers/{customer_id}", "/v1/customers/{customer_id}/timeline", "/v1/customers:search",
        "/v1/customers/{customer_id}/why", "/v1/vehicles/{vin}", "/v1/shared-reads",
    }  # fmt: skip
    for item in paths.values():
        for operation in item.values():
            assert operation["security"] == [{"oidc": ["record:read"]}]
