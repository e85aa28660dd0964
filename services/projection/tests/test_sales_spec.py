"""Sales and identity in the record: given these events, this is what it says, and which vehicle stands where."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deals import Deal, deal, owned

from projection import contract
from projection.domain import ownership, sharing
from projection.domain.components import Link
from projection.domain.record import Record, derive, values, why
from projection.domain.rules import RULES
from projection.domain.streams.stream import StreamState, evolve, initial
from roadbook.wire import rfc3339

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
VIN, OTHER = "LSVAA49J132047371", "LSVAA49J332047372"
SH1, SH2 = "dealer-sh-01", "dealer-sh-02"


def states(*lives: Any, refs: tuple[str, ...]) -> list[StreamState]:
    found = []
    for life in lives:
        state = initial(life.stream)
        for event in life.events:
            state = evolve(state, contract.read(event))
        slices = [ownership.slice_of(state, ref) for ref in refs] if state.vehicle else [state]
        found += [each for each in slices if each is not None]
    return found


def record(*lives: Any, at: datetime = NOW, dealer: str | None = None, links: tuple[Link, ...] = ()) -> Record:
    refs = tuple(sorted({life.party_ref for life in lives if not life.stream.startswith("vehicle/")}))
    return derive(sharing.seen(states(*lives, refs=refs), dealer, at), links, {}, RULES, at)[0]


def section(name: str, *lives: Any, **given: Any) -> Any:
    return values(record(*lives, **given).facts[name])


def stage(*lives: Any, **given: Any) -> Any:
    return section("head", *lives, **given)["stage"]


@pytest.fixture
def bought(life: Callable[..., Any]) -> Deal:
    return deal(life, life().party_ref, SH1, VIN)


# ── A purchase ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_purchase_shows_all_that_came_with_it(bought: Deal, life: Callable[..., Any]) -> None:
    ref = bought.order.party_ref
    extras = life(stream="accessorysale/1", party_ref=ref).add("accessory_sold", {
        "order": bought.order.stream, "items": [{"code": "rack", "quantity": 1, "amount": 9}], "currency": "CNY",
        "total": 9})  # fmt: skip
    given = life(stream="tradein/1", party_ref=ref).add("trade_in_appraised", {
        "vin": OTHER, "model": "volkswagen-polo", "amount": 5, "currency": "CNY",
        "valid_until": rfc3339(NOW + DAY)})  # fmt: skip
    given.add("trade_in_agreed", {"amount": 4, "currency": "CNY", "order": bought.order.stream})
    bought.order.add("insurance_arranged", {"partner": "p", "kind": "full", "premium": 7, "currency": "CNY",
                                            "expires": "2027-01-01"})  # fmt: skip
    made = record(*bought.streams, extras, given)
    (purchase,) = values(made.facts["purchases"])
    assert (purchase["price"], purchase["discount"], purchase["vin"]) == (12_500_000, -500_000, VIN)
    assert (purchase["state"], purchase["stage"]) == ("delivered", "owner_new")
    assert (purchase["trade_in"], purchase["repurchase"]) == (given.stream, False)
    assert [each["items"] for each in purchase["accessories"]] == [[{"code": "rack", "quantity": 1, "amount": 9}]]
    assert purchase["insurance"][0]["expires"] == "2027-01-01"
    assert values(made.facts["accessories"]) == []
    assert values(made.facts["trade_ins"])[0]["amount"] == 4
    reasons = why(made)
    assert reasons["/purchases/0/price"] == (bought.order.events[0].id,)
    assert reasons["/purchases/0/discount"] == (bought.quote.events[0].id, bought.contract.events[0].id)
    (car,) = values(made.facts["vehicles"])
    assert (car["vin"], car["model"], car["stage"]) == (VIN, "volkswagen-lavida", "owner_new")
    assert [held["stream"] for held in values(made.facts["responsibility"])["current"]] == [
        bought.opportunity.stream, bought.order.stream,
    ]  # fmt: skip


def test_an_offer_runs_out_by_time_alone(bought: Deal, life: Callable[..., Any]) -> None:
    bought.quote.events.pop()
    until = bought.quote.events[0].time + 9 * DAY
    (before,), (after,) = (section("quotes", bought.quote, at=until + offset) for offset in (-DAY, 0 * DAY))
    assert (before["state"], after["state"]) == ("issued", "expired")


def test_finance_and_deposits_of_a_contract(bought: Deal) -> None:
    signed = bought.contract
    signed.add("deposit_received", {"receipt": "r1", "amount": 5, "currency": "CNY"})
    signed.add("deposit_refunded", {"receipt": "r1", "amount": 5, "currency": "CNY"})
    signed.add("finance_applied", {"application": "a1", "provider": "p", "amount": 6, "currency": "CNY"})
    signed.add("finance_declined", {"application": "a1", "reason": "income"})
    signed.add("contract_amended", {"document_version": 2, "document_hash": "b" * 64, "total": 8, "lines": []})
    (shown,) = section("contracts", signed)
    assert shown["deposits"][0]["refunded_at"] is not None
    assert (shown["finance"][0]["state"], shown["finance"][0]["reason"]) == ("declined", "income")
    assert (shown["document_version"], shown["total"], shown["lines"]) == (2, 8, [])


# ── Stages ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_headline_goes_through_a_life(bought: Deal, life: Callable[..., Any]) -> None:
    ref = bought.order.party_ref
    lead = life(party_ref=ref).captured().qualified("hot")
    assert stage(lead) == "hot_prospect"
    assert stage(lead, bought.contract) == "in_purchase"
    lead.converted()
    assert stage(lead, *bought.streams) == "owner_new"
    delivered = bought.order.last.time
    made = section("head", lead, *bought.streams, at=delivered + 90 * DAY)
    assert (made["stage"], made["stage_since"]) == ("owner_active", rfc3339(delivered + 90 * DAY))
    again = life(party_ref=ref, now=NOW + 200 * DAY).captured()
    later = NOW + 300 * DAY
    assert stage(lead, again, *bought.streams, at=later) == "repurchase_intent"
    second = deal(life, ref, SH1, OTHER, now=NOW + 210 * DAY)
    assert stage(lead, again, *bought.streams, *second.streams, at=later) == "repeat_owner"
    purchases = section("purchases", *bought.streams, *second.streams, at=later)
    assert [each["repurchase"] for each in purchases] == [False, True]


def test_a_lead_that_was_open_before_the_delivery_is_no_wish_to_buy_again(
    bought: Deal, life: Callable[..., Any]
) -> None:
    delivered = bought.order.last.time
    elsewhere = life(party_ref=bought.order.party_ref, dealer=SH2).captured()
    assert stage(elsewhere, *bought.streams, at=delivered + DAY) == "owner_new"
    elsewhere.lost()
    assert stage(elsewhere, *bought.streams, at=delivered + DAY) == "owner_new"


def test_time_makes_a_new_owner_one_like_the_others_and_the_composer_is_told_when(bought: Deal) -> None:
    every = states(*bought.streams, refs=(bought.order.party_ref,))
    assert derive(every, (), {}, RULES, NOW)[1] == bought.order.last.time + 90 * DAY


def test_a_cancelled_order_leaves_a_prospect(bought: Deal) -> None:
    bought.order.events.pop()
    bought.order.add("order_cancelled", {"reason": "changed_mind", "after": "allocated", "vin": VIN})
    bought.contract.add("contract_cancelled", {"reason": "changed_mind"})
    bought.opportunity.add("opportunity_lost", {"reason": "changed_mind", "lead": None})
    lives = (bought.order, bought.contract, bought.opportunity)
    assert stage(*lives) == "prospect"
    (purchase,) = section("purchases", *lives)
    assert (purchase["stage"], purchase["cancelled"]["after"], purchase["vin"]) == ("cancelled", "allocated", VIN)


# ── Vehicles ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_vehicle_that_was_given_away_is_a_former_one(bought: Deal) -> None:
    owned(bought.vehicle, None, SH1, "trade_in")
    (car,) = section("vehicles", *bought.streams)
    assert (car["stage"], car["intervals"][0]["ended_by"]) == ("former", "trade_in")
    assert section("purchases", *bought.streams)[0]["stage"] == "former"


def test_a_dealer_sees_the_end_of_an_interval_only_when_it_made_it(bought: Deal) -> None:
    owned(bought.vehicle, None, SH2, "trade_in")
    mine = section("vehicles", *bought.streams, dealer=SH1)
    assert (mine[0]["stage"], mine[0]["intervals"][0]["until"]) == ("owner_new", None)
    alone = states(bought.vehicle, refs=(bought.order.party_ref,))
    assert sharing.seen(alone, SH2, NOW) == []


def test_a_used_car_makes_an_owner_and_says_its_price(life: Callable[..., Any]) -> None:
    car, lead = life(stream=f"vehicle/{VIN}"), life().captured()
    owned(car, None, SH1, "correction")
    car.party_ref = lead.party_ref
    car.add(
        "used_vehicle_sold", {"vin": VIN, "party_ref": lead.party_ref, "dealer": SH1, "price": 5, "currency": "CNY"}
    )
    owned(car, lead.party_ref, SH1, "used_sale")
    made = record(lead, car)
    assert values(made.facts["vehicles"])[0]["intervals"][0]["price"] == 5
    assert values(made.facts["head"])["stage"] == "owner_new"  # its lead was open before: no wish to buy another
    assert made.version == 1 + 2  # the capture; the sale and its transfer, not what was before


# ── Identity ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_consent_is_one_whoever_was_told(life: Callable[..., Any]) -> None:
    lead = life().captured(consents=[{"purpose": "m", "channel": "sms", "granted": True, "wording": "w1"}])
    said = life(stream=f"consent/{lead.party_ref}", party_ref=lead.party_ref, now=lead.now)
    said.add("consent_granted", {"purpose": "m", "channel": "sms", "wording": "w1"}, at=lead.last.time)
    (shown,) = section("consent", lead, said)
    assert (shown["state"], shown["since"], shown["wording"]) == ("granted", rfc3339(lead.last.time), "w1")
    said.add("consent_withdrawn", {"purpose": "m", "channel": "sms", "reason": "withdrawn"})
    said.add("processing_restricted", {"reason": "disputed"})
    (shown,) = section("consent", lead, said)
    assert (shown["state"], shown["since"], shown["wording"]) == ("withdrawn", rfc3339(said.events[1].time), "w1")
    assert section("restrictions", lead, said)[0]["lifted_at"] is None


def test_a_contact_point_says_how_far_it_can_be_relied_on(life: Callable[..., Any]) -> None:
    lead = life().captured()
    party = life(stream=f"partyref/{lead.party_ref}", party_ref=lead.party_ref)
    party.add("party_ref_registered", {"kind": "person", "source": "lead"})
    for key, stream in (("phone/1", lead.stream), ("phone/2", "lead/elsewhere")):
        party.add("contact_point_added", {"key": key, "kind": "mobile", "origin": f"{stream}/phone/1"})
    party.add("contact_point_verified", {"key": "phone/1", "method": "sms_code"})
    party.add("owner_kind_declared", {"owner_kind": "private", "basis": "declared"})
    party.add("relationship_declared", {"kind": "household", "other": "ref-9"})
    party.add("profile_recorded", {"fields": [{"name": "hobby", "purpose": "service", "refused": True}]})
    own, foreign = section("verification", lead, party)
    assert (own["state"], own["origin"]) == ("verified", f"{lead.stream}/phone/1")
    assert (foreign["state"], foreign["origin"]) == ("unverified", None)  # not even where it lies
    assert section("owner_kind", lead, party)["owner_kind"] == "private"
    assert section("relationships", lead, party)[0]["other"] == "ref-9"
    assert section("profile", lead, party)["recorded"][0]["refused"] is True
    party.add("contact_point_corrected", {"key": "phone/1", "kind": "mobile"})
    assert section("verification", lead, party)[0]["state"] == "unverified"


def test_a_merged_reference_names_the_links_that_joined_it(life: Callable[..., Any]) -> None:
    one, two, three = sorted((life().captured() for _ in range(3)), key=lambda each: each.party_ref)
    links = (Link(one.party_ref, two.party_ref, "e1"), Link(two.party_ref, three.party_ref, "e2"))
    made = record(one, two, three, links=links)
    assert values(made.facts["head"])["merged_from"] == [two.party_ref, three.party_ref]
    assert why(made)["/head/merged_from/1"] == ("e1", "e2")
