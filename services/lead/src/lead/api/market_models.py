"""Campaigns, showroom days and media spend at the edge: what is sent, what is answered, and their examples."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, LiteralString, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from lead.api.models import DealerCode, ModelCode, RegionCode, Word
from lead.api.shown import CommandAnswer, PageShown, Shown
from lead.domain import campaign, media_spend, showroom_day
from roadbook.http.pointers import describe
from roadbook.http.types import CURRENCIES, Count, Currency, Date, StrictModel

MAX_COUNT = 1_000_000_000
MAX_AMOUNT = 1_000_000_000_000
"""In minor units; so far below what a sum can hold that no sum of amounts goes beyond it."""
YEARS = (2000, 2100)
_WRONG: Final[Mapping[str, LiteralString]] = {
    "day_out_of_range": "must be in the years 2000 to 2099",
    "days_order": "the first day is after the last",
    "model_twice": "names a model twice",
    "by_model_sum": "the models have more enquiries than the day",
}
describe(_WRONG)


def _wrong(code: LiteralString) -> PydanticCustomError:
    return PydanticCustomError(code, _WRONG[code])


def _near(day: date) -> date:
    """Days of an age that has dealers; a day more or less can still be said."""
    if not YEARS[0] <= day.year < YEARS[1]:
        raise _wrong("day_out_of_range")
    return day


Day = Annotated[Date, AfterValidator(_near), WithJsonSchema({"type": "string", "format": "date"})]
Counted = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT)]
Minor = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, examples=[5_000_000])]


class Amount(StrictModel):
    """In minor units, zero or more."""

    currency: Currency
    minor: Minor

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.currency not in CURRENCIES:
            raise PydanticCustomError("currency", "must be an active ISO 4217 code")
        return self


# ── Campaigns ─────────────────────────────────────────────────────────────────────────────────────────────────
class Counters(StrictModel):
    """What is not given counts as 0."""

    reach: Counted = 0
    followers_gained: Counted = 0
    visitors: Counted = 0
    enquiries: Counted = 0
    test_drives: Counted = 0
    orders: Counted = 0

    def fact(self) -> campaign.Counters:
        return campaign.Counters(**self.model_dump())


class LaunchRequest(StrictModel):
    """`code` is the word that leads carry as their `campaign`. Without `models` it is for every model."""

    code: Word
    regions: Annotated[list[RegionCode], Field(min_length=1, max_length=100)]
    models: list[ModelCode] = Field(default_factory=list, max_length=100)
    channels: Annotated[list[Word], Field(min_length=1, max_length=20)]
    starts: Day
    ends: Day
    budget: Amount | None = None
    goals: Counters | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.starts > self.ends:
            raise _wrong("days_order")
        return self

    def plan(self) -> campaign.Plan:
        return campaign.Plan(
            regions=tuple(sorted(set(self.regions))),
            models=tuple(sorted(set(self.models))),
            channels=tuple(sorted(set(self.channels))),
            starts=self.starts,
            ends=self.ends,
            budget=campaign.Money(self.budget.currency, self.budget.minor) if self.budget else None,
            goals=self.goals.fact() if self.goals else None,
        )


class ResultRequest(StrictModel):
    """Both days belong to the period. `region` is headquarters' to name; a dealer reports for its own."""

    first_day: Day
    last_day: Day
    counters: Counters
    region: RegionCode | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.first_day > self.last_day:
            raise _wrong("days_order")
        return self


class CloseRequest(StrictModel):
    reason: Word


# ── Showroom days and media spend ─────────────────────────────────────────────────────────────────────────────
class ModelEnquiries(StrictModel):
    model: ModelCode
    enquiries: Count


class ShowroomDayRequest(StrictModel):
    """`dealer` is headquarters' to name. `by_model` may leave some enquiries unsaid. `reason` restates a day."""

    date: Day
    visitors: Count
    enquiries: Count
    by_model: list[ModelEnquiries] = Field(default_factory=list, max_length=100)
    dealer: DealerCode | None = None
    reason: Word | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len({each.model for each in self.by_model}) < len(self.by_model):
            raise _wrong("model_twice")
        if sum(each.enquiries for each in self.by_model) > self.enquiries:
            raise _wrong("by_model_sum")
        return self

    def traffic(self) -> showroom_day.Traffic:
        by_model = sorted((each.model, each.enquiries) for each in self.by_model)
        models = tuple(showroom_day.ModelEnquiries(model, enquiries) for model, enquiries in by_model)
        return showroom_day.Traffic(self.visitors, self.enquiries, models)


class SpendRequest(StrictModel):
    """One amount for each region, day, medium and campaign (or none): told again, it is a correction."""

    region: RegionCode
    day: Day
    medium: Word
    campaign: Word | None = None
    amount: Amount

    def place(self) -> media_spend.Place:
        return media_spend.Place(self.region, self.day, self.medium, self.campaign)


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class LaunchAnswer(CommandAnswer):
    campaign: str


class AmountShown(Shown):
    currency: str
    minor: int


class CountersShown(Shown):
    reach: int
    followers_gained: int
    visitors: int
    enquiries: int
    test_drives: int
    orders: int


class CampaignShown(Shown):
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


class CampaignsPage(PageShown):
    items: list[CampaignShown]


class LeadsBrought(Shown):
    """`by_grade` counts leads without a grade as `none`."""

    captured: int
    converted: int
    by_state: dict[str, int]
    by_grade: dict[str, int]


class RegionResult(Shown):
    """`headquarters`: what it counted itself; `dealers`: the sum of the dealers' reports. Sums are added up over
    periods. A sum that would tell a dealer the number of one other is withheld: None."""

    region: str | None
    headquarters: CountersShown | None
    dealers: CountersShown | None
    dealers_withheld: bool
    leads: LeadsBrought | None
    leads_withheld: bool


class DealerResult(Shown):
    dealer: str
    periods: int
    reported: CountersShown | None
    leads: LeadsBrought


class ResultsShown(Shown):
    """`dealers`: a dealer sees itself only."""

    campaign: str
    regions: list[RegionResult]
    dealers: list[DealerResult]


class OwnPart(Shown):
    leads: int
    converted: int


class RankedShown(Shown):
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


class RankingShown(Shown):
    region: str
    items: list[RankedShown]


class ShowroomDayShown(Shown):
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


class ShowroomDaysPage(PageShown):
    items: list[ShowroomDayShown]


class SpendShown(Shown):
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


class SpendPage(PageShown):
    items: list[SpendShown]


class MediumSpend(AmountShown):
    medium: str


class EffectShown(Shown):
    """`visitors` and `enquiries` are None where no showroom reported the day; `region` None: not known."""

    day: str
    region: str | None
    spend: list[MediumSpend]
    showrooms: int
    visitors: int | None
    enquiries: int | None
    leads: int


class EffectPage(PageShown):
    """`traffic`: `network`, or `own` for a dealer, whose visitors, enquiries and leads are its own."""

    items: list[EffectShown]
    traffic: str


LAUNCH: dict[str, Any] = {
    "code": "spring_2026",
    "regions": ["sh-pudong", "sh-minhang"],
    "models": ["volkswagen-lavida"],
    "channels": ["tv", "social"],
    "starts": "2026-01-01",
    "ends": "2026-03-31",
    "budget": {"currency": "CNY", "minor": 50_000_000},
    "goals": {"reach": 200_000, "visitors": 1_000, "orders": 40},
}
RESULT: dict[str, Any] = {
    "first_day": "2026-01-01",
    "last_day": "2026-01-04",
    "counters": {"visitors": 120, "enquiries": 36, "test_drives": 9, "orders": 2},
}
CLOSE: dict[str, Any] = {"reason": "budget_spent"}
SHOWROOM_DAY: dict[str, Any] = {
    "date": "2026-01-04",
    "visitors": 48,
    "enquiries": 17,
    "by_model": [{"model": "volkswagen-lavida", "enquiries": 9}, {"model": "volkswagen-tiguan", "enquiries": 5}],
}
SPEND: dict[str, Any] = {
    "region": "sh-pudong",
    "day": "2026-01-04",
    "medium": "tv",
    "amount": {"currency": "CNY", "minor": 5_000_000},
}
