"""The forecast as the shell sees it: one stream for each dealer and month."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.forecast import codec
from sales.domain.forecast import Command, Event, Forecast, State, decider


def name(dealer: str, period: str) -> str:
    """The stream's id: neither part can hold a colon."""
    return f"{dealer}:{period}"


def _labels(forecast: State) -> Labels:
    return Labels(forecast.dealer) if isinstance(forecast, Forecast) else Labels()


def _key(forecast: State) -> str:
    return f"forecast/{name(forecast.dealer, forecast.period)}" if isinstance(forecast, Forecast) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("forecast", decider, codec, _labels, _key)
