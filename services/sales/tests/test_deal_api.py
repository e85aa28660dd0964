"""A deal over HTTP, from the opportunity to the delivered vehicle, and every way in which it may fall through."""

from datetime import timedelta
from typing import Any

import pytest
from lead_api import ok, problem
from sales_api import (
    LAVIDA,
    OTHER_SELLER,
    PASSAT,
    PRICE,
    SELLER,
    TIGUAN,
    bought,
    document,
    id_of,
    names,
    opened,
    placed,
    quoted,
    settled,
    signed,
    state,
    vin,
)

from roadbook.clock import SimulatedClock

pytestmark = pytest.mark.usefixtures("documented")


# ── From the opportunity to the delivery ──────────────────────────────────────────────────────────────────────
async def test_a_deal_from_beginning_to_end(api: Any, timers: Any, clock: SimulatedClock) -> None:
    opportunity = await opened(api)
    quote = await quoted(api, opportunity)
    ok(await api.post(f"/v1/quotes/{quote}:accept"))
    contract = await signed(api, opportunity, quote=quote)
    await settled(timers)
    assert await state(api, f"/v1/opportunities/{opportunity}") == "won"
    deposit = {"receipt": "rc-1", "amount": 500_000, "currency": "CNY"}
    ok(await api.post(f"/v1/contracts/{contract}:receive-deposit", deposit))
    order = await placed(api, contract, promised="2026-02-01")
    clock.advance(timedelta(days=10))
    ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(1)}))
    ok(await api.post(f"/v1/orders/{order}:delay", {"promised": "2026-02-10", "reason": "transport"}))
    policy = {
        "partner": "picc",
        "kind": "comprehensive",
        "premium": 480_000,
        "currency": "CNY",
        "expires": "2027-02-09",
    }
    ok(await api.post(f"/v1/orders/{order}:arrange-insurance", policy))
    clock.advance(timedelta(days=20))
    ok(await api.post(f"/v1/orders/{order}:deliver", {"odometer_km": 12}))
    await settled(timers)

    found = ok(await api.get(f"/v1/orders/{order}"))
    assert (found["state"], found["vin"], found["delivered_by"], found["price"]) == ("delivered", vin(1), SELLER, PRICE)
    owners = ok(await api.get(f"/v1/vehicles/{vin(1)}"))["owners"]
    assert [(each["party_ref"], each["cause"], each["source"], each["until"]) for each in owners] == [
        (found["party_ref"], "delivery", f"order/{order}", None)
    ]
    assert owners[0]["since"] == found["delivered_at"]
    line = ok(await api.get(f"/v1/orders/{order}/timeline"))
    assert [step["step"] for step in line["steps"]] == [
        "contract_signed", "deposit_received", "order_placed", "vehicle_allocated", "order_delayed",
        "insurance_arranged", "vehicle_delivered",
    ]  # fmt: skip
    assert line["promised"] == "2026-02-10"
    assert all(SELLER not in str(step) for step in line["steps"])


async def test_each_tells_the_next_with_its_time_and_its_cause(api: Any, timers: Any, clock: SimulatedClock) -> None:
    """However late the timer comes."""
    opportunity = await opened(api)
    contract = await signed(api, opportunity)
    (signing,) = ok(await api.get(f"/v1/contracts/{contract}/events"))["items"]
    clock.advance(timedelta(hours=5))
    await settled(timers)
    won = ok(await api.get(f"/v1/opportunities/{opportunity}/events"))["items"][-1]
    assert (won["causation"], won["correlation"]) == (signing["id"], signing["correlation"])
    assert won["data"] == {"contract": f"contract/{contract}", "at": signing["data"]["at"], "lead": None}


async def test_a_command_said_again_says_nothing(api: Any) -> None:
    contract = await signed(api, await opened(api))
    order = await placed(api, contract)
    ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(2)}))
    assert ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(2)}))["events"] == []
    ok(await api.post(f"/v1/orders/{order}:cancel", {"reason": "price"}))
    assert ok(await api.post(f"/v1/orders/{order}:cancel", {"reason": "other"}))["events"] == []


# ── Quotes ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_quote_expires_by_its_timer_and_by_the_clock(api: Any, timers: Any, clock: SimulatedClock) -> None:
    opportunity = await opened(api)
    early, late = await quoted(api, opportunity), await quoted(api, opportunity, valid_until="2026-03-01T00:00:00Z")
    until = ok(await api.get(f"/v1/quotes/{early}"))["valid_until"]
    assert until == "2026-01-19T08:00:00Z"  # fourteen days, as the rules say
    clock.advance(timedelta(days=15))
    problem(await api.post(f"/v1/quotes/{early}:accept"), 409, "quote_expired")  # before the timer has come
    await settled(timers)
    expired = ok(await api.get(f"/v1/quotes/{early}/events"))["items"][-1]
    assert (expired["type"], expired["time"]) == ("roadbook.sales.quote_expired.v1", until)
    assert await state(api, f"/v1/quotes/{late}") == "issued"
    ok(await api.post(f"/v1/quotes/{late}:accept"))
    clock.advance(timedelta(days=60))
    await settled(timers)
    assert await state(api, f"/v1/quotes/{late}") == "accepted"


async def test_an_opportunity_has_one_accepted_quote(api: Any) -> None:
    opportunity = await opened(api)
    one, two = await quoted(api, opportunity), await quoted(api, opportunity)
    ok(await api.post(f"/v1/quotes/{one}:accept"))
    problem(await api.post(f"/v1/quotes/{two}:accept"), 409, "opportunity_has_quote")
    ok(await api.post(f"/v1/quotes/{one}:withdraw", {"reason": "other_model"}))
    ok(await api.post(f"/v1/quotes/{two}:accept"))


async def test_a_contract_stands_on_an_accepted_quote(api: Any) -> None:
    opportunity = await opened(api)
    quote = await quoted(api, opportunity)
    body = {
        "opportunity": opportunity, "quote": quote, "currency": "CNY", "document_hash": document("x"),
        "lines": [{"model": LAVIDA, "price": PRICE}],
    }  # fmt: skip
    problem(await api.post("/v1/contracts", body), 409, "quote_not_accepted")
    ok(await api.post(f"/v1/quotes/{quote}:accept"))
    contract = id_of(await api.post("/v1/contracts", body))
    problem(await api.post(f"/v1/quotes/{quote}:withdraw", {"reason": "price"}), 409, "quote_signed")
    ok(await api.post(f"/v1/contracts/{contract}:cancel", {"reason": "price"}))
    ok(await api.post(f"/v1/quotes/{quote}:withdraw", {"reason": "price"}))


# ── Contracts ─────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_version_of_the_document_stays(api: Any) -> None:
    contract = await signed(api, await opened(api))
    lines = [{"line": 1, "model": LAVIDA, "quantity": 2, "price": PRICE - 100}, {"model": TIGUAN, "price": 20_000_000}]
    amend = {"document_hash": document("two"), "lines": lines, "reason": "second_car"}
    ok(await api.post(f"/v1/contracts/{contract}:amend", amend))
    found = ok(await api.get(f"/v1/contracts/{contract}"))
    assert (found["document_version"], found["document_hash"]) == (2, document("two"))
    assert [(line["line"], line["quantity"]) for line in found["lines"]] == [(1, 2), (2, 1)]
    assert found["total"] == 2 * (PRICE - 100) + 20_000_000
    assert ok(await api.post(f"/v1/contracts/{contract}:amend", amend))["events"] == []
    lines[0]["quantity"] = 3
    problem(await api.post(f"/v1/contracts/{contract}:amend", amend), 409, "document_unchanged")
    assert await names(api, f"/v1/contracts/{contract}") == ["contract_signed", "contract_amended"]


async def test_a_line_takes_as_many_orders_as_it_has_vehicles(api: Any) -> None:
    contract = await signed(api, await opened(api), quantity=2)
    one, _ = await placed(api, contract), await placed(api, contract)
    problem(await api.post("/v1/orders", {"contract": contract, "line": 1}), 409, "contract_line_full")
    fewer = {
        "document_hash": document("b"), "lines": [{"line": 1, "model": LAVIDA, "quantity": 1, "price": PRICE}],
        "reason": "fewer",
    }  # fmt: skip
    problem(await api.post(f"/v1/contracts/{contract}:amend", fewer), 409, "contract_line_ordered")
    ok(await api.post(f"/v1/orders/{one}:cancel", {"reason": "price"}))
    ok(await api.post(f"/v1/contracts/{contract}:amend", fewer))
    response = await api.post("/v1/orders", {"contract": contract, "line": 7})
    assert problem(response, 422, "invalid_request")["errors"][0]["pointer"] == "/line"


async def test_deposits_and_finance(api: Any) -> None:
    contract = f"/v1/contracts/{await signed(api, await opened(api))}"
    deposit = {"receipt": "rc-1", "amount": 500_000, "currency": "CNY"}
    ok(await api.post(f"{contract}:receive-deposit", deposit))
    assert ok(await api.post(f"{contract}:receive-deposit", deposit))["events"] == []
    problem(await api.post(f"{contract}:receive-deposit", {**deposit, "amount": 1}), 409, "receipt_exists")
    problem(await api.post(f"{contract}:receive-deposit", {**deposit, "receipt": "rc-2", "currency": "EUR"}), 409,
            "currency_differs")  # fmt: skip
    apply = {"application": "fa-1", "provider": "bank_one", "amount": PRICE, "currency": "CNY"}
    problem(await api.post(f"{contract}:apply-for-finance", {**apply, "amount": PRICE + 1}), 409,
            "finance_exceeds_total")  # fmt: skip
    ok(await api.post(f"{contract}:apply-for-finance", apply))
    ok(await api.post(f"{contract}:decline-finance", {"application": "fa-1", "reason": "credit"}))
    problem(await api.post(f"{contract}:approve-finance", {"application": "fa-1"}), 409, "finance_decided")
    ok(await api.post(f"{contract}:apply-for-finance", {**apply, "application": "fa-2"}))
    ok(await api.post(f"{contract}:approve-finance", {"application": "fa-2"}))
    ok(await api.post(f"{contract}:cancel", {"reason": "finance_declined"}))
    problem(await api.post(f"{contract}:refund-deposit", {**deposit, "amount": 500_001}), 409, "refund_exceeds_deposit")
    ok(await api.post(f"{contract}:refund-deposit", deposit))  # of a cancelled contract too
    found = ok(await api.get(contract))
    assert [(each["application"], each["status"]) for each in found["finance"]] == [
        ("fa-1", "declined"), ("fa-2", "approved")
    ]  # fmt: skip
    assert found["deposits"][0]["refunded"] == 500_000


# ── Falling through ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("after", ["placed", "allocated", "delayed"])
async def test_an_order_is_cancelled_at_every_step(api: Any, timers: Any, after: str) -> None:
    opportunity = await opened(api)
    contract = await signed(api, opportunity)
    order = await placed(api, contract, promised="2026-02-01")
    if after != "placed":
        ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(3)}))
    if after == "delayed":
        ok(await api.post(f"/v1/orders/{order}:delay", {"promised": "2026-03-01", "reason": "production"}))
    await settled(timers)
    ok(await api.post(f"/v1/orders/{order}:cancel", {"reason": "customer_withdrew"}))
    said = ok(await api.get(f"/v1/orders/{order}/events"))["items"][-1]["data"]
    assert (said["after"], said["vin"]) == (after, None if after == "placed" else vin(3))
    await settled(timers)
    assert await names(api, f"/v1/opportunities/{opportunity}") == [
        "opportunity_opened", "opportunity_won", "opportunity_reopened"
    ]  # fmt: skip
    # The vehicle is free for another one, the line for another order, and the opportunity is won again by it.
    again = await placed(api, contract)
    ok(await api.post(f"/v1/orders/{again}:allocate", {"vin": vin(3)}))
    await settled(timers)
    assert await state(api, f"/v1/opportunities/{opportunity}") == "won"


async def test_one_of_several_orders_cancelled_reopens_nothing(api: Any, timers: Any) -> None:
    opportunity = await opened(api)
    contract = await signed(api, opportunity, quantity=2)
    one, two = await placed(api, contract), await placed(api, contract)
    await settled(timers)
    ok(await api.post(f"/v1/orders/{one}:cancel", {"reason": "price"}))
    await settled(timers)
    assert await state(api, f"/v1/opportunities/{opportunity}") == "won"
    ok(await api.post(f"/v1/orders/{two}:cancel", {"reason": "price"}))
    await settled(timers)
    assert await state(api, f"/v1/opportunities/{opportunity}") == "open"


async def test_a_cancelled_contract_takes_its_orders_along(api: Any, timers: Any) -> None:
    opportunity = await opened(api)
    contract = await signed(api, opportunity, quantity=2)
    one, two = await placed(api, contract), await placed(api, contract)
    ok(await api.post(f"/v1/orders/{one}:allocate", {"vin": vin(4)}))
    ok(await api.post(f"/v1/contracts/{contract}:cancel", {"reason": "finance_declined"}))
    problem(await api.post(f"/v1/orders/{one}:deliver", {}), 409, "contract_cancelled")  # before anything was told
    problem(await api.post("/v1/orders", {"contract": contract, "line": 1}), 409, "contract_cancelled")
    await settled(timers)
    for order in (one, two):
        found = ok(await api.get(f"/v1/orders/{order}"))
        assert (found["state"], found["reason"]) == ("cancelled", "contract_cancelled")
    assert await state(api, f"/v1/opportunities/{opportunity}") == "open"
    other = await placed(api, await signed(api, opportunity, document_hash=document("another")))
    ok(await api.post(f"/v1/orders/{other}:allocate", {"vin": vin(4)}))


async def test_what_was_delivered_is_not_cancelled(api: Any) -> None:
    contract = await signed(api, await opened(api), quantity=2)
    order = await placed(api, contract)
    problem(await api.post(f"/v1/orders/{order}:deliver", {}), 409, "order_without_vehicle")
    ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(5)}))
    ok(await api.post(f"/v1/orders/{order}:deliver", {}))
    problem(await api.post(f"/v1/orders/{order}:cancel", {"reason": "price"}), 409, "order_closed")
    problem(await api.post(f"/v1/contracts/{contract}:cancel", {"reason": "price"}), 409, "contract_delivered")
    assert ok(await api.post(f"/v1/orders/{order}:deliver", {}))["events"] == []


async def test_a_lost_opportunity(api: Any) -> None:
    path = f"/v1/opportunities/{await opened(api)}"
    ok(await api.post(f"{path}:assign", {"staff": OTHER_SELLER}))
    ok(await api.post(f"{path}:lose", {"reason": "finance", "competitor": "byd-qin"}))
    problem(await api.post(f"{path}:assign", {"staff": SELLER}), 409, "opportunity_closed")
    body = {"opportunity": path.rpartition("/")[2], "lines": [{"kind": "vehicle", "code": LAVIDA, "amount": 1}],
            "currency": "CNY"}  # fmt: skip
    problem(await api.post("/v1/quotes", body), 409, "opportunity_closed")
    ok(await api.post(f"{path}:reopen", {"reason": "came_back"}))
    found = ok(await api.get(path))
    assert (found["state"], found["staff"], found["reason"]) == ("open", OTHER_SELLER, None)


# ── Government and enterprise ─────────────────────────────────────────────────────────────────────────────────
async def test_a_government_buys_several_by_tender(api: Any, timers: Any) -> None:
    tender = {"owner_kind": "government_institution", "tender": "zfcg-2026-0117", "models": [PASSAT]}
    opportunity = await opened(api, **tender)
    lines = [{"model": PASSAT, "quantity": 3, "price": 18_000_000}, {"model": LAVIDA, "quantity": 2, "price": PRICE}]
    body = {"opportunity": opportunity, "lines": lines, "currency": "CNY", "document_hash": document("t"),
            "procurement": "tender"}  # fmt: skip
    problem(await api.post("/v1/contracts", body), 409, "tender_number")
    body["tender"] = "zfcg-2026-0117"
    contract = id_of(await api.post("/v1/contracts", body))
    orders = [await placed(api, contract) for _ in range(3)] + [await placed(api, contract, line=2) for _ in range(2)]
    for number, order in enumerate(orders, 10):
        ok(await api.post(f"/v1/orders/{order}:prioritise", {"reason": "government_purchase"}))
        ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(number)}))
        ok(await api.post(f"/v1/orders/{order}:deliver", {}))
    await settled(timers)
    delivered = ok(await api.get("/v1/orders", contract=contract, state="delivered"))["items"]
    assert [each["model"] for each in delivered].count(PASSAT) == 3
    assert ok(await api.get("/v1/contracts", tender="zfcg-2026-0117"))["items"][0]["total"] == 54_000_000 + 2 * PRICE


async def test_a_tender_needs_an_institution_and_eligible_models(api: Any) -> None:
    body = {"source": "tender_platform", "models": [TIGUAN], "tender": "zfcg-1"}
    problem(await api.post("/v1/opportunities", body), 409, "tender_without_institution")
    body["owner_kind"] = "government_institution"
    problem(await api.post("/v1/opportunities", body), 409, "model_not_eligible")
    opportunity = await opened(api, owner_kind="enterprise")
    contract = {
        "opportunity": opportunity, "lines": [{"model": TIGUAN, "quantity": 2, "price": 20_000_000}],
        "currency": "CNY", "document_hash": document("e"), "procurement": "tender", "tender": "zfcg-1",
    }  # fmt: skip
    problem(await api.post("/v1/contracts", contract), 409, "model_not_eligible")
    id_of(await api.post("/v1/contracts", {**contract, "procurement": "enterprise", "tender": None}))


# ── Priorities ────────────────────────────────────────────────────────────────────────────────────────────────
async def test_core_customers_come_first_and_it_is_known_why(api: Any, clock: SimulatedClock) -> None:
    orders = []
    for _ in range(3):
        orders.append(await placed(api, await signed(api, await opened(api))))
        clock.advance(timedelta(minutes=1))
    problem(await api.post(f"/v1/orders/{orders[2]}:prioritise", {"reason": "friend"}), 409, "priority_reason_unknown")
    by = "staff-sh-01-manager"
    ok(await api.post(f"/v1/orders/{orders[2]}:prioritise", {"reason": "core_customer", "by": by}))
    queue = []
    page = ok(await api.get("/v1/allocation-queue", model=LAVIDA, limit=2))
    queue += page["items"]
    page = ok(await api.get("/v1/allocation-queue", model=LAVIDA, limit=2, cursor=page["next_cursor"]))
    queue += page["items"]
    assert [each["order"] for each in queue] == [orders[2], orders[0], orders[1]]
    told = ok(await api.get(f"/v1/orders/{orders[2]}/events"))["items"][-1]
    assert told["data"] | {"at": None} == {"priority": 100, "reason": "core_customer", "by": by, "at": None}
    assert told["actor"] == "staff-1"


# ── Vehicles ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_vehicle_outlives_its_owners(api: Any, hq: Any, timers: Any, clock: SimulatedClock) -> None:
    path = f"/v1/vehicles/{vin(20)}"
    order = await bought(api, 20)
    await settled(timers)
    first = ok(await api.get(f"/v1/orders/{order}"))["party_ref"]
    clock.advance(timedelta(days=700))
    sale = {"price": 6_800_000, "currency": "CNY"}
    problem(await api.post(f"{path}:sell-used", sale), 409, "vehicle_not_in_stock")
    ok(await api.post(f"{path}:record-transfer", {"party_ref": None}))
    clock.advance(timedelta(days=3))
    second = ok(await api.post(f"{path}:sell-used", {**sale, "staff": SELLER}))["party_ref"]
    clock.advance(timedelta(days=400))
    early = {"party_ref": None, "cause": "correction", "at": "2026-01-06T00:00:00Z", "dealer": "dealer-sh-01"}
    problem(await hq.post(f"{path}:record-transfer", early), 409, "ownership_not_later")
    owners = ok(await api.get(path))["owners"]
    assert [(each["party_ref"], each["cause"]) for each in owners] == [
        (first, "delivery"), (None, "private"), (second, "used_sale")
    ]  # fmt: skip
    assert [each["until"] for each in owners] == [*(each["since"] for each in owners[1:]), None]


async def test_a_vehicle_that_came_back_may_be_ordered_again(api: Any, timers: Any, clock: SimulatedClock) -> None:
    await bought(api, 21)
    await settled(timers)
    order = await placed(api, await signed(api, await opened(api)), condition="used")
    problem(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(21)}), 409, "vehicle_taken")
    clock.advance(timedelta(days=100))
    ok(await api.post(f"/v1/vehicles/{vin(21)}:record-transfer", {"party_ref": None}))
    ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(21)}))
    clock.advance(timedelta(days=1))
    ok(await api.post(f"/v1/orders/{order}:deliver", {}))
    await settled(timers)
    assert [each["cause"] for each in ok(await api.get(f"/v1/vehicles/{vin(21)}"))["owners"]] == [
        "delivery", "private", "delivery"
    ]  # fmt: skip
