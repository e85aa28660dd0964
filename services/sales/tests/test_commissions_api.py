"""Commissions over a real Postgres: what follows from deliveries, sales, returns and cancellations; the receipts."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lead_api import ok, pages, problem, same
from sales_deals import (
    DEALER,
    MANAGER,
    PRICE,
    SELLER,
    cancelled,
    contract_cancelled,
    delivered,
    placed,
    signed,
)

from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.identifiers.vin import make_vin
from roadbook.timers import Timer, TimerWorker
from sales.service import Service, commissions
from sales.service.aggregates import apply_views
from sales.service.commands import run

pytestmark = pytest.mark.usefixtures("documented")
HOUR = timedelta(hours=1)
EARNED = 95_920  # 0.8 % of the price
OWN, MANAGERS = 81_532, 14_388
SALE: dict[str, Any] = {
    "items": [{"code": "tow_bar", "amount": 180_000}, {"code": "floor_mats", "quantity": 2, "amount": 59_900}],
    "currency": "CNY",
    "staff": SELLER,
}


async def statement(api: Any, staff: str = SELLER, period: str = "2026-01") -> dict[str, Any]:
    shown: dict[str, Any] = ok(await api.get(f"/v1/commissions/{staff}/statements/{period}"))
    receipted(shown)
    return shown


def receipted(shown: dict[str, Any]) -> None:
    """Add the receipts, get the figures."""
    for figures in shown["figures"]:
        own = [each for each in shown["entries"] if each["currency"] == figures["currency"]]
        assert sum(each["amount"] for each in own) == figures["net"]
        assert sum(each["amount"] for each in own if each["kind"] == "accrued") == figures["accrued"]
        assert sum(-each["amount"] for each in own if each["kind"] == "reversed") == figures["reversed"]
        assert sum(each["amount"] for each in own if each["settlement"]) == figures["settled"]
        assert figures["accrued"] - figures["reversed"] == figures["net"] == figures["settled"] + figures["open"]
    assert {each["currency"] for each in shown["entries"]} == {each["currency"] for each in shown["figures"]}
    receipts = [each["receipt"] for each in shown["entries"] + shown["settlements"]]
    assert len(set(receipts)) == len(receipts)


async def figures(pool: Pool) -> list[tuple[str, int, int, int]]:
    rows = await pool.fetch("SELECT staff, accrued, reversed, settled FROM commission_accounts ORDER BY staff")
    return [tuple(row) for row in rows]


async def drain(timers: TimerWorker) -> None:
    while await timers.step():
        pass


# ── What follows ──────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_delivery_earns_and_consultant_and_manager_share_it(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    order = await placed(service, clock.now())
    await drain(timers)
    problem(await api.get(f"/v1/commissions/{SELLER}/statements/2026-01"), 404, "not_found")
    clock.advance(HOUR)
    await delivered(service, order, clock.now())
    await drain(timers)
    mine, managers = await statement(api), await statement(api, MANAGER)
    (entry,) = mine["entries"]
    assert (entry["amount"], entry["share_bp"], entry["rule"], entry["rules"]) == (OWN, 8500, "new_vehicle", "2026-2")
    assert (entry["earned_by"], entry["dealer"], entry["at"]) == (f"order/{order}", DEALER, "2026-01-05T09:00:00Z")
    assert managers["entries"][0]["amount"] == MANAGERS
    assert OWN + MANAGERS == EARNED == PRICE * 80 // 10_000
    delivery = (await service.store.load(f"order/{order}")).events[-1]
    assert entry["cause"] == managers["entries"][0]["cause"] == delivery.id
    assert (mine["since"], mine["until"]) == ("2025-12-31T16:00:00Z", "2026-01-31T16:00:00Z")  # the dealers' month


async def test_who_handed_the_vehicle_over_earns_and_without_anybody_the_manager(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    one, two = await placed(service, clock.now()), await placed(service, clock.now(), staff=None)
    await delivered(service, one, clock.now(), staff="staff-sh-01-2")
    await delivered(service, two, clock.now(), vin=make_vin("LSVAA4", 7))
    await drain(timers)
    problem(await api.get(f"/v1/commissions/{SELLER}/statements/2026-01"), 404, "not_found")
    assert [each["amount"] for each in (await statement(api, "staff-sh-01-2"))["entries"]] == [OWN]
    assert sorted(each["amount"] for each in (await statement(api, MANAGER))["entries"]) == [MANAGERS, EARNED]


async def test_the_rule_of_a_model_comes_first_and_used_ones_have_their_own(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    phideon = await placed(service, clock.now(), model="volkswagen-phideon")
    used = await placed(service, clock.now(), condition="used")
    await delivered(service, phideon, clock.now())
    await delivered(service, used, clock.now(), vin=make_vin("LSVAA4", 8))
    await drain(timers)
    rules = {each["rule"]: each["amount"] for each in (await statement(api))["entries"]}
    assert rules == {"phideon": 115_104, "used_vehicle": 152_873}


async def test_accessories_earn_when_they_are_sold_and_give_back_when_they_return(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    sold = await api.post("/v1/accessory-sales", SALE)
    path = sold.headers["location"]
    await drain(timers)
    assert [(each["rule"], each["amount"]) for each in (await statement(api))["entries"]] == [("accessory", 11_995)]
    clock.advance(HOUR)
    ok(await api.post(f"{path}:return", {"reason": "wrong_size"}))
    await drain(timers)
    shown = await statement(api)
    assert [(each["kind"], each["amount"], each["reason"]) for each in shown["entries"]] == [
        ("accrued", 11_995, None),
        ("reversed", -11_995, "accessory_returned"),
    ]
    returned = (await service.store.load(f"accessorysale/{path.rpartition('/')[2]}")).events[-1]
    assert shown["entries"][1]["cause"] == returned.id
    assert shown["figures"][0]["net"] == 0


async def test_what_is_sold_and_returned_before_anybody_looks_says_both(api: Any, timers: TimerWorker) -> None:
    sold = await api.post("/v1/accessory-sales", SALE)
    ok(await api.post(f"{sold.headers['location']}:return", {"reason": "wrong_size"}))
    await drain(timers)
    assert sorted(each["amount"] for each in (await statement(api))["entries"]) == [-11_995, 11_995]


async def test_a_cancelled_order_earned_nothing(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    order = await placed(service, clock.now())
    await cancelled(service, order, clock.now())
    await drain(timers)
    problem(await api.get(f"/v1/commissions/{SELLER}/statements/2026-01"), 404, "not_found")


@pytest.mark.parametrize("order_of_timers", ["as they are due", "the contract's first"])
async def test_a_contract_cancelled_after_the_delivery_takes_back_what_it_earned(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock, order_of_timers: str
) -> None:
    """Whichever of the two timers comes first."""
    contract = await signed(service, clock.now())
    order = await placed(service, clock.now(), contract=contract)
    await delivered(service, order, clock.now())
    at = clock.now()
    clock.advance(HOUR)
    await contract_cancelled(service, contract, clock.now())
    if order_of_timers != "as they are due":
        await commissions.on_contract(service, Timer("", contract, "commission", at), clock.now())
    await drain(timers)
    for staff, amount in ((SELLER, OWN), (MANAGER, MANAGERS)):
        shown = await statement(api, staff)
        assert [(each["kind"], each["amount"], each["reason"]) for each in shown["entries"]] == [
            ("accrued", amount, None),
            ("reversed", -amount, "contract_cancelled"),
        ]


async def test_a_timer_that_comes_again_says_nothing_new(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock, sales_pool: Pool
) -> None:
    order = await placed(service, clock.now())
    await delivered(service, order, clock.now())
    again = Timer("", f"order/{order}", "commission", clock.now())
    await asyncio.gather(*(commissions.on_order(service, again, clock.now()) for _ in range(4)))
    await drain(timers)
    await commissions.on_order(service, again, clock.now())
    assert len((await statement(api))["entries"]) == 1
    assert await figures(sales_pool) == [(SELLER, OWN, 0, 0), (MANAGER, MANAGERS, 0, 0)]


async def test_a_handler_that_fails_midway_leaves_nothing_half_done(
    service: Service, clock: SimulatedClock, sales_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consultant and manager are paid in one transaction, or neither is."""
    order = await placed(service, clock.now())
    await delivered(service, order, clock.now())
    ran: list[Any] = []

    async def failing(*args: Any) -> Any:
        ran.append(args)
        if len(ran) == 2:
            raise RuntimeError
        return await run(*args)

    monkeypatch.setattr(commissions, "run", failing)
    timer = Timer("", f"order/{order}", "commission", clock.now())
    with pytest.raises(RuntimeError):
        await commissions.on_order(service, timer, clock.now())
    assert await figures(sales_pool) == []
    monkeypatch.setattr(commissions, "run", run)
    await commissions.on_order(service, timer, clock.now())
    assert len(await figures(sales_pool)) == 2


# ── Settling ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_month_is_settled_when_it_is_over_and_what_comes_back_is_taken_off_the_next(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock, sales_pool: Pool
) -> None:
    contract = await signed(service, clock.now())
    order = await placed(service, clock.now(), contract=contract)
    await delivered(service, order, clock.now())
    await drain(timers)
    settle = f"/v1/commissions/{SELLER}:settle"
    problem(await api.post(settle, {"period": "2026-01"}), 409, "period_not_over")
    clock.advance(timedelta(days=28))
    ok(await api.post(settle, {"period": "2026-01"}))
    assert ok(await api.post(settle, {"period": "2026-01"}))["events"] == []
    january = await statement(api)
    assert (january["figures"][0]["settled"], january["figures"][0]["open"]) == (OWN, 0)
    (paid,) = january["settlements"]
    assert (paid["settlement"], paid["amount"]) == ("2026-01:CNY:1", OWN)
    assert paid["entries"] == [january["entries"][0]["entry"]]
    await contract_cancelled(service, contract, clock.now())
    await drain(timers)
    clock.advance(timedelta(days=30))
    ok(await api.post(settle, {"period": "2026-02"}))
    february = await statement(api, period="2026-02")
    assert [each["amount"] for each in february["entries"]] == [-OWN]
    assert february["settlements"][0]["amount"] == -OWN
    assert (await figures(sales_pool))[0] == (SELLER, OWN, OWN, 0)


async def test_the_accounts_figures_are_the_sums_of_all_statements(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    """Counted event by event in a table, and from the stream: the same."""
    contracts = []
    for serial in range(4):
        contract = await signed(service, clock.now(), price=PRICE + serial * 777_777)
        order = await placed(service, clock.now(), contract=contract, price=PRICE + serial * 777_777)
        await delivered(service, order, clock.now(), vin=make_vin("LSVAA4", 20 + serial))
        contracts.append(contract)
        await api.post("/v1/accessory-sales", SALE)
        clock.advance(timedelta(days=17))
        await drain(timers)
    await contract_cancelled(service, contracts[1], clock.now())
    await drain(timers)
    ok(await api.post(f"/v1/commissions/{SELLER}:settle", {"period": "2026-01"}))
    ok(await api.post(f"/v1/commissions/{MANAGER}:settle", {"period": "2026-02"}))
    accounts = await pages(api, "/v1/commissions", limit=1)
    assert [each["staff"] for each in accounts] == [SELLER, MANAGER]
    for account in accounts:
        months = [await statement(api, account["staff"], f"2026-0{month}") for month in (1, 2, 3)]
        for name in ("accrued", "reversed", "settled", "open"):
            assert account[name] == sum(f[name] for month in months for f in month["figures"]), name
        assert account["reversed"] > 0
        assert account["settled"] == sum(paid["amount"] for month in months for paid in month["settlements"])


# ── Rights ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_statement_is_its_dealers_and_headquarters(
    api: Any, hq: Any, caller: Callable[..., Any], service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    await delivered(service, await placed(service, clock.now()), clock.now())
    await drain(timers)
    assert await statement(hq) == await statement(api)
    other = caller("dealer-sh-02")
    assert ok(await other.get("/v1/commissions"))["items"] == []
    assert ok(await other.get("/v1/commissions", dealer=DEALER))["items"] == []
    for never in ("staff-xx-99-1", "staff-sh-01-2"):
        theirs = await other.get(f"/v1/commissions/{SELLER}/statements/2026-01")
        assert same(theirs) == same(await other.get(f"/v1/commissions/{never}/statements/2026-01"))
        settle = await other.post(f"/v1/commissions/{SELLER}:settle", {"period": "2025-12"})
        assert same(settle) == same(await other.post(f"/v1/commissions/{never}:settle", {"period": "2025-12"}))
        assert settle.status_code == theirs.status_code == 404


# ── What is put back ──────────────────────────────────────────────────────────────────────────────────────────
async def test_the_read_tables_come_back_from_the_events(
    api: Any, service: Service, timers: TimerWorker, clock: SimulatedClock, sales_pool: Pool, pools: Any
) -> None:
    contract = await signed(service, clock.now())
    await delivered(service, await placed(service, clock.now(), contract=contract), clock.now())
    sold = await api.post("/v1/accessory-sales", SALE)
    await drain(timers)
    clock.advance(HOUR)
    ok(await api.post(f"{sold.headers['location']}:return", {"reason": "wrong_size"}))
    await contract_cancelled(service, contract, clock.now())
    await drain(timers)
    clock.advance(timedelta(days=40))
    ok(await api.post(f"/v1/commissions/{SELLER}:settle", {"period": "2026-01"}))
    streams = [row["stream"] for row in await sales_pool.fetch("SELECT stream FROM streams ORDER BY md5(stream)")]
    fresh: Pool = await pools("sales")
    async with fresh.acquire() as connection:
        for stream in streams:
            await apply_views(connection, (await service.store.load(stream)).events)
    for table in ("commission_entries", "commission_accounts", "accessory_sales", "pipeline_steps"):
        sql = f"SELECT * FROM {table} t ORDER BY t::text"
        before, after = [[dict(row) for row in await pool.fetch(sql)] for pool in (sales_pool, fresh)]
        assert before == after, table
        assert before, table
