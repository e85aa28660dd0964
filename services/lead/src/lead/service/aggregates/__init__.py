"""Every aggregate of the service as the shell sees it, and the read tables that follow its events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from lead.contract import CODECS
from lead.service.aggregates import campaign, group_buy, lead, media_spend, showroom_day, test_drive
from lead.views import campaigns, group_buys, leads, showroom_days, test_drives
from lead.views import media_spend as spend
from roadbook.commands import Aggregate
from roadbook.database import Connection
from roadbook.events import Recorded

AGGREGATES: Mapping[str, Aggregate[Any, Any, Any]] = {
    each.name: each
    for each in (
        lead.aggregate,
        campaign.aggregate,
        showroom_day.aggregate,
        media_spend.aggregate,
        test_drive.aggregate,
        group_buy.aggregate,
    )
}

_APPLY: Mapping[str, Callable[[Connection, Sequence[tuple[Recorded, Any]]], Awaitable[None]]] = {
    "lead": leads.apply,
    "campaign": campaigns.apply,
    "showroomday": showroom_days.apply,
    "mediaspend": spend.apply,
    "testdrive": test_drives.apply,
    "groupbuy": group_buys.apply,
}


async def apply_views(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The service's read tables, in the append's transaction; a recovery hands over many streams at once."""
    for kind, events in groupby(recorded, lambda event: event.stream.partition("/")[0]):
        codec = CODECS[kind]
        await _APPLY[kind](connection, [(event, codec.decode(event.type, event.data)) for event in events])
