"""A party reference: one service's local name for a person or an organisation; here it gets contact points that are
kept in order, a profile, an owner kind and relationships. No value stands in an event: a fact names the erasable row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected

Kind = Literal["person", "organisation"]
OwnerKind = Literal["private", "government_institution", "enterprise"]
RelationshipKind = Literal["household", "employer", "contact_person", "social"]
Family = Literal["phone", "email", "address"]


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ProfileField:
    """`refused`: asked, and the party would not say; that is an answer too. The value is a personal row."""

    name: str
    purpose: str
    refused: bool = False


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class RegisterPartyRef:
    party_ref: str
    kind: Kind
    dealer: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MovePartyRef:
    """`dealer` holds it now; None: headquarters."""

    dealer: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AddContactPoint:
    """`origin`: the personal row of another service that holds the value; None: our own row does."""

    family: Family
    kind: str
    valid: bool
    linkable: bool
    preferred: bool
    origin: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VerifyContactPoint:
    key: str
    method: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class FailVerification:
    key: str
    method: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CorrectContactPoint:
    """`same`: what is said is what stands there already."""

    key: str
    kind: str
    valid: bool
    linkable: bool
    source: str
    at: datetime
    same: bool = False


@dataclass(frozen=True, slots=True)
class RetireContactPoint:
    key: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RetireOrigin:
    """Whatever point was adopted from `origin`, if it is still its value; else nothing."""

    origin: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordProfile:
    fields: tuple[ProfileField, ...]
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclareOwnerKind:
    owner_kind: OwnerKind
    basis: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclareRelationship:
    kind: RelationshipKind
    other: str
    role: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class EndRelationship:
    kind: RelationshipKind
    other: str
    reason: str
    at: datetime


Command = (
    RegisterPartyRef
    | MovePartyRef
    | AddContactPoint
    | VerifyContactPoint
    | FailVerification
    | CorrectContactPoint
    | RetireContactPoint
    | RetireOrigin
    | RecordProfile
    | DeclareOwnerKind
    | DeclareRelationship
    | EndRelationship
)


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PartyRefRegistered:
    party_ref: str
    kind: Kind
    dealer: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PartyRefMoved:
    dealer: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactPointAdded:
    key: str
    kind: str
    valid: bool
    linkable: bool
    preferred: bool
    origin: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactPointVerified:
    key: str
    method: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactPointVerificationFailed:
    key: str
    method: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactPointCorrected:
    """The value is in our own row from now on; `origin` no longer counts."""

    key: str
    kind: str
    valid: bool
    linkable: bool
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactPointRetired:
    key: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ProfileRecorded:
    fields: tuple[ProfileField, ...]
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnerKindDeclared:
    owner_kind: OwnerKind
    basis: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RelationshipDeclared:
    kind: RelationshipKind
    other: str
    role: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RelationshipEnded:
    kind: RelationshipKind
    other: str
    reason: str
    at: datetime


Event = (
    PartyRefRegistered
    | PartyRefMoved
    | ContactPointAdded
    | ContactPointVerified
    | ContactPointVerificationFailed
    | ContactPointCorrected
    | ContactPointRetired
    | ProfileRecorded
    | OwnerKindDeclared
    | RelationshipDeclared
    | RelationshipEnded
)


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Point:
    """`origin` None: the value is our own. `verified_at` is of the value as it stands now."""

    kind: str
    valid: bool
    linkable: bool
    preferred: bool
    origin: str | None
    source: str
    at: datetime
    verified_at: datetime | None = None
    method: str | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    role: str | None
    since: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class PartyRef:
    """`origins`: every row of another service that was adopted once, so that it is adopted once."""

    party_ref: str
    kind: Kind
    dealer: str | None
    source: str
    registered_at: datetime
    points: Mapping[str, Point] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, ProfileField] = field(default_factory=dict)
    owner_kind: OwnerKind | None = None
    basis: str | None = None
    relationships: Mapping[tuple[str, str], Relationship] = field(default_factory=dict)


State = Unknown | PartyRef


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, state: State) -> list[Event]:
    match command, state:
        case RegisterPartyRef(party_ref=ref, kind=kind, dealer=dealer, source=source, at=at), Unknown():
            return [PartyRefRegistered(ref, kind, dealer, source, at)]
        case RegisterPartyRef(), PartyRef():
            return []
        case _, Unknown():
            raise Rejected("party_ref_not_registered")
        case MovePartyRef(dealer=dealer, at=at), PartyRef(dealer=holder):
            return [] if dealer == holder else [PartyRefMoved(dealer, at)]
        case DeclareOwnerKind(owner_kind=kind, basis=basis, at=at), PartyRef():
            same = (kind, basis) == (state.owner_kind, state.basis)
            return [] if same else [OwnerKindDeclared(kind, basis, at)]
        case RecordProfile(fields=fields, source=source, at=at), PartyRef(profile=known):
            new = tuple(each for each in {f.name: f for f in fields}.values() if known.get(each.name) != each)
            return [ProfileRecorded(new, source, at)] if new else []
        case ((DeclareRelationship() | EndRelationship()), PartyRef()):
            return _relate(command, state)
        case AddContactPoint(), PartyRef():
            return _add(command, state)
        case RetireOrigin(origin=origin, reason=reason, at=at), PartyRef():
            adopted = state.origins.get(origin)
            if adopted is None or state.points[adopted].origin != origin:
                return []
            return _on_point(RetireContactPoint(adopted, reason, at), state)
        case _, PartyRef():
            return _on_point(command, state)
    raise AssertionError("every command is handled above")  # pragma: no cover


def _add(command: AddContactPoint, ref: PartyRef) -> list[Event]:
    """The decider numbers the points; an origin is adopted once, for ever."""
    if command.origin is not None and command.origin in ref.origins:
        return []
    key = next_key(ref, command.family)
    return [
        ContactPointAdded(
            key, command.kind, command.valid, command.linkable, command.preferred, command.origin, command.source,
            command.at,
        )
    ]  # fmt: skip


def next_key(ref: State, family: str) -> str:
    """A number is never given twice, whatever was retired."""
    taken = ref.points if isinstance(ref, PartyRef) else {}
    numbers = (int(key.rpartition("/")[2]) for key in taken if key.partition("/")[0] == family)
    return f"{family}/{max(numbers, default=0) + 1}"


def _on_point(command: Command, ref: PartyRef) -> list[Event]:
    assert isinstance(command, VerifyContactPoint | FailVerification | CorrectContactPoint | RetireContactPoint)
    point = ref.points.get(command.key)
    if point is None:
        raise Rejected("contact_point_unknown")
    if isinstance(command, RetireContactPoint):
        return [] if point.retired_at else [ContactPointRetired(command.key, command.reason, command.at)]
    if point.retired_at is not None:
        raise Rejected("contact_point_retired")
    match command:
        case VerifyContactPoint(key=key, method=method, by=by, at=at):
            known = point.verified_at is not None and point.verified_at >= at
            return [] if known else [ContactPointVerified(key, method, by, at)]
        case FailVerification(key=key, method=method, reason=reason, at=at):
            known = point.failed_at is not None and point.failed_at >= at
            return [] if known else [ContactPointVerificationFailed(key, method, reason, at)]
        case CorrectContactPoint(key=key, kind=kind, valid=valid, linkable=linkable, source=source, at=at):
            if command.same or (point.origin is None and point.at >= at):
                return []
            return [ContactPointCorrected(key, kind, valid, linkable, source, at)]


def _relate(command: DeclareRelationship | EndRelationship, ref: PartyRef) -> list[Event]:
    if command.other == ref.party_ref:
        raise Rejected("relationship_with_itself")
    known = ref.relationships.get((command.kind, command.other))
    if isinstance(command, DeclareRelationship):
        if known is not None and known.ended is None and known.role == command.role:
            return []
        return [RelationshipDeclared(command.kind, command.other, command.role, command.at)]
    if known is None:
        raise Rejected("relationship_unknown")
    return [] if known.ended else [RelationshipEnded(command.kind, command.other, command.reason, command.at)]


# ── Evolving ──────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(state: State, event: Event) -> State:
    if isinstance(event, PartyRefRegistered):
        registered = PartyRef(event.party_ref, event.kind, event.dealer, event.source, event.at)
        return registered if isinstance(state, Unknown) else state
    if isinstance(state, Unknown):
        return state
    match event:
        case PartyRefMoved(dealer=dealer):
            return replace(state, dealer=dealer)
        case ProfileRecorded(fields=fields):
            return replace(state, profile={**state.profile, **{each.name: each for each in fields}})
        case OwnerKindDeclared(owner_kind=kind, basis=basis):
            return replace(state, owner_kind=kind, basis=basis)
        case RelationshipDeclared(kind=kind, other=other, role=role, at=at):
            return replace(state, relationships={**state.relationships, (kind, other): Relationship(role, at)})
        case RelationshipEnded(kind=kind, other=other, at=at):
            known = state.relationships.get((kind, other))
            ended = Relationship(None, at, at) if known is None else replace(known, ended=at)
            return replace(state, relationships={**state.relationships, (kind, other): ended})
        case ContactPointAdded():
            return _added(state, event)
        case _:
            return _changed(state, event)


def _added(ref: PartyRef, event: ContactPointAdded) -> PartyRef:
    """A new preferred point takes the place of the former one of its family."""
    family = event.key.partition("/")[0]
    points = {
        key: replace(each, preferred=False) if event.preferred and key.partition("/")[0] == family else each
        for key, each in ref.points.items()
    }
    points[event.key] = Point(
        event.kind, event.valid, event.linkable, event.preferred, event.origin, event.source, event.at
    )
    origins = ref.origins if event.origin is None else {**ref.origins, event.origin: event.key}
    return replace(ref, points=points, origins=origins)


def _changed(ref: PartyRef, event: Event) -> PartyRef:
    match event:
        case ContactPointVerified(key=key) | ContactPointVerificationFailed(key=key) | ContactPointCorrected(key=key):
            pass
        case ContactPointRetired(key=key):
            pass
        case _:
            return ref
    point = ref.points.get(key)
    if point is None:
        return ref
    match event:
        case ContactPointVerified(method=method, at=at):
            point = replace(point, verified_at=at, method=method)
        case ContactPointVerificationFailed(reason=reason, at=at):
            point = replace(point, failed_at=at, failure=reason)
        case ContactPointCorrected(kind=kind, valid=valid, linkable=linkable, source=source, at=at):
            point = Point(kind, valid, linkable, point.preferred, None, source, at)
        case ContactPointRetired(at=at):
            point = replace(point, retired_at=at)
    return replace(ref, points={**ref.points, key: point})


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
