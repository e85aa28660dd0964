"""What a reference has of a vehicle's stream: the intervals in which it was the owner."""

from collections.abc import Iterable
from dataclasses import replace

from projection.domain.streams import vehicle
from projection.domain.streams.stream import StreamState, kind_of


def slice_of(state: StreamState, party_ref: str) -> StreamState | None:
    """The stream of a vehicle as `party_ref` has part in it; None when it never owned it."""
    if state.vehicle is None:
        return None
    owned = tuple(each for each in vehicle.intervals(state.vehicle) if each.start.told.party_ref == party_ref)
    return _with(replace(state, party_ref=party_ref, vehicle=None, unknown=(), unknown_events=0), owned)


def seen_by(state: StreamState, dealer: str) -> StreamState | None:
    """A slice as `dealer` may see it."""
    return _with(state, vehicle.made_by(state.owned, dealer))


def _with(state: StreamState, owned: tuple[vehicle.Interval, ...]) -> StreamState | None:
    if not owned:
        return None
    last = max(time for each in owned for time in each.times)
    return replace(state, owned=owned, version=len(events_of(owned)), last_event=last)


def events_of(owned: Iterable[vehicle.Interval]) -> set[str]:
    return {event for each in owned for event in each.events}


def is_slice(state: StreamState) -> bool:
    return kind_of(state.stream) == "vehicle"


def vin_of(stream: str) -> str:
    """`vehicle/LSV…` -> `LSV…`."""
    return stream.partition("/")[2]


# ── Streams of several references ─────────────────────────────────────────────────────────────────────────────
def refs(state: StreamState) -> list[tuple[int, str, str | None]]:
    """Of a stream that belongs to several: version, reference ('' is a dealer's stock), and the dealer that made it."""
    found: set[tuple[int, str, str | None]] = set()
    if state.vehicle is not None:
        found = {(each.version, each.told.party_ref or "", each.dealer) for each in state.vehicle.transfers}
    if state.link is not None:
        found = {(1, ref, None) for ref in (state.link.smaller, state.link.larger)}
    return sorted(found, key=lambda ref: ref[:2])


def parties(state: StreamState) -> set[str]:
    """Whose records a change of the stream concerns; links are the map's affair."""
    owners = vehicle.owners(state.vehicle) if state.vehicle is not None else []
    return {*owners, *((state.party_ref,) if state.party_ref is not None else ())}


def vins(state: StreamState) -> list[str]:
    """The vehicles that a stream tells of: wanted, ordered, given away or owned."""
    found = [each.vin for each in state.body.vehicles.value] if state.body is not None else []
    found += [vin_of(state.stream)] if state.owned else []
    found += [state.order.vin.value] if state.order is not None else []
    found += [state.trade_in.appraised.vin] if state.trade_in is not None else []
    return sorted({vin for vin in found if vin})
