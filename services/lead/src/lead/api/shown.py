"""What the lead service answers, as OpenAPI describes it; and the examples of its documents."""

from typing import Any

from pydantic import ConfigDict, Field

from lead.api.lead_shown import (
    BudgetShown,
    ConsentShown,
    ContactPointShown,
    NeedShown,
    NextActionShown,
    ProfileShown,
    ProtectionShown,
    RoutingShown,
    ScoreShown,
    SharedWith,
    ShareShown,
    VehicleShown,
    WindowShown,
)
from lead.api.lead_shown import Shown as Shown
from lead.api.samples import LEAD, SAMPLES, SCORE


class Warned(Shown):
    code: str
    pointer: str | None = None
    severity: str | None = None


class CommandAnswer(Shown):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class EnrichAnswer(CommandAnswer):
    warnings: list[Warned]


class CaptureAnswer(EnrichAnswer):
    lead: str
    party_ref: str


class PersonalShown(Shown):
    value: Any
    source: str
    version: int
    recorded_at: str
    verified_at: str | None


class LeadShown(Shown):
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
    responsible: str | None = Field(description="The owner, else the dealer's manager; null at headquarters.")
    routing: RoutingShown | None = Field(description="Set until its dealer has answered.")
    feedback_due: str | None
    protection: ProtectionShown | None = None
    pooled: bool
    shares: list[SharedWith] | None = None
    shared: ShareShown | None = Field(description="How it is shown to you, if it is another dealer's.")
    score: ScoreShown | None = Field(description="`points` and the `parts` they are made of.", examples=[SCORE])
    profile: ProfileShown = Field(description="How complete the profile is, and what is missing for what.")
    first_contact_at: str | None
    reported: str | None = Field(description="The dealer's last word on how it stands.")
    vehicles: list[VehicleShown]
    budget: BudgetShown | None
    window: WindowShown | None
    contact_points: list[ContactPointShown] | None = None
    consents: list[ConsentShown]
    personal: dict[str, PersonalShown] | None = None


class EventShown(Shown):
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


class PageShown(Shown):
    next_cursor: str | None
    has_more: bool


class EventsPage(PageShown):
    items: list[EventShown]


class LeadListed(Shown):
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


class LeadsPage(PageShown):
    items: list[LeadListed]


class HandOverItem(LeadListed):
    protected_until: str | None


class HandOverPage(PageShown):
    items: list[HandOverItem]


class SharedItem(LeadListed):
    shared: ShareShown


class SharedPage(PageShown):
    items: list[SharedItem]


class ShareReadShown(Shown):
    """`what` is the operation that showed it."""

    dealer: str
    actor: str
    what: str
    scope: str
    correlation: str
    at: str


class ShareReadsPage(PageShown):
    items: list[ShareReadShown]


class ReassignAnswer(Shown):
    """`to`: how many leads each got; `left`: how many the same request will move when it is sent again."""

    moved: int
    to: dict[str, int]
    left: int


class FiguresShown(Shown):
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


class ProspectAnswer(Shown):
    """`result`: captured, known (nothing doubled; `events` tells what was new) or quarantined (with `reasons`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "place": 1,
                    "result": "captured",
                    "lead": LEAD,
                    "stream": f"lead/{LEAD}",
                    "version": 2,
                    "events": SAMPLES["events"],
                    "position": SAMPLES["position"],
                    "warnings": [],
                }
            ]
        }
    )

    place: int
    result: str
    lead: str | None = None
    stream: str | None = None
    version: int | None = None
    events: list[str] | None = None
    position: str | None = None
    warnings: list[Warned] | None = None
    quarantine: str | None = None
    reasons: list[str] | None = None


class IntakeAnswer(Shown):
    """`repairs` are codes of what had to be mended to read the document."""

    document: str
    repairs: list[str]
    results: list[ProspectAnswer]


class QuarantineListed(Shown):
    quarantine: str
    dealer: str | None
    document: str
    place: int
    reasons: list[str]
    state: str
    received: str
    expires_at: str


class QuarantinePage(PageShown):
    items: list[QuarantineListed]


class QuarantineShown(QuarantineListed):
    """`fragment` is the prospect's text as it came; None once the document it stands in is gone."""

    fragment: str | None = Field(description="The raw text.")


class QuarantineAnswer(Shown):
    quarantine: str
    state: str
    results: list[ProspectAnswer] = Field(default_factory=list)


CAPTURE: dict[str, Any] = {
    "person": {
        "name": "张伟",
        "phones": [{"value": "138 1234 5678", "preferred": True}],
        "emails": [{"value": "zhang.wei@example.com"}],
    },
    "consents": [{"purpose": "marketing", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
    "source": "web_form",
    "vehicles": [{"interest": "buy", "model": "volkswagen-lavida", "condition": "new"}],
    "budget": {"currency": "CNY", "minimum": 10_000_000, "maximum": 15_000_000},
    "window": {"earliest": "2026-12-01", "latest": "2027-02-28"},
    "interest_text": "想要白色,有天窗",
    "dealer_wish": "dealer-sh-01",
}
ENRICH: dict[str, Any] = {"person": {"phones": [{"value": "021-6123 4567 转 801"}]}, "comments": "周末可以试驾"}
QUALIFY: dict[str, Any] = {"grade": "hot", "reasons": ["test_drive", "budget_confirmed"], "note": "下周来店"}
SCHEDULE: dict[str, Any] = {
    "next_action": {"kind": "call", "due": "2026-12-01T10:00:00+08:00", "assignee": "staff-sh-01-1"}
}
LOSE: dict[str, Any] = {"reason": "bought_elsewhere", "competitor": "toyota-corolla"}
REOPEN: dict[str, Any] = {"reason": "called_again"}
COMPLETE: dict[str, Any] = {"outcome": "reached", "staff": "staff-sh-01-1", "note": "周六来店试驾"}
CONVERT: dict[str, Any] = {"note": "订购朗逸"}
RECYCLE: dict[str, Any] = {"reason": "duplicate"}
RESTORE: dict[str, Any] = {"reason": "by_mistake"}
ROUTE: dict[str, Any] = {"accept_by": "2026-12-01T12:00:00+08:00"}
ACCEPT: dict[str, Any] = {"staff": "staff-sh-01-1"}
DECLINE: dict[str, Any] = {"reason": "no_capacity"}
STATUS: dict[str, Any] = {"status": "negotiating", "staff": "staff-sh-01-1"}
STAFF: dict[str, Any] = {"staff": "staff-sh-01-1"}
ASSIGN: dict[str, Any] = {"staff": "staff-sh-01-2", "reason": "holiday"}
REASSIGN: dict[str, Any] = {"from": "staff-sh-01-1", "to": "staff-sh-01-2", "reason": "staff_left"}
SHARE: dict[str, Any] = {
    "dealer": "dealer-sh-02",
    "scope": "contact",
    "until": "2026-12-31T00:00:00+08:00",
    "reason": "test_drive_there",
}
REVOKE: dict[str, Any] = {"dealer": "dealer-sh-02"}
VISIT: dict[str, Any] = {"purpose": "look_around", "persons": 2, "staff": "staff-sh-01-1"}
EXPERIENCE: dict[str, Any] = {
    "model": "volkswagen-lavida", "feature": "interior_360", "seconds": 95, "site": "lavida_site"
}  # fmt: skip
ADF = """<?xml version="1.0"?>
<?adf version="1.0"?>
<adf><prospect><requestdate>2026-11-20T10:00:00+08:00</requestdate>
<vehicle interest="buy" status="new"><year>2026</year><make>Volkswagen</make><model>Lavida</model></vehicle>
<customer><contact><name part="full">Zhang Wei</name><phone>138 1234 5678</phone></contact></customer>
<vendor><vendorname>Pilot dealer</vendorname></vendor></prospect></adf>"""


def example(value: Any, summary: str = "Example") -> dict[str, Any]:
    return {"example": {"summary": summary, "value": value}}
