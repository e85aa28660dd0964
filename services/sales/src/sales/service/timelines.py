"""How an order came along, as its customer may see it."""

from typing import Any

from sales.domain.contract import ContractAmended, ContractCancelled, ContractSigned, DepositReceived, DepositRefunded
from sales.domain.order import (
    InsuranceArranged,
    OrderAllocated,
    OrderCancelled,
    OrderDeallocated,
    OrderDelayed,
    OrderPlaced,
    VehicleDelivered,
)
from sales.service.aggregates import decoded
from sales.service.commands import folded, visible
from sales.service.running import Service

# By step: what of the event the customer is told. Who did it, priorities and reasons are the dealer's own.
_TOLD: dict[type, tuple[str, tuple[str, ...]]] = {
    ContractSigned: ("contract_signed", ()),
    ContractAmended: ("contract_amended", ("document_version",)),
    ContractCancelled: ("contract_cancelled", ()),
    DepositReceived: ("deposit_received", ("receipt", "amount", "currency")),
    DepositRefunded: ("deposit_refunded", ("receipt", "amount", "currency")),
    OrderPlaced: ("order_placed", ("model", "promised")),
    OrderAllocated: ("vehicle_allocated", ("vin",)),
    OrderDeallocated: ("vehicle_released", ()),
    OrderDelayed: ("order_delayed", ("promised",)),
    OrderCancelled: ("order_cancelled", ()),
    InsuranceArranged: ("insurance_arranged", ("partner", "kind", "expires")),
    VehicleDelivered: ("vehicle_delivered", ("vin",)),
}


async def timeline(service: Service, order: str, dealer: str | None) -> dict[str, Any]:
    """Steps of the order and of its contract, in time. Raises `NotFound`."""
    state, events = await visible(service, f"order/{order}", dealer)
    _, contract = await folded(service, state.contract)
    steps = []
    for recorded, fact in decoded([*contract, *events]):
        told = _TOLD.get(type(fact))
        if told is not None:
            name, fields = told
            own = {field: getattr(fact, field) for field in fields}
            steps.append((fact.at, recorded.recorded, {"step": name, "at": fact.at, **own}))
    steps.sort(key=lambda each: each[:2])  # stable: within a stream its order stays
    return {
        "order": order,
        "state": state.status,
        "promised": state.promised,
        "steps": [step for _, _, step in steps],
    }
