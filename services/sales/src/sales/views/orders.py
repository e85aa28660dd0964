"""Orders as they stand now, their insurances, and which order has a vehicle.

`allocated_vins` follows from the orders and from what came back to a dealer's stock: of two orders that want a vehicle
the first one has it, and when it lets go the vehicle passes to one that waits. Among live commands none waits: it is
refused (`has_vehicle`). When old events are put back, the rows become the same in whatever order the streams come.
"""

from collections.abc import Sequence
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.order import (
    Event,
    InsuranceArranged,
    OrderAllocated,
    OrderCancelled,
    OrderDeallocated,
    OrderDelayed,
    OrderPlaced,
    OrderPrioritised,
    VehicleDelivered,
)
from sales.views.listing import Listing

LISTING = Listing(
    "orders", "order_id", "placed_at", ("dealer", "state", "staff", "contract", "party_ref", "model", "vin"), "order"
)

_PLACED = """
INSERT INTO orders (order_id, party_ref, dealer, contract, line, model, condition, price, currency, trade_in, staff,
                    state, promised, priority, placed_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'placed', $12, 0, $13, $14)
"""
_PRIORITISED = "UPDATE orders SET priority = $2, priority_reason = $3, version = $4 WHERE order_id = $1"
_ALLOCATED = "UPDATE orders SET state = 'allocated', vin = $2, version = $3 WHERE order_id = $1"
_DEALLOCATED = "UPDATE orders SET state = 'placed', vin = NULL, version = $2 WHERE order_id = $1"
_DELAYED = "UPDATE orders SET state = 'delayed', promised = $2, version = $3 WHERE order_id = $1"
_CANCELLED = """
UPDATE orders SET state = 'cancelled', vin = NULL, cancelled_at = $2, version = $3 WHERE order_id = $1
"""
_DELIVERED = "UPDATE orders SET state = 'delivered', vin = $2, delivered_at = $3, version = $4 WHERE order_id = $1"
_VERSION = "UPDATE orders SET version = $2 WHERE order_id = $1"
_INSURED = """
INSERT INTO insurances (order_id, no, partner, kind, premium, currency, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

# An order has its vehicle until it lets go of it; one that was delivered, until the vehicle is back in a stock.
_HAS = """
o.vin = $1 AND (o.state <> 'delivered' OR NOT EXISTS (
    SELECT FROM ownerships t WHERE t.vin = $1 AND t.party_ref IS NULL AND t.since >= o.delivered_at))
"""
_LET_GO = f"""
DELETE FROM allocated_vins a WHERE a.vin = $1
AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = a.order_id AND {_HAS})
"""
_TAKE = f"""
INSERT INTO allocated_vins (vin, order_id)
SELECT $1::text, o.order_id FROM orders o WHERE {_HAS} ORDER BY o.placed_at, o.order_id LIMIT 1
ON CONFLICT DO NOTHING
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters. Refuses nothing."""
    for recorded, event in told:
        id_, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case OrderPlaced() as e:
                await connection.execute(
                    _PLACED, id_, e.party_ref, e.dealer, e.contract, e.line, e.model, e.condition, e.price, e.currency,
                    e.trade_in, e.staff, e.promised, e.at, version,
                )  # fmt: skip
            case OrderPrioritised(priority=priority, reason=reason):
                await connection.execute(_PRIORITISED, id_, priority, reason, version)
            case OrderDelayed(promised=promised):
                await connection.execute(_DELAYED, id_, promised, version)
            case InsuranceArranged() as e:
                await connection.execute(_INSURED, id_, version, e.partner, e.kind, e.premium, e.currency, e.expires)
                await connection.execute(_VERSION, id_, version)
            case _:
                await _vehicle(connection, id_, event, version)


async def _vehicle(connection: Connection, id_: UUID, event: Event, version: int) -> None:
    match event:
        case OrderAllocated(vin=vin):
            await connection.execute(_ALLOCATED, id_, vin, version)
            await settle(connection, vin)
        case OrderDeallocated(vin=vin):
            await connection.execute(_DEALLOCATED, id_, version)
            await settle(connection, vin)
        case OrderCancelled(vin=vin, at=at):
            await connection.execute(_CANCELLED, id_, at, version)
            if vin is not None:
                await settle(connection, vin)
        case VehicleDelivered(vin=vin, at=at):
            await connection.execute(_DELIVERED, id_, vin, at, version)
            await settle(connection, vin)


async def settle(connection: Connection, vin: str) -> None:
    """Whose the vehicle is, after something was said of it."""
    await connection.execute(_LET_GO, vin)
    await connection.execute(_TAKE, vin)


async def has_vehicle(connection: Connection, order: UUID, vin: str) -> bool:
    sql = "SELECT EXISTS (SELECT FROM allocated_vins WHERE vin = $1 AND order_id = $2)"
    return bool(await connection.fetchval(sql, vin, order))


async def of_contract(connection: Connection, contract: str, *states: str) -> list[UUID]:
    """Orders of a contract (its stream) in one of the states, by id."""
    sql = "SELECT order_id FROM orders WHERE contract = $1 AND state = ANY ($2) ORDER BY order_id"
    return [row["order_id"] for row in await connection.fetch(sql, contract, list(states))]


async def contract_of(connection: Connection, order: UUID) -> str | None:
    contract: str | None = await connection.fetchval("SELECT contract FROM orders WHERE order_id = $1", order)
    return contract
