"""The media spend stream in public: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON."""

from lead.domain.media_spend import Event, MediaSpendRecorded
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (EventType(MediaSpendRecorded, "media_spend_recorded"),),
)
