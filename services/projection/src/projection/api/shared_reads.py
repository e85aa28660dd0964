"""Who read what through shares: for those who gave them."""

from typing import Annotated, Any

import asyncpg
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from projection import service
from projection.api import shown
from projection.api.parts import Kept, Paged, Reader, StreamName, answered, secret, viewer
from roadbook.http.answers import open_cursor, page_response, sign_cursor
from roadbook.http.routes import router
from roadbook.wire import rfc3339

routes = router("/v1/shared-reads", tags=["shares"])


@routes.get(
    "",
    summary="List reads through shares",
    response_model=None,
    responses=answered(shown.SharedReadsPage, "Oldest first", "not_found", "cursor_invalid"),
)
async def list_shared_reads(
    request: Request,
    caller: Reader,
    kept: Kept,
    page: Paged,
    stream: Annotated[StreamName, Query(description="A stream that the caller's dealer holds.")],
) -> Response:
    """Every answer that showed something of a stream through a share: to whom, when and by which request. Only for the
    dealer that holds the stream now, and for headquarters."""
    reader = viewer(request, caller, "list_shared_reads")
    bound = {"list": "shared_reads", "dealer": reader.dealer, "stream": stream}
    after = 0
    if page.cursor is not None:
        (after,) = open_cursor(secret(request), page.cursor, bound)
    rows = await service.read_shared_reads(kept.pool, stream, reader, after, page.size + 1)
    cursor = None
    if len(rows) > page.size:
        cursor = sign_cursor(secret(request), [rows[page.size - 1]["id"]], bound)
    return page_response(request, [_read(row) for row in rows[: page.size]], cursor)


def _read(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "at": rfc3339(row["at"]),
        "stream": row["stream"],
        "dealer": row["dealer"],
        "actor": row["actor"],
        "scope": row["scope"],
        "route": row["route"],
        "correlation": row["correlation"],
    }
