"""Reading the list of leads: pages, exports, hand-over lists and figures."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from roadbook.database import Connection

LeadKey = tuple[datetime, UUID]
"""Where a page of leads ends: (captured_at, lead_id)."""


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
    region: str | None
    campaign: str | None
    owner: str | None
    accept_by: datetime | None
    feedback_overdue: bool
    pooled: bool
    score: int | None
    first_contact_at: datetime | None
    closed_at: datetime | None


_COLUMNS = ", ".join(field.name for field in fields(LeadRow))


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """None: any. `dealer` None is every dealer's; `unrouted` those without one. `due_from` is inclusive, `due_until`
    exclusive. `owner` is who works it."""

    dealer: str | None = None
    state: str | None = None
    grade: str | None = None
    source: str | None = None
    owner: str | None = None
    campaign: str | None = None
    region: str | None = None
    overdue: bool | None = None
    pooled: bool | None = None
    unrouted: bool | None = None
    unanswered: bool | None = None
    feedback_overdue: bool | None = None
    due_from: datetime | None = None
    due_until: datetime | None = None


_EQUAL = ("dealer", "state", "grade", "source", "owner", "campaign", "region")
_FLAGS = {
    "overdue": "overdue",
    "pooled": "pooled",
    "unrouted": "dealer IS NULL",
    "unanswered": "accept_by IS NOT NULL",
    "feedback_overdue": "feedback_overdue",
}


def leads_query(wanted: LeadFilter, after: LeadKey | None, limit: int) -> tuple[str, list[Any]]:
    """The statement and its arguments; only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []

    def place(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    for column in _EQUAL:
        value = getattr(wanted, column)
        if value is not None:
            conditions.append(f"{column} = {place(value)}")
    for name, condition in _FLAGS.items():
        flag = getattr(wanted, name)
        if flag is not None:
            conditions.append(condition if flag else f"NOT ({condition})")
    if wanted.due_from is not None:
        conditions.append(f"next_action_due >= {place(wanted.due_from)}")
    if wanted.due_until is not None:
        conditions.append(f"next_action_due < {place(wanted.due_until)}")
    if after is not None:
        conditions.append(f"(captured_at, lead_id) < ({place(after[0])}, {place(after[1])})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT {_COLUMNS} FROM leads {where}ORDER BY captured_at DESC, lead_id DESC LIMIT $1", arguments


async def leads(connection: Connection, wanted: LeadFilter, after: LeadKey | None, limit: int) -> list[LeadRow]:
    """At most `limit` leads after the key, newest first."""
    statement, arguments = leads_query(wanted, after, limit)
    return [_row(row) for row in await connection.fetch(statement, *arguments)]


def _row(row: Any) -> LeadRow:
    return LeadRow(**{**dict(row), "models": tuple(row["models"])})


async def by_id(connection: Connection, lead_ids: Sequence[UUID]) -> list[LeadRow]:
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM leads WHERE lead_id = ANY($1) ORDER BY captured_at DESC, lead_id DESC", list(lead_ids)
    )
    return [_row(row) for row in rows]


async def party_known(connection: Connection, party_ref: str, dealer: str | None) -> bool:
    """Whether a lead of this party is held by `dealer` (None: by anybody)."""
    sql = "SELECT EXISTS (SELECT 1 FROM leads WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))"
    return bool(await connection.fetchval(sql, party_ref, dealer))


async def load_by_dealer(connection: Connection) -> dict[str, int]:
    """Open leads of each dealer that has any."""
    rows = await connection.fetch(
        "SELECT dealer, count(*) AS leads FROM leads WHERE state = 'open' AND dealer IS NOT NULL GROUP BY dealer"
    )
    return {row["dealer"]: row["leads"] for row in rows}


_WORKED_BY = "(owner = $1 OR next_action_assignee = $1) AND ($2::text IS NULL OR dealer = $2)"


async def worked_by(
    connection: Connection, staff: str, dealer: str | None, limit: int
) -> list[tuple[UUID, str | None]]:
    """(lead, its dealer) of which `staff` is the owner or does the next action, at `dealer` (None: anywhere,
    headquarters too); closed ones too, for one that is reopened must not come back to somebody who has left."""
    rows = await connection.fetch(
        f"SELECT lead_id, dealer FROM leads WHERE {_WORKED_BY} ORDER BY lead_id LIMIT $3",
        staff, dealer, limit,
    )  # fmt: skip
    return [(row["lead_id"], row["dealer"]) for row in rows]


async def count_worked_by(connection: Connection, staff: str, dealer: str | None) -> int:
    return int(await connection.fetchval(f"SELECT count(*) FROM leads WHERE {_WORKED_BY}", staff, dealer))


async def hand_over(
    connection: Connection, staff: str, dealer: str | None, after: LeadKey | None, limit: int
) -> list[tuple[LeadRow, datetime | None]]:
    """What `staff` leaves behind, newest first, each with the end of its protection."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}, (SELECT until FROM protections p WHERE p.lead_id = leads.lead_id) AS protected_until
        FROM leads
        WHERE {_WORKED_BY} AND state = 'open'
          AND (captured_at, lead_id)
              < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        ORDER BY captured_at DESC, lead_id DESC LIMIT $5
        """,
        staff, dealer, *(after or (None, None)), limit,
    )  # fmt: skip
    found = []
    for row in rows:
        values = dict(row)
        until = values.pop("protected_until")
        found.append((LeadRow(**{**values, "models": tuple(values["models"])}), until))
    return found


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────
_FIGURES = """
WITH chosen AS MATERIALIZED (
    SELECT state, grade, source, dealer, overdue, feedback_overdue, pooled, accept_by, received_at, first_contact_at
    FROM leads
    WHERE ($1::text IS NULL OR dealer = $1)
      AND captured_at >= coalesce($2::timestamptz, '-infinity') AND captured_at < coalesce($3::timestamptz, 'infinity')
)
SELECT
    (SELECT count(*) FROM chosen) AS leads,
    (SELECT coalesce(json_object_agg(state, n), '{}')
     FROM (SELECT state, count(*) AS n FROM chosen GROUP BY 1 ORDER BY 1) s) AS by_state,
    (SELECT coalesce(json_object_agg(coalesce(grade, 'ungraded'), n), '{}')
     FROM (SELECT grade, count(*) AS n FROM chosen GROUP BY 1 ORDER BY 1) g) AS by_grade,
    (SELECT coalesce(json_object_agg(source, n), '{}')
     FROM (SELECT source, count(*) AS n FROM chosen GROUP BY 1 ORDER BY 1) o) AS by_source,
    (SELECT coalesce(json_object_agg(coalesce(dealer, 'unrouted'), n), '{}')
     FROM (SELECT dealer, count(*) AS n FROM chosen GROUP BY 1 ORDER BY 1) d) AS by_dealer,
    (SELECT count(*) FROM chosen WHERE state = 'open' AND overdue) AS overdue,
    (SELECT count(*) FROM chosen WHERE state = 'open' AND feedback_overdue) AS feedback_overdue,
    (SELECT count(*) FROM chosen WHERE state = 'open' AND accept_by IS NOT NULL) AS unanswered,
    (SELECT count(*) FROM chosen WHERE state = 'open' AND pooled) AS pooled,
    (SELECT count(*) FROM chosen WHERE first_contact_at IS NOT NULL) AS contacted,
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM first_contact_at - received_at))::bigint
     FROM chosen WHERE first_contact_at IS NOT NULL) AS median_seconds_to_first_contact
"""


async def figures(
    connection: Connection, dealer: str | None, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """Counts over the leads captured in [since, until); the objects as JSON text."""
    row = await connection.fetchrow(_FIGURES, dealer, since, until)
    assert row is not None  # an aggregate always has a row
    return dict(row)
