"""The shapes of answers, for the OpenAPI document and for the test that holds every answer against them."""

from typing import Annotated, Any

from pydantic import Field

from projection.api.shown.base import Id, Shown, Stream
from projection.api.shown.journey import Journey
from projection.api.shown.party import (
    OwnerKindShown,
    PartyShown,
    RelationshipShown,
    RestrictionShown,
    VerificationShown,
)
from projection.api.shown.sales import (
    AccessoryShown,
    ContractShown,
    OpportunityShown,
    OwnedVehicleShown,
    PurchaseShown,
    QuoteShown,
    TradeInShown,
)
from projection.api.shown.sections import ConsentShown, Intent, Profile, Responsibility
from roadbook.http.types import Instant


# ── Head ──────────────────────────────────────────────────────────────────────────────────────────────────────
class Overlay(Shown):
    overlay: Annotated[str, Field(examples=["dormant"])]
    since: Instant


class Completeness(Shown):
    """Percent of what the rules expect, rounded down."""

    percent: int
    known: Annotated[list[str], Field(examples=[["name", "phone"]])]
    missing: list[str]


class Head(Shown):
    """`record_version` counts the events, `record_hash` is SHA-256 over the facts at `as_of` under `rules`; both over
    what the caller may see. `customer_id` is the smallest of `party_refs`."""

    customer_id: Id
    party_refs: list[Id]
    merged_from: list[Id]
    stage: Annotated[str, Field(examples=["hot_prospect"])]
    stage_since: Instant | None
    overlays: list[Overlay]
    completeness: Completeness
    record_version: int
    unknown_events: int
    rules: str
    as_of: Instant
    known_at: Annotated[Instant | None, Field(examples=[None])]
    record_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


# ── Identity: personal data, the current value only ───────────────────────────────────────────────────────────
class PersonalLeaf(Shown):
    """`value` is null while it has not come yet, and after it was erased. It is today's in whatever past was asked for;
    `learned_later` says that it was not known then."""

    stream: Stream
    field: Annotated[str, Field(examples=["phone/1"])]
    value: Any
    source: str | None
    recorded_at: Instant | None
    verified_at: Instant | None
    learned_later: Annotated[bool, Field(examples=[False])]


class NameLeaf(PersonalLeaf):
    part: Annotated[str, Field(description="full, given or family", examples=["full"])]


class ContactLeaf(PersonalLeaf):
    kind: Annotated[str, Field(examples=["mobile"])]
    valid: bool
    linkable: bool
    preferred: bool


class Identity(Shown):
    names: list[NameLeaf]
    contact_points: list[ContactLeaf]
    addresses: list[ContactLeaf]
    more: list[PersonalLeaf]


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
class RecordShown(Shown):
    head: Head
    identity: Identity
    parties: list[PartyShown]
    owner_kind: OwnerKindShown | None
    relationships: list[RelationshipShown]
    verification: list[VerificationShown]
    consent: list[ConsentShown]
    restrictions: list[RestrictionShown]
    profile: Profile
    responsibility: Responsibility
    intent: Intent
    journey: Journey
    opportunities: list[OpportunityShown]
    quotes: list[QuoteShown]
    contracts: list[ContractShown]
    purchases: list[PurchaseShown]
    accessories: list[AccessoryShown]
    trade_ins: list[TradeInShown]
    vehicles: list[OwnedVehicleShown]
    timeline: Annotated[str, Field(description="Path of the timeline")]


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────
class PageInfo(Shown):
    hasNextPage: bool  # noqa: N815 - STAR's names
    nextPageCursor: str | None  # noqa: N815


class TimelineEntry(Shown):
    """`known` is false for a type this version cannot read yet; `cause` is the event that led to this one."""

    occurred_at: Instant
    recorded_at: Instant
    type: Annotated[str, Field(examples=["roadbook.lead.lead_qualified.v1"])]
    known: bool
    summary: str
    dealer: str | None
    actor: str
    event_id: str
    stream: Stream
    version: int
    cause: str | None


class TimelinePage(Shown):
    items: list[TimelineEntry]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo  # noqa: N815


class FoundCustomer(Shown):
    customer_id: Id
    party_refs: list[Id]
    names: Annotated[list[str], Field(examples=[["张伟"]])]
    stage: str
    stage_since: Instant | None
    open_leads: Annotated[int, Field(examples=[1])]
    overdue: Annotated[int, Field(examples=[0])]
    last_event_at: Instant | None


class FoundPage(Shown):
    items: list[FoundCustomer]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo  # noqa: N815


class SharedRead(Shown):
    """`actor` of `dealer` was shown something of the stream; `route` is the operation, `correlation` the request's."""

    at: Instant
    stream: Stream
    dealer: Annotated[str, Field(examples=["dealer-sh-02"])]
    actor: Annotated[str, Field(examples=["staff-sh-02-1"])]
    scope: Annotated[str, Field(description="facts or contact", examples=["contact"])]
    route: Annotated[str, Field(examples=["read_customer"])]
    correlation: Id


class SharedReadsPage(Shown):
    items: list[SharedRead]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo  # noqa: N815


SEARCH: dict[str, Any] = {"phone": {"summary": "By phone", "value": {"phone": "138 1234 5678"}}}
