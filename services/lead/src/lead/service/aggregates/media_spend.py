"""Media spend as the shell sees it."""

from lead.contract.media_spend import codec
from lead.domain.media_spend import Command, Event, Spend, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels


def _labels(_: State) -> Labels:
    """Nobody holds it: what was spent is headquarters' and everybody's to read."""
    return Labels()


def _key(spend: State) -> str:
    return f"mediaspend/{spend.place.name()}" if isinstance(spend, Spend) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("mediaspend", decider, codec, _labels, _key)
