"""Questions over the read tables of sales. `dealer` None: all dealers'. A time ends before its second moment."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from roadbook.database import Connection

_WAITING = """
SELECT * FROM orders
WHERE vin IS NULL AND state <> 'cancelled' AND ($1::text IS NULL OR dealer = $1) AND ($2::text IS NULL OR model = $2)
  AND ($3::int IS NULL OR (-priority, placed_at, order_id) > (-$3::int, $4::timestamptz, $5::uuid))
ORDER BY priority DESC, placed_at, order_id LIMIT $6
"""


async def waiting(
    connection: Connection,
    dealer: str | None,
    model: str | None,
    after: tuple[int, datetime, UUID] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Orders without a vehicle, the next to get one first."""
    rows = await connection.fetch(_WAITING, dealer, model, *(after or (None, None, None)), limit)
    return [dict(row) for row in rows]


_SALES = """
SELECT order_id::text AS "order", NULL AS vehicle, vin, model, condition, price, currency, party_ref,
       delivered_at AS sold_at
FROM orders
WHERE staff = $1 AND ($2::text IS NULL OR dealer = $2) AND delivered_at >= $3 AND delivered_at < $4
UNION ALL
SELECT NULL, 'vehicle/' || vin, vin, NULL, 'used', price, currency, party_ref, at
FROM used_sales WHERE staff = $1 AND ($2::text IS NULL OR dealer = $2) AND at >= $3 AND at < $4
ORDER BY sold_at, vin
"""


async def sales_of_staff(
    connection: Connection, staff: str, dealer: str | None, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """What a person sold that was delivered in the time, and used vehicles sold without an order."""
    return [dict(row) for row in await connection.fetch(_SALES, staff, dealer, since, until)]


_CUSTOMERS = """
SELECT party_ref, sum(opportunities)::int AS opportunities, sum(open)::int AS open, sum(orders)::int AS orders,
       sum(delivered)::int AS delivered, max(last_at) AS last_at
FROM (
    SELECT party_ref, 1 AS opportunities, (state = 'open')::int AS open, 0 AS orders, 0 AS delivered,
           coalesce(closed_at, opened_at) AS last_at
    FROM opportunities WHERE staff = $1 AND ($2::text IS NULL OR dealer = $2)
    UNION ALL
    SELECT party_ref, 0, 0, 1, (state = 'delivered')::int, coalesce(delivered_at, cancelled_at, placed_at)
    FROM orders WHERE staff = $1 AND ($2::text IS NULL OR dealer = $2)
    UNION ALL
    SELECT party_ref, 0, 0, 0, 1, at FROM used_sales WHERE staff = $1 AND ($2::text IS NULL OR dealer = $2)
) AS each
WHERE $3::text IS NULL OR party_ref > $3
GROUP BY party_ref ORDER BY party_ref LIMIT $4
"""


async def customers_of_staff(
    connection: Connection, staff: str, dealer: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Whom a person sold to or means to, by reference."""
    return [dict(row) for row in await connection.fetch(_CUSTOMERS, staff, dealer, after, limit)]


# A second vehicle: the same reference had one delivered by a dealer that counts here before.
_ATTACHED = """
SELECT count(*)::int AS delivered,
       count(*) FILTER (WHERE EXISTS (SELECT FROM insurances i WHERE i.order_id = o.order_id))::int AS insurance,
       count(*) FILTER (WHERE EXISTS (SELECT FROM accessory_sales a WHERE a.order_id = o.order_id
                                      AND a.returned_at IS NULL))::int AS accessories,
       count(*) FILTER (WHERE trade_in IS NOT NULL OR EXISTS (
           SELECT FROM trade_ins t WHERE t.order_id = o.order_id AND t.state <> 'declined'))::int AS trade_in,
       count(*) FILTER (WHERE EXISTS (SELECT FROM orders before WHERE before.party_ref = o.party_ref
                                      AND ($1::text IS NULL OR before.dealer = $1)
                                      AND before.delivered_at < o.delivered_at))::int AS second_vehicle
FROM orders o
WHERE ($1::text IS NULL OR dealer = $1) AND delivered_at >= $2 AND delivered_at < $3
"""


async def attach_rate(connection: Connection, dealer: str | None, since: datetime, until: datetime) -> dict[str, Any]:
    """Of the vehicles delivered in the time, how many with what."""
    row = await connection.fetchrow(_ATTACHED, dealer, since, until)
    return dict(row or {})


_EXPIRING = """
SELECT i.order_id, i.no, o.party_ref, o.dealer, o.vin, o.staff, i.partner, i.kind, i.premium, i.currency, i.expires
FROM insurances i JOIN orders o USING (order_id)
WHERE i.expires BETWEEN $2 AND $3 AND o.state <> 'cancelled' AND ($1::text IS NULL OR o.dealer = $1)
  AND ($4::date IS NULL OR (i.expires, i.order_id, i.no) > ($4, $5::uuid, $6::int))
ORDER BY i.expires, i.order_id, i.no LIMIT $7
"""


async def expiring(
    connection: Connection,
    dealer: str | None,
    first: date,
    last: date,
    after: tuple[date, UUID, int] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Insurances that end on these days, the first one first."""
    rows = await connection.fetch(_EXPIRING, dealer, first, last, *(after or (None, None, None)), limit)
    return [dict(row) for row in rows]
