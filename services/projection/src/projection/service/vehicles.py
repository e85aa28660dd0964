"""A vehicle by its VIN: whose it was from when to when, as far as the viewer may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from projection.domain import sharing
from projection.domain.components import customers
from projection.domain.record import values
from projection.domain.sections import interval
from projection.domain.streams import vehicle
from projection.domain.streams.stream import StreamState
from projection.domain.streams.vehicle import Interval
from projection.service.records import shared
from projection.service.states import load_states, reach
from projection.views import shares, travel
from projection.views.shares import Viewer
from roadbook.database import Connection, Pool, acquire
from roadbook.errors import NotFound


@dataclass(frozen=True, slots=True)
class VehicleView:
    """`customers`: visible reference -> its customer id. Streams are orders and trade-ins of this vehicle."""

    vin: str
    intervals: Sequence[Interval]
    streams: Sequence[StreamState]
    customers: dict[str, str]

    @property
    def model(self) -> str | None:
        ordered = (state.order.placed.model for state in self.streams if state.order is not None)
        given = (state.trade_in.appraised.model for state in self.streams if state.trade_in is not None)
        return next((model for models in (ordered, given) for model in models if model is not None), None)

    def whose(self, ref: str | None) -> dict[str, object]:
        """Nobody where the viewer sees nothing of it."""
        known = ref if ref in self.customers else None
        return {"party_ref": known, "customer_id": None if known is None else self.customers[known]}

    def owners(self) -> list[dict[str, object]]:
        return [{**_plain(each), **self.whose(each.start.told.party_ref)} for each in self.intervals]

    def deliveries(self) -> list[dict[str, object]]:
        return [
            {
                "stream": state.stream,
                "dealer": order.placed.dealer,
                "model": order.placed.model,
                "condition": order.placed.condition,
                "delivered_at": order.progress.value.at,
                "odometer_km": order.progress.value.odometer_km,
                **self.whose(state.party_ref),
            }
            for state in self.streams
            if (order := state.order) is not None
        ]

    def trade_ins(self, at: datetime) -> list[dict[str, object]]:
        return [
            {
                "stream": state.stream,
                "dealer": given.appraised.dealer,
                "model": given.appraised.model,
                "odometer_km": given.odometer_km.value,
                "state": given.state_at(at),
                "appraised_at": given.appraised.at,
                "received_at": given.received_at.value,
                **self.whose(state.party_ref),
            }
            for state in self.streams
            if (given := state.trade_in) is not None
        ]


def _plain(each: Interval) -> dict[str, object]:
    told = values(interval(each))
    return told if isinstance(told, dict) else {}


async def read_vehicle(pool: Pool, vin: str, viewer: Viewer) -> VehicleView:
    """Raises `NotFound` when the viewer sees nothing of it. What it sees through shares is on the audit."""
    async with acquire(pool) as connection:
        names = await travel.streams_of_vin(connection, vin)
        states = await load_states(connection, [f"vehicle/{vin}", *names])
        found = _intervals(states.pop(f"vehicle/{vin}", None), viewer.dealer)
        seen = [state for state in sharing.seen(states.values(), viewer.dealer, viewer.at) if _concerns(state, vin)]
        if not found and not seen:
            raise NotFound
        refs = {each.start.told.party_ref for each in found} | {state.party_ref for state in seen}
        owner = await _customers(connection, sorted(ref for ref in refs if ref is not None), viewer)
    return VehicleView(vin, found, sorted(seen, key=lambda state: state.stream), owner)


def _intervals(state: StreamState | None, dealer: str | None) -> Sequence[Interval]:
    if state is None or state.vehicle is None:
        return ()
    every = tuple(vehicle.intervals(state.vehicle))
    return every if dealer is None else vehicle.made_by(every, dealer)


def _concerns(state: StreamState, vin: str) -> bool:
    """An order that was once to get it and got another one is none of its story."""
    if state.order is not None:
        return state.order.vin.value == vin and state.order.progress.value.status == "delivered"
    return state.trade_in is not None and state.trade_in.appraised.vin == vin


async def _customers(connection: Connection, refs: Sequence[str], viewer: Viewer) -> dict[str, str]:
    """Of those references that the viewer sees anything of."""
    states, links = await reach(connection, refs, viewer.dealer, viewer.at)
    owner = customers({state.party_ref for state in states if state.party_ref is not None}, links)
    named = {owner[ref] for ref in refs if ref in owner}
    own = [state for state in states if state.party_ref is not None and owner[state.party_ref] in named]
    await shares.note(connection, viewer, shared(own, viewer))
    return owner
