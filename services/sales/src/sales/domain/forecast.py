"""The forecast of a dealer for a month: what its pipeline weighed when it was published.

Published as often as somebody wants to know; none replaces another, for each is measured against what came (the
back-test).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from roadbook.decider import Decider


# ── Commands and events ───────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PublishForecast:
    """The pipeline as of `as_of`, weighed by `rules`. `units_permille`: thousandths of a vehicle; `amount` in minor
    units of `currency`."""

    dealer: str
    period: str
    as_of: datetime
    units_permille: int
    amount: int
    currency: str
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ForecastPublished:
    dealer: str
    period: str
    as_of: datetime
    units_permille: int
    amount: int
    currency: str
    rules: str
    at: datetime


Command = PublishForecast
Event = ForecastPublished


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Forecast:
    dealer: str
    period: str
    published: tuple[ForecastPublished, ...]


State = Unknown | Forecast


# ── Decide and evolve ─────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, forecast: State) -> list[Event]:
    c = command
    told = ForecastPublished(c.dealer, c.period, c.as_of, c.units_permille, c.amount, c.currency, c.rules, c.at)
    if isinstance(forecast, Unknown):
        return [told]
    told = replace(told, dealer=forecast.dealer, period=forecast.period)
    # The same pipeline of the same moment by the same rules is no news.
    return [] if any(replace(each, at=told.at) == told for each in forecast.published) else [told]


def evolve(forecast: State, event: Event) -> State:
    if isinstance(forecast, Unknown):
        return Forecast(event.dealer, event.period, (event,))
    return replace(forecast, published=(*forecast.published, event))


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
