"""What a contract may be asked to do."""

from dataclasses import dataclass
from datetime import datetime

from sales.domain.contract.events import Procurement
from sales.domain.rules import SalesRules


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it is asked for. `line` None: a new one, which gets the next number."""

    model: str
    quantity: int
    price: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class SignContract:
    """`opportunity_open` and `quote_accepted`: whether they are, as of when the command was made; True where there is
    none."""

    party_ref: str
    dealer: str
    opportunity: str | None
    opportunity_open: bool
    quote: str | None
    quote_accepted: bool
    lines: tuple[Wanted, ...]
    currency: str
    document_hash: str
    procurement: Procurement
    tender: str | None
    staff: str | None
    rules: SalesRules
    at: datetime


@dataclass(frozen=True, slots=True)
class AmendContract:
    document_hash: str
    lines: tuple[Wanted, ...]
    reason: str
    rules: SalesRules
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelContract:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReceiveDeposit:
    receipt: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundDeposit:
    """Once for a receipt, all of it or a part."""

    receipt: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ApplyForFinance:
    application: str
    provider: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ApproveFinance:
    application: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclineFinance:
    application: str
    reason: str
    at: datetime


Command = (
    SignContract
    | AmendContract
    | CancelContract
    | ReceiveDeposit
    | RefundDeposit
    | ApplyForFinance
    | ApproveFinance
    | DeclineFinance
)
