"""What holds for every commission, trade-in, accessory sale, target, forecast and pipeline."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadbook.decider import Decider, Rejected
from sales.domain import accessorysale, commission, forecast, salestarget, tradein
from sales.domain.commission import (
    Account,
    AccrueCommission,
    CommissionAccrued,
    CommissionReversed,
    CommissionSettled,
    ReverseCommission,
    SettleCommission,
    Unknown,
    figures,
    statement,
)
from sales.domain.commission_rules import WHOLE, CommissionRule, Share, earned, portions, split
from sales.domain.pipeline import ForecastRules, Item, StageRule, Step, by_stage, delivered, items, weigh
from sales.service.months import period_of, span

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
times = st.integers(0, 300).map(lambda n: NOW + n * timedelta(hours=8))  # the ends of months among them
words = st.sampled_from(["a", "b", "c"])
amounts = st.integers(0, 10**6)
currencies = st.sampled_from(["CNY", "EUR"])
MONTHS = [(f"2026-0{n}", span(f"2026-0{n}", ZONE)) for n in range(1, 6)]


# ── Shares ────────────────────────────────────────────────────────────────────────────────────────────────────
@st.composite
def whole_shares(draw: st.DrawFn) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(1, WHOLE - 1), max_size=6, unique=True)))
    return [high - low for low, high in zip([0, *cuts], [*cuts, WHOLE], strict=True)]


@settings(max_examples=500)
@given(st.integers(0, 10**15), whole_shares())
def test_parts_sum_to_the_whole_and_none_is_off_by_a_unit(amount: int, shares: list[int]) -> None:
    parts = split(amount, shares)
    assert sum(parts) == amount
    for part, bp in zip(parts, shares, strict=True):
        assert abs(part * WHOLE - amount * bp) < WHOLE
    # The largest remainders were rounded up: no other choice of as many is nearer.
    up = [amount * bp % WHOLE for part, bp in zip(parts, shares, strict=True) if part > amount * bp // WHOLE]
    down = [amount * bp % WHOLE for part, bp in zip(parts, shares, strict=True) if part == amount * bp // WHOLE]
    assert not up or not down or min(up) >= max(down)


people = st.none() | st.sampled_from(["ann", "bo"])


@settings(max_examples=300)
@given(st.integers(0, 10**12), st.integers(0, WHOLE), st.integers(1, WHOLE - 1), people, people)
def test_what_is_earned_is_shared_without_a_rest(
    price: int, rate: int, bp: int, consultant: str | None, manager: str | None
) -> None:
    rule = CommissionRule("r", "new", rate, (Share("consultant", bp), Share("manager", WHOLE - bp)))
    amount = earned(rule, price)
    assert abs(amount * WHOLE - price * rate) * 2 <= WHOLE
    found = portions(rule, amount, {"consultant": consultant, "manager": manager})
    assert sum(each.amount for each in found) == (amount if consultant or manager else 0)
    assert len({each.staff for each in found}) == len(found)
    assert all(each.amount > 0 for each in found)


# ── Accounts ──────────────────────────────────────────────────────────────────────────────────────────────────
entries = st.sampled_from([f"e{n}" for n in range(6)])
accruals = st.builds(
    AccrueCommission, entries, words, st.sampled_from(["d1", "d2"]), st.just("ann"), amounts, currencies,
    st.integers(1, WHOLE), words, words, times,
)  # fmt: skip
reversals = st.builds(ReverseCommission, entries.map(lambda e: f"r{e}"), entries, words, times)
settlements = st.sampled_from(MONTHS).flatmap(
    lambda month: st.builds(
        SettleCommission, st.just(month[0]), st.just(month[1][1]), times.map(lambda t: t + 60 * DAY)
    )
)
account_commands = st.one_of(accruals, accruals, reversals, settlements)


def lived(decider: Decider[Any, Any, Any], commands: list[Any]) -> tuple[Any, list[Any]]:
    """The state, and all events, after what could be done was done."""
    state, told = decider.initial, []
    for each in commands:
        try:
            decided = list(decider.decide(each, state))
        except Rejected:
            continue
        told += decided
        state = decider.fold(decided, state)
    return state, told


@settings(max_examples=300)
@given(st.lists(account_commands, max_size=25))
def test_add_the_receipts_and_get_the_figure(commands: list[Any]) -> None:
    """Counted here from the events alone, whatever the account makes of them."""
    account, told = lived(commission.decider, commands)
    if isinstance(account, Unknown):
        assert told == []
        return
    accrued = [each for each in told if isinstance(each, CommissionAccrued)]
    back = [each for each in told if isinstance(each, CommissionReversed)]
    settled = [each for each in told if isinstance(each, CommissionSettled)]
    signed = {each.entry: each.amount for each in accrued} | {each.entry: -each.amount for each in back}
    assert len(signed) == len(accrued) + len(back)
    # Every entry is paid at most once, and a settlement is the sum of what it names.
    paid = [name for each in settled for name in each.entries]
    assert len(set(paid)) == len(paid)
    assert all(each.amount == sum(signed[name] for name in each.entries) for each in settled)
    assert len({each.settlement for each in settled}) == len(settled)
    # The months' statements add up to the account, receipt by receipt.
    receipts = [(each.entry, each.amount) for name, (a, b) in MONTHS for each in statement(account, name, a, b).entries]
    assert sorted(receipts) == sorted(signed.items())
    for currency in {each.currency for each in accrued}:
        months = [
            f for name, (a, b) in MONTHS for f in statement(account, name, a, b).figures if f.currency == currency
        ]
        plus = sum(each.amount for each in accrued if each.currency == currency)
        minus = sum(each.amount for each in back if each.currency == currency)
        assert (sum(f.accrued for f in months), sum(f.reversed for f in months)) == (plus, minus)
        assert sum(f.settled for f in months) == sum(each.amount for each in settled if each.currency == currency)
        assert sum(f.open for f in months) == sum(f.net for f in months) - sum(f.settled for f in months)
    # Each dealer's statements are parts of the whole.
    whole = figures(account.entries.values())
    parts = [
        f for dealer in ("d1", "d2") for name, (a, b) in MONTHS for f in statement(account, name, a, b, dealer).figures
    ]
    assert {f.currency: f.net for f in whole} == {
        f.currency: sum(part.net for part in parts if part.currency == f.currency) for f in whole
    }


@settings(max_examples=200)
@given(st.lists(accruals, min_size=1, max_size=8), st.lists(reversals, max_size=8))
def test_what_is_taken_back_is_taken_back_once(plus: list[Any], minus: list[Any]) -> None:
    others = [replace(m, entry=f"{m.entry} {m.of}") for m in minus]  # none's name is taken by one of another's
    account, told = lived(commission.decider, [*plus, *minus, *minus, *others])
    assert isinstance(account, Account)
    back = [each.of for each in told if isinstance(each, CommissionReversed)]
    assert sorted(back) == sorted({m.of for m in minus} & {p.entry for p in plus})


# ── Every aggregate ───────────────────────────────────────────────────────────────────────────────────────────
offers = st.builds(tradein.Offer, st.integers(0, 2), currencies)
orders = st.none() | st.sampled_from(["order/1", "order/2"])
kilometres = st.none() | st.integers(0, 3)
TRADE_INS = st.one_of(
    st.builds(
        tradein.AppraiseTradeIn, words, words, st.just("V"), st.none() | words, kilometres, offers, times,
        st.none() | words, times,
    ),
    st.builds(tradein.AgreeTradeIn, st.none() | offers, orders, times),
    st.builds(tradein.ReceiveTradeIn, kilometres, times),
    st.builds(tradein.DeclineTradeIn, words, times),
)  # fmt: skip
TRADE_IN_EVENTS = st.one_of(
    st.builds(
        tradein.TradeInAppraised, words, words, st.just("V"), st.none() | words, kilometres, amounts, currencies, times,
        st.none() | words, times,
    ),
    st.builds(tradein.TradeInAgreed, amounts, currencies, orders, times),
    st.builds(tradein.TradeInReceived, kilometres, times),
    st.builds(tradein.TradeInDeclined, words, times),
)  # fmt: skip
sold = st.lists(st.builds(accessorysale.Item, words, st.integers(1, 3), amounts), min_size=1, max_size=4).map(tuple)
SALES = st.one_of(
    st.builds(
        accessorysale.SellAccessories, words, words, orders, st.none() | words, sold, currencies, st.none() | words,
        times,
    ),
    st.builds(accessorysale.ReturnAccessories, words, times),
)  # fmt: skip
SALE_EVENTS = st.one_of(
    st.builds(
        accessorysale.AccessorySold, words, words, orders, st.none() | words, sold, currencies, amounts,
        st.none() | words, times,
    ),
    st.builds(accessorysale.AccessoryReturned, words, times),
)  # fmt: skip
ACCOUNT_EVENTS = st.one_of(
    st.builds(
        CommissionAccrued, entries, words, words, words, amounts, currencies, st.integers(1, WHOLE), words, words, times
    ),
    st.builds(CommissionReversed, entries, entries, amounts, currencies, words, times),
    st.builds(CommissionSettled, words, words, st.lists(entries, max_size=3).map(tuple), amounts, currencies, times),
)
targets = st.builds(salestarget.Target, st.integers(0, 2), st.none() | amounts, currencies)
TARGETS = st.builds(salestarget.SetSalesTarget, words, words, st.none() | words, targets, times)
TARGET_EVENTS = st.builds(
    salestarget.SalesTargetSet,
    words,
    words,
    st.none() | words,
    st.integers(0, 2),
    st.none() | amounts,
    currencies,
    times,
)
FORECASTS = st.builds(
    forecast.PublishForecast, words, words, times, st.integers(0, 2), st.integers(0, 2), currencies, words, times
)
FORECAST_EVENTS = st.builds(
    forecast.ForecastPublished, words, words, times, st.integers(0, 2), st.integers(0, 2), currencies, words, times
)
EVERY: dict[str, tuple[Decider[Any, Any, Any], Any, Any]] = {
    "tradein": (tradein.decider, TRADE_INS, TRADE_IN_EVENTS),
    "accessorysale": (accessorysale.decider, SALES, SALE_EVENTS),
    "commission": (commission.decider, account_commands, ACCOUNT_EVENTS),
    "salestarget": (salestarget.decider, TARGETS, TARGET_EVENTS),
    "forecast": (forecast.decider, FORECASTS, FORECAST_EVENTS),
}


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=200)
@given(st.data())
def test_a_repeat_says_nothing_and_nothing_but_a_rejection_is_raised(name: str, data: st.DataObject) -> None:
    """After any commands, and in the state that any events make."""
    decider, commands, events = EVERY[name]
    after_commands, _ = lived(decider, data.draw(st.lists(commands, max_size=8)))
    after_events = decider.fold(data.draw(st.lists(events, max_size=8)))
    asked = data.draw(commands)
    for state in (after_commands, after_events):
        try:
            decided = list(decider.decide(asked, state))
        except Rejected:
            continue
        if state is after_commands:
            assert list(decider.decide(asked, decider.fold(decided, state))) == []


@settings(max_examples=300)
@given(st.lists(TRADE_INS, max_size=12))
def test_a_trade_in_is_closed_once_and_agreed_on_before_it_is_received(commands: list[Any]) -> None:
    _, told = lived(tradein.decider, commands)
    closed = [n for n, each in enumerate(told) if isinstance(each, tradein.TradeInReceived | tradein.TradeInDeclined)]
    assert closed in ([], [len(told) - 1])
    if told and isinstance(told[-1], tradein.TradeInReceived):
        assert any(isinstance(each, tradein.TradeInAgreed) for each in told)
    if told:
        first = told[0]
        prices = {(first.amount, first.currency)}
        for each in told[1:]:
            if isinstance(each, tradein.TradeInAgreed):
                # What is new was agreed on while the appraisal held: at `at`, or with an earlier agreement.
                assert (each.amount, each.currency) in prices or each.at <= first.valid_until
                prices.add((each.amount, each.currency))


# ── The pipeline ──────────────────────────────────────────────────────────────────────────────────────────────
RULES = ForecastRules(
    "1",
    "CNY",
    {
        "opportunity": StageRule(150, 60),
        "quoted": StageRule(350, 45),
        "contract": StageRule(800, 30),
        "order": StageRule(950, 14),
    },
)


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    def some(kind: Any, states: list[str], parents: str | None, count: int) -> list[Step]:
        return [
            Step(
                f"{kind}/{n}", kind, draw(st.sampled_from(states)), "d1", draw(times), draw(st.integers(1, 3)),
                draw(st.none() | amounts), draw(currencies),
                None if parents is None else draw(st.none() | st.integers(0, 2).map(lambda m: f"{parents}/{m}")),
                draw(st.none() | st.sampled_from([date(2026, 2, 1), date(2026, 4, 1)])),
            )
            for n in range(draw(st.integers(0, count)))
        ]  # fmt: skip

    return [
        *some("opportunity", ["open", "open", "won", "lost"], None, 3),
        *some("quote", ["open", "open", "expired"], "opportunity", 3),
        *some("contract", ["open", "open", "cancelled"], "opportunity", 3),
        *[replace(each, units=1) for each in some("order", ["open", "delivered", "cancelled"], "contract", 5)],
    ]


@settings(max_examples=200)
@given(steps(), st.integers(), times)
def test_every_vehicle_counts_once_and_the_lines_add_up(found: list[Step], seed: int, as_of: datetime) -> None:
    shuffled = random.Random(seed).sample(found, len(found))
    on_the_way = items(found)
    assert items(shuffled) == on_the_way  # in whatever order the streams were read
    pipeline = weigh(on_the_way, RULES, as_of, ZONE)
    assert pipeline.units_permille == sum(line.units_permille for line in pipeline.lines)
    assert pipeline.amount == sum(line.amount for line in pipeline.lines)
    assert sum(each.units_permille for each in by_stage(pipeline)) == pipeline.units_permille
    # Under a standing contract: as many as it says, unless more were ordered.
    counted = {item.stream: item.units for item in on_the_way}
    for contract in (each for each in found if each.kind == "contract" and each.state == "open"):
        under = [each for each in found if each.kind == "order" and each.parent == contract.stream]
        standing = [each for each in under if each.state != "cancelled"]
        assert counted.get(contract.stream, 0) == max(contract.units - len(standing), 0)
    assert all(counted[each.stream] == 1 for each in found if each.kind == "order" and each.state == "open")
    # Nothing of an opportunity beside its contract.
    signed = {each.parent for each in found if each.kind == "contract" and each.state == "open"}
    of_quotes = {each.stream: each.parent for each in found if each.kind == "quote"}
    for item in on_the_way:
        if item.stage in ("opportunity", "quoted"):
            assert of_quotes.get(item.stream, item.stream) not in signed


@settings(max_examples=150)
@given(steps(), times)
def test_the_months_share_the_pipeline_between_them(found: list[Step], as_of: datetime) -> None:
    every: list[Item] = [*items(found), *delivered(found)]
    whole = weigh(every, RULES, as_of, ZONE)
    months = {line.expected.isoformat()[:7] for line in whole.lines}
    parts = [weigh(every, RULES, as_of, ZONE, month) for month in sorted(months)]
    assert sum(part.units_permille for part in parts) == whole.units_permille
    assert sum(part.amount for part in parts) == whole.amount
    assert all(line.expected >= as_of.astimezone(ZONE).date() or line.item.stage == "delivered" for line in whole.lines)


@settings(max_examples=200)
@given(st.integers(0, 50_000_000).map(lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)))
def test_every_moment_is_in_its_month_and_in_no_other(moment: datetime) -> None:
    first, end = span(period_of(moment, ZONE), ZONE)
    assert first <= moment < end
    assert period_of(end, ZONE) != period_of(moment, ZONE)
    assert period_of(end - timedelta(microseconds=1), ZONE) == period_of(moment, ZONE)
