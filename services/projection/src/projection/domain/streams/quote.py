"""The sales service's quotes as the record reads them. Money in minor units of `currency`."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class QuoteLine:
    """`kind`: vehicle, accessory, insurance, fee or discount; `amount` is of the whole line."""

    kind: str
    code: str | None = None
    quantity: int = 1
    amount: int = 0


@dataclass(frozen=True, slots=True)
class QuoteIssued:
    at: datetime
    currency: str
    total: int
    valid_until: datetime
    dealer: str | None = None
    opportunity: str | None = None
    lines: tuple[QuoteLine, ...] = ()
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class QuoteAccepted:
    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteExpired:
    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteWithdrawn:
    at: datetime
    reason: str | None = None


Event = QuoteIssued | QuoteAccepted | QuoteExpired | QuoteWithdrawn


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: issued, accepted, expired or withdrawn."""

    status: str
    closed_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class QuoteState:
    issued: QuoteIssued
    event: str
    answer: Leaf[Answer]

    @property
    def discount(self) -> int | None:
        amounts = [line.amount for line in self.issued.lines if line.kind == "discount"]
        return sum(amounts) if amounts else None


def evolve(quote: QuoteState | None, fact: Fact) -> QuoteState | None:
    """Total. Before QuoteIssued nothing else counts."""
    event, by = fact.event, (fact.id,)
    if quote is None:
        return QuoteState(event, fact.id, Leaf(Answer("issued"), by)) if isinstance(event, QuoteIssued) else None
    match event:
        case QuoteAccepted(at=at):
            return replace(quote, answer=Leaf(Answer("accepted", at), by))
        case QuoteExpired(at=at):
            return replace(quote, answer=Leaf(Answer("expired", at), by))
        case QuoteWithdrawn(reason=reason, at=at):
            return replace(quote, answer=Leaf(Answer("withdrawn", at, reason), by))
        case _:
            return quote


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case QuoteIssued(total=total, currency=currency):
            return f"Quote issued: {money(total, currency)}"
        case QuoteAccepted():
            return "Quote accepted"
        case QuoteExpired():
            return "Quote expired"
        case QuoteWithdrawn(reason=reason):
            return f"Quote withdrawn: {reason}"
        case _:
            return None


def money(amount: int, currency: str) -> str:
    """`1234500 CNY` -> `12,345.00 CNY`; for words only."""
    sign, minor = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{minor // 100:,}.{minor % 100:02} {currency}"
