"""Leads and sales tell identity: references, contact points, consents, holders and cars; once, and in any order."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from lead_api import ok

from identity.contract import others

MARKETING = {"purpose": "marketing", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}
SMS = {"purpose": "marketing", "channel": "sms", "granted": False, "wording": "privacy-2026-01", "brand": None}


async def test_a_captured_lead_registers_its_reference_with_points_and_consents(world: Any, api: Any) -> None:
    ref, stream = await world.lead(phone="13812345678", email="a@example.com", consents=[MARKETING, SMS])
    read = ok(await api.get(f"/v1/party-refs/{ref}"))
    assert (read["dealer"], read["source"], read["kind"]) == ("dealer-sh-01", "web_form", "person")
    points = [(each["key"], each["origin"], each["source"]) for each in read["contact_points"]]
    assert points == [("phone/1", f"{stream}/phone/1", "web_form"), ("email/1", f"{stream}/email/1", "web_form")]
    consents = ok(await api.get(f"/v1/party-refs/{ref}/consents"))["consents"]
    assert [(each["channel"], each["granted"], each["reason"]) for each in consents] == [
        ("phone", True, None),
        ("sms", False, "refused"),
    ]
    row = await world.pool.fetchrow(
        "SELECT causation, dealer, party_ref FROM events WHERE stream = $1", f"consent/{ref}"
    )
    assert consents[0]["proof"] == row["causation"]
    assert (row["dealer"], row["party_ref"]) == ("dealer-sh-01", ref)


async def test_the_same_event_twice_and_a_second_lead_change_nothing_that_is_known(world: Any, api: Any) -> None:
    ref = str(uuid.uuid4())
    point = {"key": "phone/1", "kind": "mobile", "valid": True, "linkable": True, "preferred": True}
    data = {"party_ref": ref, "source": "visit", "contact_points": [point], "consents": [MARKETING]}
    first = world.event("lead/1", others.CAPTURED, data, "dealer-sh-01", ref)
    await world.react(first, first)
    version = ok(await api.get(f"/v1/party-refs/{ref}"))["version"]
    second = world.event("lead/2", others.CAPTURED, data, "dealer-sh-01", ref)
    await world.react(second, first, second)
    read = ok(await api.get(f"/v1/party-refs/{ref}"))
    assert read["version"] == version + 1
    assert [each["origin"] for each in read["contact_points"]] == ["lead/1/phone/1", "lead/2/phone/1"]


async def test_an_enriched_lead_adds_points_and_takes_them_off(world: Any, api: Any) -> None:
    ref, stream = await world.lead(phone="13812345678")
    point = {"key": "phone/2", "kind": "mobile", "valid": True, "linkable": True, "preferred": False}
    more = {"contact_points": [point], "removed_contact_points": ["phone/1"], "consents": [MARKETING]}
    await world.react(world.event(stream, others.ENRICHED, more, "dealer-sh-01", ref))
    points = ok(await api.get(f"/v1/party-refs/{ref}"))["contact_points"]
    assert [(each["key"], each["retired_at"] is None) for each in points] == [("phone/1", False), ("phone/2", True)]
    assert len(ok(await api.get(f"/v1/party-refs/{ref}/consents"))["consents"]) == 1


async def test_the_reference_follows_the_lead_that_changed_hands(world: Any, api: Any, caller: Any) -> None:
    ref, stream = await world.lead()
    world.clock.advance(timedelta(hours=1))
    routed = world.event(stream, "roadbook.lead.lead_routed.v1", {}, "dealer-sh-02", ref)
    await world.react(routed)
    assert (await api.get(f"/v1/party-refs/{ref}")).status_code == 404
    assert ok(await caller("dealer-sh-02").get(f"/v1/party-refs/{ref}"))["dealer"] == "dealer-sh-02"
    await world.react(world.event(stream, "roadbook.lead.lead_declined.v1", {}, None, ref))
    assert (await caller("dealer-sh-02").get(f"/v1/party-refs/{ref}")).status_code == 404
    assert await world.types(f"partyref/{ref}") == ["party_ref_registered", "party_ref_moved", "party_ref_moved"]


@pytest.mark.parametrize("order", range(6))
async def test_the_holder_is_the_same_in_whatever_order_leads_tell(world: Any, hq: Any, order: int) -> None:
    """Three leads on one reference, each with two events in order: every interleaving ends with one holder."""
    ref, start = str(uuid.uuid4()), world.clock.now()
    captured = {"party_ref": ref, "source": "visit"}
    lanes = []
    for number, dealer in enumerate(("dealer-sh-02", "dealer-sh-03", "dealer-sh-04")):
        stream, at = f"lead/{number}", start + timedelta(minutes=number)
        later = start + timedelta(hours=(5, 9, 7)[number])
        lanes.append(
            [
                world.event(stream, others.CAPTURED, captured, "dealer-sh-01", ref, at),
                world.event(stream, "roadbook.lead.lead_routed.v1", {}, dealer, ref, later),
            ]
        )
    lanes = list(itertools.permutations(lanes))[order]
    events = (
        [event for lane in lanes for event in lane]
        if order % 2
        else [e for pair in zip(*lanes, strict=True) for e in pair]
    )
    await world.react(*events)
    assert ok(await hq.get(f"/v1/party-refs/{ref}"))["dealer"] == "dealer-sh-03"


async def test_a_point_of_another_dealers_lead_is_not_shown(world: Any, caller: Any, hq: Any) -> None:
    ref, _ = await world.lead(phone="13812345678")
    _, second = await world.lead(ref, email="a@example.com")
    world.clock.advance(timedelta(hours=1))
    await world.react(world.event(second, "roadbook.lead.lead_routed.v1", {}, "dealer-sh-02", ref))
    read = ok(await caller("dealer-sh-02").get(f"/v1/party-refs/{ref}"))
    assert [each["key"] for each in read["contact_points"]] == ["email/1"]
    assert [each["field"] for each in read["fields"]] == ["email"]
    assert len(ok(await hq.get(f"/v1/party-refs/{ref}"))["contact_points"]) == 2


async def test_who_owns_a_car_is_found_by_it(world: Any, hq: Any) -> None:
    vin = "LSVAA49J132047371"
    a, _ = await world.lead(name="张伟")
    b, _ = await world.lead(name="Zhang Wei")
    sold = world.event(f"vehicle/{vin}", others.TRANSFERRED, {"vin": vin, "party_ref": a}, "dealer-sh-01", a)
    gone = world.event(f"vehicle/{vin}", others.TRANSFERRED, {"vin": vin, "party_ref": None}, "dealer-sh-01", None)
    car = {"interest": "trade-in", "vin": vin}
    traded = {"party_ref": b, "source": "visit", "vehicles": [car, {"interest": "buy", "vin": "LSVAA49J6T2900010"}]}
    await world.react(sold, gone, world.event("lead/x", others.CAPTURED, traded, "dealer-sh-02", b))
    await world.match()
    (found,) = ok(await hq.get(f"/v1/party-refs/{a}/links"))["links"]
    assert {each["rule"] for each in found["evidence"]} == {"vin_and_name"}


async def test_two_writings_of_a_name_are_no_conflict_and_two_names_are(world: Any, api: Any) -> None:
    ref, _ = await world.lead(name="张伟")
    await world.lead(ref, name="Zhang Wei")
    fields = {each["field"]: each for each in ok(await api.get(f"/v1/party-refs/{ref}"))["fields"]}
    assert (fields["name"]["values"], fields["name"]["conflict"]) == (2, False)
    await world.lead(ref, name="李娜", birth_date="1985-04-03")
    fields = {each["field"]: each for each in ok(await api.get(f"/v1/party-refs/{ref}"))["fields"]}
    assert (fields["name"]["conflict"], fields["birth_date"]["conflict"]) == (True, False)


async def test_all_that_a_lead_says_of_a_reference_is_one_write(world: Any, pool: Any) -> None:
    """And a point that the same lead took off again is retired, whatever stood in between."""
    ref, stream = str(uuid.uuid4()), "lead/many"
    points = [
        {"key": key, "kind": "mobile", "valid": True, "linkable": True, "preferred": False}
        for key in ("phone/1", "phone/2", "note/1")
    ]
    said = [
        {"purpose": "marketing", "channel": channel, "brand": "volkswagen", "granted": granted, "wording": "w-1"}
        for channel, granted in (("phone", True), ("email", False))
    ]
    captured = {"party_ref": ref, "source": "visit", "contact_points": points, "consents": said}
    await world.react(world.event(stream, others.CAPTURED, captured, "dealer-sh-01", ref))
    removed = {"removed_contact_points": ["phone/1", "phone/9"]}
    await world.react(world.event(stream, others.ENRICHED, removed, "dealer-sh-02", ref))
    rows = await pool.fetch("SELECT stream, array_agg(version) AS v FROM events GROUP BY stream, xmin ORDER BY 1, 2")
    assert [(row["stream"].partition("/")[0], row["v"]) for row in rows] == [
        ("consent", [1, 2]),
        ("partyref", [1, 2, 3]),
        ("partyref", [4, 5]),
    ]
    assert (await world.types(f"partyref/{ref}"))[3:] == ["party_ref_moved", "contact_point_retired"]
