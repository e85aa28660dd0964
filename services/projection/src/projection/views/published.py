"""What was published of customers, as the store has it: many streams in one query, for the composer."""

from collections.abc import Sequence

from roadbook.database import Connection

_EVENTS = "SELECT stream, type, data FROM events WHERE stream = ANY($1::text[]) ORDER BY stream, version"


async def events_of(connection: Connection, streams: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """stream -> (type, data) of its events in version order; a stream without any is left out."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await connection.fetch(_EVENTS, list(streams)):
        found.setdefault(row["stream"], []).append((row["type"], row["data"]))
    return found
