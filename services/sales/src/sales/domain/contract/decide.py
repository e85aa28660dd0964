"""What may happen to a contract."""

from roadbook.decider import Rejected
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
from sales.domain.contract.state import Contract, State, Unknown
from sales.domain.rules import SalesRules


def decide(command: Command, contract: State) -> list[Event]:
    if isinstance(command, SignContract):
        return _sign(command, contract)
    if isinstance(contract, Unknown):
        raise Rejected("contract_unknown")
    match command:
        case RefundDeposit():
            return _refund(command, contract)
        case ReceiveDeposit():
            return _receive(command, contract)
        case CancelContract(reason=r, at=t):
            if contract.status == "cancelled":
                return []
            return [ContractCancelled(r, t)]
        case AmendContract():
            return _amend(command, contract)
        case ApplyForFinance():
            return _apply(command, contract)
        case ApproveFinance(application=number) | DeclineFinance(application=number):
            return _decided(command, contract, number)


# ── The document ──────────────────────────────────────────────────────────────────────────────────────────────
def _sign(command: SignContract, contract: State) -> list[Event]:
    c = command
    lines = _numbered(c.lines, 0)
    if isinstance(contract, Contract):
        if (contract.party_ref, contract.document_hash) == (c.party_ref, c.document_hash):
            return []
        raise Rejected("contract_exists")
    if not c.opportunity_open:
        raise Rejected("opportunity_closed")
    if not c.quote_accepted:
        raise Rejected("quote_not_accepted")
    if (c.procurement == "tender") != (c.tender is not None):
        raise Rejected("tender_number")
    _eligible(c.procurement == "tender", lines, c.rules)
    return [
        ContractSigned(
            c.party_ref, c.dealer, c.opportunity, c.quote, lines, c.currency, total(lines), c.document_hash,
            c.procurement, c.tender, c.staff, c.at,
        )
    ]  # fmt: skip


def _amend(command: AmendContract, contract: Contract) -> list[Event]:
    c = command
    lines = _numbered(c.lines, contract.highest_line)
    if c.document_hash == contract.document_hash:
        # The same document says the same; a new line would have been given another number by now.
        if _said(lines) == _said(contract.lines):
            return []
        raise Rejected("document_unchanged")
    _standing(contract)
    if any(each.line is not None and contract.line(each.line) is None for each in c.lines):
        raise Rejected("contract_line_unknown")
    _eligible(contract.procurement == "tender", lines, c.rules)
    version = contract.document_version + 1
    return [ContractAmended(version, c.document_hash, lines, total(lines), c.reason, c.at)]


def _numbered(wanted: tuple[Wanted, ...], highest: int) -> tuple[ContractLine, ...]:
    lines, next_ = [], highest + 1
    for each in wanted:
        number = each.line
        if number is None:
            number, next_ = next_, next_ + 1
        lines.append(ContractLine(number, each.model, each.quantity, each.price))
    if not lines or len({line.line for line in lines}) < len(lines):
        raise Rejected("contract_lines")
    return tuple(lines)


def _said(lines: tuple[ContractLine, ...]) -> list[tuple[str, int, int]]:
    return sorted((line.model, line.quantity, line.price) for line in lines)


def _eligible(tender: bool, lines: tuple[ContractLine, ...], rules: SalesRules) -> None:
    if tender and not {line.model for line in lines} <= rules.tender_models:
        raise Rejected("model_not_eligible")


def _standing(contract: Contract) -> None:
    if contract.status == "cancelled":
        raise Rejected("contract_cancelled")


# ── The money ─────────────────────────────────────────────────────────────────────────────────────────────────
def _receive(command: ReceiveDeposit, contract: Contract) -> list[Event]:
    c, known = command, contract.deposit(command.receipt)
    if known is not None:
        if known.amount == c.amount and c.currency == contract.currency:
            return []
        raise Rejected("receipt_exists")
    _standing(contract)
    _same_currency(c.currency, contract)
    return [DepositReceived(c.receipt, c.amount, c.currency, c.at)]


def _refund(command: RefundDeposit, contract: Contract) -> list[Event]:
    """Of a cancelled contract too."""
    c, known = command, contract.deposit(command.receipt)
    if known is None:
        raise Rejected("receipt_unknown")
    _same_currency(c.currency, contract)
    if known.refunded is not None:
        if known.refunded == c.amount:
            return []
        raise Rejected("receipt_refunded")
    if c.amount > known.amount:
        raise Rejected("refund_exceeds_deposit")
    return [DepositRefunded(c.receipt, c.amount, c.currency, c.at)]


def _apply(command: ApplyForFinance, contract: Contract) -> list[Event]:
    c, known = command, contract.application(command.application)
    if known is not None:
        if (known.provider, known.amount) == (c.provider, c.amount):
            return []
        raise Rejected("finance_application_exists")
    _standing(contract)
    _same_currency(c.currency, contract)
    if c.amount > contract.total:
        raise Rejected("finance_exceeds_total")
    return [FinanceApplied(c.application, c.provider, c.amount, c.currency, c.at)]


def _decided(command: ApproveFinance | DeclineFinance, contract: Contract, number: str) -> list[Event]:
    known = contract.application(number)
    if known is None:
        raise Rejected("finance_application_unknown")
    told: Event
    if isinstance(command, ApproveFinance):
        told, status = FinanceApproved(number, command.at), "approved"
    else:
        told, status = FinanceDeclined(number, command.reason, command.at), "declined"
    if known.status == status:
        return []
    if known.status != "applied":
        raise Rejected("finance_decided")
    return [told]


def _same_currency(currency: str, contract: Contract) -> None:
    if currency != contract.currency:
        raise Rejected("currency_differs")
