"""The two axes of a read: as of when, and as known when."""

from typing import Annotated

from fastapi import Depends, Query

from projection.service import When
from roadbook.http.types import Instant


async def when(
    as_of: Annotated[
        Instant | None, Query(description="Only what had happened by then; the record is judged at that moment.")
    ] = None,
    known_at: Annotated[
        Instant | None,
        Query(description="Only what had been stored by then, links included. Personal values are those of today."),
    ] = None,
) -> When:
    return When(as_of, known_at)


Moment = Annotated[When, Depends(when)]
