"""Opportunities as they stand now."""

from collections.abc import Sequence
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.opportunity import (
    Event,
    OpportunityAssigned,
    OpportunityLost,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from sales.views.listing import Listing

LISTING = Listing(
    "opportunities", "opportunity", "opened_at", ("dealer", "state", "staff", "party_ref", "lead", "tender", "source")
)

_OPENED = """
INSERT INTO opportunities (opportunity, party_ref, dealer, lead, source, models, staff, owner_kind, tender, state,
                           opened_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11)
"""
_ASSIGNED = "UPDATE opportunities SET staff = $2, version = $3 WHERE opportunity = $1"
_STATE = "UPDATE opportunities SET state = $2, reason = $3, closed_at = $4, version = $5 WHERE opportunity = $1"


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters."""
    for recorded, event in told:
        id_, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case OpportunityOpened() as e:
                await connection.execute(
                    _OPENED, id_, e.party_ref, e.dealer, e.lead, e.source, list(e.models), e.staff, e.owner_kind,
                    e.tender, e.at, version,
                )  # fmt: skip
            case OpportunityAssigned(staff=staff):
                await connection.execute(_ASSIGNED, id_, staff, version)
            case OpportunityWon(at=at):
                await connection.execute(_STATE, id_, "won", None, at, version)
            case OpportunityLost(reason=reason, at=at):
                await connection.execute(_STATE, id_, "lost", reason, at, version)
            case OpportunityReopened(at=at):
                await connection.execute(_STATE, id_, "open", None, None, version)


_KNOWN = """
SELECT EXISTS (SELECT FROM opportunities WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))
    OR EXISTS (SELECT FROM leads_heard WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))
    OR EXISTS (SELECT FROM used_sales WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))
    OR EXISTS (SELECT FROM accessory_sales WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))
    OR EXISTS (SELECT FROM trade_ins WHERE party_ref = $1 AND ($2::text IS NULL OR dealer = $2))
"""


async def party_known(connection: Connection, party_ref: str, dealer: str | None) -> bool:
    """Whether `dealer` (None: anybody) has a lead or an opportunity of this party, sold it a used vehicle or
    accessories, or appraised its old one."""
    return bool(await connection.fetchval(_KNOWN, party_ref, dealer))
