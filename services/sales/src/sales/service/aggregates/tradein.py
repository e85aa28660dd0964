"""The trade-in as the shell sees it."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.tradein import codec
from sales.domain.tradein import Command, Event, State, TradeIn, decider


def _labels(trade_in: State) -> Labels:
    if not isinstance(trade_in, TradeIn):
        return Labels()
    return Labels(trade_in.dealer, trade_in.appraised.party_ref, trade_in.appraised.vin)


def _key(trade_in: State) -> str:
    return trade_in.appraised.party_ref if isinstance(trade_in, TradeIn) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("tradein", decider, codec, _labels, _key)
