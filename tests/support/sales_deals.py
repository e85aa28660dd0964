"""What the tests of sales' trade-ins, commissions and forecasts share: contracts and orders, placed without HTTP."""

import uuid
from datetime import date, datetime
from typing import Any, Literal

from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from sales.domain.contract import CancelContract, SignContract, Wanted
from sales.domain.order import AllocateVehicle, CancelOrder, DeliverVehicle, PlaceOrder
from sales.service import Service
from sales.service.aggregates import apply_views
from sales.service.aggregates.contract import aggregate
from sales.service.commands import run

DEALER, SELLER, MANAGER = "dealer-sh-01", "staff-sh-01-1", "staff-sh-01-manager"
VIN = "LSVAA49J6T2900010"
PRICE = 11_990_000


def context(now: datetime) -> CommandContext:
    """Of nobody in particular: no dealer."""
    return CommandContext("test", "test", None, now, str(uuid.uuid4()))


async def told(service: Service, stream: str, command: Any, now: datetime, *, new: bool = False) -> None:
    await run(service.store, Order(stream, command, creates=new), context(now))


async def signed(
    service: Service, now: datetime, *, dealer: str = DEALER, quantity: int = 1, price: int = PRICE,
    opportunity: str | None = None, staff: str | None = SELLER, party_ref: str | None = None,
    model: str = "volkswagen-lavida",
) -> str:  # fmt: skip
    """The stream of a new contract."""
    stream = f"contract/{uuid.uuid4()}"
    command = SignContract(
        party_ref=party_ref or str(uuid.uuid4()),
        dealer=dealer,
        opportunity=opportunity,
        opportunity_open=True,
        quote=None,
        quote_accepted=True,
        lines=(Wanted(model, quantity, price),),
        currency="CNY",
        document_hash="a" * 64,
        procurement="retail" if quantity == 1 else "enterprise",
        tender=None,
        staff=staff,
        rules=service.network.rules(),
        at=now,
    )
    await told(service, stream, command, now, new=True)
    return stream


async def placed(
    service: Service, now: datetime, *, dealer: str = DEALER, contract: str | None = None, price: int = PRICE,
    staff: str | None = SELLER, promised: date | None = None, model: str = "volkswagen-lavida",
    condition: Literal["new", "used"] = "new",
) -> str:  # fmt: skip
    """The id of a new order, with a contract of its own unless one is named."""
    id_ = str(uuid.uuid4())
    party_ref = str(uuid.uuid4())
    under = contract or await signed(
        service, now, dealer=dealer, price=price, staff=staff, party_ref=party_ref, model=model
    )
    command = PlaceOrder(
        party_ref=party_ref,
        dealer=dealer,
        contract=under,
        contract_standing=True,
        line=1,
        model=model,
        condition=condition,
        price=price,
        currency="CNY",
        trade_in=None,
        staff=staff,
        promised=promised,
        rules=service.network.rules(),
        at=now,
    )
    await told(service, f"order/{id_}", command, now, new=True)
    return id_


async def delivered(service: Service, order: str, now: datetime, *, vin: str = VIN, staff: str | None = None) -> None:
    await told(service, f"order/{order}", AllocateVehicle(vin, now), now)
    await told(service, f"order/{order}", DeliverVehicle(12, staff, now), now)


async def cancelled(service: Service, order: str, now: datetime) -> None:
    await told(service, f"order/{order}", CancelOrder("finance", now), now)


async def contract_cancelled(service: Service, contract: str, now: datetime) -> None:
    """Even after a delivery, which the rule over contracts and orders refuses as it is now: a fact is a fact."""
    order: Order[Any] = Order(contract, CancelContract("rescinded", now))
    await execute(service.store, aggregate, order, context(now), apply_views)
