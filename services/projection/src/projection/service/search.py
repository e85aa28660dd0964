"""Finding customers, and who read what was shared."""

from dataclasses import dataclass

import asyncpg

from projection.contract import SearchKey
from projection.domain import sharing
from projection.views import records as views
from projection.views import search, shares
from projection.views.search import HEADQUARTERS
from projection.views.shares import Viewer
from roadbook.database import Pool, acquire
from roadbook.errors import NotFound


@dataclass(frozen=True, slots=True)
class Found:
    """`names` are the full names in the streams the viewer may see."""

    row: asyncpg.Record
    names: list[str]


async def find(pool: Pool, key: SearchKey, viewer: Viewer, after: str, size: int) -> tuple[list[Found], bool]:
    """Up to `size` customers by key in the order of their ids, and whether there are more; a name is looked up by its
    beginning, all else exactly. What is found through shares is on the audit when this returns."""
    async with acquire(pool) as connection:
        rows = await search.find(
            connection,
            scope_of(viewer),
            key.kind,
            key.key,
            viewer.at,
            prefix=key.kind == "name",
            after=after,
            size=size + 1,
        )
        more, rows = len(rows) > size, rows[:size]
        refs = [ref for row in rows for ref in row["party_refs"]]
        names = await views.names_of(connection, refs, viewer.dealer, viewer.at)
        shared = {pair for row in rows for pair in zip(row["granted"], row["granted_scopes"], strict=True)}
        shared |= {(name.shared, sharing.CONTACT) for name in names if name.shared is not None}
        await shares.note(connection, viewer, shared)
    return [
        Found(row, sorted({each.name for each in names if each.party_ref in row["party_refs"]})) for row in rows
    ], more


def scope_of(viewer: Viewer) -> str:
    return HEADQUARTERS if viewer.dealer is None else viewer.dealer


async def read_shared_reads(pool: Pool, stream: str, viewer: Viewer, after: int, size: int) -> list[asyncpg.Record]:
    """Who read the stream through a share. Raises `NotFound` unless the viewer's dealer holds it."""
    async with acquire(pool) as connection:
        if not await shares.holds(connection, stream, viewer.dealer):
            raise NotFound
        return await shares.reads(connection, stream, after, size)
