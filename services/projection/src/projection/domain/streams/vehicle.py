"""The sales service's vehicles as the record reads them: who owned one from when to when.

The stream is the vehicle's, and so nobody's: a record holds of it the intervals of its own references alone, and a
dealer those whose transfer it made itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Fact
from projection.domain.replacing import replace
from projection.domain.streams.quote import money


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OwnershipTransferred:
    """`party_ref` None: to a dealer's stock. `cause`: delivery, used_sale, trade_in, private or correction."""

    at: datetime
    cause: str
    party_ref: str | None = None
    source: str | None = None
    odometer_km: int | None = None


@dataclass(frozen=True, slots=True)
class UsedVehicleSold:
    at: datetime
    price: int
    currency: str
    party_ref: str | None = None
    staff: str | None = None


Event = OwnershipTransferred | UsedVehicleSold


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Transfer:
    """`dealer` is who made it."""

    told: OwnershipTransferred
    dealer: str | None
    version: int
    event: str


@dataclass(frozen=True, slots=True)
class Sale:
    told: UsedVehicleSold
    dealer: str | None
    version: int
    event: str


@dataclass(frozen=True, slots=True)
class VehicleState:
    transfers: tuple[Transfer, ...] = ()
    sales: tuple[Sale, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` until `end` (None: until now) the owner that `start` names; `sale` is how it was bought, used."""

    start: Transfer
    end: Transfer | None = None
    sale: Sale | None = None

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(told.event for told in (self.sale, self.start, self.end) if told is not None)

    @property
    def times(self) -> tuple[datetime, ...]:
        return tuple(told.told.at for told in (self.sale, self.start, self.end) if told is not None)


def evolve(vehicle: VehicleState | None, fact: Fact) -> VehicleState:
    known = vehicle or VehicleState()
    match fact.event:
        case OwnershipTransferred():
            transfer = Transfer(fact.event, fact.dealer, fact.version, fact.id)
            return replace(known, transfers=(*known.transfers, transfer))
        case UsedVehicleSold():
            return replace(known, sales=(*known.sales, Sale(fact.event, fact.dealer, fact.version, fact.id)))
        case _:
            return known


def owners(vehicle: VehicleState) -> list[str]:
    """Every reference that ever owned it."""
    return sorted({ref for transfer in vehicle.transfers if (ref := transfer.told.party_ref) is not None})


def intervals(vehicle: VehicleState) -> Iterator[Interval]:
    """All, in the order of the stream: the next transfer ends the one before."""
    sales = {sale.version: sale for sale in vehicle.sales}
    following = (*vehicle.transfers, None)[1:]
    for start, end in zip(vehicle.transfers, following, strict=True):
        sale = sales.get(start.version - 1)
        bought = sale is not None and start.told.cause == "used_sale" and sale.told.party_ref == start.told.party_ref
        yield Interval(start, end, sale if bought else None)


def made_by(found: Iterable[Interval], dealer: str) -> tuple[Interval, ...]:
    """What `dealer` may see of intervals: those it began, and their ends where it made those too."""
    return tuple(
        replace(
            each,
            end=each.end if each.end is not None and each.end.dealer == dealer else None,
            sale=each.sale if each.sale is not None and each.sale.dealer == dealer else None,
        )
        for each in found
        if each.start.dealer == dealer
    )


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
_CAUSES = {
    "delivery": "by delivery",
    "used_sale": "by the sale of a used vehicle",
    "trade_in": "by trade-in",
    "private": "by a private sale",
    "correction": "by a correction",
}


def summary(event: object) -> str | None:
    match event:
        case OwnershipTransferred(cause=cause):
            return f"Vehicle changed hands {_CAUSES.get(cause, cause)}"
        case UsedVehicleSold(price=price, currency=currency):
            return f"Used vehicle sold for {money(price, currency)}"
        case _:
            return None
