"""The accessory sale: what a party bought beside a vehicle, with its order or on its own."""

from dataclasses import dataclass, replace
from datetime import datetime

from roadbook.decider import Decider, Rejected


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Item:
    """`amount` is of the whole item, in minor units: not of one piece."""

    code: str
    quantity: int
    amount: int


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class SellAccessories:
    """`order` is the stream of the vehicle's order, `vin` the vehicle they are for."""

    party_ref: str
    dealer: str
    order: str | None
    vin: str | None
    items: tuple[Item, ...]
    currency: str
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReturnAccessories:
    """All of the sale: what is kept is sold again."""

    reason: str
    at: datetime


Command = SellAccessories | ReturnAccessories


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class AccessorySold:
    """`total` is the sum of the items' amounts."""

    party_ref: str
    dealer: str
    order: str | None
    vin: str | None
    items: tuple[Item, ...]
    currency: str
    total: int
    staff: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AccessoryReturned:
    reason: str
    at: datetime


Event = AccessorySold | AccessoryReturned


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Sale:
    sold: AccessorySold
    returned: AccessoryReturned | None = None

    @property
    def dealer(self) -> str:
        return self.sold.dealer


State = Unknown | Sale


# ── Decide and evolve ─────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, sale: State) -> list[Event]:
    match command, sale:
        case SellAccessories(), _:
            return _sell(command, sale)
        case ReturnAccessories(), Unknown():
            raise Rejected("accessory_sale_unknown")
        case ReturnAccessories(reason=reason, at=at), Sale(returned=None):
            return [AccessoryReturned(reason, at)]
        case ReturnAccessories(), Sale():
            return []  # what came back once cannot come back again, whatever the reason
        case _:
            raise Rejected("not_possible")


def _sell(command: SellAccessories, sale: State) -> list[Event]:
    c = command
    total = sum(item.amount for item in c.items)
    sold = AccessorySold(c.party_ref, c.dealer, c.order, c.vin, c.items, c.currency, total, c.staff, c.at)
    if isinstance(sale, Unknown):
        return [sold]
    if replace(sold, at=sale.sold.at) == sale.sold:
        return []
    raise Rejected("accessory_sale_exists")


def evolve(sale: State, event: Event) -> State:
    match sale, event:
        case Unknown(), AccessorySold():
            return Sale(event)
        case Sale(returned=None), AccessoryReturned():
            return replace(sale, returned=event)
        case _:
            return sale


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
