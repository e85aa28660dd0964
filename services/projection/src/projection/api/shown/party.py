"""What identity knows of a party, as the record shows it. No personal data: values stand in `identity`."""

from typing import Annotated

from pydantic import Field

from projection.api.shown.base import Id, Shown, Stream
from roadbook.http.types import Instant


class PartyShown(Shown):
    stream: Stream
    kind: Annotated[str, Field(description="person or organisation", examples=["person"])]
    source: str | None
    registered_at: Instant


class OwnerKindShown(Shown):
    owner_kind: Annotated[str, Field(description="private, government_institution or enterprise", examples=["private"])]
    basis: Annotated[str | None, Field(examples=["declared"])]
    since: Instant


class RelationshipShown(Shown):
    """`other` is the reference of the other party."""

    stream: Stream
    kind: Annotated[str, Field(description="household, employer, contact_person or social", examples=["household"])]
    other: Id
    role: Annotated[str | None, Field(examples=["spouse"])]
    since: Instant
    ended_at: Instant | None
    reason: str | None


class VerificationShown(Shown):
    """How far a contact point can be relied on. `origin` is where its value lies, when another service learned it."""

    stream: Stream
    key: Annotated[str, Field(examples=["phone/1"])]
    kind: Annotated[str, Field(examples=["mobile"])]
    valid: Annotated[bool, Field(examples=[True])]
    linkable: Annotated[bool, Field(examples=[True])]
    preferred: Annotated[bool, Field(examples=[False])]
    origin: Annotated[str | None, Field(examples=["lead/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42/phone/1"])]
    source: str | None
    added_at: Instant
    state: Annotated[str, Field(description="unverified, verified, failed or retired", examples=["verified"])]
    method: Annotated[str | None, Field(examples=["sms_code"])]
    reason: str | None
    state_since: Instant


class RestrictionShown(Shown):
    """While one is not lifted, data are stored and nothing else is done with them."""

    stream: Stream
    reason: str | None
    since: Instant
    lifted_at: Instant | None
    lift_reason: Annotated[str | None, Field(examples=[None])]


class RecordedField(Shown):
    """A value of the profile that was asked for; that it was refused is an answer, too."""

    stream: Stream
    name: Annotated[str, Field(examples=["hobby"])]
    purpose: Annotated[str, Field(examples=["service"])]
    refused: Annotated[bool, Field(examples=[False])]
    source: str | None
    at: Instant
