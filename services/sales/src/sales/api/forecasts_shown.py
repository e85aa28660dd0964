"""What is answered of targets, the pipeline, forecasts and each dealer's month."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from roadbook.http.types import rfc3339
from sales.api import shown
from sales.domain import pipeline as domain
from sales.service.forecasts import Attainment, BackTest, Month
from sales.views.pipeline import Channel, Delivered
from sales.views.targets import TargetRow


# ── Targets ───────────────────────────────────────────────────────────────────────────────────────────────────
class TargetShown(shown.Shown):
    """`staff` None: the whole dealer. `delivered_amount` is in the target's currency."""

    staff: str | None
    units: int
    amount: int | None
    currency: str
    set_at: str
    delivered_units: int
    delivered_amount: int


class DeliveredShown(shown.Shown):
    staff: str | None
    currency: str
    units: int
    amount: int


class TargetsShown(shown.Shown):
    """`delivered` is all that was delivered in the month: who has no target is in it too."""

    dealer: str
    period: str
    version: int
    targets: list[TargetShown]
    delivered: list[DeliveredShown]


def targets(dealer: str, period: str, found: Attainment) -> dict[str, Any]:
    return {
        "dealer": dealer,
        "period": period,
        "version": found.version,
        "targets": [_target(row, found.delivered) for row in found.targets],
        "delivered": _delivered(found.delivered),
    }


def _target(row: TargetRow, rows: Iterable[Delivered]) -> dict[str, Any]:
    own = [each for each in rows if row.staff in ("", each.staff)]
    return {
        "staff": row.staff or None,
        "units": row.units,
        "amount": row.amount,
        "currency": row.currency,
        "set_at": rfc3339(row.set_at),
        "delivered_units": sum(each.units for each in own),
        "delivered_amount": sum(each.amount for each in own if each.currency == row.currency),
    }


def _delivered(rows: Iterable[Delivered]) -> list[dict[str, Any]]:
    return [{"staff": row.staff, "currency": row.currency, "units": row.units, "amount": row.amount} for row in rows]


# ── The pipeline ──────────────────────────────────────────────────────────────────────────────────────────────
class LineShown(shown.Shown):
    """`stream` is the opportunity, contract or order. `amount` is its share of the figure, in minor units."""

    stream: str
    stage: str
    dealer: str
    model: str | None
    staff: str | None
    units: int
    since: str
    expected: str
    weight_permille: int
    units_permille: int
    amount: int


class StageShown(shown.Shown):
    stage: str
    units: int
    units_permille: int
    amount: int


class PipelineShown(shown.Shown):
    """`units_permille`: thousandths of a vehicle. The lines add up to the figures."""

    as_of: str
    period: str | None
    units_permille: int
    amount: int
    currency: str
    rules: str
    stages: list[StageShown]
    lines: list[LineShown]


def pipeline(found: domain.Pipeline, as_of: datetime, period: str | None) -> dict[str, Any]:
    return {
        "as_of": rfc3339(as_of),
        "period": period,
        "units_permille": found.units_permille,
        "amount": found.amount,
        "currency": found.currency,
        "rules": found.rules,
        "stages": [
            {"stage": e.stage, "units": e.units, "units_permille": e.units_permille, "amount": e.amount}
            for e in domain.by_stage(found)
        ],
        "lines": [_line(line) for line in found.lines],
    }


def _line(line: domain.Weighed) -> dict[str, Any]:
    item = line.item
    return {
        "stream": item.stream,
        "stage": item.stage,
        "dealer": item.dealer,
        "model": item.model,
        "staff": item.staff,
        "units": item.units,
        "since": rfc3339(item.since),
        "expected": line.expected.isoformat(),
        "weight_permille": line.weight_permille,
        "units_permille": line.units_permille,
        "amount": line.amount,
    }


# ── Forecasts ─────────────────────────────────────────────────────────────────────────────────────────────────
class ForecastListed(shown.Shown):
    """`event` is the id of the fact."""

    event: str
    dealer: str
    period: str
    as_of: str
    units_permille: int
    amount: int
    currency: str
    rules: str
    published_at: str


class ForecastsPage(shown.PageShown):
    items: list[ForecastListed]


class TestedShown(shown.Shown):
    """`error_…` is the forecast less what was delivered; `deviation_permille` how far off the units are, in thousandths
    of what was delivered (None: nothing was)."""

    event: str
    as_of: str
    published_at: str
    units_permille: int
    amount: int
    currency: str
    rules: str
    error_units_permille: int
    error_amount: int
    deviation_permille: int | None


class BackTestShown(shown.Shown):
    """`delivered_amount` is in the currency of the forecasts."""

    dealer: str
    period: str
    final: bool
    delivered_units: int
    delivered_amount: int
    delivered: list[DeliveredShown]
    tested: list[TestedShown]


def back_test(dealer: str, period: str, tested: BackTest) -> dict[str, Any]:
    units = sum(row.units for row in tested.delivered)
    currency = tested.published[-1][1].currency
    tests = []
    for event, fact in tested.published:
        error = fact.units_permille - 1000 * units
        tests.append(
            {
                "event": event.id,
                "as_of": rfc3339(fact.as_of),
                "published_at": rfc3339(fact.at),
                "units_permille": fact.units_permille,
                "amount": fact.amount,
                "currency": fact.currency,
                "rules": fact.rules,
                "error_units_permille": error,
                "error_amount": fact.amount - _amount(tested.delivered, fact.currency),
                "deviation_permille": abs(error) // units if units else None,
            }
        )
    return {
        "dealer": dealer,
        "period": period,
        "final": tested.over,
        "delivered_units": units,
        "delivered_amount": _amount(tested.delivered, currency),
        "delivered": _delivered(tested.delivered),
        "tested": tests,
    }


def _amount(rows: Iterable[Delivered], currency: str) -> int:
    return sum(row.amount for row in rows if row.currency == currency)


# ── Each dealer's month ───────────────────────────────────────────────────────────────────────────────────────
class SubmittedTarget(shown.Shown):
    units: int
    amount: int | None
    currency: str
    set_at: str


class SubmittedForecast(shown.Shown):
    """The last one; `forecasts` is how many were published."""

    forecasts: int
    published_at: str
    units_permille: int
    amount: int
    currency: str


class ChannelShown(shown.Shown):
    """Opportunities of one source that were opened, won and lost in the month, and vehicles delivered of it. What was
    sold without an opportunity is `direct`."""

    source: str
    opened: int
    won: int
    lost: int
    delivered_units: int


class ReportShown(shown.Shown):
    """`submitted`: whether the dealer set a target and published a forecast."""

    dealer: str
    period: str
    submitted: bool
    target: SubmittedTarget | None
    forecast: SubmittedForecast | None
    delivered: list[DeliveredShown]
    channels: list[ChannelShown]


class ReportsPage(shown.PageShown):
    items: list[ReportShown]


def report(dealer: str, period: str, month: Month) -> dict[str, Any]:
    target, published = month.targets.get(dealer), month.submitted.get(dealer)
    return {
        "dealer": dealer,
        "period": period,
        "submitted": target is not None and published is not None,
        "target": None
        if target is None
        else {
            "units": target.units,
            "amount": target.amount,
            "currency": target.currency,
            "set_at": rfc3339(target.set_at),
        },
        "forecast": None
        if published is None
        else {
            "forecasts": published.forecasts,
            "published_at": rfc3339(published.published_at),
            "units_permille": published.units_permille,
            "amount": published.amount,
            "currency": published.currency,
        },
        "delivered": _delivered(month.delivered.get(dealer, ())),
        "channels": [_channel(row) for row in _sorted(month.channels.get(dealer, ()))],
    }


def _sorted(rows: Sequence[Channel]) -> list[Channel]:
    return sorted(rows, key=lambda row: row.source)


def _channel(row: Channel) -> dict[str, Any]:
    return {
        "source": row.source,
        "opened": row.opened,
        "won": row.won,
        "lost": row.lost,
        "delivered_units": row.delivered,
    }
