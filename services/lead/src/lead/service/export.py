"""The list of leads as a whole, page by page: what a page shows is read at once, and nothing is held in between."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from lead.service.running import Service
from lead.views import export as views
from lead.views import lead_lists
from lead.views.lead_lists import LeadFilter, LeadKey, LeadRow
from roadbook.database import acquire

PAGE = 500


async def pages(
    service: Service, wanted: LeadFilter, own: str | None
) -> AsyncIterator[Sequence[tuple[LeadRow, Mapping[str, Any]]]]:
    """Leads, newest first, with name, phone and e-mail of those that `own` holds (None: headquarters) and of no other.
    The last page is the empty one. Raises `Unavailable`."""
    after: LeadKey | None = None
    while True:
        async with acquire(service.pool) as connection:
            rows = await lead_lists.leads(connection, wanted, after, PAGE)
            mine = [(f"lead/{row.lead_id}", row.party_ref) for row in rows if row.dealer == own]
            people = await views.contacts(connection, mine)
        yield [(row, people.get(f"lead/{row.lead_id}", {})) for row in rows]
        if not rows:
            return
        after = rows[-1].captured_at, rows[-1].lead_id
