"""The opportunity stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.opportunity import (
    Event,
    OpportunityAssigned,
    OpportunityLost,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(OpportunityOpened, "opportunity_opened"),
        EventType(OpportunityAssigned, "opportunity_assigned"),
        EventType(OpportunityWon, "opportunity_won"),
        EventType(OpportunityLost, "opportunity_lost"),
        EventType(OpportunityReopened, "opportunity_reopened"),
    ),
)
