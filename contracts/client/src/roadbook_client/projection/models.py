"""Roadbook: projection: written by `make contracts` from contracts/openapi/projection.json."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class BudgetShown(TypedDict):
    """In minor units of the currency."""

    currency: str
    minimum: int | None
    maximum: int | None


class Completeness(TypedDict):
    """Percent of what the rules expect, rounded down."""

    percent: int
    known: list[str]
    missing: list[str]


class ConsentShown(TypedDict):
    purpose: str
    channel: str
    brand: str | None
    state: str
    since: str
    wording: str


class ContactLeaf(TypedDict):
    stream: str
    field: str
    value: Any
    source: str | None
    recorded_at: str | None
    verified_at: str | None
    kind: str
    valid: bool
    linkable: bool
    preferred: bool


class ConversionShown(TypedDict):
    stream: str
    at: str


class ExperienceShown(TypedDict):
    stream: str
    model: str
    feature: str
    seconds: int
    site: str
    at: str


class FeedbackShown(TypedDict):
    """Until when the dealer owes a word on the lead's status."""

    due: str
    overdue: bool


class FollowUpShown(TypedDict):
    stream: str
    kind: str
    due: str
    scheduled_at: str
    outcome: str
    result: str | None
    staff: str | None
    closed_at: str | None
    late: bool


class FoundCustomer(TypedDict):
    customer_id: str
    party_refs: list[str]
    names: list[str]
    stage: str
    stage_since: str | None
    open_leads: int
    overdue: int
    last_event_at: str | None


class FoundPage(TypedDict):
    items: list[FoundCustomer]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo


class Head(TypedDict):
    """`record_version` counts the events, `record_hash` is SHA-256 over the facts at `as_of` under `rules`; both over
    what the caller may see. `customer_id` is the smallest of `party_refs`."""

    customer_id: str
    party_refs: list[str]
    merged_from: list[str]
    stage: str
    stage_since: str | None
    overlays: list[Overlay]
    completeness: Completeness
    record_version: int
    unknown_events: int
    rules: str
    as_of: str
    record_hash: str


class Holder(TypedDict):
    """`staff` works it at its dealer, null: the dealer's manager. `pooled`: anybody there may claim it."""

    stream: str
    dealer: str | None
    since: str
    staff: str | None
    pooled: bool
    protection: ProtectionShown | None
    feedback: FeedbackShown | None


class Identity(TypedDict):
    names: list[NameLeaf]
    contact_points: list[ContactLeaf]
    addresses: list[ContactLeaf]
    more: list[PersonalLeaf]


class Intent(TypedDict):
    open_leads: list[OpenLead]


class Journey(TypedDict):
    follow_ups: list[FollowUpShown]
    status_reports: list[ReportShown]
    scores: list[ScoredShown]
    online_experiences: list[ExperienceShown]
    showroom_visits: list[VisitShown]
    test_drives: list[TestDriveShown]
    lost: list[LossShown]
    reopened: list[ReopeningShown]
    converted: list[ConversionShown]
    recycled: list[RecyclingShown]


class LastRouting(TypedDict):
    dealer: str
    by: str
    accept_by: str
    state: str


class LossShown(TypedDict):
    stream: str
    reason: str
    competitor: str | None
    at: str


class NameLeaf(TypedDict):
    stream: str
    field: str
    value: Any
    source: str | None
    recorded_at: str | None
    verified_at: str | None
    part: str


class NeedShown(TypedDict):
    """What the car is for, in codes; `source` is how it is known."""

    kind: str
    value: str
    source: str


class NextAction(TypedDict):
    kind: str
    due: str
    assignee: str | None
    overdue: bool


class OpenLead(TypedDict):
    stream: str
    captured_at: str
    source: str | None
    campaign: str | None
    dealer_wish: str | None
    region: str | None
    needs: list[NeedShown]
    grade: str | None
    reasons: list[str]
    score: ScoreShown | None
    vehicles: list[Vehicle]
    budget: BudgetShown | None
    window: WindowShown | None
    first_contact_at: str | None
    reported_status: str | None
    routing: LastRouting | None
    next_action: NextAction | None


class Overlay(TypedDict):
    overlay: str
    since: str


class PageInfo(TypedDict):
    hasNextPage: bool
    nextPageCursor: str | None


class PastHolder(TypedDict):
    stream: str
    dealer: str | None
    since: str
    until: str


class PersonalLeaf(TypedDict):
    """`value` is null while it has not come yet, and after it was erased."""

    stream: str
    field: str
    value: Any
    source: str | None
    recorded_at: str | None
    verified_at: str | None


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


class Profile(TypedDict):
    needs: list[StatedNeed]


class ProtectionShown(TypedDict):
    """`staff` alone works the customer until then, unless an activity moves it on."""

    staff: str
    until: str


class RatingsShown(TypedDict):
    """1 (poor) to 5 (very good)."""

    design: int | None
    comfort: int | None
    handling: int | None
    space: int | None
    value: int | None


class ReassignmentShown(TypedDict):
    """`previous` is null for one out of the pool."""

    stream: str
    previous: str | None
    staff: str
    reason: str
    at: str


class RecordShown(TypedDict):
    head: Head
    identity: Identity
    consent: list[ConsentShown]
    profile: Profile
    responsibility: Responsibility
    intent: Intent
    journey: Journey
    timeline: str


class RecyclingShown(TypedDict):
    stream: str
    reason: str
    at: str
    restored_at: str | None


class ReopeningShown(TypedDict):
    stream: str
    reason: str
    at: str


class ReportShown(TypedDict):
    stream: str
    status: str
    staff: str | None
    at: str


class Responsibility(TypedDict):
    current: list[Holder]
    history: list[PastHolder]
    routings: list[RoutingShown]
    reassigned: list[ReassignmentShown]
    shares: list[ShareShown]


class RoutingShown(TypedDict):
    """`by` is the rule that chose the dealer (wish, distance, load), or hand."""

    stream: str
    dealer: str
    by: str
    at: str
    accept_by: str
    state: str
    answered_at: str | None
    staff: str | None
    reason: str | None


class ScorePartShown(TypedDict):
    signal: str
    points: int


class ScoreShown(TypedDict):
    """`points` is the sum of the `parts`."""

    points: int
    parts: list[ScorePartShown]
    at: str


class ScoredShown(TypedDict):
    points: int
    parts: list[ScorePartShown]
    at: str
    stream: str


class SearchRequest(TypedDict):
    """Exactly one of them. A name is found by its beginning, whatever its blanks, width and letter case."""

    phone: NotRequired[str | None]
    email: NotRequired[str | None]
    name: NotRequired[str | None]
    vin: NotRequired[str | None]


class ShareShown(TypedDict):
    """`dealer` may read the stream: its facts, or personal data too (contact)."""

    stream: str
    dealer: str
    scope: str
    since: str
    until: str
    reason: str | None
    state: str


class SharedRead(TypedDict):
    """`actor` of `dealer` was shown something of the stream; `route` is the operation, `correlation` the request's."""

    at: str
    stream: str
    dealer: str
    actor: str
    scope: str
    route: str
    correlation: str


class SharedReadsPage(TypedDict):
    items: list[SharedRead]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo


class StatedNeed(TypedDict):
    kind: str
    value: str
    source: str
    stream: str


class TestDriveShown(TypedDict):
    """`recommend`: 0 (never) to 10 (certainly)."""

    stream: str
    model: str | None
    vin: str
    staff: str | None
    booked_at: str
    starts: str
    ends: str
    state: str
    closed_at: str | None
    reason: str | None
    ratings: RatingsShown | None
    recommend: int | None


class TimelineEntry(TypedDict):
    """`known` is false for a type this version cannot read yet; `cause` is the event that led to this one."""

    occurred_at: str
    recorded_at: str
    type: str
    known: bool
    summary: str
    dealer: str | None
    actor: str
    event_id: str
    stream: str
    version: int
    cause: str | None


class TimelinePage(TypedDict):
    items: list[TimelineEntry]
    next_cursor: str | None
    has_more: bool
    pageInfo: PageInfo


class Vehicle(TypedDict):
    interest: str
    model: str | None
    year: int | None
    condition: str | None
    vin: str | None
    odometer: int | None
    odometer_unit: str | None


class VisitShown(TypedDict):
    stream: str
    purpose: str
    persons: int
    staff: str | None
    at: str


class WindowShown(TypedDict):
    earliest: str | None
    latest: str | None
