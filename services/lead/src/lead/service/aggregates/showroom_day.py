"""The showroom day as the shell sees it."""

from datetime import date

from lead.contract.showroom_day import codec
from lead.domain.showroom_day import Command, Event, ShowroomDay, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels


def name(dealer: str, day: date) -> str:
    """The stream's id."""
    return f"{dealer}:{day.isoformat()}"


def _labels(day: State) -> Labels:
    return Labels(day.dealer) if isinstance(day, ShowroomDay) else Labels()


def _key(day: State) -> str:
    return f"showroomday/{name(day.dealer, day.day)}" if isinstance(day, ShowroomDay) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("showroomday", decider, codec, _labels, _key)
