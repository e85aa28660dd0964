"""The link stream's public events: domain event <-> `roadbook.identity.<name>.v<n>` and its JSON."""

from identity.domain.link import Event, LinkProposed, LinkRejected, PartyRefsLinked, PartyRefsUnlinked
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "identity",
    (
        EventType(LinkProposed, "link_proposed"),
        EventType(PartyRefsLinked, "party_refs_linked"),
        EventType(LinkRejected, "link_rejected"),
        EventType(PartyRefsUnlinked, "party_refs_unlinked"),
    ),
)
