"""The contract as the shell sees it. What it has to tell other streams are timers due at once (ADR 0014)."""

from collections.abc import Sequence

from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted
from sales.contract.contract import codec
from sales.domain.contract import Command, Contract, Event, State, decider

TELL_SIGNED, TELL_CANCELLED, CANCEL_ORDERS = "tell_signed", "tell_cancelled", "cancel_orders"
COMMISSION = "commission"


def _labels(contract: State) -> Labels:
    return Labels(contract.dealer, contract.party_ref) if isinstance(contract, Contract) else Labels()


def _key(contract: State) -> str:
    return contract.party_ref if isinstance(contract, Contract) else ""


def _timers(contract: State) -> Sequence[TimerWanted]:
    """One kind for each thing to tell: two that happen at one moment are two timers."""
    signed = cancelled = opportunity = None
    if isinstance(contract, Contract):
        signed, cancelled, opportunity = contract.signed_at, contract.cancelled_at, contract.opportunity
    return (
        TimerWanted(TELL_SIGNED, signed if opportunity else None),
        TimerWanted(TELL_CANCELLED, cancelled if opportunity else None),
        TimerWanted(CANCEL_ORDERS, cancelled),
        TimerWanted(COMMISSION, cancelled),
    )


aggregate: Aggregate[Command, State, Event] = Aggregate("contract", decider, codec, _labels, _key, _timers)
