"""Personal data: erasable rows beside the events (DESIGN §7).

They are written with a command (`Order.personal`) and published by `roadbook.personal_relay`; this module reads them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from roadbook.database import Connection


@dataclass(frozen=True, slots=True)
class PersonalRow:
    """`value` is any JSON, None when it was removed; `version` never restarts."""

    key: str
    value: Any = field(repr=False)
    version: int
    source: str
    recorded_at: datetime
    verified_at: datetime | None


_OF_STREAM = """
SELECT key, value, version, source, recorded_at, verified_at FROM personal_data
WHERE party_ref = $1 AND starts_with(key, $2) ORDER BY key
"""


async def of_stream(connection: Connection, party_ref: str, stream: str) -> list[PersonalRow]:
    """The values that were learned with `stream`, removed ones included (value None)."""
    rows = await connection.fetch(_OF_STREAM, party_ref, stream + "/")
    return [
        PersonalRow(
            row["key"],
            None if row["value"] is None else orjson.loads(row["value"]),
            row["version"],
            row["source"],
            row["recorded_at"],
            row["verified_at"],
        )
        for row in rows
    ]
