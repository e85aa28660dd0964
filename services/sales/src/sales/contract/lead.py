"""A tolerant reader of the lead service's public events: of those that sales hears, and what it understands of them."""

from roadbook.codec import Codec, EventType, Malformed, NewerVersion, UnknownType
from roadbook.events import Recorded
from sales.domain.heard import (
    Fact,
    LeadAccepted,
    LeadCaptured,
    LeadConverted,
    LeadEnriched,
    LeadProtected,
    LeadReassigned,
    LeadReleasedToPool,
    LeadRouted,
)

codec: Codec[Fact] = Codec(
    "lead",
    (
        EventType(LeadCaptured, "lead_captured"),
        EventType(LeadEnriched, "lead_enriched"),
        EventType(LeadRouted, "lead_routed"),
        EventType(LeadAccepted, "lead_accepted"),
        EventType(LeadProtected, "lead_protected"),
        EventType(LeadReassigned, "lead_reassigned"),
        EventType(LeadReleasedToPool, "lead_released_to_pool"),
        EventType(LeadConverted, "lead_converted"),
    ),
)
TYPES = frozenset(codec.type_name(each.cls) for each in codec.types)
CONVERTED = frozenset({codec.type_name(LeadConverted)})


def read(event: Recorded) -> Fact | None:
    """None for what sales does not understand, or no longer does."""
    try:
        return codec.decode(event.type, event.data)
    except (UnknownType, NewerVersion, Malformed):
        return None
