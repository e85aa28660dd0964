"""The sales target as the shell sees it: one stream for each dealer and month."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.salestarget import codec
from sales.domain.salestarget import Command, Event, SalesTarget, State, decider


def name(dealer: str, period: str) -> str:
    """The stream's id: neither part can hold a colon."""
    return f"{dealer}:{period}"


def _labels(target: State) -> Labels:
    return Labels(target.dealer) if isinstance(target, SalesTarget) else Labels()


def _key(target: State) -> str:
    return f"salestarget/{name(target.dealer, target.period)}" if isinstance(target, SalesTarget) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("salestarget", decider, codec, _labels, _key)
