"""Vehicles by VIN over HTTP."""

from typing import Annotated

from fastapi import Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from projection import service
from projection.api.parts import WAITS, AtLeast, Kept, Reader, answered, plain, viewer, wait
from projection.api.shown.sales import VehicleShown
from roadbook.http.routes import router

routes = router("/v1/vehicles", tags=["vehicles"])

Vin = Annotated[
    str,
    Field(pattern=r"^[A-Z0-9]{5,40}$", examples=["LSVAA49J132047371"]),
    Path(description="The vehicle's number, in capitals."),
]


@routes.get(
    "/{vin}",
    summary="Read whose a vehicle was",
    response_model=None,
    responses=answered(VehicleShown, "Owners in time", "not_found", *WAITS),
)
async def read_vehicle(request: Request, vin: Vin, caller: Reader, kept: Kept, minimum: AtLeast) -> Response:
    """Its owners one after the other, its deliveries and its trade-ins: what the caller's dealer did itself
    (headquarters: all). No personal data."""
    await wait(kept, minimum, viewer(request, caller, "read_vehicle"))
    reader = viewer(request, caller, "read_vehicle")
    seen = await service.read_vehicle(kept.pool, vin, reader)
    body = {
        "vin": seen.vin,
        "model": seen.model,
        "owners": seen.owners(),
        "deliveries": seen.deliveries(),
        "trade_ins": seen.trade_ins(reader.at),
    }
    return plain(body)
