"""A purchase from opportunity to delivery, as the sales service would publish it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from roadbook.events import new_id
from roadbook.wire import rfc3339


@dataclass
class Deal:
    """Streams by kind; `vehicle` is passed on from deal to deal when the same car is sold again."""

    opportunity: Any
    quote: Any
    contract: Any
    order: Any
    vehicle: Any

    @property
    def streams(self) -> list[Any]:
        return [self.opportunity, self.quote, self.contract, self.order, self.vehicle]


def deal(
    life: Callable[..., Any], party_ref: str, dealer: str, vin: str, *, now: Any = None, vehicle: Any = None
) -> Deal:
    """Everything in a quarter of an hour, delivered in the end. `life` is the projection's fixture."""
    began = {} if now is None else {"now": now}

    def stream(kind: str) -> Any:
        return life(stream=f"{kind}/{new_id()}", party_ref=party_ref, dealer=dealer, **began)

    opportunity, quote, contract, order = (stream(kind) for kind in ("opportunity", "quote", "contract", "order"))
    base = {"party_ref": party_ref, "dealer": dealer, "staff": "staff-7", "rules": "sales-1"}
    opportunity.add("opportunity_opened", {**base, "lead": None, "source": "walk_in", "models": ["volkswagen-lavida"],
                                           "owner_kind": "private", "tender": None})  # fmt: skip
    lines = [{"kind": "vehicle", "code": "volkswagen-lavida", "quantity": 1, "amount": 13_000_000},
             {"kind": "discount", "code": "spring", "quantity": 1, "amount": -500_000}]  # fmt: skip
    until = rfc3339(quote.now + timedelta(days=9))
    money = {"currency": "CNY", "total": 12_500_000}
    from_it = {**base, **money, "opportunity": opportunity.stream}
    quote.add("quote_issued", {**from_it, "lines": lines, "valid_until": until})
    quote.add("quote_accepted", {})
    positions = [{"line": 1, "model": "volkswagen-lavida", "quantity": 1, "price": 12_500_000}]
    signed = {
        "quote": quote.stream,
        "lines": positions,
        "document_hash": "a" * 64,
        "procurement": "retail",
        "tender": None,
    }
    contract.add("contract_signed", {**from_it, **signed})
    opportunity.add("opportunity_won", {"contract": contract.stream, "lead": None})
    order.add("order_placed", {**base, "contract": contract.stream, "line": 1, "model": "volkswagen-lavida",
                               "condition": "new", "price": 12_500_000, "currency": "CNY", "trade_in": None,
                               "promised": "2026-02-01"})  # fmt: skip
    order.add("order_allocated", {"vin": vin}, vin=vin)
    order.add("vehicle_delivered", {"vin": vin, "odometer_km": 12, "staff": "staff-7"}, vin=vin)
    car = vehicle or life(stream=f"vehicle/{vin}", party_ref=party_ref, dealer=dealer)
    car.now = max(car.now, order.now)
    owned(car, party_ref, dealer, "delivery", order.stream)
    return Deal(opportunity, quote, contract, order, car)


def owned(car: Any, party_ref: str | None, dealer: str, cause: str, source: str | None = None) -> Any:
    """The vehicle passes to `party_ref` (None: to the dealer's stock)."""
    car.party_ref, car.dealer = party_ref, dealer
    vin = car.stream.partition("/")[2]
    data = {"vin": vin, "party_ref": party_ref, "dealer": dealer, "cause": cause, "source": source, "odometer_km": None}
    return car.add("ownership_transferred", data, vin=vin)
