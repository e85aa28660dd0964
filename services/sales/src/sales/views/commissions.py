"""Commission accounts in figures, counted event by event in the append's transaction, and where each entry stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.commission import CommissionAccrued, CommissionReversed, CommissionSettled, Event

AccountKey = tuple[str, str, str]
"""Where a page of accounts ends: (dealer, staff, currency)."""

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_ACCRUED = """
WITH entry AS (
    INSERT INTO commission_entries (entry, staff, dealer, earned_by, amount, currency)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING staff, dealer, currency, amount
)
INSERT INTO commission_accounts (staff, dealer, currency, accrued) SELECT staff, dealer, currency, amount FROM entry
ON CONFLICT (staff, dealer, currency) DO UPDATE SET accrued = commission_accounts.accrued + excluded.accrued
"""
_REVERSED = """
WITH known AS (
    UPDATE commission_entries SET reversed = true WHERE entry = $2 RETURNING staff, dealer, earned_by
), entry AS (
    INSERT INTO commission_entries (entry, staff, dealer, earned_by, amount, currency, of)
    SELECT $1, staff, dealer, earned_by, -$3::bigint, $4, $2 FROM known RETURNING staff, dealer
)
UPDATE commission_accounts a SET reversed = a.reversed + $3::bigint
FROM entry WHERE (a.staff, a.dealer, a.currency) = (entry.staff, entry.dealer, $4)
"""
_SETTLED = """
WITH paid AS (
    UPDATE commission_entries SET settlement = $2 WHERE entry = ANY ($1) RETURNING staff, dealer, currency, amount
), sums AS (
    SELECT staff, dealer, currency, sum(amount)::bigint AS amount FROM paid GROUP BY staff, dealer, currency
)
UPDATE commission_accounts a SET settled = a.settled + sums.amount
FROM sums WHERE (a.staff, a.dealer, a.currency) = (sums.staff, sums.dealer, sums.currency)
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters."""
    for _, event in told:
        match event:
            case CommissionAccrued() as e:
                await connection.execute(_ACCRUED, e.entry, e.staff, e.dealer, e.order, e.amount, e.currency)
            case CommissionReversed() as e:
                await connection.execute(_REVERSED, e.entry, e.of, e.amount, e.currency)
            case CommissionSettled() as e:
                await connection.execute(_SETTLED, list(e.entries), e.settlement)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
_STANDING = """
SELECT staff, entry FROM commission_entries WHERE earned_by = ANY ($1) AND of IS NULL AND NOT reversed
ORDER BY staff, entry
"""


async def standing(connection: Connection, sales: Sequence[str]) -> list[tuple[str, str]]:
    """(staff, entry) of what these sales earned and nobody took back."""
    return [(row["staff"], row["entry"]) for row in await connection.fetch(_STANDING, sales)]


@dataclass(frozen=True, slots=True)
class AccountRow:
    staff: str
    dealer: str
    currency: str
    accrued: int
    reversed: int
    settled: int


def accounts_query(dealer: str | None, after: AccountKey | None, limit: int) -> tuple[str, list[Any]]:
    """Only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []
    if dealer is not None:
        arguments.append(dealer)
        conditions.append("dealer = $2")
    if after is not None:
        arguments += after
        places = ", ".join(f"${n}" for n in range(len(arguments) - 2, len(arguments) + 1))
        conditions.append(f"(dealer, staff, currency) > ({places})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM commission_accounts {where}ORDER BY dealer, staff, currency LIMIT $1", arguments


async def accounts(
    connection: Connection, dealer: str | None, after: AccountKey | None, limit: int
) -> list[AccountRow]:
    """At most `limit` rows after the key, by dealer and staff."""
    statement, arguments = accounts_query(dealer, after, limit)
    return [AccountRow(**dict(row)) for row in await connection.fetch(statement, *arguments)]
