"""The lead stream's public events: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON."""

from lead.domain.lead import (
    Event,
    FollowUpMissed,
    FollowUpScheduled,
    LeadCaptured,
    LeadEnriched,
    LeadLost,
    LeadQualified,
    LeadReopened,
)
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (
        EventType(LeadCaptured, "lead_captured"),
        EventType(LeadEnriched, "lead_enriched"),
        EventType(LeadQualified, "lead_qualified"),
        EventType(FollowUpScheduled, "follow_up_scheduled"),
        EventType(FollowUpMissed, "follow_up_missed"),
        EventType(LeadLost, "lead_lost"),
        EventType(LeadReopened, "lead_reopened"),
    ),
)
