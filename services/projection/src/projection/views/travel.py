"""What looking back takes: everything that was ever linked, single facts, and what speaks of a vehicle."""

from collections.abc import Collection, Sequence

import asyncpg

from roadbook.database import Connection

# A link's stream has both its ends as its references. Each step starts from the few that are known.
_EVER = """
WITH RECURSIVE reached(ref) AS (
    SELECT unnest($1::text[])
    UNION
    SELECT l.other FROM reached r CROSS JOIN LATERAL (
        SELECT o.party_ref AS other FROM stream_refs s JOIN stream_refs o ON o.stream = s.stream
        WHERE s.party_ref = r.ref AND s.stream >= 'link/' AND s.stream < 'link0'
    ) l
)
SELECT ref FROM reached
"""

_STREAMS = """
SELECT DISTINCT stream FROM stream_refs
WHERE party_ref = ANY($1::text[]) AND stream >= 'link/' AND stream < 'link0' ORDER BY stream
"""


async def ever_linked(connection: Connection, refs: Collection[str]) -> list[str]:
    """All references that are, were or might have been one customer with these."""
    return [row["ref"] for row in await connection.fetch(_EVER, sorted(refs))]


async def link_streams(connection: Connection, refs: Collection[str]) -> list[str]:
    """The streams of links that have one of these at an end."""
    return [row["stream"] for row in await connection.fetch(_STREAMS, sorted(refs))]


_BY_ID = """
SELECT stream, version, id, type, time, recorded, data, party_ref, dealer, actor
FROM facts WHERE id = ANY($1::text[]) AND stream = ANY($2::text[])
"""
_OF_VIN = "SELECT DISTINCT stream FROM facts WHERE vin = $1 AND (stream LIKE 'order/%' OR stream LIKE 'tradein/%')"


async def facts_by_id(connection: Connection, ids: Sequence[str], streams: Sequence[str]) -> list[asyncpg.Record]:
    return await connection.fetch(_BY_ID, list(ids), list(streams))


async def streams_of_vin(connection: Connection, vin: str) -> list[str]:
    """The orders and trade-ins that ever spoke of it."""
    return [row["stream"] for row in await connection.fetch(_OF_VIN, vin)]
