"""The sales service's contracts as the record reads them. Money in minor units of `currency`."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import NOTHING, Fact, Leaf
from projection.domain.replacing import replace
from projection.domain.streams.marks import Mark
from projection.domain.streams.quote import money


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ContractLine:
    line: int
    model: str | None = None
    quantity: int = 1
    price: int = 0


@dataclass(frozen=True, slots=True)
class ContractSigned:
    at: datetime
    currency: str
    total: int
    document_hash: str
    dealer: str | None = None
    opportunity: str | None = None
    quote: str | None = None
    lines: tuple[ContractLine, ...] = ()
    procurement: str | None = None
    tender: str | None = None
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class ContractAmended:
    at: datetime
    document_version: int
    document_hash: str
    total: int
    lines: tuple[ContractLine, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ContractCancelled:
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DepositReceived:
    at: datetime
    receipt: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class DepositRefunded:
    at: datetime
    receipt: str


@dataclass(frozen=True, slots=True)
class FinanceApplied:
    at: datetime
    application: str
    amount: int
    currency: str
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class FinanceApproved:
    at: datetime
    application: str


@dataclass(frozen=True, slots=True)
class FinanceDeclined:
    at: datetime
    application: str
    reason: str | None = None


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


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Document:
    version: int
    hash: str
    lines: tuple[ContractLine, ...]
    total: int
    amended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """`status`: signed or cancelled."""

    status: str
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Deposit:
    receipt: str
    amount: int
    currency: str
    at: datetime
    event: str
    refunded: Leaf[datetime | None] = NOTHING


@dataclass(frozen=True, slots=True)
class Decision:
    """`state`: applied, approved or declined."""

    state: str
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    application: str
    provider: str | None
    amount: int
    currency: str
    at: datetime
    event: str
    decision: Leaf[Decision]


@dataclass(frozen=True, slots=True)
class ContractState:
    signed: ContractSigned
    event: str
    document: Leaf[Document]
    ending: Leaf[Ending]
    deposits: tuple[Deposit, ...] = ()
    applications: tuple[Application, ...] = ()
    marks: tuple[Mark, ...] = ()


def evolve(contract: ContractState | None, fact: Fact) -> ContractState | None:
    """Total. Before ContractSigned nothing else counts."""
    event, id_ = fact.event, fact.id
    if contract is None:
        return _signed(event, id_) if isinstance(event, ContractSigned) else None
    match event:
        case ContractAmended():
            document = Document(event.document_version, event.document_hash, event.lines, event.total, event.at)
            return replace(contract, document=Leaf(document, (id_,)))
        case ContractCancelled(reason=reason, at=at):
            ended = replace(contract, ending=Leaf(Ending("cancelled", at, reason), (id_,)))
            return replace(ended, marks=(*contract.marks, Mark(at, "cancelled", id_)))
        case _:
            return _paid(contract, event, id_)


def _signed(event: ContractSigned, id_: str) -> ContractState:
    by = (id_,)
    document = Leaf(Document(1, event.document_hash, event.lines, event.total), by)
    return ContractState(event, id_, document, Leaf(Ending("signed"), by), marks=(Mark(event.at, "signed", id_),))


def _paid(contract: ContractState, event: object, id_: str) -> ContractState:
    match event:
        case DepositReceived(receipt=receipt, amount=amount, currency=currency, at=at):
            deposit = Deposit(receipt, amount, currency, at, id_)
            return replace(contract, deposits=(*contract.deposits, deposit))
        case DepositRefunded(receipt=receipt, at=at):
            return _refunded(contract, receipt, Leaf(at, (id_,)))
        case FinanceApplied(application=name, provider=provider, amount=amount, currency=currency, at=at):
            made = Application(name, provider, amount, currency, at, id_, Leaf(Decision("applied"), (id_,)))
            return replace(contract, applications=(*contract.applications, made))
        case FinanceApproved(application=name, at=at):
            return _decided(contract, name, Leaf(Decision("approved", at), (id_,)))
        case FinanceDeclined(application=name, reason=reason, at=at):
            return _decided(contract, name, Leaf(Decision("declined", at, reason), (id_,)))
        case _:
            return contract


def _refunded(contract: ContractState, receipt: str, at: Leaf[datetime]) -> ContractState:
    """The last deposit of that receipt that was not given back yet."""
    kept = list(contract.deposits)
    for place in reversed(range(len(kept))):
        if kept[place].receipt == receipt and kept[place].refunded.value is None:
            kept[place] = replace(kept[place], refunded=at)
            return replace(contract, deposits=tuple(kept))
    return contract


def _decided(contract: ContractState, application: str, decision: Leaf[Decision]) -> ContractState:
    made = list(contract.applications)
    for place in reversed(range(len(made))):
        if made[place].application == application:
            made[place] = replace(made[place], decision=decision)
            return replace(contract, applications=tuple(made))
    return contract


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case ContractSigned(total=total, currency=currency):
            return f"Contract signed over {money(total, currency)}"
        case ContractAmended(document_version=version, reason=reason):
            return f"Contract amended, version {version}: {reason}"
        case ContractCancelled(reason=reason):
            return f"Contract cancelled: {reason}"
        case DepositReceived(amount=amount, currency=currency):
            return f"Deposit received: {money(amount, currency)}"
        case DepositRefunded():
            return "Deposit refunded"
        case FinanceApplied(amount=amount, currency=currency, provider=provider):
            return f"Finance of {money(amount, currency)} applied for" + (f" at {provider}" if provider else "")
        case FinanceApproved():
            return "Finance approved"
        case FinanceDeclined(reason=reason):
            return f"Finance declined: {reason}"
        case _:
            return None
