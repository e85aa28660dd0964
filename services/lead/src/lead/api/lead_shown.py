"""What a lead is made of, as answers show it."""

from pydantic import BaseModel, ConfigDict, Field

from lead.api.samples import SAMPLES
from roadbook.http.examples import by_name


class Shown(BaseModel):
    """A description only: answers are written as they are stored, never through a model. Readers must expect more."""

    model_config = ConfigDict(extra="allow", json_schema_extra=by_name(SAMPLES))


class NextActionShown(Shown):
    kind: str = Field(examples=["call"])
    due: str = Field(examples=["2026-01-06T08:00:00Z"])
    assignee: str | None = Field(examples=["staff-sh-01-1"])


class NeedShown(Shown):
    kind: str = Field(examples=["use"])
    value: str = Field(examples=["commute"])
    source: str = Field(examples=["asked"])


class RoutingShown(Shown):
    dealer: str
    accept_by: str


class ProtectionShown(Shown):
    """`period` is an ISO 8601 duration."""

    staff: str
    until: str = Field(examples=["2026-02-04T08:00:00Z"])
    period: str = Field(examples=["P30D"])


class ShareShown(Shown):
    """`scope`: facts, or contact (personal data too)."""

    scope: str
    until: str = Field(examples=["2026-02-04T08:00:00Z"])


class SharedWith(ShareShown):
    dealer: str = Field(examples=["dealer-sh-02"])


class ScorePart(Shown):
    signal: str = Field(examples=["test_drive"])
    points: int = Field(examples=[30])


class ScoreShown(Shown):
    points: int = Field(examples=[45])
    parts: list[ScorePart]


class ProfileShown(Shown):
    percent: int = Field(examples=[60])
    known: list[str] = Field(examples=[["name", "phone", "vehicle"]])
    missing: list[str] = Field(examples=[["budget", "window"]])
    missing_for_hot: list[str] = Field(examples=[["window"]])
    missing_for_conversion: list[str] = Field(examples=[["budget"]])


class VehicleShown(Shown):
    interest: str = Field(examples=["buy"])
    model: str | None = Field(examples=["volkswagen-lavida"])
    year: int | None = Field(examples=[2026])
    condition: str | None = Field(examples=["new"])
    vin: str | None
    odometer: int | None = Field(examples=[86_000])
    odometer_unit: str | None = Field(examples=["km"])


class BudgetShown(Shown):
    """In minor units of the currency."""

    currency: str = Field(examples=["CNY"])
    minimum: int | None = Field(examples=[10_000_000])
    maximum: int | None = Field(examples=[15_000_000])


class WindowShown(Shown):
    earliest: str | None = Field(examples=["2026-12-01"])
    latest: str | None = Field(examples=["2027-02-28"])


class ContactPointShown(Shown):
    """`key` names its value in `personal`."""

    key: str = Field(examples=["phone/1"])
    kind: str = Field(examples=["mobile"])
    valid: bool
    linkable: bool
    preferred: bool


class ConsentShown(Shown):
    purpose: str = Field(examples=["marketing"])
    channel: str = Field(examples=["phone"])
    granted: bool
    wording: str = Field(examples=["privacy-2026-01"])
    brand: str | None = Field(examples=["volkswagen"])
