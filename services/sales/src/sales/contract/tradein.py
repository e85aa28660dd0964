"""The trade-in stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.tradein import Event, TradeInAgreed, TradeInAppraised, TradeInDeclined, TradeInReceived

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(TradeInAppraised, "trade_in_appraised"),
        EventType(TradeInAgreed, "trade_in_agreed"),
        EventType(TradeInReceived, "trade_in_received"),
        EventType(TradeInDeclined, "trade_in_declined"),
    ),
)
