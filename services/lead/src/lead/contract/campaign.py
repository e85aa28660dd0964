"""The campaign stream in public: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON."""

from lead.domain.campaign import CampaignClosed, CampaignLaunched, CampaignResultReported, Event
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (
        EventType(CampaignLaunched, "campaign_launched"),
        EventType(CampaignResultReported, "campaign_result_reported"),
        EventType(CampaignClosed, "campaign_closed"),
    ),
)
