"""Quotes as they stand now, and which of an opportunity's is accepted.

`accepted_quotes` follows from the quotes that stand: the first one accepted has the opportunity, and when it lets go
the place passes to one that waits. Among live commands none waits: it is refused (`is_the_accepted`). When old events
are put back, the rows become the same in whatever order the streams come.
"""

from collections.abc import Sequence
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.quote import Event, QuoteAccepted, QuoteExpired, QuoteIssued, QuoteWithdrawn
from sales.views.listing import Listing

LISTING = Listing("quotes", "quote", "issued_at", ("dealer", "state", "staff", "opportunity", "party_ref"))

_ISSUED = """
INSERT INTO quotes (quote, party_ref, dealer, opportunity, currency, total, vehicles, staff, state, issued_at,
                    valid_until, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'issued', $9, $10, $11)
"""
_ACCEPTED = "UPDATE quotes SET state = 'accepted', accepted_at = $2, version = $3 WHERE quote = $1"
_CLOSED = "UPDATE quotes SET state = $2, reason = $3, closed_at = $4, version = $5 WHERE quote = $1"
_LET_GO = "DELETE FROM accepted_quotes WHERE quote = $1"
_TAKE = """
INSERT INTO accepted_quotes (opportunity, quote)
SELECT opportunity, quote FROM quotes
WHERE opportunity = (SELECT opportunity FROM quotes WHERE quote = $1) AND state = 'accepted'
ORDER BY accepted_at, quote LIMIT 1
ON CONFLICT DO NOTHING
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters. Refuses nothing."""
    for recorded, event in told:
        id_, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case QuoteIssued() as e:
                vehicles = sum(line.quantity for line in e.lines if line.kind == "vehicle")
                await connection.execute(
                    _ISSUED, id_, e.party_ref, e.dealer, e.opportunity, e.currency, e.total, vehicles, e.staff, e.at,
                    e.valid_until, version,
                )  # fmt: skip
            case QuoteAccepted(at=at):
                await connection.execute(_ACCEPTED, id_, at, version)
                await connection.execute(_TAKE, id_)
            case QuoteExpired(at=at):
                await connection.execute(_CLOSED, id_, "expired", None, at, version)
            case QuoteWithdrawn(reason=reason, at=at):
                await connection.execute(_CLOSED, id_, "withdrawn", reason, at, version)
                await connection.execute(_LET_GO, id_)
                await connection.execute(_TAKE, id_)


_IS_THE_ACCEPTED = "SELECT EXISTS (SELECT FROM accepted_quotes WHERE quote = $1)"


async def is_the_accepted(connection: Connection, quote: UUID) -> bool:
    """Whether its opportunity has accepted this one and no other."""
    return bool(await connection.fetchval(_IS_THE_ACCEPTED, quote))


async def locked_state(connection: Connection, quote: UUID) -> str | None:
    """How it stands, and stays until the transaction is over."""
    state: str | None = await connection.fetchval("SELECT state FROM quotes WHERE quote = $1 FOR UPDATE", quote)
    return state
