"""The vehicle as the shell sees it. Its key is the VIN: the stream outlives every owner."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.vehicle import codec
from sales.domain.vehicle import Command, Event, State, Vehicle, decider


def _labels(vehicle: State) -> Labels:
    return Labels(vehicle.dealer, vehicle.party_ref, vehicle.vin) if isinstance(vehicle, Vehicle) else Labels()


def _key(vehicle: State) -> str:
    return vehicle.vin if isinstance(vehicle, Vehicle) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("vehicle", decider, codec, _labels, _key)
