"""What the sales service told on the way to a purchase: opportunities, quotes, contracts, trade-ins."""

from collections.abc import Sequence
from datetime import datetime

from projection.domain.facts import Leaf
from projection.domain.streams.accessorysale import AccessoryState
from projection.domain.streams.contract import Application, ContractState, Deposit
from projection.domain.streams.opportunity import OpportunityState
from projection.domain.streams.quote import QuoteState
from projection.domain.streams.stream import StreamState
from projection.domain.streams.tradein import TradeInState


def told(event: object, by: tuple[str, ...], *names: str) -> dict[str, object]:
    """What one event says under these names."""
    return {name: Leaf(getattr(event, name), by) for name in names}


# ── Opportunities ─────────────────────────────────────────────────────────────────────────────────────────────
def opportunities(streams: Sequence[StreamState]) -> list[object]:
    return [_opportunity(state, state.opportunity) for state in streams if state.opportunity is not None]


def _opportunity(state: StreamState, opportunity: OpportunityState) -> dict[str, object]:
    by, ended, outcome = (opportunity.event,), opportunity.outcome.events, opportunity.outcome.value
    return {
        "stream": state.stream,
        **told(opportunity.opened, by, "dealer", "lead", "source", "models", "owner_kind", "tender"),
        "staff": opportunity.staff,
        "state": Leaf(outcome.status, ended),
        "opened_at": Leaf(opportunity.opened.at, by),
        **told(outcome, ended, "closed_at", "contract", "reason", "competitor"),
    }


# ── Quotes ────────────────────────────────────────────────────────────────────────────────────────────────────
def quotes(streams: Sequence[StreamState], at: datetime) -> list[object]:
    return [_quote(state, state.quote, at) for state in streams if state.quote is not None]


def _quote(state: StreamState, quote: QuoteState, at: datetime) -> dict[str, object]:
    by, answered, answer = (quote.event,), quote.answer.events, quote.answer.value
    over = answer.status == "issued" and quote.issued.valid_until <= at
    return {
        "stream": state.stream,
        **told(quote.issued, by, "dealer", "opportunity", "lines", "currency", "total", "valid_until", "staff"),
        "state": Leaf("expired" if over else answer.status, answered),
        "issued_at": Leaf(quote.issued.at, by),
        **told(answer, answered, "closed_at", "reason"),
    }


# ── Contracts ─────────────────────────────────────────────────────────────────────────────────────────────────
def contracts(streams: Sequence[StreamState]) -> list[object]:
    return [_contract(state, state.contract) for state in streams if state.contract is not None]


def _contract(state: StreamState, contract: ContractState) -> dict[str, object]:
    by, written, document = (contract.event,), contract.document.events, contract.document.value
    ended, ending = contract.ending.events, contract.ending.value
    return {
        "stream": state.stream,
        **told(contract.signed, by, "dealer", "opportunity", "quote", "procurement", "tender", "staff", "currency"),
        "lines": Leaf(document.lines, written),
        "total": Leaf(document.total, written),
        "document_version": Leaf(document.version, written),
        "document_hash": Leaf(document.hash, written),
        "state": Leaf(ending.status, ended),
        "signed_at": Leaf(contract.signed.at, by),
        "amended_at": Leaf(document.amended_at, written),
        "cancelled_at": Leaf(ending.at, ended),
        "reason": Leaf(ending.reason, ended),
        "deposits": [_deposit(each) for each in contract.deposits],
        "finance": [_finance(each) for each in contract.applications],
    }


def _deposit(deposit: Deposit) -> dict[str, object]:
    by = (deposit.event,)
    return {
        **told(deposit, by, "receipt", "amount", "currency", "at"),
        "refunded_at": Leaf(deposit.refunded.value, deposit.refunded.events or by),
    }


def _finance(application: Application) -> dict[str, object]:
    decided, decision = application.decision.events, application.decision.value
    return {
        **told(application, (application.event,), "application", "provider", "amount", "currency", "at"),
        "state": Leaf(decision.state, decided),
        "reason": Leaf(decision.reason, decided),
        "decided_at": Leaf(decision.at, decided),
    }


# ── Trade-ins ─────────────────────────────────────────────────────────────────────────────────────────────────
def trade_ins(streams: Sequence[StreamState], at: datetime) -> list[object]:
    return [_trade_in(state, state.trade_in, at) for state in streams if state.trade_in is not None]


def _trade_in(state: StreamState, trade_in: TradeInState, at: datetime) -> dict[str, object]:
    by, offered, offer = (trade_in.event,), trade_in.offer.events, trade_in.offer.value
    declined = trade_in.declined
    return {
        "stream": state.stream,
        **told(trade_in.appraised, by, "dealer", "vin", "model", "valid_until", "staff"),
        "odometer_km": trade_in.odometer_km,
        **told(offer, offered, "amount", "currency", "agreed_at", "order"),
        "state": Leaf(trade_in.state_at(at), trade_in.status.events),
        "appraised_at": Leaf(trade_in.appraised.at, by),
        "received_at": trade_in.received_at,
        "declined_at": Leaf(declined.value.at, declined.events),
        "reason": Leaf(declined.value.reason, declined.events),
    }


# ── Accessories ───────────────────────────────────────────────────────────────────────────────────────────────
def accessory(state: StreamState, sale: AccessoryState) -> dict[str, object]:
    by, returned = (sale.event,), sale.returned.events
    return {
        "stream": state.stream,
        **told(sale.sold, by, "dealer", "order", "vin", "items", "currency", "total", "staff"),
        "sold_at": Leaf(sale.sold.at, by),
        "returned_at": Leaf(sale.returned.value.at, returned),
        "reason": Leaf(sale.returned.value.reason, returned),
    }
