"""The identity service's party references as the record reads them: how one is reached, what it is, whom it is with."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import NOTHING, Fact, Leaf
from projection.domain.replacing import replace


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PartyRefRegistered:
    at: datetime
    kind: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class PartyRefMoved:
    at: datetime
    dealer: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPointAdded:
    """`origin` is where the value lies when another service learned it; None: it is identity's own."""

    at: datetime
    key: str
    kind: str
    valid: bool = True
    linkable: bool = True
    preferred: bool = False
    origin: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPointVerified:
    at: datetime
    key: str
    method: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPointVerificationFailed:
    at: datetime
    key: str
    method: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPointCorrected:
    at: datetime
    key: str
    kind: str
    valid: bool = True
    linkable: bool = True
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPointRetired:
    at: datetime
    key: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileField:
    """The value is a personal one; that somebody refused to give it is a valid answer."""

    name: str
    purpose: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class ProfileRecorded:
    at: datetime
    fields: tuple[ProfileField, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class OwnerKindDeclared:
    at: datetime
    owner_kind: str
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class RelationshipDeclared:
    at: datetime
    kind: str
    other: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class RelationshipEnded:
    at: datetime
    kind: str
    other: str
    reason: str | None = None


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
class Registered:
    kind: str
    source: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a contact point is, as of its adding or its last correction."""

    kind: str
    valid: bool
    linkable: bool
    origin: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """`state`: unverified, verified, failed or retired."""

    state: str
    since: datetime
    method: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    key: str
    added_at: datetime
    event: str
    preferred: bool
    described: Leaf[Described]
    checked: Leaf[Checked]


@dataclass(frozen=True, slots=True)
class Recorded:
    field: ProfileField
    source: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class OwnerKind:
    owner_kind: str
    basis: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Relationship:
    kind: str
    other: str
    role: str | None
    since: datetime
    event: str
    ended: Leaf[datetime | None] = NOTHING
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PartyState:
    registered: Registered | None = None
    points: tuple[Point, ...] = ()
    profile: tuple[Recorded, ...] = ()
    owner_kinds: tuple[OwnerKind, ...] = ()
    relationships: tuple[Relationship, ...] = ()


def evolve(party: PartyState | None, fact: Fact) -> PartyState:
    """Total: what speaks of a contact point or a relationship that is not known changes nothing."""
    known, event, id_ = party or PartyState(), fact.event, fact.id
    match event:
        case PartyRefRegistered(kind=kind, source=source, at=at) if known.registered is None:
            return replace(known, registered=Registered(kind, source, at, id_))
        case ProfileRecorded(fields=fields):
            for each in fields:
                known = _recorded(known, Recorded(each, event.source, event.at, id_))
            return known
        case OwnerKindDeclared(owner_kind=kind, basis=basis, at=at):
            return replace(known, owner_kinds=(*known.owner_kinds, OwnerKind(kind, basis, at, id_)))
        case RelationshipDeclared():
            return _related(known, event, id_)
        case RelationshipEnded():
            return _parted(known, event, id_)
        case ContactPointAdded():
            return _added(known, event, id_)
        case _:
            return _checked(known, event, id_)


def _recorded(party: PartyState, anew: Recorded) -> PartyState:
    names = [each.field.name for each in party.profile]
    if anew.field.name not in names:
        return replace(party, profile=(*party.profile, anew))
    told = tuple(anew if each.field.name == anew.field.name else each for each in party.profile)
    return replace(party, profile=told)


# ── Contact points ────────────────────────────────────────────────────────────────────────────────────────────
def _added(party: PartyState, event: ContactPointAdded, id_: str) -> PartyState:
    by = (id_,)
    described = Described(event.kind, event.valid, event.linkable, event.origin, event.source)
    unchecked = Leaf(Checked("unverified", event.at), by)
    point = Point(event.key, event.at, id_, event.preferred, Leaf(described, by), unchecked)
    if any(each.key == event.key for each in party.points):
        return replace(party, points=tuple(point if each.key == event.key else each for each in party.points))
    return replace(party, points=(*party.points, point))


def _checked(party: PartyState, event: object, id_: str) -> PartyState:
    by = (id_,)
    match event:
        case ContactPointVerified(key=key, method=method, at=at):
            return _point(party, key, Leaf(Checked("verified", at, method), by))
        case ContactPointVerificationFailed(key=key, method=method, reason=reason, at=at):
            return _point(party, key, Leaf(Checked("failed", at, method, reason), by))
        case ContactPointRetired(key=key, reason=reason, at=at):
            return _point(party, key, Leaf(Checked("retired", at, None, reason), by))
        case ContactPointCorrected(key=key, kind=kind, valid=valid, linkable=linkable, source=source, at=at):
            described = Leaf(Described(kind, valid, linkable, None, source), by)
            return _point(party, key, Leaf(Checked("unverified", at), by), described)
        case _:
            return party


def _point(party: PartyState, key: str, checked: Leaf[Checked], described: Leaf[Described] | None = None) -> PartyState:
    points = tuple(
        replace(each, checked=checked, described=described or each.described) if each.key == key else each
        for each in party.points
    )
    return replace(party, points=points)


# ── Relationships ─────────────────────────────────────────────────────────────────────────────────────────────
def _open(each: Relationship, event: RelationshipDeclared | RelationshipEnded) -> bool:
    return each.kind == event.kind and each.other == event.other and each.ended.value is None


def _related(party: PartyState, event: RelationshipDeclared, id_: str) -> PartyState:
    anew = Relationship(event.kind, event.other, event.role, event.at, id_)
    if any(_open(each, event) for each in party.relationships):
        told = tuple(anew if _open(each, event) else each for each in party.relationships)
        return replace(party, relationships=told)
    return replace(party, relationships=(*party.relationships, anew))


def _parted(party: PartyState, event: RelationshipEnded, id_: str) -> PartyState:
    told = tuple(
        replace(each, ended=Leaf(event.at, (id_,)), reason=event.reason) if _open(each, event) else each
        for each in party.relationships
    )
    return replace(party, relationships=told)


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    """What happened, in plain words and without personal data; None for an event of another kind."""
    match event:
        case PartyRefRegistered(kind=kind, source=source):
            return f"Known as a {kind}" + (f" from {source}" if source else "")
        case PartyRefMoved(dealer=dealer):
            return f"Held by {dealer}" if dealer else "Held by nobody"
        case ProfileRecorded(fields=fields):
            return f"Profile recorded: {', '.join(_field(each) for each in fields) or 'nothing new'}"
        case OwnerKindDeclared(owner_kind=kind):
            return f"Declared as {kind}"
        case RelationshipDeclared(kind=kind):
            return f"Relationship declared: {kind}"
        case RelationshipEnded(kind=kind):
            return f"Relationship ended: {kind}"
        case _:
            return _point_words(event)


def _point_words(event: object) -> str | None:
    match event:
        case ContactPointAdded(kind=kind, key=key):
            return f"Contact point {key} added ({kind})"
        case ContactPointVerified(key=key, method=method):
            return f"Contact point {key} verified" + (f" by {method}" if method else "")
        case ContactPointVerificationFailed(key=key, reason=reason):
            return f"Contact point {key} could not be verified" + (f": {reason}" if reason else "")
        case ContactPointCorrected(key=key):
            return f"Contact point {key} corrected"
        case ContactPointRetired(key=key, reason=reason):
            return f"Contact point {key} retired" + (f": {reason}" if reason else "")
        case _:
            return None


def _field(each: ProfileField) -> str:
    return f"{each.name} refused" if each.refused else each.name
