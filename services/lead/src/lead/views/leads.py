"""The list of leads, written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lead.domain.lead import (
    Event,
    FollowUpMissed,
    FollowUpScheduled,
    LeadCaptured,
    LeadEnriched,
    LeadLost,
    LeadQualified,
    LeadReopened,
    VehicleInterest,
)
from roadbook.database import Connection
from roadbook.events import Recorded

LeadKey = tuple[datetime, UUID]
"""Where a page of leads ends: (captured_at, lead_id)."""


# ── The list of leads ─────────────────────────────────────────────────────────────────────────────────────────
_INSERT = """
INSERT INTO leads (lead_id, party_ref, dealer, state, grade, source, models, next_action_kind, next_action_due,
                   next_action_assignee, overdue, captured_at, updated_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

# A command touches few columns: $n says whether the group after it changes.
_UPDATE = """
UPDATE leads SET
    dealer = $2, state = coalesce($3, state), grade = coalesce($4, grade), models = coalesce($5, models),
    next_action_kind = CASE WHEN $6 THEN $7 ELSE next_action_kind END,
    next_action_due = CASE WHEN $6 THEN $8 ELSE next_action_due END,
    next_action_assignee = CASE WHEN $6 THEN $9 ELSE next_action_assignee END,
    overdue = coalesce($10, overdue), updated_at = $11, version = $12
WHERE lead_id = $1
"""

_ACTION = ("next_action_kind", "next_action_due", "next_action_assignee")


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """One statement for all events of one command; a recovery hands over many streams at once."""
    streams: dict[str, list[tuple[Recorded, Event]]] = {}
    for recorded, event in told:
        streams.setdefault(recorded.stream, []).append((recorded, event))
    for events in streams.values():
        await _apply(connection, events)


async def _apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    changes: dict[str, Any] = {}
    for _, event in told:
        changes |= _changes(event)
    first, last = told[0][0], told[-1][0]
    lead_id = UUID(last.stream.partition("/")[2])
    action = [changes.get(name) for name in _ACTION]
    overdue = changes.get("overdue")
    if first.version == 1:
        captured = changes["captured"]
        await connection.execute(
            _INSERT, lead_id, captured.party_ref, last.labels.dealer, changes.get("state", "open"),
            changes.get("grade"), captured.source, changes.get("models", []), *action, bool(overdue),
            captured.at, last.recorded, last.version,
        )  # fmt: skip
        return
    await connection.execute(
        _UPDATE, lead_id, last.labels.dealer, changes.get("state"), changes.get("grade"), changes.get("models"),
        _ACTION[0] in changes, *action, overdue, last.recorded, last.version,
    )  # fmt: skip


def _changes(event: Event) -> dict[str, Any]:
    match event:
        case LeadCaptured():
            return {"captured": event, "state": "open", "models": _models(event.vehicles)}
        case LeadEnriched(vehicles=vehicles) if vehicles is not None:
            return {"models": _models(vehicles)}
        case LeadQualified(grade=grade):
            return {"grade": grade}
        case FollowUpScheduled(kind=kind, due=due, assignee=assignee):
            return {**dict(zip(_ACTION, (kind, due, assignee), strict=True)), "overdue": False}
        case FollowUpMissed():
            return {"overdue": True}
        case LeadLost():
            return {"state": "lost", **dict.fromkeys(_ACTION), "overdue": False}
        case LeadReopened():
            return {"state": "open"}
    return {}


def _models(vehicles: Sequence[VehicleInterest]) -> list[str]:
    return list(dict.fromkeys(vehicle.model for vehicle in vehicles if vehicle.model is not None))


@dataclass(frozen=True, slots=True)
class LeadRow:
    lead_id: UUID
    party_ref: str
    dealer: str | None
    state: str
    grade: str | None
    source: str
    models: tuple[str, ...]
    next_action_kind: str | None
    next_action_due: datetime | None
    next_action_assignee: str | None
    overdue: bool
    captured_at: datetime
    updated_at: datetime
    version: int


def leads_query(
    dealer: str | None, state: str | None, grade: str | None, after: LeadKey | None, limit: int
) -> tuple[str, list[Any]]:
    """The statement and its arguments; only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []
    for column, value in (("dealer", dealer), ("state", state), ("grade", grade)):
        if value is not None:
            arguments.append(value)
            conditions.append(f"{column} = ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"(captured_at, lead_id) < (${len(arguments) - 1}, ${len(arguments)})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM leads {where}ORDER BY captured_at DESC, lead_id DESC LIMIT $1", arguments


async def leads(
    connection: Connection,
    *,
    dealer: str | None,
    state: str | None,
    grade: str | None,
    after: LeadKey | None,
    limit: int,
) -> list[LeadRow]:
    """At most `limit` leads after the key, newest first. `dealer` None means every dealer's."""
    statement, arguments = leads_query(dealer, state, grade, after, limit)
    rows = await connection.fetch(statement, *arguments)
    return [LeadRow(**{**dict(row), "models": tuple(row["models"])}) for row in rows]


async def party_known(connection: Connection, party_ref: str, dealer: str | None) -> bool:
    """Whether a lead of this party is held by `dealer` (None: by anybody)."""
    sql = "SELECT EXISTS (SELECT 1 FROM leads WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))"
    return bool(await connection.fetchval(sql, party_ref, dealer))
