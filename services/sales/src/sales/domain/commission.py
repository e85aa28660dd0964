"""The commission account of one of the staff: what was earned, taken back and paid, entry by entry.

Every figure is a sum of entries, and every entry names what earned it: add the receipts, get the figure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class AccrueCommission:
    """`entry` is made from the event that earned it; `order` is the stream of the sale (`order/…`,
    `accessorysale/…`). `amount` is `share_bp` of what `rule` of the pack `rules` gives, in minor units."""

    entry: str
    order: str
    dealer: str
    staff: str
    amount: int
    currency: str
    share_bp: int
    rule: str
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReverseCommission:
    """Takes the whole entry `of` back."""

    entry: str
    of: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SettleCommission:
    """Pays what is open of the time before `until`, the end of the month `period`."""

    period: str
    until: datetime
    at: datetime


Command = AccrueCommission | ReverseCommission | SettleCommission


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class CommissionAccrued:
    entry: str
    order: str
    dealer: str
    staff: str
    amount: int
    currency: str
    share_bp: int
    rule: str
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CommissionReversed:
    """`amount` is what is taken back: that of the entry `of`."""

    entry: str
    of: str
    amount: int
    currency: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CommissionSettled:
    """`amount` is the sum of the entries, those that take back counted below zero; it may be below zero itself."""

    settlement: str
    period: str
    entries: tuple[str, ...]
    amount: int
    currency: str
    at: datetime


Event = CommissionAccrued | CommissionReversed | CommissionSettled


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Entry:
    """`amount` below zero takes the entry `of` back. `settlement` None: not paid yet."""

    entry: str
    kind: Literal["accrued", "reversed"]
    amount: int
    currency: str
    order: str
    dealer: str
    share_bp: int
    rule: str
    rules: str
    at: datetime
    of: str | None = None
    reason: str | None = None
    settlement: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Account:
    """`dealer` is where the last was earned; `entries` in the order they were told, `reversed` by whom."""

    staff: str
    dealer: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    reversed: Mapping[str, str] = field(default_factory=dict)
    settlements: tuple[CommissionSettled, ...] = ()


State = Unknown | Account


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, account: State) -> list[Event]:
    match command, account:
        case AccrueCommission(), _:
            return _accrue(command, account)
        case _, Unknown():
            raise Rejected("commission_account_unknown")
        case ReverseCommission(), Account():
            return _reverse(command, account)
        case SettleCommission(), Account():
            return _settle(command, account)
        case _:
            raise Rejected("not_possible")


def _accrue(command: AccrueCommission, account: State) -> list[Event]:
    c = command
    if isinstance(account, Account) and (known := account.entries.get(c.entry)) is not None:
        if (known.order, known.amount, known.currency) == (c.order, c.amount, c.currency):
            return []
        raise Rejected("commission_entry_exists")
    return [
        CommissionAccrued(
            c.entry, c.order, c.dealer, c.staff, c.amount, c.currency, c.share_bp, c.rule, c.rules, c.at
        )
    ]  # fmt: skip


def _reverse(command: ReverseCommission, account: Account) -> list[Event]:
    known = account.entries.get(command.of)
    if known is None or known.kind != "accrued":
        raise Rejected("commission_entry_unknown")
    if command.of in account.reversed:
        return []  # once, whichever of cancellation and return came first
    if command.entry in account.entries:
        raise Rejected("commission_entry_exists")
    return [CommissionReversed(command.entry, command.of, known.amount, known.currency, command.reason, command.at)]


def _settle(command: SettleCommission, account: Account) -> list[Event]:
    """One settlement for each currency. Its number is the period's next, so that what comes late is paid too."""
    if command.at < command.until:
        raise Rejected("period_not_over")
    told: list[Event] = []
    due = [each for each in account.entries.values() if each.settlement is None and each.at < command.until]
    for currency in sorted({each.currency for each in due}):
        paid = [each for each in due if each.currency == currency]
        known = sum((each.period, each.currency) == (command.period, currency) for each in account.settlements)
        name = f"{command.period}:{currency}:{known + 1}"
        amount = sum(each.amount for each in paid)
        told.append(
            CommissionSettled(name, command.period, tuple(each.entry for each in paid), amount, currency, command.at)
        )
    return told


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(account: State, event: Event) -> State:
    match account, event:
        case _, CommissionAccrued() as e:
            known = Account(e.staff, e.dealer) if isinstance(account, Unknown) else account
            entry = Entry(
                e.entry, "accrued", e.amount, e.currency, e.order, e.dealer, e.share_bp, e.rule, e.rules, e.at
            )
            return replace(known, dealer=e.dealer, entries={**known.entries, e.entry: entry})
        case Account(), CommissionReversed() as e if e.of in account.entries:
            back = replace(
                account.entries[e.of], entry=e.entry, kind="reversed", amount=-e.amount, currency=e.currency, of=e.of,
                reason=e.reason, at=e.at, settlement=None,
            )  # fmt: skip
            entries = {**account.entries, e.entry: back}
            return replace(account, entries=entries, reversed={**account.reversed, e.of: e.entry})
        case Account(), CommissionSettled() as e:
            paid = {name: replace(account.entries[name], settlement=e.settlement)
                    for name in e.entries if name in account.entries}  # fmt: skip
            return replace(account, entries={**account.entries, **paid}, settlements=(*account.settlements, e))
        case _:
            return account


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)


# ── The statement ─────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Figures:
    """In one currency: `accrued` and `reversed` of the span (what was taken back, above zero), `net` between them,
    `settled` of the net by now, `open` the rest."""

    currency: str
    accrued: int
    reversed: int
    net: int
    settled: int
    open: int


@dataclass(frozen=True, slots=True)
class Statement:
    """`entries` are the receipts of `figures`, by time; `settlements` are those of the period, whatever the time of
    their entries."""

    entries: tuple[Entry, ...]
    figures: tuple[Figures, ...]
    settlements: tuple[CommissionSettled, ...]


def figures(entries: Iterable[Entry]) -> tuple[Figures, ...]:
    """Sums of these entries and of nothing else, a currency each."""
    sums: dict[str, list[int]] = {}
    for each in entries:
        accrued, back, settled = sums.setdefault(each.currency, [0, 0, 0])
        plus, minus = (each.amount, 0) if each.kind == "accrued" else (0, -each.amount)
        paid = each.amount if each.settlement is not None else 0
        sums[each.currency] = [accrued + plus, back + minus, settled + paid]
    return tuple(
        Figures(currency, accrued, back, accrued - back, settled, accrued - back - settled)
        for currency, (accrued, back, settled) in sorted(sums.items())
    )


def statement(account: Account, period: str, first: datetime, end: datetime, dealer: str | None = None) -> Statement:
    """Of the month that runs from `first` to before `end`. `dealer`: only what was earned there."""
    seen = [each for each in account.entries.values() if dealer is None or each.dealer == dealer]
    entries = sorted((each for each in seen if first <= each.at < end), key=lambda each: (each.at, each.entry))
    names = {each.entry for each in seen}
    settled = tuple(each for each in account.settlements if each.period == period and names.issuperset(each.entries))
    return Statement(tuple(entries), figures(entries), settled)
