"""Targets, the weighted pipeline as of a date, forecasts and their back-test, and each dealer's month."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from lead_api import ok, pages, problem, same
from sales_deals import DEALER, PRICE, SELLER, cancelled, context, delivered, placed, signed

from roadbook.clock import SimulatedClock
from roadbook.commands import Order
from roadbook.identifiers.vin import make_vin
from sales.domain.opportunity import LoseOpportunity
from sales.service import Service
from sales.service.commands import run

pytestmark = pytest.mark.usefixtures("documented")
DAY = timedelta(days=1)
TARGET: dict[str, Any] = {"period": "2026-01", "units": 20, "amount": 240_000_000, "currency": "CNY"}


def added_up(shown: dict[str, Any]) -> dict[str, Any]:
    """The lines and the stages add up to the figures."""
    for parts in (shown["lines"], shown["stages"]):
        for name in ("units_permille", "amount"):
            assert sum(each[name] for each in parts) == shown[name], name
    return shown


async def pipeline(api: Any, **query: Any) -> list[tuple[str, int, int]]:
    shown = added_up(ok(await api.get("/v1/pipeline", **query)))
    return [(each["stage"], each["units"], each["units_permille"]) for each in shown["stages"]]


async def opened(api: Any) -> str:
    response = await api.post("/v1/opportunities", {"source": "showroom", "models": ["volkswagen-lavida"]})
    return str(ok(response)["stream"])


# ── The pipeline ──────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_vehicle_is_counted_where_it_is_furthest(api: Any, service: Service, clock: SimulatedClock) -> None:
    opportunity = await opened(api)
    assert await pipeline(api) == [("opportunity", 1, 150)]
    contract = await signed(service, clock.now(), opportunity=opportunity, quantity=3)
    assert await pipeline(api) == [("contract", 3, 2400)]
    order = await placed(service, clock.now(), contract=contract)
    assert await pipeline(api) == [("contract", 2, 1600), ("order", 1, 950)]
    second = await placed(service, clock.now(), contract=contract)
    await cancelled(service, second, clock.now())
    assert await pipeline(api) == [("contract", 2, 1600), ("order", 1, 950)]
    await delivered(service, order, clock.now())
    assert await pipeline(api) == [("contract", 2, 1600)]
    assert ok(await api.get("/v1/pipeline"))["amount"] == 2 * PRICE * 800 // 1000


async def test_the_pipeline_of_a_past_day_stays_what_it_was(api: Any, service: Service, clock: SimulatedClock) -> None:
    opportunity = await opened(api)
    order = await placed(service, clock.now())
    then = clock.now().isoformat()
    before = ok(await api.get("/v1/pipeline", as_of=then))
    clock.advance(DAY)
    await delivered(service, order, clock.now())
    lose = LoseOpportunity("price", None, clock.now())
    await run(service.store, Order(opportunity, lose), context(clock.now()))
    await placed(service, clock.now())
    assert ok(await api.get("/v1/pipeline", as_of=then)) == before
    assert await pipeline(api) == [("order", 1, 950)]
    early = (clock.now() - 2 * DAY).isoformat()
    assert await pipeline(api, as_of=early) == []


async def test_a_month_holds_what_is_promised_in_it(api: Any, service: Service, clock: SimulatedClock) -> None:
    await placed(service, clock.now(), promised=date(2026, 3, 10))
    done = await placed(service, clock.now())
    await delivered(service, done, clock.now())
    assert await pipeline(api, period="2026-03") == [("order", 1, 950)]
    assert await pipeline(api, period="2026-01") == [("delivered", 1, 1000)]
    assert await pipeline(api, period="2026-02") == []


# ── Forecasts and what came ───────────────────────────────────────────────────────────────────────────────────
async def test_a_forecast_is_measured_against_what_was_delivered(
    api: Any, service: Service, clock: SimulatedClock
) -> None:
    orders = [await placed(service, clock.now()) for _ in range(3)]
    first = await api.post("/v1/forecasts", {"period": "2026-01"})
    assert ok(first)["version"] == 1
    assert first.headers["location"] == f"/v1/forecasts/{DEALER}/2026-01/back-test"
    assert ok(await api.post("/v1/forecasts", {"period": "2026-01"}))["events"] == []
    clock.advance(10 * DAY)
    await delivered(service, orders[0], clock.now(), vin=make_vin("LSVAA4", 1))
    await cancelled(service, orders[1], clock.now())
    ok(await api.post("/v1/forecasts", {"period": "2026-01"}))
    tested = ok(await api.get(f"/v1/forecasts/{DEALER}/2026-01/back-test"))
    assert (tested["final"], tested["delivered_units"], tested["delivered_amount"]) == (False, 1, PRICE)
    clock.advance(25 * DAY)
    await delivered(service, orders[2], clock.now(), vin=make_vin("LSVAA4", 3))  # in February
    tested = ok(await api.get(f"/v1/forecasts/{DEALER}/2026-01/back-test"))
    assert (tested["final"], tested["delivered_units"]) == (True, 1)
    assert [(each["units_permille"], each["error_units_permille"], each["deviation_permille"])
            for each in tested["tested"]] == [(2850, 1850, 1850), (1950, 950, 950)]  # fmt: skip
    assert tested["tested"][0]["error_amount"] == 3 * (PRICE * 950 // 1000) - PRICE
    listed = await pages(api, "/v1/forecasts", limit=1, period="2026-01")
    assert [each["event"] for each in listed] == [each["event"] for each in reversed(tested["tested"])]


async def test_a_forecast_of_a_past_moment_says_so(api: Any, service: Service, clock: SimulatedClock) -> None:
    then = clock.now()
    clock.advance(DAY)
    await placed(service, clock.now())
    ok(await api.post("/v1/forecasts", {"period": "2026-01", "as_of": then.isoformat()}))
    (told,) = ok(await api.get("/v1/forecasts"))["items"]
    assert (told["as_of"], told["published_at"], told["units_permille"]) == (
        "2026-01-05T08:00:00Z", "2026-01-06T08:00:00Z", 0,
    )  # fmt: skip
    later = (clock.now() + DAY).isoformat()
    refused = problem(await api.post("/v1/forecasts", {"period": "2026-01", "as_of": later}), 422, "invalid_request")
    assert refused["errors"][0]["code"] == "in_the_future"


# ── Targets and reports ───────────────────────────────────────────────────────────────────────────────────────
async def test_a_target_stands_beside_what_was_reached_of_it(api: Any, service: Service, clock: SimulatedClock) -> None:
    path = (await api.post("/v1/sales-targets", {**TARGET, "units": 10})).headers["location"]
    ok(await api.post("/v1/sales-targets", TARGET))
    ok(await api.post("/v1/sales-targets", {**TARGET, "staff": SELLER, "units": 5, "amount": None}))
    assert ok(await api.post("/v1/sales-targets", TARGET))["events"] == []
    await delivered(service, await placed(service, clock.now()), clock.now())
    shown = ok(await api.get(path))
    assert [(each["staff"], each["units"], each["delivered_units"], each["delivered_amount"])
            for each in shown["targets"]] == [(None, 20, 1, PRICE), (SELLER, 5, 1, PRICE)]  # fmt: skip
    assert shown["delivered"] == [{"staff": SELLER, "currency": "CNY", "units": 1, "amount": PRICE}]
    refused = await api.post("/v1/sales-targets", {**TARGET, "staff": "staff-sh-02-1"})
    assert problem(refused, 422, "invalid_request")["errors"][0]["code"] == "unknown_staff"


async def test_headquarters_sees_who_submitted_what_and_a_dealer_itself(
    api: Any, hq: Any, caller: Callable[..., Any], service: Service, clock: SimulatedClock
) -> None:
    opportunity = await opened(api)
    contract = await signed(service, clock.now(), opportunity=opportunity)
    await delivered(service, await placed(service, clock.now(), contract=contract), clock.now())
    await delivered(service, await placed(service, clock.now()), clock.now(), vin=make_vin("LSVAA4", 2))
    ok(await api.post("/v1/sales-targets", TARGET))
    ok(await api.post("/v1/forecasts", {"period": "2026-01"}))
    reports = await pages(hq, "/v1/sales-reports/2026-01", limit=4)
    assert [(each["dealer"], each["submitted"]) for each in reports] == [
        (f"dealer-sh-0{n}", n == 1) for n in range(1, 7)
    ]
    mine = reports[0]
    assert (mine["target"]["units"], mine["forecast"]["forecasts"], mine["forecast"]["units_permille"]) == (20, 1, 2000)
    assert [(each["source"], each["opened"], each["delivered_units"]) for each in mine["channels"]] == [
        ("direct", 0, 1),
        ("showroom", 1, 1),
    ]
    assert ok(await api.get("/v1/sales-reports/2026-01"))["items"] == [mine]
    (theirs,) = ok(await caller("dealer-sh-02").get("/v1/sales-reports/2026-01"))["items"]
    assert (theirs["dealer"], theirs["target"], theirs["channels"]) == ("dealer-sh-02", None, [])


async def test_another_dealers_month_answers_like_one_that_never_was(
    api: Any, hq: Any, caller: Callable[..., Any], service: Service, clock: SimulatedClock
) -> None:
    await placed(service, clock.now())
    ok(await api.post("/v1/sales-targets", TARGET))
    ok(await api.post("/v1/forecasts", {"period": "2026-01"}))
    other = caller("dealer-sh-02")
    for path in ("/v1/sales-targets/{}/2026-01", "/v1/forecasts/{}/2026-01/back-test"):
        ok(await hq.get(path.format(DEALER)))
        theirs, never = [await other.get(path.format(each)) for each in (DEALER, "dealer-xx-99")]
        assert same(theirs) == same(never)
        assert theirs.status_code == 404
    for path in ("/v1/forecasts", "/v1/pipeline", "/v1/sales-reports/2026-01"):
        theirs, never = [await other.get(path, dealer=each) for each in (DEALER, "dealer-xx-99")]
        assert same(theirs) == same(never)
        assert not ok(theirs).get("items", [])
    assert await pipeline(other) == []
    refused = await other.post("/v1/forecasts", {"period": "2026-01", "dealer": DEALER})
    never_ = await other.post("/v1/forecasts", {"period": "2026-01", "dealer": "dealer-xx-99"})
    assert same(refused) == same(never_)
    assert refused.status_code == 422
    assert problem(await hq.post("/v1/forecasts", {"period": "2026-01"}), 422, "invalid_request")
