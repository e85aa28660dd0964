"""The steps of opportunities, quotes, contracts and orders, one for each event that moves them; and what was as of a
date. Rows are only added, in the append's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.contract import ContractAmended, ContractCancelled, ContractSigned
from sales.domain.opportunity import (
    OpportunityAssigned,
    OpportunityLost,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from sales.domain.order import OrderCancelled, OrderDelayed, OrderPlaced, VehicleDelivered
from sales.domain.pipeline import Step
from sales.domain.quote import QuoteExpired, QuoteIssued, QuoteWithdrawn

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_FIRST = """
INSERT INTO pipeline_steps (stream, version, kind, dealer, state, at, since, units, amount, currency, parent, promised,
                            model, staff, source)
VALUES ($1, $2, $3, $4, 'open', $5, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
# What is not named stays as it was.
_NEXT = """
INSERT INTO pipeline_steps (stream, version, kind, dealer, state, at, since, units, amount, currency, parent, promised,
                            model, staff, source)
SELECT stream, $2, kind, dealer, coalesce($4, state), $3, CASE WHEN $5 THEN $3 ELSE since END, coalesce($6, units),
       coalesce($7, amount), currency, parent, coalesce($8, promised), model, coalesce($9, staff), source
FROM pipeline_steps WHERE stream = $1 ORDER BY version DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _First:
    dealer: str
    units: int = 1
    amount: int | None = None
    currency: str | None = None
    parent: str | None = None
    promised: date | None = None
    model: str | None = None
    staff: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class _Next:
    """`moved`: from now on it is somewhere else."""

    state: str | None = None
    moved: bool = False
    units: int | None = None
    amount: int | None = None
    promised: date | None = None
    staff: str | None = None


def _first(event: Any) -> _First | None:
    match event:
        case OpportunityOpened() as e:
            model = e.models[0] if len(e.models) == 1 else None
            return _First(e.dealer, model=model, staff=e.staff, source=e.source)
        case QuoteIssued() as e:
            units = sum(line.quantity for line in e.lines if line.kind == "vehicle")
            return _First(e.dealer, max(units, 1), e.total, e.currency, e.opportunity, staff=e.staff)
        case ContractSigned() as e:
            units = sum(line.quantity for line in e.lines)
            return _First(e.dealer, units, e.total, e.currency, e.opportunity, staff=e.staff)
        case OrderPlaced() as e:
            return _First(e.dealer, 1, e.price, e.currency, e.contract, e.promised, e.model, e.staff)
        case _:
            return None


def _next(event: Any) -> _Next | None:
    """None for what moves nothing: deposits, finance, the allocation of a vehicle."""
    match event:
        case OpportunityAssigned(staff=staff):
            return _Next(staff=staff)
        case OpportunityWon():
            return _Next("won", moved=True)
        case OpportunityLost():
            return _Next("lost", moved=True)
        case OpportunityReopened():
            return _Next("open", moved=True)
        case QuoteExpired():
            return _Next("expired", moved=True)
        case QuoteWithdrawn():
            return _Next("withdrawn", moved=True)
        case ContractAmended() as e:
            return _Next(units=sum(line.quantity for line in e.lines), amount=e.total)
        case ContractCancelled() | OrderCancelled():
            return _Next("cancelled", moved=True)
        case OrderDelayed(promised=promised):
            return _Next(promised=promised)
        case VehicleDelivered(staff=staff):
            return _Next("delivered", moved=True, staff=staff)
        case _:
            return None


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Any]]) -> None:
    """Only the order within a stream matters."""
    for recorded, event in told:
        stream, version = recorded.stream, recorded.version
        if (first := _first(event)) is not None:
            await connection.execute(
                _FIRST, stream, version, stream.partition("/")[0], first.dealer, event.at, first.units, first.amount,
                first.currency, first.parent, first.promised, first.model, first.staff, first.source,
            )  # fmt: skip
        elif (then := _next(event)) is not None:
            await connection.execute(
                _NEXT, stream, version, event.at, then.state, then.moved, then.units, then.amount, then.promised,
                then.staff,
            )  # fmt: skip


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
_STEPS = """
SELECT DISTINCT ON (stream) stream, kind, state, dealer, since, units, amount, currency, parent, promised, model, staff
FROM pipeline_steps WHERE dealer = ANY ($1) AND at <= $2 ORDER BY stream, version DESC
"""


async def steps(connection: Connection, dealers: Sequence[str], as_of: datetime) -> list[Step]:
    """The last step of each stream of these dealers as of then."""
    return [Step(**dict(row)) for row in await connection.fetch(_STEPS, dealers, as_of)]


async def orders_of(connection: Connection, contract: str) -> list[str]:
    """The streams of the orders ever placed under a contract."""
    rows = await connection.fetch(
        "SELECT stream FROM pipeline_steps WHERE parent = $1 AND kind = 'order' AND version = 1 ORDER BY stream",
        contract,
    )
    return [row["stream"] for row in rows]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a dealer delivered in a span, of one staff and one currency."""

    dealer: str
    staff: str | None
    currency: str
    units: int
    amount: int


# An order has one step at most that says it was delivered.
_DELIVERED = """
SELECT dealer, staff, coalesce(currency, '') AS currency, sum(units)::bigint AS units,
       coalesce(sum(amount), 0)::bigint AS amount
FROM pipeline_steps
WHERE dealer = ANY ($1) AND kind = 'order' AND state = 'delivered' AND since >= $2 AND since < $3
GROUP BY dealer, staff, currency ORDER BY dealer, staff, currency
"""


async def delivered(connection: Connection, dealers: Sequence[str], first: datetime, end: datetime) -> list[Delivered]:
    """From `first` to before `end`."""
    return [Delivered(**dict(row)) for row in await connection.fetch(_DELIVERED, dealers, first, end)]


@dataclass(frozen=True, slots=True)
class Channel:
    """What came of one source at one dealer in a span. Orders without an opportunity have the source `direct`."""

    dealer: str
    source: str
    opened: int
    won: int
    lost: int
    delivered: int


_CHANNELS = """
WITH moved AS (
    SELECT s.dealer, s.source, s.version = 1 AS opened, s.version > 1 AND s.state = 'won' AS won,
           s.state = 'lost' AS lost, false AS delivered
    FROM pipeline_steps s
    WHERE s.dealer = ANY ($1) AND s.kind = 'opportunity' AND s.at >= $2 AND s.at < $3 AND s.at = s.since
    UNION ALL
    SELECT o.dealer, coalesce(p.source, 'direct'), false, false, false, true
    FROM pipeline_steps o
    LEFT JOIN pipeline_steps c ON c.stream = o.parent AND c.version = 1
    LEFT JOIN pipeline_steps p ON p.stream = c.parent AND p.version = 1
    WHERE o.dealer = ANY ($1) AND o.kind = 'order' AND o.state = 'delivered' AND o.at >= $2 AND o.at < $3
)
SELECT dealer, source, count(*) FILTER (WHERE opened) AS opened, count(*) FILTER (WHERE won) AS won,
       count(*) FILTER (WHERE lost) AS lost, count(*) FILTER (WHERE delivered) AS delivered
FROM moved GROUP BY dealer, source ORDER BY dealer, source
"""


async def channels(
    connection: Connection, dealers: Sequence[str], first: datetime, end: datetime
) -> Mapping[str, list[Channel]]:
    """By dealer, from `first` to before `end`."""
    found: dict[str, list[Channel]] = {}
    for row in await connection.fetch(_CHANNELS, dealers, first, end):
        found.setdefault(row["dealer"], []).append(Channel(**dict(row)))
    return found
