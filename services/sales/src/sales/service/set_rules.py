"""Rules over several streams (ADR 0012): asked after the read tables were written, in the same transaction.

A check may refuse, and its `Rejected` undoes the whole write. What a recovery puts back is not asked.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from roadbook.database import Connection
from roadbook.events import Recorded
from sales.service.aggregates import apply_views, decoded

Check = Callable[[Connection, Recorded, Any], Awaitable[None]]

CHECKS: Mapping[type, Check] = {}
"""By class of the event. Each locks what it counts, so that two that meet see each other."""


async def keep(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """The views of every command."""
    await apply_views(connection, recorded)
    for event, fact in decoded(recorded):
        check = CHECKS.get(type(fact))
        if check is not None:
            await check(connection, event, fact)
