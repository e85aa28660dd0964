"""The customer stream in public: domain event <-> `roadbook.projection.<name>.v<n>` and its JSON."""

from projection.domain.customer import (
    CustomerDormant,
    Event,
    RecordJoined,
    RecordParted,
    RecordRestated,
    RepurchaseRecognised,
    StageChanged,
)
from roadbook.codec import Codec, EventType

TOPIC = "roadbook.derived.v1"

codec: Codec[Event] = Codec(
    "projection",
    (
        EventType(StageChanged, "stage_changed"),
        EventType(CustomerDormant, "customer_dormant"),
        EventType(RepurchaseRecognised, "repurchase_recognised"),
        EventType(RecordJoined, "record_joined"),
        EventType(RecordParted, "record_parted"),
        EventType(RecordRestated, "record_restated"),
    ),
)
