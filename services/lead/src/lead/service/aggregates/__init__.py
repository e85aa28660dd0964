"""Every aggregate of the service as the shell sees it, and the read tables that follow its events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from lead.contract import CODECS
from lead.service.aggregates import lead
from lead.views import leads
from roadbook.commands import Aggregate
from roadbook.database import Connection
from roadbook.events import Recorded

AGGREGATES: Mapping[str, Aggregate[Any, Any, Any]] = {each.name: each for each in (lead.aggregate,)}

_APPLY: Mapping[str, Callable[[Connection, Sequence[tuple[Recorded, Any]]], Awaitable[None]]] = {"lead": leads.apply}


async def apply_views(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The service's read tables, in the append's transaction; a recovery hands over many streams at once."""
    for kind, events in groupby(recorded, lambda event: event.stream.partition("/")[0]):
        codec = CODECS[kind]
        await _APPLY[kind](connection, [(event, codec.decode(event.type, event.data)) for event in events])
