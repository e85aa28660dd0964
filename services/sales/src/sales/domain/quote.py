"""The quote: what a dealer offers one party for an opportunity, and until when.

That an opportunity has one accepted quote is a rule over all of its quotes: the table `accepted_quotes` keeps it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected
from sales.domain.rules import SalesRules

Kind = Literal["vehicle", "accessory", "insurance", "fee", "discount"]


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class QuoteLine:
    """`amount` is of the whole line, in minor units; only a discount is below zero."""

    kind: Kind
    code: str
    quantity: int
    amount: int


def total(lines: tuple[QuoteLine, ...]) -> int:
    return sum(line.amount for line in lines)


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class IssueQuote:
    """`opportunity_open`: whether it is, as of when the command was made. `valid_until` None: as the rules say."""

    party_ref: str
    dealer: str
    opportunity: str
    opportunity_open: bool
    lines: tuple[QuoteLine, ...]
    currency: str
    valid_until: datetime | None
    staff: str | None
    rules: SalesRules
    at: datetime


@dataclass(frozen=True, slots=True)
class AcceptQuote:
    at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawQuote:
    """By either side; an accepted one too, as long as it is not signed."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteExpired:
    """The timer set for `due` has come; `now` is the time on our clock."""

    due: datetime
    now: datetime


Command = IssueQuote | AcceptQuote | WithdrawQuote | NoteExpired


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class QuoteIssued:
    party_ref: str
    dealer: str
    opportunity: str
    lines: tuple[QuoteLine, ...]
    currency: str
    total: int
    valid_until: datetime
    staff: str | None
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteAccepted:
    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteExpired:
    """`at` is `valid_until`, however late the timer came."""

    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteWithdrawn:
    reason: str
    at: datetime


Event = QuoteIssued | QuoteAccepted | QuoteExpired | QuoteWithdrawn


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Quote:
    """`closed_at` is when it expired or was withdrawn."""

    status: Literal["issued", "accepted", "expired", "withdrawn"]
    party_ref: str
    dealer: str
    opportunity: str
    lines: tuple[QuoteLine, ...]
    currency: str
    total: int
    valid_until: datetime
    staff: str | None
    rules: str
    issued_at: datetime
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    reason: str | None = None


State = Unknown | Quote


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, quote: State) -> list[Event]:
    match command, quote:
        case IssueQuote(), Unknown():
            return _issue(command)
        case IssueQuote(opportunity=o, lines=l), Quote(opportunity=same, lines=same_l) if (o, l) == (same, same_l):
            return []
        case IssueQuote(), Quote():
            raise Rejected("quote_exists")
        case _, Unknown():
            raise Rejected("quote_unknown")
        case NoteExpired(due=due, now=now), Quote():
            open_still = quote.status == "issued" and due == quote.valid_until and due <= now
            return [QuoteExpired(due)] if open_still else []
        case AcceptQuote(), Quote(status="accepted"):
            return []
        case AcceptQuote(at=t), Quote(status="issued"):
            return _accept(quote, t)
        case WithdrawQuote(reason=r), Quote(status="withdrawn", reason=same) if r == same:
            return []
        case WithdrawQuote(reason=r, at=t), Quote(status="issued" | "accepted"):
            return [QuoteWithdrawn(r, t)]
        case _:
            raise Rejected("quote_expired" if quote.status == "expired" else "quote_closed")


def _issue(command: IssueQuote) -> list[Event]:
    c = command
    until = c.valid_until or c.at + c.rules.quote_valid
    if not c.opportunity_open:
        raise Rejected("opportunity_closed")
    if not any(line.kind == "vehicle" for line in c.lines):
        raise Rejected("quote_without_vehicle")
    if total(c.lines) < 0 or any((line.amount < 0) != (line.kind == "discount") for line in c.lines if line.amount):
        raise Rejected("quote_amounts")
    if until <= c.at:
        raise Rejected("quote_in_the_past")
    return [
        QuoteIssued(
            c.party_ref, c.dealer, c.opportunity, c.lines, c.currency, total(c.lines), until, c.staff, c.rules.version,
            c.at,
        )
    ]  # fmt: skip


def _accept(quote: Quote, at: datetime) -> list[Event]:
    """From `valid_until` on it has expired, whether the timer has said so yet or not."""
    if at >= quote.valid_until:
        raise Rejected("quote_expired")
    return [QuoteAccepted(at)]


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(quote: State, event: Event) -> State:
    match quote, event:
        case Unknown(), QuoteIssued() as e:
            return Quote(
                "issued", e.party_ref, e.dealer, e.opportunity, e.lines, e.currency, e.total, e.valid_until, e.staff,
                e.rules, e.at,
            )  # fmt: skip
        case Quote(), QuoteAccepted(at=t):
            return replace(quote, status="accepted", accepted_at=t)
        case Quote(), QuoteExpired(at=t):
            return replace(quote, status="expired", closed_at=t)
        case Quote(), QuoteWithdrawn(reason=r, at=t):
            return replace(quote, status="withdrawn", reason=r, closed_at=t)
        case _:
            return quote


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
