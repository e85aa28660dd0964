"""Roadbook: lead: written by `make contracts` from contracts/openapi/lead.json."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AcceptRequest(TypedDict):
    staff: NotRequired[str | None]


class Address(TypedDict):
    lines: NotRequired[list[str]]
    city: NotRequired[str | None]
    region: NotRequired[str | None]
    postal_code: NotRequired[str | None]
    country: NotRequired[str | None]
    preferred: NotRequired[bool | None]


class Amount(TypedDict):
    """In minor units, zero or more."""

    currency: str
    minor: int


class AmountShown(TypedDict):
    currency: str
    minor: int


class AssignRequest(TypedDict):
    staff: str
    reason: str


class BookAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    test_drive: str


class BookRequest(TypedDict):
    """`starts` on a slot, `minutes` in whole slots: the calendar of the car shows them."""

    lead: str
    vin: str
    starts: str
    minutes: int
    staff: NotRequired[str | None]


class Budget(TypedDict):
    """In minor units; one bound may be left open."""

    currency: str
    minimum: NotRequired[int | None]
    maximum: NotRequired[int | None]


class BudgetShown(TypedDict):
    """In minor units of the currency."""

    currency: str
    minimum: int | None
    maximum: int | None


class CalendarShown(TypedDict):
    vin: str
    model: str | None
    date: str
    slot_minutes: int
    longest_minutes: int
    slots: list[SlotShown]


class CampaignShown(TypedDict):
    """`state`: open or closed; `close_reason` is `ended` when the last day was over."""

    campaign: str
    state: str
    regions: list[str]
    models: list[str]
    channels: list[str]
    starts: str
    ends: str
    budget: AmountShown | None
    goals: CountersShown | None
    launched_at: str
    closed_at: str | None
    close_reason: str | None
    version: int


class CampaignsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[CampaignShown]


class CancelRequest(TypedDict):
    reason: str


class CaptureAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    warnings: list[Warned]
    lead: str
    party_ref: str


class CaptureRequest(TypedDict):
    person: NotRequired[Person | None]
    consents: NotRequired[list[Consent]]
    interest_text: NotRequired[str | None]
    comments: NotRequired[str | None]
    budget: NotRequired[Budget | None]
    window: NotRequired[Window | None]
    region: NotRequired[str | None]
    needs: NotRequired[list[Need]]
    source: str
    vehicles: NotRequired[list[Vehicle]]
    party_ref: NotRequired[str | None]
    dealer_wish: NotRequired[str | None]
    campaign: NotRequired[str | None]
    next_action: NotRequired[NextAction | None]
    occurred_at: NotRequired[str | None]


class CloseRequest(TypedDict):
    reason: str


class CommandAnswer(TypedDict):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class CompleteDriveRequest(TypedDict):
    """The feedback form; what the party did not say is left out. `recommend`: 0 (never) to 10 (certainly). Odometer
    in km."""

    ratings: NotRequired[RatingsGiven]
    recommend: NotRequired[int | None]
    odometer_out: NotRequired[int | None]
    odometer_in: NotRequired[int | None]
    comment: NotRequired[str | None]


class CompleteRequest(TypedDict):
    outcome: str
    staff: NotRequired[str | None]
    next_action: NotRequired[NextAction | None]
    note: NotRequired[str | None]


class Consent(TypedDict):
    """As given: for a purpose on a channel, under a version of the wording. A refusal is worth recording too."""

    purpose: str
    channel: str
    granted: bool
    wording: str
    brand: NotRequired[str | None]


class ConsentShown(TypedDict):
    purpose: str
    channel: str
    granted: bool
    wording: str
    brand: str | None


class ContactPointShown(TypedDict):
    """`key` names its value in `personal`."""

    key: str
    kind: str
    valid: bool
    linkable: bool
    preferred: bool


class ConvertRequest(TypedDict):
    note: NotRequired[str | None]


class Counters(TypedDict):
    """What is not given counts as 0."""

    reach: NotRequired[int]
    followers_gained: NotRequired[int]
    visitors: NotRequired[int]
    enquiries: NotRequired[int]
    test_drives: NotRequired[int]
    orders: NotRequired[int]


class CountersShown(TypedDict):
    reach: int
    followers_gained: int
    visitors: int
    enquiries: int
    test_drives: int
    orders: int


class DealerResult(TypedDict):
    dealer: str
    periods: int
    reported: CountersShown | None
    leads: LeadsBrought


class DriveListed(TypedDict):
    test_drive: str
    lead: str
    party_ref: str
    dealer: str
    vin: str
    model: str
    staff: str | None
    state: str
    starts: str
    ends: str
    booked_at: str
    version: int


class DriveShown(TypedDict):
    """`report_by`: missed, if nothing was said by then. `closed_at`: when it was taken, missed or cancelled."""

    test_drive: str
    lead: str
    party_ref: str
    dealer: str
    vin: str
    model: str
    staff: str | None
    state: str
    starts: str
    ends: str
    booked_at: str
    version: int
    stream: str
    report_by: str
    rules: str
    closed_at: str | None
    reason: str | None
    feedback: dict[str, Any] | None
    comment: str | None


class DrivesPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[DriveListed]


class EffectPage(TypedDict):
    """`traffic`: `network`, or `own` for a dealer, whose visitors, enquiries and leads are its own."""

    next_cursor: str | None
    has_more: bool
    items: list[EffectShown]
    traffic: str


class EffectShown(TypedDict):
    """`visitors` and `enquiries` are None where no showroom reported the day; `region` None: not known."""

    day: str
    region: str | None
    spend: list[MediumSpend]
    showrooms: int
    visitors: int | None
    enquiries: int | None
    leads: int


class Email(TypedDict):
    value: str
    preferred: NotRequired[bool | None]


class EnrichAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    warnings: list[Warned]


class EnrichRequest(TypedDict):
    """Everything is optional; `vehicles` replaces the list, contact points are added, a known one is recognised."""

    person: NotRequired[Person | None]
    consents: NotRequired[list[Consent]]
    interest_text: NotRequired[str | None]
    comments: NotRequired[str | None]
    budget: NotRequired[Budget | None]
    window: NotRequired[Window | None]
    region: NotRequired[str | None]
    needs: NotRequired[list[Need]]
    vehicles: NotRequired[list[Vehicle] | None]
    remove_contact_points: NotRequired[list[str]]


class EventShown(TypedDict):
    """`causation` is the id of the event that caused it, if one did."""

    id: str
    type: str
    version: int
    time: str
    recorded: str
    actor: str
    correlation: str
    causation: str | None
    data: dict[str, Any]


class EventsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[EventShown]


class ExperienceRequest(TypedDict):
    """What of a model was tried on which site, and for how many seconds."""

    model: str
    feature: str
    seconds: int
    site: str
    occurred_at: NotRequired[str | None]


class FaultShown(TypedDict):
    reason: str
    row: int | None


class FiguresShown(TypedDict):
    """Over the leads captured in the time asked for. Conversion in percent of all that are not in the recycle bin; the
    time to the first contact runs from when the lead reached us."""

    leads: int
    by_state: dict[str, int]
    by_grade: dict[str, int]
    by_source: dict[str, int]
    by_dealer: dict[str, int]
    overdue: int
    feedback_overdue: int
    unanswered: int
    pooled: int
    contacted: int
    converted: int
    conversion_percent: float | None
    median_seconds_to_first_contact: int | None


class GroupListed(TypedDict):
    """`dealer` None: for the whole network. `state`: open, or how it ended (reached, missed, cancelled). `members` is
    only a number: who they are is shown to those who hold their leads."""

    group_buy: str
    dealer: str | None
    model: str
    price: dict[str, Any]
    places: int
    threshold: int
    members: int
    state: str
    opened_at: str
    closes_at: str
    threshold_reached_at: str | None
    closed_at: str | None
    version: int


class GroupShown(TypedDict):
    """`own_members`: how many of the members are yours; `own` names the first 100 of them."""

    group_buy: str
    dealer: str | None
    model: str
    price: dict[str, Any]
    places: int
    threshold: int
    members: int
    state: str
    opened_at: str
    closes_at: str
    threshold_reached_at: str | None
    closed_at: str | None
    version: int
    own_members: int
    own: list[MemberShown]


class GroupsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[GroupListed]


class HandOverItem(TypedDict):
    lead: str
    party_ref: str
    dealer: str | None
    state: str
    grade: str | None
    source: str
    models: list[str]
    next_action: NextActionShown | None
    overdue: bool
    captured_at: str
    updated_at: str
    version: int
    region: str | None
    campaign: str | None
    owner: str | None
    accept_by: str | None
    feedback_overdue: bool
    pooled: bool
    score: int | None
    first_contact_at: str | None
    closed_at: str | None
    protected_until: str | None


class HandOverPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[HandOverItem]


# `rows` = `created` + `known` + `rejected`; of a dry run, what they would be. The last two are paths.
ImportAnswer = TypedDict(
    "ImportAnswer",
    {
        "import": "str",
        "state": "str",
        "dry_run": "bool",
        "rows": "int",
        "created": "int",
        "known": "int",
        "rejected": "int",
        "results": "str",
        "rejects": "str",
    },
)


# `state`: running, done, failed (see `fault`) or interrupted. Gone after `expires_at`.
ImportShown = TypedDict(
    "ImportShown",
    {
        "import": "str",
        "state": "str",
        "dry_run": "bool",
        "rows": "int",
        "created": "int",
        "known": "int",
        "rejected": "int",
        "results": "str",
        "rejects": "str",
        "source": "str",
        "format": "str",
        "fault": "FaultShown | None",
        "started": "str",
        "updated": "str",
        "expires_at": "str",
    },
)


class IntakeAnswer(TypedDict):
    """`repairs` are codes of what had to be mended to read the document."""

    document: str
    repairs: list[str]
    results: list[ProspectAnswer]


class LaunchAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    campaign: str


class LaunchRequest(TypedDict):
    """`code` is the word that leads carry as their `campaign`. Without `models` it is for every model."""

    code: str
    regions: list[str]
    models: NotRequired[list[str]]
    channels: list[str]
    starts: str
    ends: str
    budget: NotRequired[Amount | None]
    goals: NotRequired[Counters | None]


class LeadListed(TypedDict):
    lead: str
    party_ref: str
    dealer: str | None
    state: str
    grade: str | None
    source: str
    models: list[str]
    next_action: NextActionShown | None
    overdue: bool
    captured_at: str
    updated_at: str
    version: int
    region: str | None
    campaign: str | None
    owner: str | None
    accept_by: str | None
    feedback_overdue: bool
    pooled: bool
    score: int | None
    first_contact_at: str | None
    closed_at: str | None


class LeadShown(TypedDict):
    """`personal` by field: `contact_points[].key` names one of them."""

    lead: str
    stream: str
    version: int
    status: str
    party_ref: str
    dealer: str | None
    source: str
    captured_at: str
    grade: str | None
    reasons: list[str]
    next_action: NextActionShown | None
    overdue: bool
    lost_reason: str | None
    campaign: str | None
    region: str | None
    needs: list[NeedShown]
    owner: str | None
    responsible: str | None
    routing: RoutingShown | None
    feedback_due: str | None
    protection: NotRequired[ProtectionShown | None]
    pooled: bool
    shares: NotRequired[list[SharedWith] | None]
    shared: ShareShown | None
    score: ScoreShown | None
    profile: ProfileShown
    first_contact_at: str | None
    reported: str | None
    vehicles: list[VehicleShown]
    budget: BudgetShown | None
    window: WindowShown | None
    contact_points: NotRequired[list[ContactPointShown] | None]
    consents: list[ConsentShown]
    personal: NotRequired[dict[str, PersonalShown] | None]


class LeadsBrought(TypedDict):
    """`by_grade` counts leads without a grade as `none`."""

    captured: int
    converted: int
    by_state: dict[str, int]
    by_grade: dict[str, int]


class LeadsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[LeadListed]


class LoseRequest(TypedDict):
    """`competitor` is the catalogue code of what was bought instead."""

    reason: str
    competitor: NotRequired[str | None]
    note: NotRequired[str | None]


class MediumSpend(TypedDict):
    currency: str
    minor: int
    medium: str


class MemberRequest(TypedDict):
    """A lead you hold."""

    lead: str


class MemberShown(TypedDict):
    lead: str
    party_ref: str
    dealer: str | None
    joined_at: str


class MembersPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[MemberShown]


class ModelEnquiries(TypedDict):
    model: str
    enquiries: int


class Need(TypedDict):
    """What the car is for, in codes: use, family, parking …; `source` is how we know."""

    kind: str
    value: str
    source: NotRequired[str]


class NeedShown(TypedDict):
    kind: str
    value: str
    source: str


class NextAction(TypedDict):
    kind: str
    due: str
    assignee: NotRequired[str | None]


class NextActionShown(TypedDict):
    kind: str
    due: str
    assignee: str | None


class OpenAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    group_buy: str


class OpenRequest(TypedDict):
    """`threshold`: how many must join for the price to hold; at most `places`."""

    model: str
    price: PriceGiven
    places: int
    threshold: int
    closes_at: str


class OwnPart(TypedDict):
    leads: int
    converted: int


class Person(TypedDict):
    """Who it is, as far as known. Contact points need not be right: what cannot be read is kept and marked."""

    name: NotRequired[str | None]
    given_name: NotRequired[str | None]
    family_name: NotRequired[str | None]
    birth_date: NotRequired[str | None]
    phones: NotRequired[list[Phone]]
    emails: NotRequired[list[Email]]
    addresses: NotRequired[list[Address]]


class PersonalShown(TypedDict):
    value: Any
    source: str
    version: int
    recorded_at: str
    verified_at: str | None


class Phone(TypedDict):
    value: str
    preferred: NotRequired[bool | None]


class PriceGiven(TypedDict):
    """Per car, in minor units."""

    currency: str
    minor: int


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


class ProfileShown(TypedDict):
    percent: int
    known: list[str]
    missing: list[str]
    missing_for_hot: list[str]
    missing_for_conversion: list[str]


class ProspectAnswer(TypedDict):
    """`result`: captured, known (nothing doubled; `events` tells what was new) or quarantined (with `reasons`)."""

    place: int
    result: str
    lead: NotRequired[str | None]
    stream: NotRequired[str | None]
    version: NotRequired[int | None]
    events: NotRequired[list[str] | None]
    position: NotRequired[str | None]
    warnings: NotRequired[list[Warned] | None]
    quarantine: NotRequired[str | None]
    reasons: NotRequired[list[str] | None]


class ProtectionShown(TypedDict):
    """`period` is an ISO 8601 duration."""

    staff: str
    until: str
    period: str


class QualifyRequest(TypedDict):
    grade: Literal["hot", "warm", "cold"]
    reasons: NotRequired[list[str]]
    note: NotRequired[str | None]


class QuarantineAnswer(TypedDict):
    quarantine: str
    state: str
    results: NotRequired[list[ProspectAnswer]]


class QuarantineListed(TypedDict):
    quarantine: str
    dealer: str | None
    document: str
    place: int
    reasons: list[str]
    state: str
    received: str
    expires_at: str


class QuarantinePage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[QuarantineListed]


class QuarantineShown(TypedDict):
    """`fragment` is the prospect's text as it came; None once the document it stands in is gone."""

    quarantine: str
    dealer: str | None
    document: str
    place: int
    reasons: list[str]
    state: str
    received: str
    expires_at: str
    fragment: str | None


class RankedShown(TypedDict):
    """In the region asked for. `cost_per_lead`: None without leads or spend, or with several currencies."""

    campaign: str
    state: str
    models: list[str]
    channels: list[str]
    starts: str
    ends: str
    spend: list[AmountShown]
    leads: int | None
    converted: int | None
    cost_per_lead: AmountShown | None
    withheld: bool
    own: OwnPart | None


class RankingShown(TypedDict):
    region: str
    items: list[RankedShown]


class RatingsGiven(TypedDict):
    """1 (poor) to 5 (very good)."""

    design: NotRequired[int | None]
    comfort: NotRequired[int | None]
    handling: NotRequired[int | None]
    space: NotRequired[int | None]
    value: NotRequired[int | None]


class ReasonRequest(TypedDict):
    reason: str
    note: NotRequired[str | None]


class ReasonShown(TypedDict):
    """`pointer` into the body of a capture; of a CSV row, `column` too."""

    pointer: str
    column: NotRequired[str | None]
    code: str
    detail: str


class ReassignAnswer(TypedDict):
    """`to`: how many leads each got; `left`: how many the same request will move when it is sent again."""

    moved: int
    to: dict[str, int]
    left: int


# All leads of `from`; `to` where that is staff of the lead's dealer, else its manager.
ReassignRequest = TypedDict(
    "ReassignRequest",
    {
        "from": "str",
        "to": "NotRequired[str | None]",
        "reason": "str",
    },
)


class RegionResult(TypedDict):
    """`headquarters`: what it counted itself; `dealers`: the sum of the dealers' reports. Sums are added up over
    periods. A sum that would tell a dealer the number of one other is withheld: None."""

    region: str | None
    headquarters: CountersShown | None
    dealers: CountersShown | None
    dealers_withheld: bool
    leads: LeadsBrought | None
    leads_withheld: bool


class ReopenRequest(TypedDict):
    reason: str
    next_action: NotRequired[NextAction | None]
    note: NotRequired[str | None]


class RescheduleRequest(TypedDict):
    starts: str
    minutes: int


class ResultRequest(TypedDict):
    """Both days belong to the period. `region` is headquarters' to name; a dealer reports for its own."""

    first_day: str
    last_day: str
    counters: Counters
    region: NotRequired[str | None]


class ResultShown(TypedDict):
    """`row` counts from 1; `result` is created, known or rejected."""

    row: int
    row_id: str | None
    result: str
    lead: str | None
    reasons: list[ReasonShown]


class ResultsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ResultShown]


class ResultsShown(TypedDict):
    """`dealers`: a dealer sees itself only."""

    campaign: str
    regions: list[RegionResult]
    dealers: list[DealerResult]


class RevokeRequest(TypedDict):
    dealer: str


class RouteRequest(TypedDict):
    """Without `dealer` the rule chooses; `accept_by` shortens or lengthens the time to answer."""

    dealer: NotRequired[str | None]
    accept_by: NotRequired[str | None]


class RoutingShown(TypedDict):
    dealer: str
    accept_by: str


class ScheduleRequest(TypedDict):
    next_action: NextAction
    note: NotRequired[str | None]


class ScorePart(TypedDict):
    signal: str
    points: int


class ScoreShown(TypedDict):
    points: int
    parts: list[ScorePart]


class ShareReadShown(TypedDict):
    """`what` is the operation that showed it."""

    dealer: str
    actor: str
    what: str
    scope: str
    correlation: str
    at: str


class ShareReadsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ShareReadShown]


class ShareRequest(TypedDict):
    dealer: str
    scope: Literal["facts", "contact"]
    until: str
    reason: str


class ShareShown(TypedDict):
    """`scope`: facts, or contact (personal data too)."""

    scope: str
    until: str


class SharedItem(TypedDict):
    lead: str
    party_ref: str
    dealer: str | None
    state: str
    grade: str | None
    source: str
    models: list[str]
    next_action: NextActionShown | None
    overdue: bool
    captured_at: str
    updated_at: str
    version: int
    region: str | None
    campaign: str | None
    owner: str | None
    accept_by: str | None
    feedback_overdue: bool
    pooled: bool
    score: int | None
    first_contact_at: str | None
    closed_at: str | None
    shared: ShareShown


class SharedPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[SharedItem]


class SharedWith(TypedDict):
    scope: str
    until: str
    dealer: str


class ShowroomDayRequest(TypedDict):
    """`dealer` is headquarters' to name. `by_model` may leave some enquiries unsaid. `reason` restates a day."""

    date: str
    visitors: int
    enquiries: int
    by_model: NotRequired[list[ModelEnquiries]]
    dealer: NotRequired[str | None]
    reason: NotRequired[str | None]


class ShowroomDayShown(TypedDict):
    """The numbers in force; `restated` is how often they were replaced."""

    dealer: str
    date: str
    region: str | None
    visitors: int
    enquiries: int
    by_model: list[dict[str, Any]]
    restated: int
    reported_at: str
    updated_at: str
    version: int


class ShowroomDaysPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ShowroomDayShown]


class SlotShown(TypedDict):
    starts: str
    ends: str
    state: Literal["free", "taken", "past"]
    test_drive: str | None


class SpendPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[SpendShown]


class SpendRequest(TypedDict):
    """One amount for each region, day, medium and campaign (or none): told again, it is a correction."""

    region: str
    day: str
    medium: str
    campaign: NotRequired[str | None]
    amount: Amount


class SpendShown(TypedDict):
    """The amount in force; `corrected` is how often it was replaced."""

    spend: str
    region: str
    day: str
    medium: str
    campaign: str | None
    amount: AmountShown
    corrected: int
    recorded_at: str
    updated_at: str
    version: int


class StaffRequest(TypedDict):
    staff: str


class StatusRequest(TypedDict):
    status: str
    staff: NotRequired[str | None]
    note: NotRequired[str | None]


class Vehicle(TypedDict):
    interest: NotRequired[Literal["buy", "lease", "sell", "trade-in", "test-drive"]]
    model: NotRequired[str | None]
    year: NotRequired[int | None]
    condition: NotRequired[Literal["new", "used", "cpo"] | None]
    vin: NotRequired[str | None]
    odometer: NotRequired[int | None]
    odometer_unit: NotRequired[Literal["km", "mi"]]


class VehicleShown(TypedDict):
    interest: str
    model: str | None
    year: int | None
    condition: str | None
    vin: str | None
    odometer: int | None
    odometer_unit: str | None


class VisitRequest(TypedDict):
    """`persons` who came, the customer among them."""

    purpose: str
    persons: NotRequired[int]
    staff: NotRequired[str | None]
    occurred_at: NotRequired[str | None]
    note: NotRequired[str | None]


class Warned(TypedDict):
    code: str
    pointer: NotRequired[str | None]
    severity: NotRequired[str | None]


class Window(TypedDict):
    """When the party means to buy; one end may be left open."""

    earliest: NotRequired[str | None]
    latest: NotRequired[str | None]


class WindowShown(TypedDict):
    earliest: str | None
    latest: str | None
