"""Lists of a table, newest first by a moment and an id that never change, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from roadbook.database import Connection

Key = tuple[datetime, UUID]
"""Where a page ends: (moment, id)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """`columns` may be asked for by what stands in them. `name`: what answers call the id, if not as its column."""

    table: str
    id: str
    moment: str
    columns: tuple[str, ...]
    name: str = ""


def query(listing: Listing, wanted: Mapping[str, Any], after: Key | None, limit: int) -> tuple[str, list[Any]]:
    """The statement and its arguments; only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []
    for column in listing.columns:
        if wanted.get(column) is not None:
            arguments.append(wanted[column])
            conditions.append(f"{column} = ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"({listing.moment}, {listing.id}) < (${len(arguments) - 1}, ${len(arguments)})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    order = f"ORDER BY {listing.moment} DESC, {listing.id} DESC LIMIT $1"
    return f"SELECT * FROM {listing.table} {where}{order}", arguments


async def rows(
    connection: Connection, listing: Listing, wanted: Mapping[str, Any], after: Key | None, limit: int
) -> list[dict[str, Any]]:
    """At most `limit` rows after the key. What is None in `wanted` is not asked for."""
    statement, arguments = query(listing, wanted, after, limit)
    return [dict(row) for row in await connection.fetch(statement, *arguments)]
