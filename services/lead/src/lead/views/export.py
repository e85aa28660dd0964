"""What an export tells of people: the values that came with each lead, for the lead's own dealer."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from roadbook.database import Connection

_FIRST = ("name", "phone/1", "email/1")


async def contacts(connection: Connection, leads: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, Any]]:
    """Of leads given as (stream, party reference): by stream, the values of its name, first phone and first e-mail."""
    pairs = [(party_ref, f"{stream}/{name}") for stream, party_ref in leads for name in _FIRST]
    rows = await connection.fetch(
        """
        SELECT p.key, p.value FROM unnest($1::text[], $2::text[]) AS w (party_ref, key)
        JOIN personal_data p USING (party_ref, key) WHERE p.value IS NOT NULL
        """,
        [party_ref for party_ref, _ in pairs],
        [key for _, key in pairs],
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        kind, id_, name = row["key"].split("/", 2)
        found.setdefault(f"{kind}/{id_}", {})[name] = orjson.loads(row["value"])
    return found
