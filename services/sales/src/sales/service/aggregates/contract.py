"""The contract as the shell sees it. What it has to tell other streams are timers due at once (ADR 0014)."""

from collections.abc import Sequence

from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted
from sales.contract.contract import codec
from sales.domain.contract import Command, Contract, Event, State, decider

TELL_OPPORTUNITY, CANCEL_ORDERS, COMMISSION = "tell_opportunity", "cancel_orders", "commission"


def _labels(contract: State) -> Labels:
    return Labels(contract.dealer, contract.party_ref) if isinstance(contract, Contract) else Labels()


def _key(contract: State) -> str:
    return contract.party_ref if isinstance(contract, Contract) else ""


def _timers(contract: State) -> Sequence[TimerWanted]:
    if not isinstance(contract, Contract):
        return tuple(TimerWanted(kind, None) for kind in (TELL_OPPORTUNITY, CANCEL_ORDERS, COMMISSION))
    told = contract.cancelled_at or contract.signed_at
    return (
        TimerWanted(TELL_OPPORTUNITY, None if contract.opportunity is None else told),
        TimerWanted(CANCEL_ORDERS, contract.cancelled_at),
        TimerWanted(COMMISSION, contract.cancelled_at),
    )


aggregate: Aggregate[Command, State, Event] = Aggregate("contract", decider, codec, _labels, _key, _timers)
