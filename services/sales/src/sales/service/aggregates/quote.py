"""The quote as the shell sees it."""

from collections.abc import Sequence

from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted
from sales.contract.quote import codec
from sales.domain.quote import Command, Event, Quote, State, decider

EXPIRE = "expire"


def _labels(quote: State) -> Labels:
    return Labels(quote.dealer, quote.party_ref) if isinstance(quote, Quote) else Labels()


def _key(quote: State) -> str:
    return quote.party_ref if isinstance(quote, Quote) else ""


def _timers(quote: State) -> Sequence[TimerWanted]:
    due = quote.valid_until if isinstance(quote, Quote) and quote.status == "issued" else None
    return (TimerWanted(EXPIRE, due),)


aggregate: Aggregate[Command, State, Event] = Aggregate("quote", decider, codec, _labels, _key, _timers)
