"""The identity service's events as this service reads them."""

from projection.domain.streams import consent, link, partyref
from roadbook.codec import Codec, EventType

IDENTITY: Codec[partyref.Event | consent.Event | link.Event] = Codec(
    "identity",
    (
        EventType(partyref.PartyRefRegistered, "party_ref_registered"),
        EventType(partyref.PartyRefMoved, "party_ref_moved"),
        EventType(partyref.ContactPointAdded, "contact_point_added"),
        EventType(partyref.ContactPointVerified, "contact_point_verified"),
        EventType(partyref.ContactPointVerificationFailed, "contact_point_verification_failed"),
        EventType(partyref.ContactPointCorrected, "contact_point_corrected"),
        EventType(partyref.ContactPointRetired, "contact_point_retired"),
        EventType(partyref.ProfileRecorded, "profile_recorded"),
        EventType(partyref.OwnerKindDeclared, "owner_kind_declared"),
        EventType(partyref.RelationshipDeclared, "relationship_declared"),
        EventType(partyref.RelationshipEnded, "relationship_ended"),
        EventType(consent.ConsentGranted, "consent_granted"),
        EventType(consent.ConsentWithdrawn, "consent_withdrawn"),
        EventType(consent.ProcessingRestricted, "processing_restricted"),
        EventType(consent.RestrictionLifted, "restriction_lifted"),
        EventType(link.LinkProposed, "link_proposed"),
        EventType(link.PartyRefsLinked, "party_refs_linked"),
        EventType(link.LinkRejected, "link_rejected"),
        EventType(link.PartyRefsUnlinked, "party_refs_unlinked"),
    ),
)
