"""Trade-ins as they stand now, written in the append's transaction."""

from collections.abc import Sequence
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.tradein import Event, TradeInAgreed, TradeInAppraised, TradeInDeclined, TradeInReceived
from sales.views.listing import Listing

LISTING = Listing("trade_ins", "trade_in", "appraised_at", ("dealer", "state", "vin", "party_ref", "order_id", "staff"))

_APPRAISED = """
INSERT INTO trade_ins (trade_in, party_ref, dealer, vin, model, staff, state, amount, currency, valid_until,
                       appraised_at, version)
VALUES ($1, $2, $3, $4, $5, $6, 'appraised', $7, $8, $9, $10, $11)
"""
_AGREED = """
UPDATE trade_ins SET state = 'agreed', amount = $2, currency = $3, order_id = $4, version = $5 WHERE trade_in = $1
"""
_CLOSED = "UPDATE trade_ins SET state = $2, closed_at = $3, version = $4 WHERE trade_in = $1"


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters."""
    for recorded, event in told:
        id_, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case TradeInAppraised() as e:
                await connection.execute(
                    _APPRAISED, id_, e.party_ref, e.dealer, e.vin, e.model, e.staff, e.amount, e.currency,
                    e.valid_until, e.at, version,
                )  # fmt: skip
            case TradeInAgreed(amount=amount, currency=currency, order=order):
                named = None if order is None else UUID(order.partition("/")[2])
                await connection.execute(_AGREED, id_, amount, currency, named, version)
            case TradeInReceived(at=at):
                await connection.execute(_CLOSED, id_, "received", at, version)
            case TradeInDeclined(at=at):
                await connection.execute(_CLOSED, id_, "declined", at, version)
