"""The list of leads, written in the append's transaction: a row per lead, beside it protections and shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from lead.domain.lead import (
    Event,
    FollowUpCompleted,
    FollowUpMissed,
    FollowUpScheduled,
    LeadAccepted,
    LeadCaptured,
    LeadConverted,
    LeadDeclined,
    LeadEnriched,
    LeadFeedbackOverdue,
    LeadLost,
    LeadProtected,
    LeadQualified,
    LeadReassigned,
    LeadRecycled,
    LeadReleasedToPool,
    LeadReopened,
    LeadRestored,
    LeadRouted,
    LeadScored,
    LeadStatusReported,
    VehicleInterest,
)
from lead.views import holding
from roadbook.database import Connection
from roadbook.events import Recorded


@dataclass(frozen=True, slots=True)
class _Column:
    """What stood in this column before."""

    name: str


@dataclass(frozen=True, slots=True)
class _Planned:
    """Who does the next action, if there is one: what is closed has none."""

    staff: str


_ACTION = ("next_action_kind", "next_action_due", "next_action_assignee")
_NO_ACTION: Mapping[str, Any] = {**dict.fromkeys(_ACTION), "overdue": False}
_LEFT: Mapping[str, Any] = {"accept_by": None, "owner": None, "pooled": False, "feedback_overdue": False}
_CLOSED: Mapping[str, Any] = {**_NO_ACTION, "pooled": False}


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """One row for all events of a lead; an import or a recovery hands over many leads at once."""
    streams: dict[str, list[tuple[Recorded, Event]]] = {}
    for recorded, event in told:
        streams.setdefault(recorded.stream, []).append((recorded, event))
    new: dict[str, list[Mapping[str, Any]]] = {}
    known: dict[str, list[list[Any]]] = {}
    for stream, events in streams.items():
        lead_id, changes = stream.partition("/")[2], _all_changes(events)
        if events[0][0].version == 1:
            sql, row = _insert(changes)
            new.setdefault(sql, []).append({"lead_id": lead_id, **row})
        else:
            sql, arguments = _update(changes)
            known.setdefault(sql, []).append([UUID(lead_id), *arguments])
    for sql, rows in new.items():
        await connection.execute(sql, orjson.dumps(rows).decode())
    for sql, many in known.items():
        await connection.executemany(sql, many)
    await holding.apply(connection, told)


def _all_changes(told: Sequence[tuple[Recorded, Event]]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for _, event in told:
        # Of several first contacts the first counts, here as in the statement.
        first_contact = changes.get("first_contact_at")
        changes |= _changes(event, changes)
        if first_contact is not None:
            changes["first_contact_at"] = first_contact
    first, last = told[0][0], told[-1][0]
    changes |= {"dealer": last.labels.dealer, "updated_at": last.recorded, "version": last.version}
    if first.version == 1:
        changes["received_at"] = first.recorded
    return changes


def _insert(changes: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A lead that was captured: what its other events refer to as before is what the capture says. One statement takes
    all rows of the same columns, as JSON: a statement for each cost an import an eighth of its time."""
    values = {"overdue": False, **changes}
    row = {name: value for name, value in values.items() if not isinstance(value, _Column | _Planned)}
    columns = ", ".join(["lead_id", *sorted(row)])
    return f"INSERT INTO leads ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::leads, $1)", row


def _update(changes: Mapping[str, Any]) -> tuple[str, list[Any]]:
    sets, arguments = [], []
    for name in sorted(changes):
        value = changes[name]
        if isinstance(value, _Column):
            sets.append(f"{name} = {value.name}")
            continue
        arguments.append(value.staff if isinstance(value, _Planned) else value)
        place = f"${len(arguments) + 1}"
        if isinstance(value, _Planned):
            place = f"CASE WHEN next_action_kind IS NOT NULL THEN {place} END"
        sets.append(f"{name} = coalesce({name}, {place})" if name == "first_contact_at" else f"{name} = {place}")
    return f"UPDATE leads SET {', '.join(sets)} WHERE lead_id = $1", arguments


def _changes(event: Event, so_far: Mapping[str, Any]) -> Mapping[str, Any]:
    match event:
        case LeadCaptured():
            return _captured(event)
        case LeadEnriched(vehicles=vehicles, region=region):
            learned = {} if vehicles is None else {"models": _models(vehicles)}
            return learned if region is None else {**learned, "region": region}
        case LeadQualified(grade=grade):
            return {"grade": grade}
        case LeadScored(points=points):
            return {"score": points}
        case LeadRouted(accept_by=by):
            return {**_LEFT, **dict(zip(_ACTION, ("accept", by, None), strict=True)), "overdue": False, "accept_by": by}
        case LeadAccepted(staff=staff):
            return {"accept_by": None, "owner": staff}
        case LeadDeclined() | LeadFeedbackOverdue(awaited="acceptance"):
            return _LEFT
        case LeadFeedbackOverdue() | LeadStatusReported():
            return {"feedback_overdue": isinstance(event, LeadFeedbackOverdue)}
        case LeadRecycled():
            return {**_CLOSED, "state": "recycled", "state_before": so_far.get("state", _Column("state"))}
        case LeadRestored():
            return {"state": so_far.get("state_before", _Column("state_before"))}
    return _worked(event, so_far)


def _worked(event: Event, so_far: Mapping[str, Any]) -> Mapping[str, Any]:
    match event:
        case FollowUpScheduled(kind=kind, due=due, assignee=assignee):
            action = {**dict(zip(_ACTION, (kind, due, assignee), strict=True)), "overdue": False}
            return action if assignee is None else {**action, "owner": assignee}
        case FollowUpMissed():
            return {"overdue": True}
        case FollowUpCompleted(at=at):
            return {**_NO_ACTION, "first_contact_at": at}
        case LeadProtected(staff=staff):
            return {"owner": staff, "pooled": False}
        case LeadReleasedToPool():
            return {"owner": None, "next_action_assignee": None, "pooled": True}
        case LeadReassigned(staff=staff):
            return {"owner": staff, "next_action_assignee": _planned(staff, so_far), "pooled": False}
        case LeadLost(at=at) | LeadConverted(at=at):
            return {**_CLOSED, "state": "lost" if isinstance(event, LeadLost) else "converted", "closed_at": at}
        case LeadReopened():
            return {"state": "open", "closed_at": None}
    return {}


def _planned(staff: str, so_far: Mapping[str, Any]) -> str | _Planned | None:
    if "next_action_kind" not in so_far:
        return _Planned(staff)
    return staff if so_far["next_action_kind"] is not None else None


def _captured(event: LeadCaptured) -> Mapping[str, Any]:
    return {
        "party_ref": event.party_ref,
        "state": "open",
        "source": event.source,
        "models": _models(event.vehicles),
        "region": event.region,
        "campaign": event.campaign,
        "captured_at": event.at,
    }


def _models(vehicles: Sequence[VehicleInterest]) -> list[str]:
    return list(dict.fromkeys(vehicle.model for vehicle in vehicles if vehicle.model is not None))
