"""The accessory sale stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.accessorysale import AccessoryReturned, AccessorySold, Event

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(AccessorySold, "accessory_sold"),
        EventType(AccessoryReturned, "accessory_returned"),
    ),
)
