"""The vehicle stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.vehicle import (
    Event,
    OwnershipTransferred,
    UsedVehicleSold,
)

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(OwnershipTransferred, "ownership_transferred"),
        EventType(UsedVehicleSold, "used_vehicle_sold"),
    ),
)
