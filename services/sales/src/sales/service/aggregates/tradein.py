"""The trade-in as the shell sees it."""

from collections.abc import Sequence

from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted
from sales.contract.tradein import codec
from sales.domain.tradein import Command, Event, State, TradeIn, decider

TRANSFER = "transfer"


def _labels(trade_in: State) -> Labels:
    if not isinstance(trade_in, TradeIn):
        return Labels()
    return Labels(trade_in.dealer, trade_in.appraised.party_ref, trade_in.appraised.vin)


def _key(trade_in: State) -> str:
    return trade_in.appraised.party_ref if isinstance(trade_in, TradeIn) else ""


def _timers(trade_in: State) -> Sequence[TimerWanted]:
    """Received, it is told to the vehicle by a timer due at once: the row survives whatever ends the process."""
    received = isinstance(trade_in, TradeIn) and trade_in.status == "received"
    return (TimerWanted(TRANSFER, trade_in.closed_at if isinstance(trade_in, TradeIn) and received else None),)


aggregate: Aggregate[Command, State, Event] = Aggregate("tradein", decider, codec, _labels, _key, _timers)
