"""The showroom day: how many people came to a dealer's showroom on one day and how many asked.

A day that was counted wrong is restated, with a reason; what was said before stays on record.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from roadbook.decider import Decider, Rejected


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ModelEnquiries:
    """Enquiries about one model of the catalogue."""

    model: str
    enquiries: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """`by_model` is sorted, each model once, and may leave some of the `enquiries` unsaid."""

    visitors: int
    enquiries: int
    by_model: tuple[ModelEnquiries, ...] = ()


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ReportShowroomDay:
    """`region` is where the dealer stands by the network as it is now; `reason` is needed to restate a day."""

    dealer: str
    region: str | None
    day: date
    traffic: Traffic
    reason: str | None
    at: datetime


Command = ReportShowroomDay


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ShowroomDayReported:
    dealer: str
    region: str | None
    day: date
    traffic: Traffic
    at: datetime


@dataclass(frozen=True, slots=True)
class ShowroomDayRestated:
    """Replaces the numbers of the day. Its dealer, region and day stay those of the first report."""

    traffic: Traffic
    reason: str
    at: datetime


Event = ShowroomDayReported | ShowroomDayRestated


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class ShowroomDay:
    dealer: str
    day: date
    traffic: Traffic


State = Unknown | ShowroomDay


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, day: State) -> list[Event]:
    if isinstance(day, Unknown):
        return [ShowroomDayReported(command.dealer, command.region, command.day, command.traffic, command.at)]
    if command.traffic == day.traffic:
        return []
    if command.reason is None:
        raise Rejected("reason_required")
    return [ShowroomDayRestated(command.traffic, command.reason, command.at)]


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(day: State, event: Event) -> State:
    match day, event:
        case Unknown(), ShowroomDayReported():
            return ShowroomDay(event.dealer, event.day, event.traffic)
        case ShowroomDay(), ShowroomDayRestated(traffic=traffic):
            return replace(day, traffic=traffic)
        case _:
            return day


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
