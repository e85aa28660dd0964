"""Which references are one customer: pairs that are linked, and the map that is made of them."""

from collections.abc import Collection, Sequence
from typing import Any

from projection.domain import ownership
from projection.domain.components import Link, customers
from projection.domain.streams.link import LinkState
from projection.domain.streams.stream import StreamState
from roadbook.database import Connection

_LOCK = "UPDATE link_map SET rounds = rounds + 1"

_LINK = """
INSERT INTO links (smaller, larger, event) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (smaller, larger) DO UPDATE SET event = excluded.event
"""

_UNLINK = """
DELETE FROM links l USING unnest($1::text[], $2::text[]) AS u (smaller, larger)
WHERE l.smaller = u.smaller AND l.larger = u.larger
"""

# Everybody who is one customer with some; used as arrays, so that the planner starts from the few.
_MEMBERS = """
SELECT party_ref FROM customer_map
WHERE customer_id = ANY(ARRAY(SELECT customer_id FROM customer_map WHERE party_ref = ANY($1::text[])))
"""

_LINKS = "SELECT smaller, larger, event FROM links WHERE smaller = ANY($1::text[]) AND larger = ANY($1::text[])"

_FORGET = "DELETE FROM customer_map WHERE party_ref = ANY($1::text[])"

_MAP = """
WITH marked AS (INSERT INTO dirty (party_ref) SELECT unnest($3::text[]))
INSERT INTO customer_map (party_ref, customer_id) SELECT * FROM unnest($1::text[], $2::text[])
"""


async def lock(connection: Connection) -> None:
    """Held until the transaction ends."""
    await connection.execute(_LOCK)


async def apply(connection: Connection, states: Sequence[LinkState]) -> None:
    """Brings pairs, map and marks in step with these links, in the transaction that keeps their facts.

    The first statement takes the lock that the transaction holds to its end; each later one sees what others committed
    before. So of two that join three references the second one sees the first one's pair.
    """
    if not states:
        return
    await lock(connection)
    ordered = sorted(states, key=lambda state: (state.smaller, state.larger))
    linked = [state for state in ordered if state.linked.value]
    parted = [state for state in ordered if not state.linked.value]
    await connection.execute(
        _LINK,
        [state.smaller for state in linked],
        [state.larger for state in linked],
        [state.linked.events[0] for state in linked],
    )
    await connection.execute(_UNLINK, [state.smaller for state in parted], [state.larger for state in parted])
    refs = {ref for state in ordered for ref in (state.smaller, state.larger)}
    refs |= {row["party_ref"] for row in await connection.fetch(_MEMBERS, sorted(refs))}
    owner = customers(refs, await among(connection, refs))
    several = set(owner.values()) & {owner[ref] for ref in refs if owner[ref] != ref}
    mapped = [ref for ref in sorted(refs) if owner[ref] in several]
    await connection.execute(_FORGET, sorted(refs))
    await connection.execute(_MAP, mapped, [owner[ref] for ref in mapped], sorted(refs))


async def among(connection: Connection, refs: Collection[str]) -> list[Link]:
    """The links both ends of which are among these."""
    if len(refs) < 2:
        return []
    rows = await connection.fetch(_LINKS, sorted(refs))
    return [Link(row["smaller"], row["larger"], row["event"]) for row in rows]


# ── Streams of several references ─────────────────────────────────────────────────────────────────────────────
def referring(first: int) -> str:
    """The part of a statement that keeps whose streams these are that belong to several references."""
    columns = ", ".join(f"${first + n}::{kind}[]" for n, kind in enumerate(("text", "int", "text", "text")))
    return f""", referred AS (
    INSERT INTO stream_refs (stream, version, party_ref, dealer) SELECT * FROM unnest({columns})
    ON CONFLICT (stream, version, party_ref) DO NOTHING
)"""


def refs_of(states: Sequence[StreamState]) -> list[list[Any]]:
    kept = [(state.stream, *ref) for state in states for ref in ownership.refs(state)]
    return [[entry[column] for entry in kept] for column in range(4)]
