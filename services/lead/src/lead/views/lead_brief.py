"""What other streams ask of a lead before they decide: who holds it, whose it is, and whether it takes news."""

from dataclasses import dataclass
from uuid import UUID

from roadbook.database import Connection

_BRIEF = """
SELECT party_ref, dealer, state = 'open' AS open FROM leads WHERE lead_id = $1 AND ($2::text IS NULL OR dealer = $2)
"""


@dataclass(frozen=True, slots=True)
class LeadBrief:
    lead: str
    party_ref: str
    dealer: str | None
    open: bool


async def brief(connection: Connection, lead: str, dealer: str | None) -> LeadBrief | None:
    """The lead if `dealer` holds it (None: headquarters, whoever holds it). As committed: the row is the append's."""
    row = await connection.fetchrow(_BRIEF, UUID(lead), dealer)
    return None if row is None else LeadBrief(lead, *row)
