"""The campaign: what headquarters does in some regions for a time, and what those who took part counted of it.

Who captured a lead for a campaign names it by its code; the counters here are what no lead shows: reach, followers,
visitors. There is no text in a campaign, only codes, days, amounts and counts.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from roadbook.decider import Decider, Rejected

ENDED = "ended"
"""The reason of a campaign that closed because its last day was over."""


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Money:
    """In minor units of an ISO 4217 currency."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Counters:
    """What is counted of a campaign, as a goal or as a result; never negative."""

    reach: int = 0
    followers_gained: int = 0
    visitors: int = 0
    enquiries: int = 0
    test_drives: int = 0
    orders: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """`regions` are codes of the network, `models` of the catalogue (none: every model), `channels` words; each sorted
    and once. `starts` and `ends` are the first and the last day."""

    regions: tuple[str, ...]
    models: tuple[str, ...]
    channels: tuple[str, ...]
    starts: date
    ends: date
    budget: Money | None = None
    goals: Counters | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Both days belong to it."""

    first: date
    last: date

    def overlaps(self, other: "Period") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Reported:
    """`dealer` None: headquarters counted it in the region."""

    region: str
    dealer: str | None
    period: Period
    counters: Counters

    @property
    def by(self) -> tuple[str, str]:
        """Who counts. A dealer stays itself when it comes to stand in another region."""
        return ("region", self.region) if self.dealer is None else ("dealer", self.dealer)


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LaunchCampaign:
    """`ends_at` is when the last day is over where the dealers are."""

    code: str
    plan: Plan
    ends_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportResult:
    reported: Reported
    at: datetime


@dataclass(frozen=True, slots=True)
class CloseCampaign:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteEnd:
    """Sent by the timer, which may come late or twice: `decide` compares times itself."""

    due: datetime
    now: datetime


Command = LaunchCampaign | ReportResult | CloseCampaign | NoteEnd


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class CampaignLaunched:
    code: str
    regions: tuple[str, ...]
    models: tuple[str, ...]
    channels: tuple[str, ...]
    starts: date
    ends: date
    ends_at: datetime
    at: datetime
    budget: Money | None = None
    goals: Counters | None = None


@dataclass(frozen=True, slots=True)
class CampaignResultReported:
    """Replaces what the same dealer, or headquarters for the same region, had reported of the same period.
    `dealer` None: headquarters counted it."""

    region: str
    dealer: str | None
    period: Period
    counters: Counters
    at: datetime


@dataclass(frozen=True, slots=True)
class CampaignClosed:
    """`reason` is `ended` when the last day was over."""

    reason: str
    at: datetime


Event = CampaignLaunched | CampaignResultReported | CampaignClosed


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Campaign:
    code: str
    status: Literal["open", "closed"]
    plan: Plan
    ends_at: datetime
    results: tuple[Reported, ...] = ()


State = Unknown | Campaign


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, campaign: State) -> list[Event]:
    match command, campaign:
        case LaunchCampaign(plan=plan), Unknown():
            return [
                CampaignLaunched(
                    code=command.code,
                    regions=plan.regions,
                    models=plan.models,
                    channels=plan.channels,
                    starts=plan.starts,
                    ends=plan.ends,
                    ends_at=command.ends_at,
                    at=command.at,
                    budget=plan.budget,
                    goals=plan.goals,
                )
            ]
        case LaunchCampaign(plan=plan), Campaign(plan=same) if plan == same:
            return []
        case LaunchCampaign(), Campaign():
            raise Rejected("campaign_exists")
        case _, Unknown():
            raise Rejected("campaign_unknown")
        case ReportResult(), Campaign():
            return _report(command, campaign)
        case CloseCampaign(reason=reason, at=at), Campaign(status="open"):
            return [CampaignClosed(reason, at)]
        case NoteEnd(due=due, now=now), Campaign(status="open", ends_at=ends_at) if due == ends_at <= now:
            return [CampaignClosed(ENDED, due)]
        case _:
            return []  # closed it is already, or not due on our clock


def _report(command: ReportResult, campaign: Campaign) -> list[Event]:
    """A closed campaign still takes results: orders come when it is over."""
    said = command.reported
    if said.region not in campaign.plan.regions:
        raise Rejected("region_not_in_campaign")
    if said.period.first < campaign.plan.starts:
        raise Rejected("before_campaign")
    own = [known for known in campaign.results if known.by == said.by]
    if any(known.period == said.period and known.counters == said.counters for known in own):
        return []
    if any(known.period != said.period and known.period.overlaps(said.period) for known in own):
        raise Rejected("period_overlaps")  # results are added up: a day would count twice
    return [CampaignResultReported(said.region, said.dealer, said.period, said.counters, command.at)]


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(campaign: State, event: Event) -> State:
    match campaign, event:
        case Unknown(), CampaignLaunched():
            return Campaign(event.code, "open", plan_of(event), event.ends_at)
        case Campaign(), CampaignResultReported(region=region, dealer=dealer, period=period, counters=counters):
            said = Reported(region, dealer, period, counters)
            others = tuple(each for each in campaign.results if (each.by, each.period) != (said.by, period))
            return replace(campaign, results=(*others, said))
        case Campaign(), CampaignClosed():
            return replace(campaign, status="closed")
        case _:
            return campaign


def plan_of(event: CampaignLaunched) -> Plan:
    return Plan(event.regions, event.models, event.channels, event.starts, event.ends, event.budget, event.goals)


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
