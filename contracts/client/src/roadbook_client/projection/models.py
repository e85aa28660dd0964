"""Roadbook: projection: written by `make contracts` from contracts/openapi/projection.json."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class AccessoryShown(TypedDict):
    stream: str
    dealer: str | None
    order: str | None
    vin: str | None
    items: list[ItemShown]
    currency: str
    total: int
    staff: str | None
    sold_at: str
    returned_at: str | None
    reason: str | None


class BudgetShown(TypedDict):
    """In minor units of the currency."""

    currency: str
    minimum: int | None
    maximum: int | None


class CancellationShown(TypedDict):
    """`after`: placed, allocated or delayed."""

    reason: str | None
    after: str | None
    at: str


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
    learned_later: bool
    kind: str
    valid: bool
    linkable: bool
    preferred: bool


class ContractLineShown(TypedDict):
    line: int
    model: str | None
    quantity: int
    price: int


class ContractShown(TypedDict):
    """`reason` is of the cancellation; `document_version` counts from 1 at the signing."""

    stream: str
    dealer: str | None
    opportunity: str | None
    quote: str | None
    procurement: str | None
    tender: str | None
    staff: str | None
    currency: str
    lines: list[ContractLineShown]
    total: int
    document_version: int
    document_hash: str
    state: str
    signed_at: str
    amended_at: str | None
    cancelled_at: str | None
    reason: str | None
    deposits: list[DepositShown]
    finance: list[FinanceShown]


class ConversionShown(TypedDict):
    stream: str
    at: str


class DeliveryShown(TypedDict):
    stream: str
    dealer: str | None
    model: str | None
    condition: str | None
    delivered_at: str
    odometer_km: int | None
    party_ref: str | None
    customer_id: str | None


class DepositShown(TypedDict):
    receipt: str
    amount: int
    currency: str
    at: str
    refunded_at: str | None


class EventShown(TypedDict):
    """One of the events without which it would not be so."""

    event_id: str
    type: str
    stream: str
    version: int
    occurred_at: str
    recorded_at: str
    summary: str


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


class FinanceShown(TypedDict):
    application: str
    provider: str | None
    amount: int
    currency: str
    at: str
    state: str
    reason: str | None
    decided_at: str | None


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


class GivenShown(TypedDict):
    stream: str
    dealer: str | None
    model: str | None
    odometer_km: int | None
    state: str
    appraised_at: str
    received_at: str | None
    party_ref: str | None
    customer_id: str | None


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
    known_at: str | None
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


class InsuranceShown(TypedDict):
    partner: str | None
    kind: str | None
    premium: int
    currency: str
    expires: str | None
    at: str


class Intent(TypedDict):
    open_leads: list[OpenLead]


class ItemShown(TypedDict):
    """`amount` is of the whole item."""

    code: str
    quantity: int
    amount: int


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
    outcomes: list[OutcomeShown]
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
    learned_later: bool
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


class OpportunityShown(TypedDict):
    """`lead` is the stream it comes from, `contract` what it was won with."""

    stream: str
    dealer: str | None
    lead: str | None
    source: str | None
    models: list[str]
    owner_kind: str | None
    tender: str | None
    staff: str | None
    state: str
    opened_at: str
    closed_at: str | None
    contract: str | None
    reason: str | None
    competitor: str | None


class OutcomeShown(TypedDict):
    """What became of the opportunity that the lead was converted into."""

    stream: str
    opportunity: str
    outcome: str
    reason: str | None
    at: str


class Overlay(TypedDict):
    overlay: str
    since: str


class OwnedVehicleShown(TypedDict):
    vin: str
    model: str | None
    stage: str
    stage_since: str
    intervals: list[OwnershipShown]


class OwnerKindShown(TypedDict):
    owner_kind: str
    basis: str | None
    since: str


# `customer_id` and `party_ref` are null for a dealer's stock, and where you see nothing else of the customer.
OwnerShown = TypedDict(
    "OwnerShown",
    {
        "party_ref": "str | None",
        "dealer": "str | None",
        "cause": "str",
        "source": "str | None",
        "odometer_km": "int | None",
        "from": "str",
        "until": "str | None",
        "ended_by": "str | None",
        "price": "int | None",
        "currency": "str | None",
        "customer_id": "str | None",
    },
)


# From `from` until `until` (null: until now). `price` where it was sold used.
OwnershipShown = TypedDict(
    "OwnershipShown",
    {
        "party_ref": "str | None",
        "dealer": "str | None",
        "cause": "str",
        "source": "str | None",
        "odometer_km": "int | None",
        "from": "str",
        "until": "str | None",
        "ended_by": "str | None",
        "price": "int | None",
        "currency": "str | None",
    },
)


class PageInfo(TypedDict):
    hasNextPage: bool
    nextPageCursor: str | None


class PartyShown(TypedDict):
    stream: str
    kind: str
    source: str | None
    registered_at: str


class PastHolder(TypedDict):
    stream: str
    dealer: str | None
    since: str
    until: str


class PersonalLeaf(TypedDict):
    """`value` is null while it has not come yet, and after it was erased. It is today's in whatever past was asked for;
    `learned_later` says that it was not known then."""

    stream: str
    field: str
    value: Any
    source: str | None
    recorded_at: str | None
    verified_at: str | None
    learned_later: bool


class PersonalShown(TypedDict):
    """A personal value is no fact: it says where it comes from."""

    source: str | None
    version: int | None
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
    """`recorded`: which values were asked for; they stand in `identity`."""

    needs: list[StatedNeed]
    recorded: list[RecordedField]


class ProtectionShown(TypedDict):
    """`staff` alone works the customer until then, unless an activity moves it on."""

    staff: str
    until: str


class PurchaseShown(TypedDict):
    """One order. `discount` is what the quote of its contract gave, of all its vehicles; `repurchase`: by somebody who
    had become an owner before."""

    stream: str
    dealer: str | None
    contract: str | None
    line: int | None
    model: str | None
    condition: str | None
    price: int
    currency: str
    staff: str | None
    discount: int | None
    vin: str | None
    state: str
    placed_at: str
    promised: str | None
    priority: int | None
    delivered_at: str | None
    odometer_km: int | None
    cancelled: CancellationShown | None
    insurance: list[InsuranceShown]
    accessories: list[AccessoryShown]
    trade_in: str | None
    repurchase: bool
    stage: str
    stage_since: str


class QuoteLineShown(TypedDict):
    """`amount` is of the whole line."""

    kind: str
    code: str | None
    quantity: int
    amount: int


class QuoteShown(TypedDict):
    stream: str
    dealer: str | None
    opportunity: str | None
    lines: list[QuoteLineShown]
    currency: str
    total: int
    valid_until: str
    staff: str | None
    state: str
    issued_at: str
    closed_at: str | None
    reason: str | None


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
    timeline: str


class RecordedField(TypedDict):
    """A value of the profile that was asked for; that it was refused is an answer, too."""

    stream: str
    name: str
    purpose: str
    refused: bool
    source: str | None
    at: str


class RecyclingShown(TypedDict):
    stream: str
    reason: str
    at: str
    restored_at: str | None


class RelationshipShown(TypedDict):
    """`other` is the reference of the other party."""

    stream: str
    kind: str
    other: str
    role: str | None
    since: str
    ended_at: str | None
    reason: str | None


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


class RestrictionShown(TypedDict):
    """While one is not lifted, data are stored and nothing else is done with them."""

    stream: str
    reason: str | None
    since: str
    lifted_at: str | None
    lift_reason: str | None


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


class RuleShown(TypedDict):
    """What it was judged by: a part of the record, in this version of the rules."""

    name: str
    version: str


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


class TradeInShown(TypedDict):
    """What the party gives away. `amount` is what was offered, once agreed what was agreed."""

    stream: str
    dealer: str | None
    vin: str
    model: str | None
    valid_until: str
    staff: str | None
    odometer_km: int | None
    amount: int
    currency: str
    agreed_at: str | None
    order: str | None
    state: str
    appraised_at: str
    received_at: str | None
    declined_at: str | None
    reason: str | None


class Vehicle(TypedDict):
    interest: str
    model: str | None
    year: int | None
    condition: str | None
    vin: str | None
    odometer: int | None
    odometer_unit: str | None


class VehicleShown(TypedDict):
    """Owners in time, as far as you may see them, without personal data."""

    vin: str
    model: str | None
    owners: list[OwnerShown]
    deliveries: list[DeliveryShown]
    trade_ins: list[GivenShown]


class VerificationShown(TypedDict):
    """How far a contact point can be relied on. `origin` is where its value lies, when another service learned it."""

    stream: str
    key: str
    kind: str
    valid: bool
    linkable: bool
    preferred: bool
    origin: str | None
    source: str | None
    added_at: str
    state: str
    method: str | None
    reason: str | None
    state_since: str


class VisitShown(TypedDict):
    stream: str
    purpose: str
    persons: int
    staff: str | None
    at: str


class WhyShown(TypedDict):
    """`events` are as few as make the value; none for a personal value, which has `personal` instead."""

    path: str
    value: Any
    events: list[EventShown]
    rule: RuleShown
    personal: PersonalShown | None


class WindowShown(TypedDict):
    earliest: str | None
    latest: str | None
