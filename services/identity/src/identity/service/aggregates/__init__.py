"""Every aggregate of the service as the shell sees it, and the read tables that follow its events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from identity.contract import CODECS
from identity.service.aggregates import consent, link, party_ref
from identity.views import links, party_refs
from roadbook.commands import Aggregate
from roadbook.database import Connection
from roadbook.events import Recorded

AGGREGATES: Mapping[str, Aggregate[Any, Any, Any]] = {
    each.name: each for each in (party_ref.aggregate, consent.aggregate, link.aggregate)
}

_APPLY: Mapping[str, Callable[[Connection, Sequence[tuple[Recorded, Any]]], Awaitable[None]]] = {
    "partyref": party_refs.apply,
    "link": links.apply,
}


async def apply_views(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The service's read tables, in the append's transaction; a recovery hands over many streams at once."""
    for kind, events in groupby(recorded, lambda event: event.stream.partition("/")[0]):
        if kind in _APPLY:
            codec = CODECS[kind]
            await _APPLY[kind](connection, [(event, codec.decode(event.type, event.data)) for event in events])
