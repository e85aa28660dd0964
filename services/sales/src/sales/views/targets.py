"""Sales targets in force and forecasts that were published, written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.forecast import ForecastPublished
from sales.domain.salestarget import SalesTargetSet
from sales.views.listing import Listing

FORECASTS = Listing("forecasts", "event", "published_at", ("dealer", "period"))

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_SET = """
INSERT INTO sales_targets (dealer, period, staff, units, amount, currency, set_at)
VALUES ($1, $2, coalesce($3, ''), $4, $5, $6, $7)
ON CONFLICT (dealer, period, staff) DO UPDATE SET
    units = excluded.units, amount = excluded.amount, currency = excluded.currency, set_at = excluded.set_at
"""
_PUBLISHED = """
INSERT INTO forecasts (event, dealer, period, as_of, units_permille, amount, currency, rules, published_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def apply_targets(connection: Connection, told: Sequence[tuple[Recorded, SalesTargetSet]]) -> None:
    """Only the order within a stream matters."""
    for _, e in told:
        await connection.execute(_SET, e.dealer, e.period, e.staff, e.units, e.amount, e.currency, e.at)


async def apply_forecasts(connection: Connection, told: Sequence[tuple[Recorded, ForecastPublished]]) -> None:
    for recorded, e in told:
        await connection.execute(
            _PUBLISHED, UUID(recorded.id), e.dealer, e.period, e.as_of, e.units_permille, e.amount, e.currency, e.rules,
            e.at,
        )  # fmt: skip


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TargetRow:
    """`staff` '': the whole dealer's."""

    dealer: str
    staff: str
    units: int
    amount: int | None
    currency: str
    set_at: datetime


_TARGETS = """
SELECT dealer, staff, units, amount, currency, set_at FROM sales_targets WHERE dealer = ANY ($1) AND period = $2
ORDER BY dealer, staff
"""


async def targets(connection: Connection, dealers: Sequence[str], period: str) -> list[TargetRow]:
    return [TargetRow(**dict(row)) for row in await connection.fetch(_TARGETS, dealers, period)]


@dataclass(frozen=True, slots=True)
class Submitted:
    """How often a dealer published a forecast for a month, and what the last one said."""

    dealer: str
    forecasts: int
    published_at: datetime
    units_permille: int
    amount: int
    currency: str


_SUBMITTED = """
SELECT DISTINCT ON (dealer) dealer, count(*) OVER (PARTITION BY dealer) AS forecasts, published_at, units_permille,
       amount, currency
FROM forecasts WHERE dealer = ANY ($1) AND period = $2 ORDER BY dealer, published_at DESC, event DESC
"""


async def submitted(connection: Connection, dealers: Sequence[str], period: str) -> dict[str, Submitted]:
    """By dealer; who published nothing is not in it."""
    rows = await connection.fetch(_SUBMITTED, dealers, period)
    return {row["dealer"]: Submitted(**dict(row)) for row in rows}
