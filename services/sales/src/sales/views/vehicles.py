"""Who owned a vehicle when, and what was sold used."""

from collections.abc import Sequence

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.vehicle import Event, OwnershipTransferred, UsedVehicleSold
from sales.views.orders import settle

_TRANSFERRED = """
INSERT INTO ownerships (vin, no, since, party_ref, dealer, cause, source, odometer_km)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_SOLD = """
INSERT INTO used_sales (vin, no, party_ref, dealer, price, currency, staff, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters."""
    for recorded, event in told:
        match event:
            case OwnershipTransferred() as e:
                await connection.execute(
                    _TRANSFERRED, e.vin, recorded.version, e.at, e.party_ref, e.dealer, e.cause, e.source,
                    e.odometer_km,
                )  # fmt: skip
                if e.party_ref is None:
                    await settle(connection, e.vin)
            case UsedVehicleSold() as e:
                await connection.execute(
                    _SOLD, e.vin, recorded.version, e.party_ref, e.dealer, e.price, e.currency, e.staff, e.at
                )
