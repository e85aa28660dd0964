"""What is on its way to a delivery, as of a date, and what it weighs. No stream of its own: others' events, in steps.

A vehicle is counted once, where it is furthest: an opportunity until a contract is signed for it, a contract for the
vehicles that no order stands for, an order until it is delivered or cancelled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

Stage = Literal["opportunity", "quoted", "contract", "order", "delivered"]
OPEN: tuple[Stage, ...] = ("opportunity", "quoted", "contract", "order")


# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class StageRule:
    """How likely it is that a vehicle of the stage is delivered, and how many days after it came there."""

    weight_permille: int
    days: int


@dataclass(frozen=True, slots=True)
class ForecastRules:
    """A rule for each of `OPEN`; a `ValueError` otherwise. Amounts in other currencies than `currency` weigh
    nothing."""

    version: str
    currency: str
    stages: Mapping[str, StageRule]

    def __post_init__(self) -> None:
        if set(self.stages) != set(OPEN) or any(not 0 <= r.weight_permille <= 1000 for r in self.stages.values()):
            raise ValueError("stages")


# ── What is on its way ────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Step:
    """The last step of one stream as of a date. `state` is `open` or what ended it; `parent` the opportunity of a
    quote or contract, the contract of an order; `since` is when it came where it is."""

    stream: str
    kind: Literal["opportunity", "quote", "contract", "order"]
    state: str
    dealer: str
    since: datetime
    units: int = 1
    amount: int | None = None
    currency: str | None = None
    parent: str | None = None
    promised: date | None = None
    model: str | None = None
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """`units` vehicles at one stage, for `amount` together as far as that is known."""

    stream: str
    stage: Stage
    dealer: str
    units: int
    amount: int | None
    currency: str | None
    since: datetime
    promised: date | None = None
    model: str | None = None
    staff: str | None = None


def items(steps: Sequence[Step]) -> list[Item]:
    """By stream. What is over is not among them."""
    ordered: dict[str, list[Step]] = {}
    quotes: dict[str, Step] = {}
    signed = set()
    for step in steps:
        if step.kind == "order" and step.parent is not None and step.state != "cancelled":
            ordered.setdefault(step.parent, []).append(step)
        if step.kind == "contract" and step.parent is not None and step.state != "cancelled":
            signed.add(step.parent)
        if step.kind == "quote" and step.state == "open" and step.parent is not None:
            last = quotes.get(step.parent)
            if last is None or (last.since, last.stream) < (step.since, step.stream):
                quotes[step.parent] = step
    found = []
    for step in sorted(steps, key=lambda each: each.stream):
        item = _item(step, ordered, quotes, signed)
        if item is not None and item.units > 0:
            found.append(item)
    return found


def delivered(steps: Sequence[Step]) -> list[Item]:
    """By stream."""
    done = [step for step in steps if step.kind == "order" and step.state == "delivered"]
    return [_of(step, "delivered") for step in sorted(done, key=lambda each: each.stream)]


def _item(
    step: Step, ordered: Mapping[str, Sequence[Step]], quotes: Mapping[str, Step], signed: set[str]
) -> Item | None:
    if step.state != "open" or step.kind == "quote":
        return None
    if step.kind == "opportunity":
        if step.stream in signed:
            return None
        quote = quotes.get(step.stream)
        return _of(step, "opportunity") if quote is None else _of(quote, "quoted", step)
    if step.kind == "order":
        return _of(step, "order")
    orders = ordered.get(step.stream, ())
    taken = sum(order.amount or 0 for order in orders)
    left = None if step.amount is None else max(step.amount - taken, 0)
    return _of(step, "contract", units=step.units - sum(order.units for order in orders), amount=left)


def _of(step: Step, stage: Stage, of: Step | None = None, units: int | None = None, amount: int | None = None) -> Item:
    named = of or step
    return Item(
        stream=named.stream,
        stage=stage,
        dealer=named.dealer,
        units=step.units if units is None else units,
        amount=step.amount if amount is None else amount,
        currency=step.currency,
        since=step.since,
        promised=step.promised,
        model=step.model or named.model,
        staff=named.staff,
    )


# ── What it weighs ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Weighed:
    """`units_permille` and `amount` are the item's share of the figures; `expected` the day of its delivery."""

    item: Item
    expected: date
    weight_permille: int
    units_permille: int
    amount: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The figures are sums of the lines."""

    lines: tuple[Weighed, ...]
    units_permille: int
    amount: int
    currency: str
    rules: str


def expected(item: Item, rules: ForecastRules, today: date, zone: tzinfo) -> date:
    """The promised day, else so long after it came to its stage as the rules say; what is overdue is expected today."""
    since = item.since.astimezone(zone).date()
    if item.stage == "delivered":
        return since
    return max(item.promised or since + timedelta(days=rules.stages[item.stage].days), today)


def weigh(
    found: Iterable[Item], rules: ForecastRules, as_of: datetime, zone: tzinfo, period: str | None = None
) -> Pipeline:
    """What was delivered counts in full. `period`, a month: only what is expected in it."""
    today = as_of.astimezone(zone).date()
    lines = []
    for item in found:
        day = expected(item, rules, today, zone)
        if period is not None and day.isoformat()[:7] != period:
            continue
        weight = 1000 if item.stage == "delivered" else rules.stages[item.stage].weight_permille
        known = item.amount if item.amount is not None and item.currency == rules.currency else 0
        lines.append(Weighed(item, day, weight, item.units * weight, (known * weight + 500) // 1000))
    units, amount = sum(line.units_permille for line in lines), sum(line.amount for line in lines)
    return Pipeline(tuple(lines), units, amount, rules.currency, rules.version)


@dataclass(frozen=True, slots=True)
class ByStage:
    stage: Stage
    units: int
    units_permille: int
    amount: int


def by_stage(pipeline: Pipeline) -> list[ByStage]:
    """Stages nothing stands at are left out; the sums are the pipeline's."""
    units: Counter[Stage] = Counter()
    weighed: Counter[Stage] = Counter()
    amounts: Counter[Stage] = Counter()
    for line in pipeline.lines:
        units[line.item.stage] += line.item.units
        weighed[line.item.stage] += line.units_permille
        amounts[line.item.stage] += line.amount
    return [ByStage(s, units[s], weighed[s], amounts[s]) for s in (*OPEN, "delivered") if s in units]
