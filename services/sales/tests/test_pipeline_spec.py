"""What is on its way to a delivery: each vehicle once, where it is furthest, by its weight."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sales.domain.pipeline import OPEN, ForecastRules, Item, StageRule, Step, by_stage, expected, items, weigh

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
RULES = ForecastRules(
    "2026-3",
    "CNY",
    {
        "opportunity": StageRule(150, 60),
        "quoted": StageRule(350, 45),
        "contract": StageRule(800, 30),
        "order": StageRule(950, 14),
    },
)
OPPORTUNITY = Step("opportunity/1", "opportunity", "open", "d1", NOW, staff="staff-1")
QUOTE = Step("quote/1", "quote", "open", "d1", NOW, 1, 1_000, "CNY", "opportunity/1")
CONTRACT = Step("contract/1", "contract", "open", "d1", NOW, 3, 3_000, "CNY", "opportunity/1")
ORDER = Step("order/1", "order", "open", "d1", NOW, 1, 1_100, "CNY", "contract/1", model="volkswagen-polo")


def stages(*steps: Step) -> list[tuple[str, str, int, int | None]]:
    return [(item.stream, item.stage, item.units, item.amount) for item in items(steps)]


def test_an_opportunity_counts_until_a_contract_is_signed_for_it() -> None:
    assert stages(OPPORTUNITY) == [("opportunity/1", "opportunity", 1, None)]
    assert stages(OPPORTUNITY, QUOTE) == [("opportunity/1", "quoted", 1, 1_000)]
    assert stages(OPPORTUNITY, QUOTE, CONTRACT) == [("contract/1", "contract", 3, 3_000)]
    assert stages(replace(OPPORTUNITY, state="lost"), QUOTE) == []
    assert stages(OPPORTUNITY, replace(QUOTE, state="expired")) == stages(OPPORTUNITY)


def test_the_last_open_quote_counts() -> None:
    second = replace(QUOTE, stream="quote/2", amount=900, since=NOW + timedelta(hours=1))
    for steps in ((OPPORTUNITY, QUOTE, second), (second, QUOTE, OPPORTUNITY)):
        assert stages(*steps) == [("opportunity/1", "quoted", 1, 900)]
    assert stages(OPPORTUNITY, QUOTE, replace(second, state="withdrawn")) == stages(OPPORTUNITY, QUOTE)


def test_of_quotes_of_one_moment_the_same_counts_in_whatever_order_they_are_read() -> None:
    tied = replace(QUOTE, stream="quote/2", amount=900)
    assert stages(OPPORTUNITY, QUOTE, tied) == stages(tied, QUOTE, OPPORTUNITY)
    assert stages(tied, QUOTE, OPPORTUNITY) == [("opportunity/1", "quoted", 1, 900)]


def test_a_contract_counts_for_the_vehicles_that_no_order_stands_for() -> None:
    assert stages(CONTRACT, ORDER) == [("contract/1", "contract", 2, 1_900), ("order/1", "order", 1, 1_100)]
    delivered = replace(ORDER, state="delivered")
    assert stages(CONTRACT, delivered) == [("contract/1", "contract", 2, 1_900)]
    assert stages(CONTRACT, replace(ORDER, state="cancelled")) == stages(CONTRACT)
    assert stages(replace(CONTRACT, units=1), ORDER) == [("order/1", "order", 1, 1_100)]


def test_a_cancelled_contract_gives_its_opportunity_back() -> None:
    cancelled = replace(CONTRACT, state="cancelled")
    assert stages(OPPORTUNITY, cancelled) == stages(OPPORTUNITY)
    assert stages(replace(OPPORTUNITY, state="won"), cancelled) == []


def test_a_delivery_is_expected_as_promised_or_as_the_rules_say_and_never_in_the_past() -> None:
    item, today = Item("order/1", "order", "d1", 1, None, None, NOW), date(2026, 1, 5)
    assert expected(item, RULES, today, ZONE) == date(2026, 1, 19)
    assert expected(replace(item, promised=date(2026, 2, 1)), RULES, today, ZONE) == date(2026, 2, 1)
    assert expected(replace(item, promised=date(2026, 1, 1)), RULES, today, ZONE) == today
    evening = replace(item, stage="delivered", since=datetime(2026, 1, 4, 17, 0, tzinfo=UTC))
    assert expected(evening, RULES, today, ZONE) == date(2026, 1, 5)  # the dealers' day, not UTC's


def test_the_figures_are_the_sums_of_the_lines() -> None:
    pipeline = weigh(items((OPPORTUNITY, replace(QUOTE, parent=None), CONTRACT, ORDER)), RULES, NOW, ZONE)
    assert [(line.item.stage, line.units_permille, line.amount) for line in pipeline.lines] == [
        ("contract", 1600, 1520),
        ("order", 950, 1045),
    ]
    assert (pipeline.units_permille, pipeline.amount, pipeline.currency, pipeline.rules) == (
        2550, 2565, "CNY", "2026-3",
    )  # fmt: skip
    assert [(each.stage, each.units, each.units_permille, each.amount) for each in by_stage(pipeline)] == [
        ("contract", 2, 1600, 1520),
        ("order", 1, 950, 1045),
    ]


def test_a_month_counts_what_is_expected_in_it_and_what_was_delivered_in_full() -> None:
    found = [*items((OPPORTUNITY, ORDER)), Item("order/2", "delivered", "d1", 1, 2_000, "CNY", NOW)]
    january = weigh(found, RULES, NOW, ZONE, "2026-01")
    assert (january.units_permille, january.amount) == (1950, 3045)
    assert weigh(found, RULES, NOW, ZONE, "2026-03").units_permille == 150
    assert weigh(found, RULES, NOW, ZONE, "2026-02").lines == ()


def test_another_currency_counts_as_vehicles_only() -> None:
    assert weigh(items((replace(ORDER, currency="EUR"),)), RULES, NOW, ZONE).amount == 0


def test_a_rule_is_needed_for_every_stage() -> None:
    with pytest.raises(ValueError, match="stages"):
        ForecastRules("1", "CNY", {stage: StageRule(1, 1) for stage in OPEN[1:]})
    with pytest.raises(ValueError, match="stages"):
        ForecastRules("1", "CNY", dict.fromkeys(OPEN, StageRule(1001, 1)))
