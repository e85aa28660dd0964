"""Contracts as they stand now, their lines, and which of an opportunity's stands (as `quotes` does it)."""

from collections.abc import Sequence
from uuid import UUID

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.domain.contract import ContractAmended, ContractCancelled, ContractLine, ContractSigned, Event
from sales.views.listing import Listing

LISTING = Listing(
    "contracts", "contract", "signed_at", ("dealer", "state", "staff", "opportunity", "party_ref", "tender")
)

_SIGNED = """
INSERT INTO contracts (contract, party_ref, dealer, opportunity, quote, currency, total, vehicles, procurement, tender,
                       staff, state, document_version, signed_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'signed', 1, $12, $13)
"""
_AMENDED = """
UPDATE contracts SET total = $2, vehicles = $3, document_version = $4, version = $5 WHERE contract = $1
"""
_CANCELLED = """
UPDATE contracts SET state = 'cancelled', reason = $2, cancelled_at = $3, version = $4 WHERE contract = $1
"""
_VERSION = "UPDATE contracts SET version = $2 WHERE contract = $1"
_LINE = "INSERT INTO contract_lines (contract, line, model, quantity, price) VALUES ($1, $2, $3, $4, $5)"
_TAKE = """
INSERT INTO standing_contracts (opportunity, contract)
SELECT opportunity, contract FROM contracts
WHERE opportunity = (SELECT opportunity FROM contracts WHERE contract = $1) AND state = 'signed'
ORDER BY signed_at, contract LIMIT 1
ON CONFLICT DO NOTHING
"""
_LET_GO = "DELETE FROM standing_contracts WHERE contract = $1"


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters. Refuses nothing."""
    for recorded, event in told:
        id_, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case ContractSigned() as e:
                await connection.execute(
                    _SIGNED, id_, e.party_ref, e.dealer, e.opportunity, e.quote, e.currency, e.total,
                    _vehicles(e.lines), e.procurement, e.tender, e.staff, e.at, version,
                )  # fmt: skip
                await _lines(connection, id_, e.lines)
                await connection.execute(_TAKE, id_)
            case ContractAmended() as e:
                await connection.execute(_AMENDED, id_, e.total, _vehicles(e.lines), e.document_version, version)
                await _lines(connection, id_, e.lines)
            case ContractCancelled(reason=reason, at=at):
                await connection.execute(_CANCELLED, id_, reason, at, version)
                await connection.execute(_LET_GO, id_)
                await connection.execute(_TAKE, id_)
            case _:
                await connection.execute(_VERSION, id_, version)


def _vehicles(lines: Sequence[ContractLine]) -> int:
    return sum(line.quantity for line in lines)


async def _lines(connection: Connection, contract: UUID, lines: Sequence[ContractLine]) -> None:
    await connection.execute("DELETE FROM contract_lines WHERE contract = $1", contract)
    rows = [(contract, line.line, line.model, line.quantity, line.price) for line in lines]
    await connection.executemany(_LINE, rows)


# ── What the rules over several streams ask; each locks the contract first, so that two that meet see each other ──
_STATE = "SELECT state FROM contracts WHERE contract = $1 FOR UPDATE"
_OVERDONE = """
SELECT EXISTS (
    SELECT FROM orders o LEFT JOIN contract_lines l ON l.contract = $1 AND l.line = o.line
    WHERE o.contract = 'contract/' || $1::uuid::text AND o.state <> 'cancelled'
    GROUP BY o.line, l.quantity, l.model
    HAVING count(*) > coalesce(l.quantity, 0) OR bool_or(o.model <> l.model)
)
"""
_DELIVERED = """
SELECT EXISTS (SELECT FROM orders WHERE contract = 'contract/' || $1::uuid::text AND state = 'delivered')
"""
_STANDS = "SELECT EXISTS (SELECT FROM standing_contracts WHERE contract = $1)"
_OF_QUOTE = "SELECT EXISTS (SELECT FROM contracts WHERE quote = $1 AND state = 'signed')"


async def locked_state(connection: Connection, contract: UUID) -> str | None:
    """How it stands, and stays until the transaction is over."""
    state: str | None = await connection.fetchval(_STATE, contract)
    return state


async def overdone(connection: Connection, contract: UUID) -> bool:
    """Whether more orders stand on a line than it has vehicles, or for another model."""
    return bool(await connection.fetchval(_OVERDONE, contract))


async def delivered(connection: Connection, contract: UUID) -> bool:
    return bool(await connection.fetchval(_DELIVERED, contract))


async def is_the_standing(connection: Connection, contract: UUID) -> bool:
    """Whether its opportunity has this contract and no other."""
    return bool(await connection.fetchval(_STANDS, contract))


async def quote_signed(connection: Connection, quote: str) -> bool:
    """Whether a standing contract names the quote (its stream)."""
    return bool(await connection.fetchval(_OF_QUOTE, quote))
