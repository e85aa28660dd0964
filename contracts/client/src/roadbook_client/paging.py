"""Lists: one page, or everything page by page."""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping
from typing import Any, Generic, TypeVar

P = TypeVar("P", bound=Mapping[str, Any])
T = TypeVar("T")


class Listing(Generic[P, T]):
    """What a list operation returns. Nothing is sent before it is used, and it can be used again.

        page = await roadbook.lead.list_leads(limit=20)     # one page: items, next_cursor, has_more
        async for lead in roadbook.lead.list_leads():       # every item, over all pages
            ...

    Lists are sorted by what never changes: an iteration shows everything that was there when it began exactly once,
    however much is added meanwhile.
    """

    def __init__(self, fetch: Callable[[str | None], Coroutine[Any, Any, P]], cursor: str | None = None) -> None:
        self._fetch = fetch
        self._cursor = cursor

    def __await__(self) -> Generator[Any, Any, P]:
        return self._fetch(self._cursor).__await__()

    async def pages(self) -> AsyncIterator[P]:
        """Page by page, each with the `next_cursor` to go on from another time."""
        cursor = self._cursor
        while True:
            page = await self._fetch(cursor)
            yield page
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page["items"]:
                yield item
