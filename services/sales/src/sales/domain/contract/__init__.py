"""The contract: what dealer and party signed, how it was changed, and the money around it.

`state` folds, `decide` decides. That an opportunity has one standing contract, and a line
no more orders than vehicles, are rules over several streams (ADR 0012).
"""

from roadbook.decider import Decider
from sales.domain.contract.commands import (
    AmendContract,
    ApplyForFinance,
    ApproveFinance,
    CancelContract,
    Command,
    DeclineFinance,
    ReceiveDeposit,
    RefundDeposit,
    SignContract,
    Wanted,
)
from sales.domain.contract.decide import decide
from sales.domain.contract.events import (
    ContractAmended,
    ContractCancelled,
    ContractLine,
    ContractSigned,
    DepositReceived,
    DepositRefunded,
    Event,
    FinanceApplied,
    FinanceApproved,
    FinanceDeclined,
    total,
)
from sales.domain.contract.state import Application, Contract, Deposit, State, Unknown, evolve

decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)

__all__ = [
    "AmendContract",
    "Application",
    "ApplyForFinance",
    "ApproveFinance",
    "CancelContract",
    "Command",
    "Contract",
    "ContractAmended",
    "ContractCancelled",
    "ContractLine",
    "ContractSigned",
    "DeclineFinance",
    "Deposit",
    "DepositReceived",
    "DepositRefunded",
    "Event",
    "FinanceApplied",
    "FinanceApproved",
    "FinanceDeclined",
    "ReceiveDeposit",
    "RefundDeposit",
    "SignContract",
    "State",
    "Unknown",
    "Wanted",
    "decide",
    "decider",
    "evolve",
    "total",
]
