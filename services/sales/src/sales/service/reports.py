"""What dealers and headquarters ask of everything that was sold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from roadbook.database import acquire
from sales.service.running import Service
from sales.views import reports


@dataclass(frozen=True, slots=True)
class Span:
    """Days by the dealers' clock, the last one included."""

    first: date
    last: date

    def moments(self, service: Service) -> tuple[datetime, datetime]:
        """From the first day's beginning to before the day after the last."""
        zone = service.network.time_zone
        ends = (self.first, self.last + timedelta(days=1))
        first, end = (datetime.combine(each, time(), zone).astimezone(UTC) for each in ends)
        return first, end


async def waiting(
    service: Service, dealer: str | None, model: str | None, after: Sequence[Any] | None, limit: int
) -> list[dict[str, Any]]:
    """`after`: (priority, placed_at, order) as a cursor keeps them."""
    key = None if after is None else (int(after[0]), datetime.fromisoformat(after[1]), UUID(after[2]))
    async with acquire(service.pool) as connection:
        return await reports.waiting(connection, dealer, model, key, limit)


async def sales_of_staff(service: Service, staff: str, dealer: str | None, span: Span) -> dict[str, Any]:
    """What the person sold and delivered, sale by sale, and the sums of exactly these."""
    async with acquire(service.pool) as connection:
        sales = await reports.sales_of_staff(connection, staff, dealer, *span.moments(service))
    sums: dict[str, dict[str, int]] = {}
    for sale in sales:
        each = sums.setdefault(sale["currency"], {"vehicles": 0, "amount": 0})
        each["vehicles"] += 1
        each["amount"] += sale["price"]
    totals = [{"currency": currency, **sums[currency]} for currency in sorted(sums)]
    return {"staff": staff, "from": span.first, "to": span.last, "totals": totals, "sales": sales}


async def customers_of_staff(
    service: Service, staff: str, dealer: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    async with acquire(service.pool) as connection:
        return await reports.customers_of_staff(connection, staff, dealer, after, limit)


async def attach_rate(service: Service, dealer: str | None, span: Span) -> Mapping[str, Any]:
    async with acquire(service.pool) as connection:
        return await reports.attach_rate(connection, dealer, *span.moments(service))


async def expiring(
    service: Service, dealer: str | None, span: Span, after: Sequence[Any] | None, limit: int
) -> list[dict[str, Any]]:
    """`after`: (expires, order, no) as a cursor keeps them."""
    key = None if after is None else (date.fromisoformat(after[0]), UUID(after[1]), int(after[2]))
    async with acquire(service.pool) as connection:
        return await reports.expiring(connection, dealer, span.first, span.last, key, limit)
