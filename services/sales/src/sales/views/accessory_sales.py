"""Accessory sales as they stand now, written in the append's transaction."""

from collections.abc import Sequence
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.accessorysale import AccessoryReturned, AccessorySold, Event
from sales.views.listing import Listing

LISTING = Listing(
    "accessory_sales", "accessory_sale", "sold_at", ("dealer", "state", "vin", "party_ref", "order_id", "staff")
)

_SOLD = """
INSERT INTO accessory_sales (accessory_sale, party_ref, dealer, order_id, vin, total, currency, staff, state, sold_at,
                             version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'sold', $9, $10)
"""
_RETURNED = """
UPDATE accessory_sales SET state = 'returned', returned_at = $2, version = $3 WHERE accessory_sale = $1
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters."""
    for recorded, event in told:
        id_, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case AccessorySold() as e:
                order = None if e.order is None else UUID(e.order.partition("/")[2])
                await connection.execute(
                    _SOLD, id_, e.party_ref, e.dealer, order, e.vin, e.total, e.currency, e.staff, e.at, version
                )
            case AccessoryReturned(at=at):
                await connection.execute(_RETURNED, id_, at, version)
