"""What identity knows of the party, without personal data."""

from collections.abc import Iterator, Sequence

from projection.domain.facts import Leaf
from projection.domain.streams.partyref import PartyState, Point
from projection.domain.streams.stream import StreamState

Parties = Sequence[tuple[StreamState, PartyState]]


def parties(known: Parties) -> list[object]:
    found: list[object] = []
    for state, party in known:
        if party.registered is not None:
            by = (party.registered.event,)
            found.append(
                {
                    "stream": state.stream,
                    "kind": Leaf(party.registered.kind, by),
                    "source": Leaf(party.registered.source, by),
                    "registered_at": Leaf(party.registered.at, by),
                }
            )
    return found


def owner_kind(known: Parties) -> dict[str, object] | None:
    """The latest word of all: a person or a company has one."""
    said = [
        ((each.at, state.stream, index), each) for state, party in known for index, each in enumerate(party.owner_kinds)
    ]
    if not said:
        return None
    last = max(said, key=lambda entry: entry[0])[1]
    by = (last.event,)
    return {
        "owner_kind": Leaf(last.owner_kind, by),
        "basis": Leaf(last.basis, by),
        "since": Leaf(last.at, by),
    }


def relationships(known: Parties) -> list[object]:
    found: list[object] = []
    for state, party in known:
        for each in party.relationships:
            by = (each.event,)
            ended = each.ended.events or by
            found.append(
                {
                    "stream": state.stream,
                    "kind": Leaf(each.kind, by),
                    "other": Leaf(each.other, by),
                    "role": Leaf(each.role, by),
                    "since": Leaf(each.since, by),
                    "ended_at": Leaf(each.ended.value, ended),
                    "reason": Leaf(each.reason, ended),
                }
            )
    return found


def recorded(known: Parties) -> list[object]:
    """Which values of the profile were asked for, and why; the values are personal data."""
    return [
        {
            "stream": state.stream,
            "name": Leaf(each.field.name, (each.event,)),
            "purpose": Leaf(each.field.purpose, (each.event,)),
            "refused": Leaf(each.field.refused, (each.event,)),
            "source": Leaf(each.source, (each.event,)),
            "at": Leaf(each.at, (each.event,)),
        }
        for state, party in known
        for each in party.profile
    ]


def verification(known: Parties, streams: Sequence[StreamState]) -> list[object]:
    """How far each contact point can be relied on. Where its value lies is told only of a stream of this record:
    another one may be none of the viewer's."""
    own = {state.stream for state in streams}
    return [entry for state, party in known for entry in _points(state, party, own)]


def _points(state: StreamState, party: PartyState, own: set[str]) -> Iterator[dict[str, object]]:
    for point in party.points:
        by, said, checked = (point.event,), point.described.events, point.checked
        described = point.described.value
        yield {
            "stream": state.stream,
            "key": Leaf(point.key, by),
            "kind": Leaf(described.kind, said),
            "valid": Leaf(described.valid, said),
            "linkable": Leaf(described.linkable, said),
            "preferred": Leaf(point.preferred, by),
            "origin": Leaf(_origin(point, own), said),
            "source": Leaf(described.source, said),
            "added_at": Leaf(point.added_at, by),
            "state": Leaf(checked.value.state, checked.events),
            "method": Leaf(checked.value.method, checked.events),
            "reason": Leaf(checked.value.reason, checked.events),
            "state_since": Leaf(checked.value.since, checked.events),
        }


def _origin(point: Point, own: set[str]) -> str | None:
    origin = point.described.value.origin
    return origin if origin is not None and "/".join(origin.split("/")[:2]) in own else None
