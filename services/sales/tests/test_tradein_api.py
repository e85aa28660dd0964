"""Trade-ins over HTTP on a real Postgres: the appraisal's time, the new order, and the old vehicle's owners."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lead_api import ok, pages, problem, same
from sales_deals import DEALER, VIN, placed

from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.timers import TimerWorker
from sales.domain.vehicle import Vehicle
from sales.service import Service
from sales.service.commands import folded

pytestmark = pytest.mark.usefixtures("documented")
BODY: dict[str, Any] = {
    "vin": VIN,
    "model": "volkswagen-polo",
    "odometer_km": 81_200,
    "offer": {"minor": 6_000_000, "currency": "CNY"},
    "valid_until": "2026-01-12T18:00:00+08:00",
    "staff": "staff-sh-01-1",
}


async def appraised(api: Any, **changes: Any) -> str:
    """The path of a new trade-in."""
    response = await api.post("/v1/trade-ins", {**BODY, **changes})
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def test_a_vehicle_is_appraised_agreed_on_and_received(
    api: Any, service: Service, timers: TimerWorker, sales_pool: Pool, clock: SimulatedClock
) -> None:
    order = await placed(service, clock.now())
    path = await appraised(api)
    id_ = path.rpartition("/")[2]
    shown = ok(await api.get(path))
    assert (shown["state"], shown["offer"], shown["agreed"], shown["order"]) == (
        "appraised", {"minor": 6_000_000, "currency": "CNY"}, None, None,
    )  # fmt: skip
    clock.advance(timedelta(days=1))
    ok(await api.post(f"{path}:agree", {"offer": {"minor": 6_200_000, "currency": "CNY"}, "order": order}))
    clock.advance(timedelta(days=30))
    ok(await api.post(f"{path}:receive", {"odometer_km": 81_450}))
    shown = ok(await api.get(path))
    assert shown["state"] == "received"
    assert shown["agreed"] == {"minor": 6_200_000, "currency": "CNY"}
    assert (shown["order"], shown["received_km"], shown["version"]) == (f"order/{order}", 81_450, 3)
    label = await sales_pool.fetchrow(
        "SELECT dealer, party_ref, vin, key FROM events JOIN streams USING (stream) WHERE stream = $1 LIMIT 1",
        f"tradein/{id_}",
    )
    assert label is not None
    assert tuple(label) == (DEALER, shown["party_ref"], VIN, shown["party_ref"])
    # Which old vehicle went towards the order: the link the other way round.
    found = ok(await api.get("/v1/trade-ins", order=order))["items"]
    assert [(each["trade_in"], each["vin"], each["amount"]) for each in found] == [(id_, VIN, 6_200_000)]
    # The dealer owns it from then on, once, and the fact names what caused it.
    await timers.step()
    vehicle, events = await folded(service, f"vehicle/{VIN}")
    assert isinstance(vehicle, Vehicle)
    (interval,) = vehicle.intervals
    assert (interval.party_ref, interval.dealer, interval.cause, interval.source, interval.odometer_km) == (
        None, DEALER, "trade_in", f"tradein/{id_}", 81_450,
    )  # fmt: skip
    received = (await service.store.load(f"tradein/{id_}")).events[-1]
    assert (events[0].causation, events[0].time) == (received.id, received.time)
    assert await sales_pool.fetchval("SELECT count(*) FROM timers WHERE stream = $1", f"tradein/{id_}") == 0


async def test_an_appraisal_runs_out_by_the_clock_alone(api: Any, clock: SimulatedClock) -> None:
    path = await appraised(api)
    clock.advance(timedelta(days=8))
    problem(await api.post(f"{path}:agree", {}), 409, "appraisal_expired")
    assert ok(await api.get(path))["version"] == 1
    ok(await api.post(f"{path}:decline", {"reason": "too_late"}))
    problem(await api.post(f"{path}:receive", {}), 409, "trade_in_closed")


async def test_what_is_not_agreed_on_is_not_received(api: Any) -> None:
    path = await appraised(api)
    problem(await api.post(f"{path}:receive", {}), 409, "trade_in_not_agreed")
    ok(await api.post(f"{path}:agree", {}))
    problem(await api.post(f"{path}:receive", {"odometer_km": 1}), 409, "odometer_backwards")


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"vin": "LSVAA49J7T2900010"}, "/vin", "vin_check_digit"),
    ({"model": "trabant-601"}, "/model", "unknown_model"),
    ({"staff": "staff-sh-02-1"}, "/staff", "unknown_staff"),
    ({"dealer": "dealer-sh-02"}, "/dealer", "not_yours"),
    ({"offer": {"minor": -1, "currency": "CNY"}}, "/offer/minor", "negative"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), REFUSED, ids=[code for _, _, code in REFUSED])
async def test_what_cannot_be_is_refused_with_its_place(
    api: Any, change: dict[str, Any], pointer: str, code: str
) -> None:
    refused = problem(await api.post("/v1/trade-ins", {**BODY, **change}), 422, "invalid_request")
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [(pointer, code)]


async def test_keys_and_versions_guard_the_commands(api: Any) -> None:
    problem(await api.post("/v1/trade-ins", BODY, key=None), 400, "idempotency_key_missing")
    first = await api.post("/v1/trade-ins", BODY, key="once")
    again = await api.post("/v1/trade-ins", BODY, key="once")
    assert (again.status_code, again.content) == (201, first.content)
    problem(await api.post("/v1/trade-ins", {**BODY, "odometer_km": 1}, key="once"), 422, "idempotency_key_reused")
    path = first.headers["location"]
    problem(await api.post(f"{path}:agree", {}, match='"v2"'), 412, "precondition_failed")
    agreed = await api.post(f"{path}:agree", {}, match='"v1"')
    assert agreed.headers["etag"] == '"v2"'
    read = await api.get(path)
    assert read.headers["etag"] == '"v2"'
    problem(
        await api.post("/v1/trade-ins", {**BODY, "valid_until": "2026-01-05T08:00:00Z"}), 409, "appraisal_in_the_past"
    )


async def test_pages_show_every_trade_in_once(api: Any, clock: SimulatedClock) -> None:
    made = []
    for _ in range(5):
        made.append((await appraised(api)).rpartition("/")[2])
        clock.advance(timedelta(minutes=1))
    assert [each["trade_in"] for each in await pages(api, "/v1/trade-ins")] == made[::-1]
    assert ok(await api.get("/v1/trade-ins", state="agreed"))["items"] == []
    assert len(ok(await api.get("/v1/trade-ins", vin=VIN))["items"]) == 5


async def test_an_order_of_another_dealer_answers_like_one_that_never_was(
    api: Any, service: Service, clock: SimulatedClock
) -> None:
    path = await appraised(api)
    theirs = await placed(service, clock.now(), dealer="dealer-sh-02")
    answers = [
        await api.post(f"{path}:agree", {"order": order}) for order in (theirs, "0199a3c4-0000-7000-8000-000000000000")
    ]
    assert same(answers[0]) == same(answers[1])
    assert problem(answers[0], 422, "invalid_request")["errors"][0]["code"] == "unknown_order"


async def test_headquarters_appraises_for_a_dealer(hq: Any, caller: Callable[..., Any]) -> None:
    refused = problem(await hq.post("/v1/trade-ins", BODY), 422, "invalid_request")
    assert refused["errors"][0]["pointer"] == "/dealer"
    path = await appraised(hq, dealer=DEALER)
    assert ok(await caller(DEALER).get(path))["dealer"] == DEALER
    problem(await caller("dealer-sh-02").get(path), 404, "not_found")
    assert len(ok(await hq.get("/v1/trade-ins", dealer=DEALER))["items"]) == 1
