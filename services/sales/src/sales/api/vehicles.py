"""Vehicles by VIN: who owned them when, used sales."""

from typing import Annotated, Any, Literal

from fastapi import Body, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import etag, read_response, respond
from roadbook.http.routes import router
from roadbook.http.types import Instant, StrictModel, Uuid
from sales.api import shown, words
from sales.api.parts import Reading, Running, WriteOnce, answered, json, known_dealer, named, plain
from sales.service import vehicles as service

routes = router("/v1/vehicles", tags=["vehicles"])

VinPath = Annotated[words.Vin, Path(description="The vehicle's identification number.", examples=[shown.VIN])]


class SellUsedRequest(StrictModel):
    """Without `party_ref` a new one is made. `dealer` is for headquarters to name."""

    party_ref: Uuid | None = None
    price: words.Minor
    currency: words.KnownCurrency
    staff: words.StaffId | None = None
    odometer_km: words.Kilometres | None = None
    dealer: words.DealerCode | None = None


class TransferRequest(StrictModel):
    """Without `party_ref`: nobody owns it that we know. `at` (when it happened) and `dealer` are for headquarters."""

    party_ref: Uuid | None = None
    cause: Literal["private", "correction"] = "private"
    at: Instant | None = None
    dealer: words.DealerCode | None = None


class TransferAnswer(shown.Shown):
    """`events` are ids, empty when nothing was new."""

    stream: str = Field(examples=[f"vehicle/{shown.VIN}"])
    events: list[str]
    party_ref: str | None


class OwnerShown(shown.Shown):
    """From `since` to before `until`, which is null for the last one. `party_ref` null: the vehicle stood at the
    dealer."""

    party_ref: str | None
    dealer: str
    cause: str = Field(examples=["delivery"])
    source: str | None = Field(examples=[f"order/{shown.ID}"])
    odometer_km: int | None
    since: str
    until: str | None


class VehicleShown(shown.Shown):
    vin: str
    owners: list[OwnerShown]


SELL = {"price": 6_800_000, "currency": "CNY", "odometer_km": 64_200}


@routes.post(
    "/{vin}:sell-used",
    summary="Sell a used vehicle",
    response_model=None,
    responses=answered(TransferAnswer, "Sold", "vehicle_not_in_stock", "ownership_not_later", "party_unknown"),
)
async def sell_used_vehicle(
    vin: VinPath,
    request: Annotated[SellUsedRequest, Body(openapi_examples=shown.example(SELL))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """Out of the dealer's stock, without contract and order. The buyer owns it from now on."""
    known_dealer(running, context, request.dealer)
    asked: dict[str, Any] = request.model_dump()
    with named():
        sale = service.UsedSale(vin=words.checked_vin(vin, None), **asked)
        return respond(await service.sell_used(running, sale, context))


@routes.post(
    "/{vin}:record-transfer",
    summary="Record that a vehicle changed hands",
    response_model=None,
    responses=answered(TransferAnswer, "Recorded", "ownership_not_later", "party_unknown"),
)
async def record_transfer(
    vin: VinPath,
    request: Annotated[TransferRequest, Body(openapi_examples=shown.example({"cause": "private"}))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """Between people, without the dealer selling it; or a correction of who owns it."""
    known_dealer(running, context, request.dealer)
    if request.at is not None and context.dealer is not None:
        raise words.refuse("/at", "not_yours", "is for headquarters to name")
    if request.at is not None and request.at > context.now:
        raise words.refuse("/at", "in_the_future", "must not be in the future")
    with named():
        answer = await service.record_transfer(
            running, words.checked_vin(vin, None), request.party_ref, request.cause, request.at, request.dealer, context
        )
    return respond(answer)


@routes.get(
    "/{vin}",
    summary="Read who owned a vehicle",
    response_model=None,
    responses={200: {"model": VehicleShown, "description": "In time"}},
)
async def read_vehicle(request: Request, vin: VinPath, caller: Reading, running: Running) -> Response:
    """Owners in time, by their references. A dealer sees those to whom the vehicle came by its own doing, as if there
    were no others."""
    owned, version = await service.owners(running, vin, caller.dealer)
    shown_owners = [
        {
            "party_ref": each.interval.party_ref,
            "dealer": each.interval.dealer,
            "cause": each.interval.cause,
            "source": each.interval.source,
            "odometer_km": each.interval.odometer_km,
            "since": each.interval.since,
            "until": each.until,
        }
        for each in owned
    ]
    body = {"vin": vin, "owners": plain(shown_owners)}
    return json(body) if version is None else read_response(request, body, etag(version))
