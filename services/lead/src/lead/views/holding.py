"""Who protects a customer, to whom a lead is shown, and how often others were told. Part of the list of leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lead.domain.lead import (
    CustomerShared,
    Event,
    FollowUpCompleted,
    LeadConverted,
    LeadDeclined,
    LeadFeedbackOverdue,
    LeadLost,
    LeadProtected,
    LeadProtectionExpired,
    LeadReassigned,
    LeadRecycled,
    LeadReleasedToPool,
    LeadRouted,
    LeadStatusReported,
    ShareRevoked,
    ShowroomVisitRecorded,
)
from roadbook.database import Connection
from roadbook.decider import Rejected
from roadbook.events import Recorded


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Event by event in the order given. Raises `Rejected("customer_protected")` when somebody else protects the
    customer, and nothing in `told` ends that: two leads of a party that were written at the same moment come back from
    a recovery the other way round, the protection before the release that it waited for."""
    waiting: dict[UUID, list[tuple[Recorded, Event]]] = {}
    for recorded, event in told:
        lead_id = UUID(recorded.stream.partition("/")[2])
        if lead_id in waiting or not await _apply(connection, lead_id, recorded, event):
            waiting.setdefault(lead_id, []).append((recorded, event))
    left = [each for events in waiting.values() for each in events]
    if left and len(left) == len(told):
        raise Rejected("customer_protected")
    if left:
        await apply(connection, left)


async def _apply(connection: Connection, lead_id: UUID, recorded: Recorded, event: Event) -> bool:
    """False: it cannot be applied, or not yet."""
    match event:
        case LeadProtected():
            return await _protect(connection, lead_id, recorded, event)
        case FollowUpCompleted() | ShowroomVisitRecorded() | LeadStatusReported():
            await connection.execute(_ACTIVE, lead_id, event.at, event.staff)
        case LeadReassigned(staff=staff):
            await connection.execute("UPDATE protections SET staff = $2 WHERE lead_id = $1", lead_id, staff)
        case CustomerShared(dealer=dealer, scope=scope, until=until):
            await connection.execute(_SHARE, lead_id, dealer, scope, until)
        case ShareRevoked(dealer=dealer):
            await connection.execute("DELETE FROM shares WHERE lead_id = $1 AND dealer = $2", lead_id, dealer)
        case LeadRouted() | LeadDeclined() | LeadFeedbackOverdue(awaited="acceptance"):
            await connection.execute(_UNPROTECT, lead_id)
            await connection.execute("DELETE FROM shares WHERE lead_id = $1", lead_id)
        case LeadProtectionExpired() | LeadReleasedToPool() | LeadLost() | LeadConverted() | LeadRecycled():
            await connection.execute(_UNPROTECT, lead_id)
    return True


# What a colleague does keeps it for nobody, and one that is over does not come back.
_ACTIVE = """
UPDATE protections SET until = greatest(until, $2::timestamptz + period)
WHERE lead_id = $1 AND staff = coalesce($3, staff) AND until > $2
"""
_UNPROTECT = "DELETE FROM protections WHERE lead_id = $1"
_SHARE = """
INSERT INTO shares (lead_id, dealer, scope, until) VALUES ($1, $2, $3, $4)
ON CONFLICT (lead_id, dealer) DO UPDATE SET scope = excluded.scope, until = excluded.until
"""
# One that has run out counts as none, though its timer may be late.
_PROTECT = """
INSERT INTO protections AS p (party_ref, lead_id, dealer, staff, until, period) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (party_ref) DO UPDATE SET lead_id = excluded.lead_id, dealer = excluded.dealer, staff = excluded.staff,
    until = excluded.until, period = excluded.period
WHERE p.lead_id = excluded.lead_id OR p.until <= $7
"""


async def _protect(connection: Connection, lead_id: UUID, recorded: Recorded, event: LeadProtected) -> bool:
    labels = recorded.labels
    done = await connection.execute(
        _PROTECT, labels.party_ref, lead_id, labels.dealer, event.staff, event.until, event.until - event.at, event.at
    )
    return done != "INSERT 0 0"


@dataclass(frozen=True, slots=True)
class Protector:
    dealer: str
    staff: str
    until: datetime


async def protector(connection: Connection, lead_id: UUID, now: datetime) -> Protector | None:
    """Who protects the customer of this lead now."""
    row = await connection.fetchrow(
        "SELECT p.dealer, p.staff, p.until FROM leads l JOIN protections p USING (party_ref) "
        "WHERE l.lead_id = $1 AND p.until > $2",
        lead_id,
        now,
    )
    return Protector(**row) if row is not None else None


_DISCLOSE = """
INSERT INTO disclosures AS d (dealer, hour, count) VALUES ($1, $2, 1)
ON CONFLICT (dealer, hour) DO UPDATE SET count = d.count + 1 WHERE d.count < $3
"""


async def disclose(connection: Connection, dealer: str, now: datetime, most: int) -> bool:
    """Counts one more answer to `dealer` in this hour; False: it had `most` of them already."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return await connection.execute(_DISCLOSE, dealer, hour, most) != "INSERT 0 0"


async def may_disclose(connection: Connection, dealer: str, now: datetime, most: int) -> bool:
    """Whether this hour has room for one more."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    sql = "SELECT count FROM disclosures WHERE dealer = $1 AND hour = $2"
    return int(await connection.fetchval(sql, dealer, hour) or 0) < most


async def forget_disclosures(connection: Connection, now: datetime) -> int:
    done = await connection.execute("DELETE FROM disclosures WHERE hour < $1", now - timedelta(days=1))
    return int(done.rpartition(" ")[2])


# ── Reads through a share ─────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ShareRead:
    """`what` is the route's operation."""

    no: int
    dealer: str
    actor: str
    what: str
    scope: str
    correlation: str
    at: datetime


async def note_read(
    connection: Connection,
    lead_ids: Sequence[UUID],
    dealer: str,
    actor: str,
    what: str,
    scopes: Sequence[str],
    correlation: str,
    at: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO share_reads (lead_id, dealer, actor, what, scope, correlation, at) "
        "SELECT u.lead_id, $2, $3, $4, u.scope, $6, $7 FROM unnest($1::uuid[], $5::text[]) AS u (lead_id, scope)",
        list(lead_ids), dealer, actor, what, list(scopes), correlation, at,
    )  # fmt: skip


async def share_reads(connection: Connection, lead_id: UUID, before: int | None, limit: int) -> list[ShareRead]:
    """Newest first, from below `before`."""
    rows = await connection.fetch(
        "SELECT no, dealer, actor, what, scope, correlation, at FROM share_reads "
        "WHERE lead_id = $1 AND ($2::bigint IS NULL OR no < $2) ORDER BY no DESC LIMIT $3",
        lead_id, before, limit,
    )  # fmt: skip
    return [ShareRead(**dict(row)) for row in rows]


async def shared_with(
    connection: Connection, dealer: str, now: datetime, after: UUID | None, limit: int
) -> list[tuple[UUID, str, datetime]]:
    """(lead, scope, until) of what others show this dealer now, by the lead's id."""
    rows = await connection.fetch(
        "SELECT s.lead_id, s.scope, s.until FROM shares s JOIN leads l USING (lead_id) "
        "WHERE s.dealer = $1 AND s.until > $2 AND l.state <> 'recycled' AND ($3::uuid IS NULL OR s.lead_id > $3) "
        "ORDER BY s.lead_id LIMIT $4",
        dealer, now, after, limit,
    )  # fmt: skip
    return [(row["lead_id"], row["scope"], row["until"]) for row in rows]
