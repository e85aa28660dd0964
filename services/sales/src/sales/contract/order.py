"""The order stream's public events."""

from roadbook.codec import Codec, EventType
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

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(OrderPlaced, "order_placed"),
        EventType(OrderPrioritised, "order_prioritised"),
        EventType(OrderAllocated, "order_allocated"),
        EventType(OrderDeallocated, "order_deallocated"),
        EventType(OrderDelayed, "order_delayed"),
        EventType(OrderCancelled, "order_cancelled"),
        EventType(InsuranceArranged, "insurance_arranged"),
        EventType(VehicleDelivered, "vehicle_delivered"),
    ),
)
