"""The commission account and the rules that fill it, told as given / when / then."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from roadbook.testing.spec import given
from sales.domain.commission import (
    Account,
    AccrueCommission,
    CommissionAccrued,
    CommissionReversed,
    CommissionSettled,
    Figures,
    ReverseCommission,
    SettleCommission,
    decider,
    statement,
)
from sales.domain.commission_rules import CommissionRule, CommissionRules, Part, Portion, Share, earned, portions, split

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
ACCRUE = AccrueCommission("e1", "order/1", "d1", "staff-1", 96_000, "CNY", 8000, "new_vehicle", "2026-3", NOW)
ACCRUED = CommissionAccrued("e1", "order/1", "d1", "staff-1", 96_000, "CNY", 8000, "new_vehicle", "2026-3", NOW)
SECOND = replace(ACCRUED, entry="e2", order="accessorysale/2", amount=4_000, rule="accessory")
REVERSE = ReverseCommission("r1", "e1", "returned", NOW)
REVERSED = CommissionReversed("r1", "e1", 96_000, "CNY", "returned", NOW)
SETTLE = SettleCommission("2026-01", FEBRUARY, FEBRUARY)
SETTLED = CommissionSettled("2026-01:CNY:1", "2026-01", ("e1", "e2"), 100_000, "CNY", FEBRUARY)


def test_an_entry_accrues_once() -> None:
    given(decider).when(ACCRUE).then(ACCRUED)
    given(decider, ACCRUED).when(replace(ACCRUE, at=MARCH)).then_nothing()
    given(decider, ACCRUED).when(replace(ACCRUE, amount=1)).rejected("commission_entry_exists")
    given(decider, ACCRUED).when(replace(ACCRUE, entry="e3")).then(replace(ACCRUED, entry="e3"))


def test_an_entry_is_reversed_once_whatever_for() -> None:
    given(decider, ACCRUED).when(REVERSE).then(REVERSED)
    given(decider, ACCRUED, REVERSED).when(REVERSE).then_nothing()
    given(decider, ACCRUED, REVERSED).when(replace(REVERSE, entry="r2", reason="cancelled")).then_nothing()
    given(decider, ACCRUED).when(replace(REVERSE, of="e9")).rejected("commission_entry_unknown")
    given(decider, ACCRUED, REVERSED).when(replace(REVERSE, entry="r2", of="r1")).rejected("commission_entry_unknown")
    given(decider, ACCRUED, SECOND).when(replace(REVERSE, entry="e2")).rejected("commission_entry_exists")


def test_a_period_is_settled_when_it_is_over_and_pays_each_entry_once() -> None:
    given(decider, ACCRUED, SECOND).when(SETTLE).then(SETTLED)
    given(decider, ACCRUED, SECOND, SETTLED).when(SETTLE).then_nothing()
    given(decider, ACCRUED).when(replace(SETTLE, at=NOW)).rejected("period_not_over")
    late = replace(ACCRUED, entry="e3", amount=7)
    given(decider, ACCRUED, SECOND, SETTLED, late).when(SETTLE).then(
        CommissionSettled("2026-01:CNY:2", "2026-01", ("e3",), 7, "CNY", FEBRUARY)
    )


def test_what_is_of_a_later_time_waits_for_its_period() -> None:
    february = replace(ACCRUED, entry="e3", at=FEBRUARY)
    given(decider, february).when(SETTLE).then_nothing()
    given(decider, ACCRUED, february).when(SETTLE).then(replace(SETTLED, entries=("e1",), amount=96_000))


def test_each_currency_has_a_settlement_of_its_own() -> None:
    euro = replace(SECOND, currency="EUR")
    given(decider, ACCRUED, euro).when(SETTLE).then(
        replace(SETTLED, entries=("e1",), amount=96_000),
        CommissionSettled("2026-01:EUR:1", "2026-01", ("e2",), 4_000, "EUR", FEBRUARY),
    )


def test_what_was_paid_and_comes_back_is_taken_from_the_next_settlement() -> None:
    back = replace(REVERSED, at=FEBRUARY)
    march = SettleCommission("2026-02", MARCH, MARCH)
    given(decider, ACCRUED, SECOND, SETTLED, back).when(march).then(
        CommissionSettled("2026-02:CNY:1", "2026-02", ("r1",), -96_000, "CNY", MARCH)
    )
    given(decider, ACCRUED, REVERSED).when(SETTLE).then(replace(SETTLED, entries=("e1", "r1"), amount=0))


@pytest.mark.parametrize("command", [REVERSE, SETTLE])
def test_nothing_is_done_to_an_account_that_never_was(command: ReverseCommission | SettleCommission) -> None:
    given(decider).when(command).rejected("commission_account_unknown")


def test_a_statement_shows_the_receipts_of_its_figures() -> None:
    back = replace(REVERSED, at=FEBRUARY)
    account = given(decider, ACCRUED, SECOND, SETTLED, back).state()
    assert isinstance(account, Account)
    january = statement(account, "2026-01", JANUARY, FEBRUARY)
    assert [(each.entry, each.amount) for each in january.entries] == [("e1", 96_000), ("e2", 4_000)]
    assert january.figures == (Figures("CNY", 100_000, 0, 100_000, 100_000, 0),)
    assert january.settlements == (SETTLED,)
    february = statement(account, "2026-02", FEBRUARY, MARCH)
    assert [(each.entry, each.of, each.order, each.amount) for each in february.entries] == [
        ("r1", "e1", "order/1", -96_000)
    ]
    assert february.figures == (Figures("CNY", 0, 96_000, -96_000, 0, -96_000),)
    assert february.settlements == ()


def test_a_dealer_sees_of_a_statement_what_was_earned_there() -> None:
    moved = replace(SECOND, dealer="d2")
    account = given(decider, ACCRUED, moved, SETTLED).state()
    assert isinstance(account, Account)
    assert account.dealer == "d2"
    there = statement(account, "2026-01", JANUARY, FEBRUARY, "d2")
    assert [each.entry for each in there.entries] == ["e2"]
    assert there.settlements == ()  # it names an entry of another dealer


# ── The rules ─────────────────────────────────────────────────────────────────────────────────────────────────
SPLIT = (Share("consultant", 8000), Share("manager", 2000))
NEW = CommissionRule("new_vehicle", "new", 100, SPLIT)
PEOPLE: dict[Part, str | None] = {"consultant": "staff-1", "manager": "boss"}


def test_the_first_rule_that_fits_counts() -> None:
    special = CommissionRule("phideon", "new", 150, SPLIT, ("volkswagen-phideon",))
    rules = CommissionRules("2026-3", (special, NEW))
    assert rules.rule("new", "volkswagen-phideon") is special
    assert rules.rule("new", "volkswagen-polo") is NEW
    assert rules.rule("new", None) is NEW
    assert rules.rule("used", "volkswagen-phideon") is None


def test_a_rule_shares_the_whole_and_nothing_else() -> None:
    for shares in ((8000,), (8000, 1999), (8000, 2001), (10_000, 0)):
        with pytest.raises(ValueError, match="split"):
            CommissionRule("x", "new", 100, tuple(Share(s.part, bp) for s, bp in zip(SPLIT, shares, strict=False)))
    with pytest.raises(ValueError, match="rule"):
        CommissionRule("x", "new", 10_001, SPLIT)
    with pytest.raises(ValueError, match="rule"):
        CommissionRule("x", "new", 1, (Share("manager", 5000), Share("manager", 5000)))


def test_a_rate_is_rounded_half_upwards() -> None:
    assert [earned(NEW, price) for price in (0, 49, 50, 149, 150, 12_000_000, -5)] == [0, 0, 1, 1, 2, 120_000, 0]


def test_the_largest_remainder_is_rounded_up_and_of_equal_ones_the_first() -> None:
    assert split(100, [3333, 3333, 3334]) == [33, 33, 34]
    assert split(1, [5000, 5000]) == [1, 0]
    assert split(3, [8000, 2000]) == [2, 1]
    assert split(2, [3333, 3333, 3334]) == [1, 0, 1]


def test_consultant_and_manager_share() -> None:
    assert portions(NEW, 1001, PEOPLE) == [Portion("staff-1", 8000, 801), Portion("boss", 2000, 200)]


def test_who_plays_both_parts_gets_both_in_one() -> None:
    assert portions(NEW, 1001, {"consultant": "boss", "manager": "boss"}) == [Portion("boss", 10_000, 1001)]


def test_the_share_of_a_part_that_nobody_plays_is_not_lost() -> None:
    assert portions(NEW, 1001, {"consultant": None, "manager": "boss"}) == [Portion("boss", 10_000, 1001)]
    assert portions(NEW, 1001, {"consultant": "staff-1", "manager": None}) == [Portion("staff-1", 10_000, 1001)]
    assert portions(NEW, 1001, {"consultant": None, "manager": None}) == []
    alone = replace(NEW, split=(Share("manager", 10_000),))
    assert portions(alone, 7, {"consultant": "staff-1", "manager": None}) == [Portion("staff-1", 10_000, 7)]


def test_a_share_that_rounds_to_nothing_is_not_told() -> None:
    assert portions(NEW, 1, PEOPLE) == [Portion("staff-1", 8000, 1)]
    assert portions(NEW, 0, PEOPLE) == []
