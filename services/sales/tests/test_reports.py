"""Lists and figures: exact, by page, and each dealer's own."""

from datetime import timedelta
from typing import Any

import pytest
from lead_api import ok, pages, problem
from sales_api import OTHER_SELLER, PRICE, SELLER, bought, opened, placed, quoted, settled, signed, vin

from roadbook.clock import SimulatedClock

pytestmark = pytest.mark.usefixtures("documented")
JANUARY = {"from": "2026-01-01", "to": "2026-01-31"}


async def test_my_exact_sales(api: Any, hq: Any, clock: SimulatedClock) -> None:
    """Sale by sale, and the sums of exactly these; by the dealers' days."""
    orders = [await bought(api, number) for number in range(1, 4)]
    await bought(api, 4, staff=OTHER_SELLER)
    clock.advance(timedelta(hours=1))
    used = {"price": 5_000_000, "currency": "CNY", "staff": SELLER}
    ok(await api.post(f"/v1/vehicles/{vin(9)}:sell-used", used))
    found = ok(await api.get(f"/v1/staff/{SELLER}/sales", **JANUARY))
    assert {sale["order"] for sale in found["sales"]} == {*orders, None}
    assert found["totals"] == [{"currency": "CNY", "vehicles": 4, "amount": 3 * PRICE + 5_000_000}]
    assert sum(sale["price"] for sale in found["sales"]) == found["totals"][0]["amount"]
    assert ok(await hq.get(f"/v1/staff/{SELLER}/sales", **JANUARY)) == found
    empty = ok(await api.get(f"/v1/staff/{SELLER}/sales", **{"from": "2026-01-06", "to": "2026-01-31"}))
    assert (empty["sales"], empty["totals"]) == ([], [])
    problem(await api.get(f"/v1/staff/{SELLER}/sales", **{"from": "2026-02-01", "to": "2026-01-01"}), 422,
            "invalid_request")  # fmt: skip


async def test_my_customers(api: Any, clock: SimulatedClock) -> None:
    order = await bought(api, 1)
    party = ok(await api.get(f"/v1/orders/{order}"))["party_ref"]
    clock.advance(timedelta(days=1))
    await opened(api, party_ref=party)
    await opened(api)
    await opened(api, staff=OTHER_SELLER)
    mine = await pages(api, f"/v1/staff/{SELLER}/customers", limit=1)
    assert len(mine) == 2
    (bought_one,) = [each for each in mine if each["party_ref"] == party]
    assert (bought_one["opportunities"], bought_one["orders"], bought_one["delivered"]) == (2, 1, 1)
    assert bought_one["last_at"] == "2026-01-06T08:00:00Z"


async def test_what_is_sold_along(api: Any, timers: Any, clock: SimulatedClock) -> None:
    assert ok(await api.get("/v1/attach-rate", **JANUARY))["rates"]["insurance"] is None
    first = await bought(api, 1)
    party = ok(await api.get(f"/v1/orders/{first}"))["party_ref"]
    policy = {"partner": "picc", "kind": "all", "premium": 1, "currency": "CNY", "expires": "2026-12-31"}
    ok(await api.post(f"/v1/orders/{first}:arrange-insurance", policy))
    await settled(timers)
    clock.advance(timedelta(days=1))
    await bought(api, 2, party_ref=party)
    found = ok(await api.get("/v1/attach-rate", **JANUARY))
    assert found == {
        "delivered": 2, "insurance": 1, "accessories": 0, "trade_in": 0, "second_vehicle": 1,
        "rates": {"insurance": 500, "accessories": 0, "trade_in": 0, "second_vehicle": 500},
    }  # fmt: skip


async def test_insurances_that_end(api: Any, clock: SimulatedClock) -> None:
    for number, day in ((1, "2026-12-31"), (2, "2026-11-30"), (3, "2027-01-01")):
        order = await bought(api, number)
        policy = {"partner": "picc", "kind": "all", "premium": 1, "currency": "CNY", "expires": day}
        ok(await api.post(f"/v1/orders/{order}:arrange-insurance", policy))
    found = await pages(api, "/v1/insurance-expiries", limit=1, **{"from": "2026-11-01", "to": "2026-12-31"})
    assert [each["expires"] for each in found] == ["2026-11-30", "2026-12-31"]


async def test_lists_by_page_state_and_staff(api: Any, hq: Any, clock: SimulatedClock) -> None:
    contract = await signed(api, await opened(api), quantity=5)
    orders = []
    for _ in range(5):
        orders.append(await placed(api, contract))
        clock.advance(timedelta(minutes=1))
    ok(await api.post(f"/v1/orders/{orders[1]}:cancel", {"reason": "price"}))
    assert [each["order"] for each in await pages(api, "/v1/orders")] == orders[::-1]
    assert [each["order"] for each in await pages(hq, "/v1/orders", dealer="dealer-sh-01")] == orders[::-1]
    assert [each["order"] for each in await pages(api, "/v1/orders", state="cancelled")] == [orders[1]]
    assert await pages(api, "/v1/orders", staff=OTHER_SELLER) == []
    opportunity = await opened(api)
    quotes = [await quoted(api, opportunity) for _ in range(3)]
    listed = await pages(api, "/v1/quotes", opportunity=opportunity)
    assert {each["quote"] for each in listed} == set(quotes)
    assert len(await pages(api, "/v1/opportunities", state="open")) == 2
    assert len(await pages(api, "/v1/contracts", state="signed")) == 1


async def test_a_cursor_is_good_for_its_list_only(api: Any) -> None:
    contract = await signed(api, await opened(api), quantity=3)
    for _ in range(3):
        await placed(api, contract)
    cursor = ok(await api.get("/v1/orders", limit=1))["next_cursor"]
    problem(await api.get("/v1/orders", limit=1, state="placed", cursor=cursor), 400, "cursor_invalid")
    problem(await api.get("/v1/contracts", cursor=cursor), 400, "cursor_invalid")
