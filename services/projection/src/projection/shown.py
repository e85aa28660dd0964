"""The shapes of answers, for the OpenAPI document and for the test that holds every answer against them."""

from typing import Annotated, Any

from pydantic import Field

from roadbook.http.types import Date, Instant, StrictModel

Id = Annotated[str, Field(examples=["0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"])]
Stream = Annotated[str, Field(examples=["lead/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"])]


class Shown(StrictModel):
    pass


# ── Head ──────────────────────────────────────────────────────────────────────────────────────────────────────
class Overlay(Shown):
    overlay: Annotated[str, Field(examples=["dormant"])]
    since: Instant


class Completeness(Shown):
    """Percent of what the rules expect, rounded down."""

    percent: int
    known: list[str]
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
    record_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


# ── Identity: personal data, the current value only ───────────────────────────────────────────────────────────
class PersonalLeaf(Shown):
    """`value` is null while it has not come yet, and after it was erased."""

    stream: Stream
    field: Annotated[str, Field(examples=["phone/1"])]
    value: Any
    source: str | None
    recorded_at: Instant | None
    verified_at: Instant | None


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


# ── Sections ──────────────────────────────────────────────────────────────────────────────────────────────────
class ConsentShown(Shown):
    purpose: str
    channel: str
    brand: str | None
    state: Annotated[str, Field(description="granted or refused")]
    since: Instant
    wording: str


class Holder(Shown):
    stream: Stream
    dealer: str | None
    since: Instant
    staff: str | None


class PastHolder(Shown):
    stream: Stream
    dealer: str | None
    since: Instant
    until: Instant


class Responsibility(Shown):
    current: list[Holder]
    history: list[PastHolder]


class Vehicle(Shown):
    interest: str
    model: str | None
    year: int | None
    condition: str | None
    vin: str | None
    odometer: int | None
    odometer_unit: str | None


class BudgetShown(Shown):
    """In minor units of the currency."""

    currency: str
    minimum: int | None
    maximum: int | None


class WindowShown(Shown):
    earliest: Date | None
    latest: Date | None


class NextAction(Shown):
    kind: str
    due: Instant
    assignee: str | None
    overdue: bool


class OpenLead(Shown):
    stream: Stream
    captured_at: Instant
    source: str | None
    campaign: str | None
    dealer_wish: str | None
    grade: str | None
    reasons: list[str]
    vehicles: list[Vehicle]
    budget: BudgetShown | None
    window: WindowShown | None
    next_action: NextAction | None


class Intent(Shown):
    open_leads: list[OpenLead]


class FollowUpShown(Shown):
    stream: Stream
    kind: str
    due: Instant
    scheduled_at: Instant
    outcome: Annotated[str, Field(description="planned, missed, replaced or dropped")]


class LossShown(Shown):
    stream: Stream
    reason: str
    competitor: str | None
    at: Instant


class ReopeningShown(Shown):
    stream: Stream
    reason: str
    at: Instant


class Journey(Shown):
    follow_ups: list[FollowUpShown]
    lost: list[LossShown]
    reopened: list[ReopeningShown]


class RecordShown(Shown):
    head: Head
    identity: Identity
    consent: list[ConsentShown]
    responsibility: Responsibility
    intent: Intent
    journey: Journey
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
    names: list[str]
    stage: str
    stage_since: Instant | None
    open_leads: int
    overdue: int
    last_event_at: Instant | None


class FoundPage(Shown):
    items: list[FoundCustomer]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo  # noqa: N815
