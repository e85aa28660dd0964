"""The commission account as the shell sees it: nobody's record, and its stream's name for a key."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.commission import codec
from sales.domain.commission import Account, Command, Event, State, decider


def _labels(account: State) -> Labels:
    return Labels(account.dealer) if isinstance(account, Account) else Labels()


def _key(account: State) -> str:
    return f"commission/{account.staff}" if isinstance(account, Account) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("commission", decider, codec, _labels, _key)
