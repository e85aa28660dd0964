"""What happened to a contract. Amounts in minor units of its currency."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Procurement = Literal["retail", "tender", "enterprise"]


@dataclass(frozen=True, slots=True)
class ContractLine:
    """`quantity` vehicles of a model at `price` each. `line` names it for ever: orders are placed on it."""

    line: int
    model: str
    quantity: int
    price: int


def total(lines: tuple[ContractLine, ...]) -> int:
    return sum(line.quantity * line.price for line in lines)


@dataclass(frozen=True, slots=True)
class ContractSigned:
    """`document_hash` is the SHA-256 of the signed document: version 1."""

    party_ref: str
    dealer: str
    opportunity: str | None
    quote: str | None
    lines: tuple[ContractLine, ...]
    currency: str
    total: int
    document_hash: str
    procurement: Procurement
    tender: str | None
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ContractAmended:
    document_version: int
    document_hash: str
    lines: tuple[ContractLine, ...]
    total: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContractCancelled:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DepositReceived:
    receipt: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DepositRefunded:
    """`receipt` is the one under which it was received."""

    receipt: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FinanceApplied:
    application: str
    provider: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FinanceApproved:
    application: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FinanceDeclined:
    application: str
    reason: str
    at: datetime


Event = (
    ContractSigned
    | ContractAmended
    | ContractCancelled
    | DepositReceived
    | DepositRefunded
    | FinanceApplied
    | FinanceApproved
    | FinanceDeclined
)
