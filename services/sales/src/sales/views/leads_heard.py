"""What sales has heard of leads, written in the transaction in which their events were read."""

from collections.abc import Iterable, Mapping, Sequence

from roadbook.database import Connection
from sales.domain.heard import Heard

_READ = "SELECT lead, version, party_ref, dealer, source, models, staff FROM leads_heard WHERE lead = ANY ($1)"
_SAVE = """
INSERT INTO leads_heard (lead, version, party_ref, dealer, source, models, staff) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (lead) DO UPDATE
SET version = excluded.version, party_ref = excluded.party_ref, dealer = excluded.dealer, source = excluded.source,
    models = excluded.models, staff = excluded.staff
WHERE leads_heard.version < excluded.version
"""


async def heard(connection: Connection, leads: Sequence[str]) -> Mapping[str, Heard]:
    """By the lead's stream; of those that were never heard of there is none."""
    rows = await connection.fetch(_READ, list(leads))
    return {row["lead"]: Heard(**{**dict(row), "models": tuple(row["models"])}) for row in rows}


async def save(connection: Connection, leads: Iterable[Heard]) -> None:
    """In the order of their names, so that two that write the same wait for each other in one direction only."""
    rows = [
        (each.lead, each.version, each.party_ref, each.dealer, each.source, list(each.models), each.staff)
        for each in sorted(leads, key=lambda each: each.lead)
    ]
    await connection.executemany(_SAVE, rows)
