"""The lifetime record: a pure function of streams, links, personal data, rules and a date.

Nothing here depends on the order in which anything arrived. The facts are hashed; personal data stand outside.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime

import orjson

from projection.domain.components import Link, joined
from projection.domain.facts import Leaf, evidence
from projection.domain.ownership import events_of
from projection.domain.personal import PersonalData, identity
from projection.domain.rules import Rules
from projection.domain.sections import (
    accessories,
    bought,
    consents,
    contracts,
    intent,
    journey,
    next_change,
    opportunities,
    overdue,
    owner_kind,
    parties,
    profile,
    purchases,
    quotes,
    recorded,
    relationships,
    responsibility,
    restrictions,
    trade_ins,
    vehicles,
    verification,
)
from projection.domain.stage import Headline, Stage, stage_of
from projection.domain.streams.lead import LeadState
from projection.domain.streams.stream import StreamState


@dataclass(frozen=True, slots=True)
class Record:
    """`facts` is a tree of leaves (see `why`), though the stage stands there plain (see `explained`), `identity` the
    personal section. `version` counts the events it is made of, `open_leads` and `overdue` what is to be done. `seen`
    names the personal values that were looked at: (stream, field, version)."""

    customer_id: str
    party_refs: tuple[str, ...]
    version: int
    rules: str
    at: datetime
    stage: Stage
    open_leads: int
    overdue: int
    facts: dict[str, object]
    identity: dict[str, object]
    seen: tuple[tuple[str, str, int], ...]


def derive(
    streams: Iterable[StreamState], links: Iterable[Link], personal: PersonalData, rules: Rules, at: datetime
) -> tuple[Record, datetime | None]:
    """The record of one customer as one viewer sees it, and when time alone will change it next (None: never).

    `streams` are those the viewer may see, all of one component and at least one; of `links` and `personal` only what
    concerns these streams is looked at.
    """
    ordered = sorted(
        (state for state in streams if state.party_ref is not None), key=lambda state: (state.stream, state.party_ref)
    )
    refs = sorted({state.party_ref for state in ordered if state.party_ref is not None})
    leads = [(state, state.body) for state in ordered if state.body is not None and state.body.captured is not None]
    to_do = [lead.pending for _, lead in leads if lead.open]
    stage = stage_of(ordered, rules, at)
    head = _head(ordered, refs, links, stage, rules)
    record = Record(
        customer_id=refs[0],
        party_refs=tuple(refs),
        version=_version(ordered),
        rules=rules.version,
        at=at,
        stage=stage,
        open_leads=len(to_do),
        overdue=sum(1 for action in to_do if action is not None and overdue(action, at)),
        facts={"head": head, **_sections(ordered, leads, at), **_sales(ordered, rules, at)},
        identity=identity(ordered, personal),
        seen=_seen(ordered, personal),
    )
    return record, next_change(ordered, rules, at)


def _head(
    streams: Sequence[StreamState], refs: Sequence[str], links: Iterable[Link], stage: Stage, rules: Rules
) -> dict[str, object]:
    by = joined(refs, links)
    leads = [state.body for state in streams if state.body is not None and state.body.captured is not None]
    return {
        "customer_id": refs[0],
        "party_refs": list(refs),
        "merged_from": [Leaf(ref, by[ref]) for ref in refs[1:] if ref in by],
        **_stage(stage.value),
        "completeness": _completeness(leads, rules),
        "record_version": _version(streams),
        "unknown_events": sum(state.unknown_events for state in streams),
        "rules": rules.version,
    }


def _version(streams: Sequence[StreamState]) -> int:
    """The events it is made of, each once: two references of one customer may have handed a vehicle to each other."""
    owned = events_of(each for state in streams for each in state.owned)
    return sum(state.version for state in streams if not state.owned) + len(owned)


def _sections(
    streams: Sequence[StreamState], leads: Sequence[tuple[StreamState, LeadState]], at: datetime
) -> dict[str, object]:
    known = [(state, state.party) for state in streams if state.party is not None]
    return {
        "contact_points": [leaf for _, lead in leads for leaf in lead.contact_points],
        "removed_contact_points": [leaf for _, lead in leads for leaf in lead.removed_points],
        "parties": parties(known),
        "owner_kind": owner_kind(known),
        "relationships": relationships(known),
        "verification": verification(known, streams),
        "consent": consents(streams),
        "restrictions": restrictions(streams),
        "profile": {**profile(leads), "recorded": recorded(known)},
        "responsibility": responsibility(streams, leads, at),
        "intent": intent(leads, at),
        "journey": journey(streams, leads, at),
    }


def _sales(streams: Sequence[StreamState], rules: Rules, at: datetime) -> dict[str, object]:
    had = bought(streams, rules, at)
    return {
        "opportunities": opportunities(streams),
        "quotes": quotes(streams, at),
        "contracts": contracts(streams),
        "purchases": purchases(had),
        "accessories": accessories(had),
        "trade_ins": trade_ins(streams, at),
        "vehicles": vehicles(had),
    }


def _seen(streams: Sequence[StreamState], personal: PersonalData) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (state.stream, name, values[name].version)
        for state in streams
        for values in [personal.get(state.stream, {})]
        for name in sorted(values)
    )


# ── Bytes ─────────────────────────────────────────────────────────────────────────────────────────────────────
def values(tree: object) -> object:
    """The tree as JSON values: leaves without their evidence, UTC times of one length, no floats (TypeError)."""
    kind = type(tree)
    if kind is Leaf:
        return values(tree.value)  # type: ignore[attr-defined]  # exact types: this is the hot path of every read
    if tree is None or kind is str or kind is int or kind is bool:
        return tree
    if kind is dict:
        return {key: values(item) for key, item in tree.items()}  # type: ignore[attr-defined]
    if kind is list or kind is tuple:
        return [values(item) for item in tree]  # type: ignore[attr-defined]
    if isinstance(tree, datetime):
        moment = tree if tree.tzinfo is UTC else tree.astimezone(UTC)
        return moment.isoformat(timespec="microseconds")[:-6] + "Z"
    if isinstance(tree, date):
        return tree.isoformat()
    if is_dataclass(tree):
        return {each.name: values(getattr(tree, each.name)) for each in fields(tree)}
    raise TypeError(f"no canonical form for {kind.__name__}")


def canonical(tree: object) -> bytes:
    """Sorted keys and nothing between: equal trees give equal bytes."""
    return _dumped(values(tree))


def _dumped(plain: object) -> bytes:
    """Of what has neither floats nor times both write the same bytes, one of them in a tenth of the time."""
    try:
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # it has limits, as integers of 64 bits
        return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def record_hash(facts: object) -> str:
    """64 hex digits over a record's facts, at its date and rules. Personal data are no part."""
    return hash_of(values(facts))


def hash_of(plain: object) -> str:
    """The same of facts that are `values` already: a large record is not walked twice."""
    return hashlib.sha256(_dumped(plain)).hexdigest()


def record_tag(hash_: str, record: Record) -> str:
    """Changes when anything the record shows does: its facts, or the version of a personal value (never the value)."""
    return hashlib.sha256(canonical([hash_, record.seen])).hexdigest()[:32]


def why(record: Record) -> dict[str, tuple[str, ...]]:
    """JSON Pointer of every fact leaf -> the ids of the events that made it."""
    return evidence(explained(record))


def explained(record: Record) -> dict[str, object]:
    """`facts` with the stage as leaves, too: their events are found by trial, which only who asks for them pays."""
    head = record.facts["head"]
    assert isinstance(head, dict)
    return {**record.facts, "head": {**head, **_stage(record.stage)}}


# ── Sections ──────────────────────────────────────────────────────────────────────────────────────────────────
def _stage(stage: Stage | Headline) -> dict[str, object]:
    """As leaves, or as plain values."""
    dormant = [] if stage.dormant is None else [{"overlay": "dormant", "since": stage.dormant}]
    return {"stage": stage.name, "stage_since": stage.since, "overlays": dormant}


def _completeness(leads: Sequence[LeadState], rules: Rules) -> dict[str, object]:
    """Percent of the rule's items that are known, rounded down, with the first event that tells each."""
    known: dict[str, str] = {}
    for lead in sorted(leads, key=_captured_at):  # leads come sorted by stream, and sorting is stable
        for item, event in _items(lead):
            known.setdefault(item, event)
    there = [item for item in rules.complete if item in known]
    return {
        "percent": 100 * len(there) // len(rules.complete),
        "known": [Leaf(item, (known[item],)) for item in there],
        "missing": [Leaf(item, _untold(item, leads)) for item in rules.complete if item not in known],
    }


def _untold(item: str, leads: Sequence[LeadState]) -> tuple[str, ...]:
    """The events that took it back. Removed contact points are named by themselves; only vehicles can be emptied."""
    if item != "model":
        return ()
    return tuple(dict.fromkeys(event for lead in leads if lead.named_vehicles for event in lead.vehicles.events))


def _captured_at(lead: LeadState) -> datetime:
    return lead.captured.value if lead.captured is not None else datetime.max.replace(tzinfo=UTC)


def _items(lead: LeadState) -> Iterable[tuple[str, str]]:
    for name in lead.personal_fields:
        if name.value in ("name", "family_name", "given_name"):
            yield "name", name.events[0]
    for point in lead.contact_points:
        if point.value.kind == "address":
            yield "address", point.events[0]
        elif point.value.valid:
            yield "contact_point", point.events[0]
    if any(vehicle.model or vehicle.vin for vehicle in lead.vehicles.value):
        yield "model", lead.vehicles.events[0]
    if lead.budget.value is not None:
        yield "budget", lead.budget.events[0]
    if lead.window.value is not None:
        yield "window", lead.window.events[0]
    if lead.region.value is not None:
        yield "region", lead.region.events[0]
    if lead.needs:
        yield "needs", lead.needs[0].events[0]
    for given in lead.consents:
        yield "consent", given.event
