"""Accessory sales over HTTP on a real Postgres."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lead_api import ok, pages, problem, same
from sales_deals import SELLER, VIN, delivered, placed

from roadbook.clock import SimulatedClock
from sales.service import Service

pytestmark = pytest.mark.usefixtures("documented")
BODY: dict[str, Any] = {
    "items": [{"code": "tow_bar", "amount": 180_000}, {"code": "floor_mats", "quantity": 2, "amount": 59_900}],
    "currency": "CNY",
    "staff": SELLER,
}


async def test_accessories_are_sold_and_come_back_whole(api: Any) -> None:
    sold = await api.post("/v1/accessory-sales", BODY, key="once")
    assert sold.status_code == 201
    again = await api.post("/v1/accessory-sales", BODY, key="once")
    assert again.content == sold.content
    path = sold.headers["location"]
    shown = ok(await api.get(path))
    assert (shown["state"], shown["total"], shown["order"], shown["vin"]) == ("sold", 239_900, None, None)
    assert shown["items"][1] == {"code": "floor_mats", "quantity": 2, "amount": 59_900}
    problem(await api.post(f"{path}:return", {"reason": "wrong_size"}, match='"v7"'), 412, "precondition_failed")
    ok(await api.post(f"{path}:return", {"reason": "wrong_size"}, match='"v1"'))
    assert ok(await api.post(f"{path}:return", {"reason": "other"}))["events"] == []
    shown = ok(await api.get(path))
    assert (shown["state"], shown["reason"], shown["returned_at"]) == ("returned", "wrong_size", "2026-01-05T08:00:00Z")
    assert [each["type"].split(".")[2] for each in ok(await api.get(f"{path}/events"))["items"]] == [
        "accessory_sold",
        "accessory_returned",
    ]


async def test_with_an_order_party_and_vehicle_are_the_orders(
    api: Any, service: Service, clock: SimulatedClock
) -> None:
    order = await placed(service, clock.now())
    await delivered(service, order, clock.now())
    party = (await service.store.load(f"order/{order}")).events[0].labels.party_ref
    sold = ok(await api.post("/v1/accessory-sales", {**BODY, "order": order}))
    assert sold["party_ref"] == party
    (found,) = ok(await api.get("/v1/accessory-sales", order=order))["items"]
    assert (found["vin"], found["party_ref"], found["order_id"]) == (VIN, party, order)
    # Who is known by one sale is known for the next.
    ok(await api.post("/v1/accessory-sales", {**BODY, "party_ref": party}))


async def test_pages_show_every_sale_once(api: Any, clock: SimulatedClock) -> None:
    made = []
    for _ in range(5):
        made.append(ok(await api.post("/v1/accessory-sales", BODY))["accessory_sale"])
        clock.advance(timedelta(minutes=1))
    assert [each["accessory_sale"] for each in await pages(api, "/v1/accessory-sales", staff=SELLER)] == made[::-1]


async def test_another_dealers_sale_and_order_answer_like_ones_that_never_were(
    api: Any, caller: Callable[..., Any], service: Service, clock: SimulatedClock
) -> None:
    path = (await api.post("/v1/accessory-sales", BODY)).headers["location"]
    order = await placed(service, clock.now())
    other, never = caller("dealer-sh-02"), "0199a3c4-0000-7000-8000-000000000000"
    nothing = f"/v1/accessory-sales/{never}"
    for suffix in ("", "/events"):
        theirs = await other.get(path + suffix)
        assert same(theirs) == same(await other.get(nothing + suffix))
        assert theirs.status_code == 404
    returned = await other.post(f"{path}:return", {"reason": "wrong_size"})
    assert same(returned) == same(await other.post(f"{nothing}:return", {"reason": "wrong_size"}))
    body = {**BODY, "staff": "staff-sh-02-1"}
    answers = [await other.post("/v1/accessory-sales", {**body, "order": each}) for each in (order, never)]
    assert same(answers[0]) == same(answers[1])
    assert answers[0].status_code == 422
    assert ok(await other.get("/v1/accessory-sales"))["items"] == []
