"""The party reference's public events: domain event <-> `roadbook.identity.<name>.v<n>` and its JSON."""

from identity.domain.party_ref import (
    ContactPointAdded,
    ContactPointCorrected,
    ContactPointRetired,
    ContactPointVerificationFailed,
    ContactPointVerified,
    Event,
    OwnerKindDeclared,
    PartyRefMoved,
    PartyRefRegistered,
    ProfileRecorded,
    RelationshipDeclared,
    RelationshipEnded,
)
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "identity",
    (
        EventType(PartyRefRegistered, "party_ref_registered"),
        EventType(PartyRefMoved, "party_ref_moved"),
        EventType(ContactPointAdded, "contact_point_added"),
        EventType(ContactPointVerified, "contact_point_verified"),
        EventType(ContactPointVerificationFailed, "contact_point_verification_failed"),
        EventType(ContactPointCorrected, "contact_point_corrected"),
        EventType(ContactPointRetired, "contact_point_retired"),
        EventType(ProfileRecorded, "profile_recorded"),
        EventType(OwnerKindDeclared, "owner_kind_declared"),
        EventType(RelationshipDeclared, "relationship_declared"),
        EventType(RelationshipEnded, "relationship_ended"),
    ),
)
