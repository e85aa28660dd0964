"""Consent, responsibility, intent and profile as the record shows them."""

from typing import Annotated

from pydantic import Field

from projection.api.shown.base import RoutingState, Shown, Stream
from projection.api.shown.party import RecordedField
from roadbook.http.types import Date, Instant


class ConsentShown(Shown):
    purpose: str
    channel: str
    brand: str | None
    state: Annotated[str, Field(description="granted, refused or withdrawn")]
    since: Instant
    wording: str


class ProtectionShown(Shown):
    """`staff` alone works the customer until then, unless an activity moves it on."""

    staff: str
    until: Instant


class FeedbackShown(Shown):
    """Until when the dealer owes a word on the lead's status."""

    due: Instant
    overdue: bool


class Holder(Shown):
    """`staff` works it at its dealer, null: the dealer's manager. `pooled`: anybody there may claim it."""

    stream: Stream
    dealer: str | None
    since: Instant
    staff: str | None
    pooled: bool
    protection: ProtectionShown | None
    feedback: FeedbackShown | None


class PastHolder(Shown):
    stream: Stream
    dealer: str | None
    since: Instant
    until: Instant


class RoutingShown(Shown):
    """`by` is the rule that chose the dealer (wish, distance, load), or hand."""

    stream: Stream
    dealer: str
    by: Annotated[str, Field(examples=["wish"])]
    at: Instant
    accept_by: Instant
    state: RoutingState
    answered_at: Instant | None
    staff: str | None
    reason: Annotated[str | None, Field(examples=["no_capacity"])]


class ReassignmentShown(Shown):
    """`previous` is null for one out of the pool."""

    stream: Stream
    previous: Annotated[str | None, Field(examples=["staff-sh-01-2"])]
    staff: str
    reason: Annotated[str, Field(examples=["staff_left"])]
    at: Instant


class ShareShown(Shown):
    """`dealer` may read the stream: its facts, or personal data too (contact)."""

    stream: Stream
    dealer: Annotated[str, Field(examples=["dealer-sh-02"])]
    scope: Annotated[str, Field(description="facts or contact", examples=["contact"])]
    since: Instant
    until: Instant
    reason: Annotated[str | None, Field(examples=["test_drive_there"])]
    state: Annotated[
        str,
        Field(
            description="active, expired, revoked, replaced by another, left (its holder has), or suspended in the "
            "recycle bin",
            examples=["active"],
        ),
    ]


class Responsibility(Shown):
    current: list[Holder]
    history: list[PastHolder]
    routings: list[RoutingShown]
    reassigned: list[ReassignmentShown]
    shares: list[ShareShown]


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
    kind: Annotated[str, Field(examples=["call"])]
    due: Instant
    assignee: str | None
    overdue: bool


class NeedShown(Shown):
    """What the car is for, in codes; `source` is how it is known."""

    kind: Annotated[str, Field(examples=["family"])]
    value: Annotated[str, Field(examples=["two_children"])]
    source: Annotated[str, Field(examples=["advice_call"])]


class ScorePartShown(Shown):
    signal: Annotated[str, Field(examples=["showroom_visit"])]
    points: int


class ScoreShown(Shown):
    """`points` is the sum of the `parts`."""

    points: int
    parts: list[ScorePartShown]
    at: Instant


class LastRouting(Shown):
    dealer: str
    by: Annotated[str, Field(examples=["wish"])]
    accept_by: Instant
    state: RoutingState


class OpenLead(Shown):
    stream: Stream
    captured_at: Instant
    source: str | None
    campaign: str | None
    dealer_wish: str | None
    region: Annotated[str | None, Field(examples=["sh-pudong"])]
    needs: list[NeedShown]
    grade: str | None
    reasons: list[str]
    score: ScoreShown | None
    vehicles: list[Vehicle]
    budget: BudgetShown | None
    window: WindowShown | None
    first_contact_at: Instant | None
    reported_status: Annotated[str | None, Field(examples=["negotiating"])]
    routing: LastRouting | None
    next_action: NextAction | None


class Intent(Shown):
    open_leads: list[OpenLead]


class StatedNeed(NeedShown):
    stream: Stream


class Profile(Shown):
    """`recorded`: which values were asked for; they stand in `identity`."""

    needs: list[StatedNeed]
    recorded: list[RecordedField]
