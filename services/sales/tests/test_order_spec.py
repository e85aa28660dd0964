"""Given what happened to an order or a vehicle, when this is asked, then that."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from roadbook.testing.spec import given
from sales.domain import order as o
from sales.domain import vehicle as v
from sales.domain.rules import SalesRules

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
RULES = SalesRules("2026-2", timedelta(days=14), {"core_customer": 100, "repurchase": 60})
FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
VIN, OTHER = "LSVAA49J6T2900010", "LSVAA49J9T2900020"
PLACE = o.PlaceOrder(
    "p-1", "d-1", "contract/1", True, 1, "lavida", "new", 100, "CNY", None, "s-1", FEBRUARY, RULES, NOW
)
PLACED = o.OrderPlaced(
    "p-1", "d-1", "contract/1", 1, "lavida", "new", 100, "CNY", None, "s-1", FEBRUARY, "2026-2", NOW
)  # fmt: skip
ALLOCATED, DELAYED = o.OrderAllocated(VIN, NOW), o.OrderDelayed(MARCH, "production", NOW)
CANCELLED, DELIVERED = o.OrderCancelled("price", "placed", None, NOW), o.VehicleDelivered(VIN, 12, "s-1", LATER)


def test_an_order_is_placed_once() -> None:
    given(o.decider).when(PLACE).then(PLACED)
    given(o.decider, PLACED).when(replace(PLACE, at=LATER)).then_nothing()
    given(o.decider, PLACED).when(replace(PLACE, line=2)).rejected("order_exists")
    given(o.decider).when(replace(PLACE, contract_standing=False)).rejected("contract_cancelled")
    given(o.decider).when(replace(PLACE, promised=date(2026, 1, 4))).rejected("promised_in_the_past")
    given(o.decider).when(o.CancelOrder("price", NOW)).rejected("order_unknown")


def test_it_is_preferred_for_a_reason_of_the_rules() -> None:
    prefer = o.PrioritiseOrder("core_customer", "m-1", RULES, NOW)
    told = o.OrderPrioritised(100, "core_customer", "m-1", NOW)
    given(o.decider, PLACED).when(prefer).then(told)
    given(o.decider, PLACED, told).when(replace(prefer, at=LATER)).then_nothing()
    given(o.decider, PLACED, told).when(replace(prefer, reason="repurchase")).then(
        o.OrderPrioritised(60, "repurchase", "m-1", NOW)
    )
    given(o.decider, PLACED).when(replace(prefer, reason="friend")).rejected("priority_reason_unknown")


def test_it_has_one_vehicle_at_a_time() -> None:
    given(o.decider, PLACED).when(o.AllocateVehicle(VIN, NOW)).then(ALLOCATED)
    given(o.decider, PLACED, ALLOCATED).when(o.AllocateVehicle(VIN, LATER)).then_nothing()
    given(o.decider, PLACED, ALLOCATED).when(o.AllocateVehicle(OTHER, NOW)).rejected("order_has_vehicle")
    free = o.OrderDeallocated(VIN, "damage", NOW)
    given(o.decider, PLACED, ALLOCATED).when(o.DeallocateVehicle("damage", NOW)).then(free)
    given(o.decider, PLACED, ALLOCATED, free).when(o.DeallocateVehicle("damage", NOW)).then_nothing()
    given(o.decider, PLACED, ALLOCATED, free).when(o.AllocateVehicle(OTHER, NOW)).then(o.OrderAllocated(OTHER, NOW))


def test_it_is_delayed_to_a_later_day_only() -> None:
    given(o.decider, PLACED).when(o.DelayOrder(MARCH, "production", NOW)).then(DELAYED)
    given(o.decider, PLACED, DELAYED).when(o.DelayOrder(MARCH, "transport", NOW)).then_nothing()
    given(o.decider, PLACED).when(o.DelayOrder(FEBRUARY, "production", NOW)).rejected("delay_not_later")
    undated = replace(PLACED, promised=None)
    given(o.decider, undated).when(o.DelayOrder(date(2026, 1, 4), "x", NOW)).rejected("delay_not_later")


@pytest.mark.parametrize(
    ("history", "after", "vin"),
    [
        ((), "placed", None),
        ((ALLOCATED,), "allocated", VIN),
        ((DELAYED,), "delayed", None),
        ((ALLOCATED, DELAYED), "delayed", VIN),
    ],
)
def test_it_is_cancelled_at_every_step_and_says_which_vehicle_is_free(
    history: tuple[o.Event, ...], after: o.Standing, vin: str | None
) -> None:
    cancel = o.CancelOrder("price", NOW)
    given(o.decider, PLACED, *history).when(cancel).then(o.OrderCancelled("price", after, vin, NOW))
    given(o.decider, PLACED, *history, CANCELLED).when(replace(cancel, reason="finance")).then_nothing()
    given(o.decider, PLACED, ALLOCATED, DELIVERED).when(cancel).rejected("order_closed")
    given(o.decider, PLACED, CANCELLED).when(o.AllocateVehicle(VIN, NOW)).rejected("order_closed")


def test_it_is_delivered_with_its_vehicle_allocated_or_delayed() -> None:
    deliver = o.DeliverVehicle(12, "s-1", LATER)
    given(o.decider, PLACED).when(deliver).rejected("order_without_vehicle")
    given(o.decider, PLACED, ALLOCATED).when(deliver).then(DELIVERED)
    given(o.decider, PLACED, ALLOCATED, DELAYED).when(deliver).then(DELIVERED)
    given(o.decider, PLACED, ALLOCATED, DELIVERED).when(deliver).then_nothing()
    given(o.decider, PLACED, CANCELLED).when(deliver).rejected("order_closed")


def test_insurance_comes_before_or_after_the_delivery() -> None:
    insure = o.ArrangeInsurance("picc", "all", 5, "CNY", date(2027, 1, 1), NOW)
    insured = o.InsuranceArranged("picc", "all", 5, "CNY", date(2027, 1, 1), NOW)
    given(o.decider, PLACED).when(insure).then(insured)
    given(o.decider, PLACED, ALLOCATED, DELIVERED).when(insure).then(insured)
    given(o.decider, PLACED, insured).when(replace(insure, at=LATER)).then_nothing()
    given(o.decider, PLACED, CANCELLED).when(insure).rejected("order_closed")
    given(o.decider, PLACED).when(replace(insure, expires=NOW.date())).rejected("insurance_over")


# ── Vehicles ──────────────────────────────────────────────────────────────────────────────────────────────────
GIVE = v.TransferOwnership(VIN, "p-1", "d-1", "delivery", "order/1", 12, NOW)
GIVEN = v.OwnershipTransferred(VIN, "p-1", "d-1", "delivery", "order/1", 12, NOW)
BACK = v.OwnershipTransferred(VIN, None, "d-1", "trade_in", "tradein/1", None, LATER)
SELL = v.SellUsedVehicle(VIN, "p-2", "d-1", 50, "CNY", "s-1", 900, LATER + timedelta(days=1))
SOLD = (
    v.UsedVehicleSold(VIN, "p-2", "d-1", 50, "CNY", "s-1", SELL.at),
    v.OwnershipTransferred(VIN, "p-2", "d-1", "used_sale", None, 900, SELL.at),
)


def test_ownership_passes_once_for_each_source() -> None:
    given(v.decider).when(GIVE).then(GIVEN)
    given(v.decider, GIVEN).when(GIVE).then_nothing()
    given(v.decider, GIVEN, BACK).when(GIVE).then_nothing()  # told again, later than another one


def test_intervals_follow_each_other() -> None:
    early = replace(GIVE, source="order/2", at=NOW)
    given(v.decider, GIVEN).when(early).rejected("ownership_not_later")
    given(v.decider, GIVEN).when(replace(early, at=LATER)).then(replace(GIVEN, source="order/2", at=LATER))
    private = v.TransferOwnership(VIN, "p-3", "d-1", "private", None, None, LATER)
    told = v.OwnershipTransferred(VIN, "p-3", "d-1", "private", None, None, LATER)
    given(v.decider, GIVEN).when(private).then(told)
    given(v.decider, GIVEN, told).when(replace(private, at=LATER + timedelta(days=1))).then_nothing()


def test_a_used_vehicle_is_sold_out_of_stock() -> None:
    given(v.decider, GIVEN, BACK).when(SELL).then(*SOLD)
    given(v.decider).when(SELL).then(*SOLD)  # bought somewhere that we do not know
    given(v.decider, GIVEN, BACK, *SOLD).when(replace(SELL, at=SELL.at + timedelta(days=1))).then_nothing()
    given(v.decider, GIVEN).when(SELL).rejected("vehicle_not_in_stock")


def test_a_dealer_learns_nothing_of_anothers_intervals() -> None:
    """Whose vehicle it is at another dealer refuses nothing here."""
    there = replace(GIVEN, dealer="d-2")
    given(v.decider, there).when(SELL).then(*SOLD)
