"""The quote stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.quote import (
    Event,
    QuoteAccepted,
    QuoteExpired,
    QuoteIssued,
    QuoteWithdrawn,
)

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(QuoteIssued, "quote_issued"),
        EventType(QuoteAccepted, "quote_accepted"),
        EventType(QuoteExpired, "quote_expired"),
        EventType(QuoteWithdrawn, "quote_withdrawn"),
    ),
)
