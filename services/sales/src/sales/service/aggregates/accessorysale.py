"""The accessory sale as the shell sees it."""

from collections.abc import Sequence

from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted
from sales.contract.accessorysale import codec
from sales.domain.accessorysale import Command, Event, Sale, State, decider

COMMISSION = "commission"


def _labels(sale: State) -> Labels:
    return Labels(sale.dealer, sale.sold.party_ref, sale.sold.vin) if isinstance(sale, Sale) else Labels()


def _key(sale: State) -> str:
    return sale.sold.party_ref if isinstance(sale, Sale) else ""


def _timers(sale: State) -> Sequence[TimerWanted]:
    """The commission follows by a timer due at once, when it is sold and when it comes back."""
    if not isinstance(sale, Sale):
        return (TimerWanted(COMMISSION, None),)
    return (TimerWanted(COMMISSION, sale.sold.at if sale.returned is None else sale.returned.at),)


aggregate: Aggregate[Command, State, Event] = Aggregate("accessorysale", decider, codec, _labels, _key, _timers)
