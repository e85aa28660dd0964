"""What the lead service answers, as OpenAPI describes it; and the examples of its documents."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shown(BaseModel):
    """A description only: answers are written as they are stored, never through a model. Readers must expect more."""

    model_config = ConfigDict(extra="allow")


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
    next_action: dict[str, Any] | None
    overdue: bool
    lost_reason: str | None
    vehicles: list[dict[str, Any]]
    budget: dict[str, Any] | None
    window: dict[str, Any] | None
    contact_points: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    personal: dict[str, PersonalShown]


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
    next_action: dict[str, Any] | None
    overdue: bool
    captured_at: str
    updated_at: str
    version: int


class LeadsPage(PageShown):
    items: list[LeadListed]


class ProspectAnswer(Shown):
    """`result`: captured, known (nothing doubled; `events` tells what was new) or quarantined (with `reasons`)."""

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
ADF = """<?xml version="1.0"?>
<?adf version="1.0"?>
<adf><prospect><requestdate>2026-11-20T10:00:00+08:00</requestdate>
<vehicle interest="buy" status="new"><year>2026</year><make>Volkswagen</make><model>Lavida</model></vehicle>
<customer><contact><name part="full">Zhang Wei</name><phone>138 1234 5678</phone></contact></customer>
<vendor><vendorname>Pilot dealer</vendorname></vendor></prospect></adf>"""


def example(value: Any, summary: str = "Example") -> dict[str, Any]:
    return {"example": {"summary": summary, "value": value}}
