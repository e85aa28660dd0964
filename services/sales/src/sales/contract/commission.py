"""The commission account stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.commission import CommissionAccrued, CommissionReversed, CommissionSettled, Event

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(CommissionAccrued, "commission_accrued"),
        EventType(CommissionReversed, "commission_reversed"),
        EventType(CommissionSettled, "commission_settled"),
    ),
)
