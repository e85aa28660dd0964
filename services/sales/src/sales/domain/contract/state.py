"""A contract as its events left it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

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
    Procurement,
)


@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Deposit:
    receipt: str
    amount: int
    received_at: datetime
    refunded: int | None = None


@dataclass(frozen=True, slots=True)
class Application:
    application: str
    provider: str
    amount: int
    status: Literal["applied", "approved", "declined"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """`highest_line` is the highest number a line ever had: none is given twice."""

    status: Literal["signed", "cancelled"]
    party_ref: str
    dealer: str
    opportunity: str | None
    quote: str | None
    lines: tuple[ContractLine, ...]
    currency: str
    total: int
    document_hash: str
    document_version: int
    procurement: Procurement
    tender: str | None
    staff: str | None
    signed_at: datetime
    highest_line: int
    deposits: tuple[Deposit, ...] = ()
    finance: tuple[Application, ...] = ()
    cancelled_at: datetime | None = None
    reason: str | None = None

    def line(self, number: int) -> ContractLine | None:
        return next((each for each in self.lines if each.line == number), None)

    def deposit(self, receipt: str) -> Deposit | None:
        return next((each for each in self.deposits if each.receipt == receipt), None)

    def application(self, number: str) -> Application | None:
        return next((each for each in self.finance if each.application == number), None)


State = Unknown | Contract


def evolve(contract: State, event: Event) -> State:
    if isinstance(event, ContractSigned):
        return contract if isinstance(contract, Contract) else _signed(event)
    if not isinstance(contract, Contract):
        return contract
    match event:
        case ContractAmended() as e:
            highest = max([contract.highest_line, *(line.line for line in e.lines)])
            return replace(
                contract, lines=e.lines, total=e.total, document_hash=e.document_hash,
                document_version=e.document_version, highest_line=highest,
            )  # fmt: skip
        case ContractCancelled(reason=r, at=t):
            return replace(contract, status="cancelled", reason=r, cancelled_at=t)
        case DepositReceived(receipt=receipt, amount=a, at=t):
            return replace(contract, deposits=(*contract.deposits, Deposit(receipt, a, t)))
        case DepositRefunded(receipt=receipt, amount=a):
            told = (replace(d, refunded=a) if d.receipt == receipt else d for d in contract.deposits)
            return replace(contract, deposits=tuple(told))
        case FinanceApplied() as e:
            applied = Application(e.application, e.provider, e.amount, "applied")
            return replace(contract, finance=(*contract.finance, applied))
        case FinanceApproved(application=number):
            return replace(contract, finance=_decided(contract, number, "approved", None))
        case FinanceDeclined(application=number, reason=r):
            return replace(contract, finance=_decided(contract, number, "declined", r))


def _signed(event: ContractSigned) -> Contract:
    e = event
    return Contract(
        "signed", e.party_ref, e.dealer, e.opportunity, e.quote, e.lines, e.currency, e.total, e.document_hash, 1,
        e.procurement, e.tender, e.staff, e.at, max([0, *(line.line for line in e.lines)]),
    )  # fmt: skip


def _decided(
    contract: Contract, number: str, status: Literal["approved", "declined"], reason: str | None
) -> tuple[Application, ...]:
    return tuple(
        replace(each, status=status, reason=reason) if each.application == number else each for each in contract.finance
    )
