"""The accessory sale, told as given / when / then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from roadbook.testing.spec import given
from sales.domain.accessorysale import (
    AccessoryReturned,
    AccessorySold,
    Item,
    ReturnAccessories,
    SellAccessories,
    decider,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
ITEMS = (Item("tow_bar", 1, 180_000), Item("floor_mats", 2, 59_900))
SELL = SellAccessories("party-1", "d1", "order/1", "LSVAA49J6T2900010", ITEMS, "CNY", "staff-1", NOW)
SOLD = AccessorySold("party-1", "d1", "order/1", "LSVAA49J6T2900010", ITEMS, "CNY", 239_900, "staff-1", NOW)
RETURNED = AccessoryReturned("wrong_size", NOW)


def test_accessories_are_sold_once_for_the_sum_of_their_items() -> None:
    given(decider).when(SELL).then(SOLD)
    given(decider, SOLD).when(replace(SELL, at=LATER)).then_nothing()
    given(decider, SOLD).when(replace(SELL, items=ITEMS[:1])).rejected("accessory_sale_exists")
    given(decider).when(replace(SELL, order=None, vin=None)).then(replace(SOLD, order=None, vin=None))


def test_they_come_back_once_and_whole() -> None:
    given(decider, SOLD).when(ReturnAccessories("wrong_size", NOW)).then(RETURNED)
    given(decider, SOLD, RETURNED).when(ReturnAccessories("wrong_size", LATER)).then_nothing()
    given(decider, SOLD, RETURNED).when(ReturnAccessories("broken", LATER)).then_nothing()
    given(decider).when(ReturnAccessories("wrong_size", NOW)).rejected("accessory_sale_unknown")
