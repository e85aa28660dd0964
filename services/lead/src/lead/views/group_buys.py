"""Group buys and who has joined, written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lead.domain.group_buy import (
    Event,
    GroupBuyClosed,
    GroupBuyJoined,
    GroupBuyLeft,
    GroupBuyOpened,
    GroupBuyThresholdReached,
)
from roadbook.database import Connection
from roadbook.events import Recorded

GroupKey = tuple[datetime, UUID]
"""Where a page ends: (opened_at, group_buy), or (joined_at, lead) of members."""

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_OPENED = """
INSERT INTO group_buys (group_buy, dealer, model, currency, price, places, threshold, closes_at, opened_at, members,
                        version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)
"""

_JOINED = """
WITH joined AS (INSERT INTO group_buy_members (group_buy, party_ref, lead, joined_at, event, correlation)
                VALUES ($1, $3, $4, $5, $6, $7))
UPDATE group_buys SET members = members + 1, version = $2 WHERE group_buy = $1
"""

_LEFT = """
WITH gone AS (DELETE FROM group_buy_members WHERE group_buy = $1 AND party_ref = $3)
UPDATE group_buys SET members = members - 1, version = $2 WHERE group_buy = $1
"""

_REACHED = "UPDATE group_buys SET reached_at = $3, version = $2 WHERE group_buy = $1"

_CLOSED = "UPDATE group_buys SET outcome = $3, closed_at = $4, version = $2 WHERE group_buy = $1"


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """One statement an event. Only the order within a stream matters."""
    for recorded, event in told:
        group, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case GroupBuyOpened(price=price):
                await connection.execute(
                    _OPENED, group, event.dealer, event.model, price.currency, price.minor, event.places,
                    event.threshold, event.closes_at, event.at, version,
                )  # fmt: skip
            case GroupBuyJoined(lead=lead, party_ref=ref, at=at):
                await connection.execute(
                    _JOINED, group, version, ref, UUID(lead), at, UUID(recorded.id), recorded.correlation
                )
            case GroupBuyLeft(party_ref=ref):
                await connection.execute(_LEFT, group, version, ref)
            case GroupBuyThresholdReached(at=at):
                await connection.execute(_REACHED, group, version, at)
            case GroupBuyClosed(outcome=outcome, at=at):
                await connection.execute(_CLOSED, group, version, outcome, at)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class GroupRow:
    group_buy: UUID
    dealer: str | None
    model: str
    currency: str
    price: int
    places: int
    threshold: int
    closes_at: datetime
    opened_at: datetime
    outcome: str | None
    closed_at: datetime | None
    reached_at: datetime | None
    members: int
    version: int


@dataclass(frozen=True, slots=True)
class MemberRow:
    lead: UUID
    party_ref: str
    dealer: str | None
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which group buys. `seen_by`: a dealer, which sees its own and the network's; None: headquarters, which sees all.
    `dealer`, `model`: None means any. `open_at`: only those that can still be joined then."""

    seen_by: str | None
    dealer: str | None = None
    model: str | None = None
    open_at: datetime | None = None


def groups_query(wanted: Wanted, after: GroupKey | None, limit: int) -> tuple[str, list[Any]]:
    """The statement and its arguments. A dealer's page is merged from two pages, each read from its index."""
    arguments: list[Any] = [limit]

    def bound(*values: Any) -> list[str]:
        arguments.extend(values)
        return [f"${len(arguments) - len(values) + n}" for n in range(1, len(values) + 1)]

    conditions = []
    if wanted.dealer is not None:
        conditions.append(f"dealer = {bound(wanted.dealer)[0]}")
    if wanted.model is not None:
        conditions.append(f"model = {bound(wanted.model)[0]}")
    if wanted.open_at is not None:
        conditions.append(f"outcome IS NULL AND closes_at > {bound(wanted.open_at)[0]}")
    if after is not None:
        conditions.append(f"(opened_at, group_buy) < ({', '.join(bound(*after))})")
    order = "ORDER BY opened_at DESC, group_buy DESC LIMIT $1"
    if wanted.seen_by is None:
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        return f"SELECT * FROM group_buys {where}{order}", arguments
    parts = [
        f"(SELECT * FROM group_buys WHERE {' AND '.join([whose, *conditions])} {order})"
        for whose in (f"dealer = {bound(wanted.seen_by)[0]}", "dealer IS NULL")
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS both_kinds {order}", arguments


async def groups(connection: Connection, wanted: Wanted, after: GroupKey | None, limit: int) -> list[GroupRow]:
    """At most `limit` group buys after the key, the last opened first."""
    statement, arguments = groups_query(wanted, after, limit)
    return [GroupRow(**dict(row)) for row in await connection.fetch(statement, *arguments)]


async def group(connection: Connection, id_: UUID, dealer: str | None) -> GroupRow | None:
    """The group buy if there is one and `dealer` (None: headquarters) may see it."""
    row = await connection.fetchrow("SELECT * FROM group_buys WHERE group_buy = $1", id_)
    if row is None or (dealer is not None and row["dealer"] not in (None, dealer)):
        return None
    return GroupRow(**dict(row))


_OWN = "FROM group_buy_members m JOIN leads l ON l.lead_id = m.lead WHERE m.group_buy = $1"


async def own_count(connection: Connection, id_: UUID, dealer: str | None) -> int:
    """How many of the members `dealer` holds the leads of now (None: headquarters, all of them)."""
    statement = f"SELECT count(*) {_OWN} AND ($2::text IS NULL OR l.dealer = $2)"
    return int(await connection.fetchval(statement, id_, dealer))


async def members(
    connection: Connection, id_: UUID, dealer: str | None, after: GroupKey | None, limit: int
) -> list[MemberRow]:
    """At most `limit` members after the key in the order they joined, of those whose leads `dealer` holds now."""
    arguments: list[Any] = [id_, limit]
    conditions = ""
    if dealer is not None:
        arguments.append(dealer)
        conditions += f" AND l.dealer = ${len(arguments)}"
    if after is not None:
        arguments += after
        conditions += f" AND (m.joined_at, m.lead) > (${len(arguments) - 1}, ${len(arguments)})"
    statement = (
        f"SELECT m.lead, m.party_ref, l.dealer, m.joined_at {_OWN}{conditions} ORDER BY m.joined_at, m.lead LIMIT $2"
    )
    return [MemberRow(**dict(row)) for row in await connection.fetch(statement, *arguments)]


_JOINED_BY = """
SELECT event, correlation FROM group_buy_members WHERE group_buy = $1 AND joined_at = $3 AND lead = $2
"""


async def joined_by(connection: Connection, id_: UUID, lead: UUID, at: datetime) -> tuple[str | None, str | None]:
    """(id, correlation) of the event with which the lead joined then; of a member that has left, nothing."""
    row = await connection.fetchrow(_JOINED_BY, id_, lead, at)
    return (None, None) if row is None else (str(row["event"]), row["correlation"])
