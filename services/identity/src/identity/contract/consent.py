"""The consent stream's public events: domain event <-> `roadbook.identity.<name>.v<n>` and its JSON."""

from identity.domain.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    Event,
    ProcessingRestricted,
    RestrictionLifted,
)
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "identity",
    (
        EventType(ConsentGranted, "consent_granted"),
        EventType(ConsentWithdrawn, "consent_withdrawn"),
        EventType(ProcessingRestricted, "processing_restricted"),
        EventType(RestrictionLifted, "restriction_lifted"),
    ),
)
