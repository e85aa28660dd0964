"""The audit of what is read through shares (C05): append-only, written before the answer is given."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from roadbook.database import Connection


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, when (business time), and by which request. `dealer` None is headquarters, which sees all."""

    dealer: str | None
    at: datetime
    actor: str
    route: str
    correlation: str


_NOTE = """
INSERT INTO shared_reads (stream, at, dealer, actor, scope, route, correlation)
SELECT u.stream, $3, $4, $5, u.scope, $6, $7 FROM unnest($1::text[], $2::text[]) AS u (stream, scope)
"""


async def note(connection: Connection, viewer: Viewer, shown: Collection[tuple[str, str]]) -> None:
    """That `viewer` is about to be shown something of these streams, each with the scope of its share. Whoever calls
    answers only after this has returned: outside a transaction it is committed then."""
    if not shown:
        return
    ordered = sorted(shown)
    await connection.execute(
        _NOTE,
        [stream for stream, _ in ordered],
        [scope for _, scope in ordered],
        viewer.at,
        viewer.dealer,
        viewer.actor,
        viewer.route,
        viewer.correlation,
    )


_HOLDS = "SELECT EXISTS (SELECT FROM stream_states WHERE stream = $1 AND ($2::text IS NULL OR dealer = $2))"

_READS = """
SELECT id, stream, at, dealer, actor, scope, route, correlation FROM shared_reads
WHERE stream = $1 AND id > $2 ORDER BY id LIMIT $3
"""


async def holds(connection: Connection, stream: str, dealer: str | None) -> bool:
    """Whether `dealer` holds the stream now (None: whether there is such a stream)."""
    return bool(await connection.fetchval(_HOLDS, stream, dealer))


async def reads(connection: Connection, stream: str, after: int, size: int) -> list[asyncpg.Record]:
    """In the order in which they were written, from `after` on."""
    return await connection.fetch(_READS, stream, after, size)
