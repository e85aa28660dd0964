"""What the identity service answers, as OpenAPI describes it; and the examples of its documents."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from identity.api.samples import OTHER, PARTY, SAMPLES
from roadbook.http.examples import by_name


class Shown(BaseModel):
    """A description only: answers are written as they are stored, never through a model. Readers must expect more."""

    model_config = ConfigDict(extra="allow", json_schema_extra=by_name(SAMPLES))


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
class CommandAnswer(Shown):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class RegisterAnswer(CommandAnswer):
    party_ref: str


class PointAnswer(CommandAnswer):
    key: str


class LinkAnswer(CommandAnswer):
    link: str


class UnlinkAnswer(CommandAnswer):
    """`still_joined`: other links keep the two one customer."""

    still_joined: bool


class SplitAnswer(CommandAnswer):
    """`cut`: the links that were undone."""

    cut: list[str]


# ── Party references ──────────────────────────────────────────────────────────────────────────────────────────
class PointShown(Shown):
    """`origin`: the personal row of another service that holds the value; null: `personal` does, under `key`."""

    key: str
    kind: str = Field(examples=["mobile"])
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


class ProfileFieldShown(Shown):
    """`refused`: the party was asked and would not say."""

    name: str
    purpose: str = Field(examples=["financing"])
    refused: bool


class RelationshipShown(Shown):
    kind: str = Field(examples=["household"])
    other: str
    role: str | None
    since: str
    ended: str | None


class FieldShown(Shown):
    """How sure a field is: how many different values are known of it, whether they contradict each other, and when
    one was last verified."""

    field: str
    values: int
    conflict: bool
    last_verified_at: str | None


class PersonalShown(Shown):
    value: Any = Field(examples=["张伟"])
    source: str
    version: int
    recorded_at: str = Field(examples=["2026-01-05T08:00:00Z"])
    verified_at: str | None


class RefListed(Shown):
    party_ref: str
    kind: str
    dealer: str | None
    source: str
    registered_at: str
    version: int


class RefShown(RefListed):
    """`personal` by field: own values only; what another service learned is read there."""

    stream: str
    owner_kind: str | None
    basis: str | None
    contact_points: list[PointShown]
    profile: list[ProfileFieldShown]
    relationships: list[RelationshipShown]
    fields: list[FieldShown]
    personal: dict[str, PersonalShown]


class PageShown(Shown):
    next_cursor: str | None
    has_more: bool = Field(examples=[False])


class RefsPage(PageShown):
    items: list[RefListed]


# ── Consents ──────────────────────────────────────────────────────────────────────────────────────────────────
class ConsentShown(Shown):
    """The last word. `reason`: refused or withdrawn; null where it is granted. `proof`: the event that holds it."""

    purpose: str
    channel: str
    brand: str | None
    granted: bool
    wording: str | None
    reason: str | None = Field(examples=["withdrawn"])
    source: str
    proof: str | None
    at: str


class RestrictedShown(Shown):
    reason: str
    since: str


class ConsentsShown(Shown):
    """`restricted`: nothing may be done with the party's data but keep it."""

    party_ref: str
    version: int
    consents: list[ConsentShown]
    restricted: RestrictedShown | None


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────
class EvidenceShown(Shown):
    rule: str
    field: str


class PairShown(Shown):
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


class WordShown(Shown):
    """One word on a pair. `said`: proposed, linked, rejected or unlinked; `by`: rule or steward; `actor`: who or what
    exactly. A word carries evidence or a reason."""

    said: str = Field(examples=["linked"])
    event_id: str
    at: str
    by: str | None
    actor: str
    evidence: list[EvidenceShown]
    matcher: str | None
    score: int | None
    reason: str | None


class PairRead(PairShown):
    """`history`: every word on the pair, the first one first."""

    history: list[WordShown]


class LinksShown(Shown):
    party_ref: str
    links: list[PairShown]


class ApartShown(Shown):
    link: str
    reason: str | None
    at: str


class WhyShown(Shown):
    """`path`: from one to the other, over `links`. `apart`: a steward told the two apart."""

    same: bool
    path: list[str]
    links: list[PairShown]
    apart: ApartShown | None


class CutShown(Shown):
    cut: list[PairShown]


class ProposalsPage(PageShown):
    items: list[PairShown]


# ── Examples of bodies ────────────────────────────────────────────────────────────────────────────────────────
REGISTER: dict[str, Any] = {"kind": "organisation", "source": "key_account"}
ADD: dict[str, Any] = {"phone": "138 1234 5678", "preferred": True, "source": "showroom"}
VERIFY: dict[str, Any] = {"key": "phone/1", "method": "outbound_call", "by": "staff-sh-01-1"}
FAIL: dict[str, Any] = {"key": "phone/1", "method": "outbound_call", "reason": "not_in_service"}
CORRECT: dict[str, Any] = {"key": "phone/1", "phone": "139 1234 5678", "source": "customer"}
RETIRE: dict[str, Any] = {"key": "phone/1", "reason": "number_given_up"}
PROFILE: dict[str, Any] = {
    "source": "showroom",
    "fields": [
        {"name": "birth_date", "purpose": "identification", "value": "1985-04-03"},
        {"name": "income_band", "purpose": "financing", "refused": True},
    ],
}
OWNER_KIND: dict[str, Any] = {"owner_kind": "enterprise", "basis": "business_licence"}
RELATE: dict[str, Any] = {"kind": "household", "other": OTHER, "role": "spouse"}
END: dict[str, Any] = {"kind": "household", "other": OTHER, "reason": "moved_out"}
GRANT: dict[str, Any] = {
    "purpose": "marketing", "channel": "phone", "brand": "volkswagen", "wording": "privacy-2026-01", "source": "call"
}  # fmt: skip
WITHDRAW: dict[str, Any] = {"purpose": "marketing", "channel": "phone", "brand": "volkswagen", "source": "call"}
RESTRICT: dict[str, Any] = {"reason": "accuracy_contested"}
LIFT: dict[str, Any] = {"reason": "accuracy_confirmed"}
LINK: dict[str, Any] = {"party_refs": [PARTY, OTHER]}
SPLIT: dict[str, Any] = {"party_refs": [PARTY, OTHER], "reason": "different_people"}
REASON: dict[str, Any] = {"reason": "father_and_son"}


def example(value: Any, summary: str = "Example") -> dict[str, Any]:
    return {"example": {"summary": summary, "value": value}}
