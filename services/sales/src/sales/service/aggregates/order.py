"""The order as the shell sees it. What it has to tell other streams are timers due at once (ADR 0014)."""

from collections.abc import Sequence

from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted
from sales.contract.order import codec
from sales.domain.order import Command, Event, Order, State, decider

TELL_PLACED, TELL_CANCELLED, TRANSFER, COMMISSION = "tell_placed", "tell_cancelled", "transfer", "commission"


def _labels(order: State) -> Labels:
    return Labels(order.dealer, order.party_ref, order.vin) if isinstance(order, Order) else Labels()


def _key(order: State) -> str:
    return order.party_ref if isinstance(order, Order) else ""


def _timers(order: State) -> Sequence[TimerWanted]:
    """One kind for each thing to tell: two that happen at one moment are two timers."""
    placed = delivered = cancelled = None
    if isinstance(order, Order):
        placed, delivered, cancelled = order.placed_at, order.delivered_at, order.cancelled_at
    return (
        TimerWanted(TELL_PLACED, placed),
        TimerWanted(TELL_CANCELLED, cancelled),
        TimerWanted(TRANSFER, delivered),
        TimerWanted(COMMISSION, delivered or cancelled),
    )


aggregate: Aggregate[Command, State, Event] = Aggregate("order", decider, codec, _labels, _key, _timers)
