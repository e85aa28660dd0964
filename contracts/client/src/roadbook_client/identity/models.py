"""Roadbook: identity: written by `make contracts` from contracts/openapi/identity.json."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AddRequest(TypedDict):
    phone: NotRequired[str | None]
    email: NotRequired[str | None]
    address: NotRequired[Address | None]
    source: str
    preferred: NotRequired[bool]


class Address(TypedDict):
    lines: NotRequired[list[str]]
    city: NotRequired[str | None]
    region: NotRequired[str | None]
    postal_code: NotRequired[str | None]
    country: NotRequired[str | None]


class ApartShown(TypedDict):
    link: str
    reason: str | None
    at: str


class CommandAnswer(TypedDict):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class ConsentShown(TypedDict):
    """The last word. `reason`: refused or withdrawn; null where it is granted. `proof`: the event that holds it."""

    purpose: str
    channel: str
    brand: str | None
    granted: bool
    wording: str | None
    reason: str | None
    source: str
    proof: str | None
    at: str


class ConsentsShown(TypedDict):
    """`restricted`: nothing may be done with the party's data but keep it."""

    party_ref: str
    version: int
    consents: list[ConsentShown]
    restricted: RestrictedShown | None


class CorrectRequest(TypedDict):
    """The same family as before: a phone stays a phone."""

    phone: NotRequired[str | None]
    email: NotRequired[str | None]
    address: NotRequired[Address | None]
    source: str
    key: str


class CutShown(TypedDict):
    cut: list[PairShown]


class EndRequest(TypedDict):
    kind: Literal["household", "employer", "contact_person", "social"]
    other: str
    reason: str


class EvidenceShown(TypedDict):
    rule: str
    field: str


class FailRequest(TypedDict):
    key: str
    method: str
    reason: str


class FieldGiven(TypedDict):
    """`value`, or `refused`. Dates are written YYYY-MM-DD."""

    name: str
    purpose: str
    refused: NotRequired[bool]
    value: NotRequired[str | None]


class FieldShown(TypedDict):
    """How sure a field is: how many different values are known of it, whether they contradict each other, and when
    one was last verified."""

    field: str
    values: int
    conflict: bool
    last_verified_at: str | None


class GrantRequest(TypedDict):
    purpose: str
    channel: str
    brand: NotRequired[str | None]
    source: str
    wording: str


class LinkAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    link: str


class LinkRequest(TypedDict):
    party_refs: list[str]


class LinksShown(TypedDict):
    party_ref: str
    links: list[PairShown]


class OwnerKindRequest(TypedDict):
    owner_kind: Literal["private", "government_institution", "enterprise"]
    basis: str


class PairRead(TypedDict):
    """`history`: every word on the pair, the first one first."""

    link: str
    smaller: str
    larger: str
    status: str
    score: int | None
    evidence: list[EvidenceShown]
    matcher: str
    by: str | None
    reason: str | None
    proposed_at: str | None
    at: str
    version: int
    history: list[WordShown]


class PairShown(TypedDict):
    """`status`: proposed, linked or distinct. `evidence` names rules and the fields they looked at, never a value."""

    link: str
    smaller: str
    larger: str
    status: str
    score: int | None
    evidence: list[EvidenceShown]
    matcher: str
    by: str | None
    reason: str | None
    proposed_at: str | None
    at: str
    version: int


class PersonalShown(TypedDict):
    value: Any
    source: str
    version: int
    recorded_at: str
    verified_at: str | None


class PointAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    key: str


class PointShown(TypedDict):
    """`origin`: the personal row of another service that holds the value; null: `personal` does, under `key`."""

    key: str
    kind: str
    valid: bool
    linkable: bool
    preferred: bool
    origin: str | None
    source: str
    at: str
    verified_at: str | None
    method: str | None
    failed_at: str | None
    failure: str | None
    retired_at: str | None


class Problem(TypedDict):
    """A problem (RFC 9457). It never repeats what was sent."""

    type: str
    title: str
    status: int
    code: str
    detail: NotRequired[str]
    instance: NotRequired[str]
    trace_id: NotRequired[str]
    retryable: NotRequired[bool]
    errors: NotRequired[list[dict[str, Any]]]


class ProfileFieldShown(TypedDict):
    """`refused`: the party was asked and would not say."""

    name: str
    purpose: str
    refused: bool


class ProfileRequest(TypedDict):
    source: str
    fields: list[FieldGiven]


class ProposalsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[PairShown]


class ReasonRequest(TypedDict):
    reason: str


class RefListed(TypedDict):
    party_ref: str
    kind: str
    dealer: str | None
    source: str
    registered_at: str
    version: int


class RefShown(TypedDict):
    """`personal` by field: own values only; what another service learned is read there."""

    party_ref: str
    kind: str
    dealer: str | None
    source: str
    registered_at: str
    version: int
    stream: str
    owner_kind: str | None
    basis: str | None
    contact_points: list[PointShown]
    profile: list[ProfileFieldShown]
    relationships: list[RelationshipShown]
    fields: list[FieldShown]
    personal: dict[str, PersonalShown]


class RefsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[RefListed]


class RegisterAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    party_ref: str


class RegisterRequest(TypedDict):
    kind: Literal["person", "organisation"]
    source: str


class RelateRequest(TypedDict):
    """`role` is the other's: `spouse`, `fleet_manager`."""

    kind: Literal["household", "employer", "contact_person", "social"]
    other: str
    role: NotRequired[str | None]


class RelationshipShown(TypedDict):
    kind: str
    other: str
    role: str | None
    since: str
    ended: str | None


class RestrictedShown(TypedDict):
    reason: str
    since: str


class RetireRequest(TypedDict):
    key: str
    reason: str


class SplitAnswer(TypedDict):
    """`cut`: the links that were undone."""

    stream: str
    version: int
    events: list[str]
    position: str
    cut: list[str]


class SplitRequest(TypedDict):
    party_refs: list[str]
    reason: str


class UnlinkAnswer(TypedDict):
    """`still_joined`: other links keep the two one customer."""

    stream: str
    version: int
    events: list[str]
    position: str
    still_joined: bool


class VerifyRequest(TypedDict):
    key: str
    method: str
    by: NotRequired[str | None]


class WhyShown(TypedDict):
    """`path`: from one to the other, over `links`. `apart`: a steward told the two apart."""

    same: bool
    path: list[str]
    links: list[PairShown]
    apart: ApartShown | None


class WithdrawRequest(TypedDict):
    """`refused`: asked, and said no; `withdrawn`: taken back."""

    purpose: str
    channel: str
    brand: NotRequired[str | None]
    source: str
    wording: NotRequired[str | None]
    reason: NotRequired[Literal["refused", "withdrawn"]]


class WordShown(TypedDict):
    """One word on a pair. `said`: proposed, linked, rejected or unlinked; `by`: rule or steward; `actor`: who or what
    exactly. A word carries evidence or a reason."""

    said: str
    event_id: str
    at: str
    by: str | None
    actor: str
    evidence: list[EvidenceShown]
    matcher: str | None
    score: int | None
    reason: str | None
