"""The accessory sale as the shell sees it."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.accessorysale import codec
from sales.domain.accessorysale import Command, Event, Sale, State, decider


def _labels(sale: State) -> Labels:
    return Labels(sale.dealer, sale.sold.party_ref, sale.sold.vin) if isinstance(sale, Sale) else Labels()


def _key(sale: State) -> str:
    return sale.sold.party_ref if isinstance(sale, Sale) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("accessorysale", decider, codec, _labels, _key)
