"""Personal values as the record shows them: the current value only, outside the hash and outside time travel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from projection.domain.streams.lead import ContactPoint
from projection.domain.streams.stream import StreamState

NAMES = {"name": "full", "given_name": "given", "family_name": "family"}
# The documents an intent came in, as read: kept by the service that read them, and no part of a record.
DOCUMENTS = ("adf", "remainder", "intake")


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """`value` is any JSON, None once it was removed; `version` never restarts. `later`: learned after the moment whose
    knowledge was asked for."""

    value: object = field(repr=False)
    source: str
    recorded_at: datetime
    verified_at: datetime | None
    version: int
    later: bool = False


# stream -> field -> value; the field is the last part of its key: `phone/1` of `lead/0199…/phone/1`.
PersonalData = Mapping[str, Mapping[str, PersonalValue]]


def identity(streams: Iterable[StreamState], data: PersonalData) -> dict[str, object]:
    """What is known about the person, each leaf with its source and times; contact points also where the value has
    not come yet or was erased (then None)."""
    names: list[object] = []
    points: list[object] = []
    addresses: list[object] = []
    more: list[object] = []
    for state in streams:
        values = data.get(state.stream, {})
        known = _points(state)
        for point in known.values():
            about = {"kind": point.kind, "valid": point.valid, "linkable": point.linkable, "preferred": point.preferred}
            section = addresses if point.kind == "address" else points
            section.append({**about, **_leaf(state.stream, point.key, values.get(point.key))})
        for name in sorted(values):
            root = name.partition("/")[0]
            if values[name].value is None or name in known or root in DOCUMENTS or _is_point(state, name):
                continue
            leaf = _leaf(state.stream, name, values[name])
            if root in NAMES:
                names.append({"part": NAMES[root], **leaf})
            else:
                more.append(leaf)
    return {"names": names, "contact_points": points, "addresses": addresses, "more": more}


def _points(state: StreamState) -> dict[str, ContactPoint]:
    """By their keys. Those of a party reference whose value another service learned are shown where it lies."""
    found = {leaf.value.key: leaf.value for leaf in state.body.contact_points} if state.body is not None else {}
    for each in state.party.points if state.party is not None else ():
        told = each.described.value
        if told.origin is None and each.checked.value.state != "retired":
            found[each.key] = ContactPoint(each.key, told.kind, told.valid, told.linkable, each.preferred)
    return found


def _is_point(state: StreamState, name: str) -> bool:
    """A retired contact point is shown nowhere else, either."""
    return state.party is not None and any(each.key == name for each in state.party.points)


def _leaf(stream: str, name: str, value: PersonalValue | None) -> dict[str, object]:
    return {
        "stream": stream,
        "field": name,
        "value": value.value if value else None,
        "source": value.source if value else None,
        "recorded_at": value.recorded_at if value else None,
        "verified_at": value.verified_at if value else None,
        "learned_later": value.later if value else False,
    }
