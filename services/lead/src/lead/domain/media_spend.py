"""Media spend: what one medium cost in one region on one day, for a campaign or for none.

A correction is the same fact told again with another amount: the latest counts, the earlier ones stay on record.
"""

from dataclasses import dataclass
from datetime import date, datetime

from roadbook.decider import Decider


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Amount:
    """In minor units of an ISO 4217 currency."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Place:
    """What the money was spent on; there is one stream for each."""

    region: str
    day: date
    medium: str
    campaign: str | None = None

    def name(self) -> str:
        """The stream's id: no part can hold a colon."""
        parts = (self.region, self.day.isoformat(), self.medium, self.campaign)
        return ":".join(part for part in parts if part is not None)


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class RecordMediaSpend:
    place: Place
    amount: Amount
    at: datetime


Command = RecordMediaSpend


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class MediaSpendRecorded:
    """The amount in force from now on: a later event of the stream supersedes it."""

    region: str
    day: date
    medium: str
    campaign: str | None
    amount: Amount
    at: datetime


Event = MediaSpendRecorded


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Spend:
    place: Place
    amount: Amount


State = Unknown | Spend


# ── Decide and evolve ─────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, spend: State) -> list[Event]:
    if isinstance(spend, Spend) and spend.amount == command.amount:
        return []
    place = command.place
    return [
        MediaSpendRecorded(place.region, place.day, place.medium, place.campaign, command.amount, command.at),
    ]


def evolve(spend: State, event: Event) -> State:
    place = Place(event.region, event.day, event.medium, event.campaign) if isinstance(spend, Unknown) else spend.place
    return Spend(place, event.amount)


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
