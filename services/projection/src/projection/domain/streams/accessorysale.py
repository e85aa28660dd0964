"""The sales service's accessory sales as the record reads them. Money in minor units of `currency`."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace
from projection.domain.streams.quote import money


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Item:
    code: str
    quantity: int = 1
    amount: int = 0


@dataclass(frozen=True, slots=True)
class AccessorySold:
    at: datetime
    currency: str
    total: int
    dealer: str | None = None
    order: str | None = None
    vin: str | None = None
    items: tuple[Item, ...] = ()
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class AccessoryReturned:
    at: datetime
    reason: str | None = None


Event = AccessorySold | AccessoryReturned


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Returned:
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AccessoryState:
    sold: AccessorySold
    event: str
    returned: Leaf[Returned]


def evolve(sale: AccessoryState | None, fact: Fact) -> AccessoryState | None:
    """Total. Before AccessorySold nothing else counts."""
    event, by = fact.event, (fact.id,)
    if sale is None:
        return AccessoryState(event, fact.id, Leaf(Returned(), by)) if isinstance(event, AccessorySold) else None
    if isinstance(event, AccessoryReturned):
        return replace(sale, returned=Leaf(Returned(event.at, event.reason), by))
    return sale


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case AccessorySold(items=items, total=total, currency=currency):
            codes = ", ".join(item.code for item in items)
            return f"Accessories sold for {money(total, currency)}" + (f": {codes}" if codes else "")
        case AccessoryReturned(reason=reason):
            return f"Accessories returned: {reason}"
        case _:
            return None
