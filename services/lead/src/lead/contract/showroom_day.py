"""The showroom day's stream in public: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON."""

from lead.domain.showroom_day import Event, ShowroomDayReported, ShowroomDayRestated
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (
        EventType(ShowroomDayReported, "showroom_day_reported"),
        EventType(ShowroomDayRestated, "showroom_day_restated"),
    ),
)
