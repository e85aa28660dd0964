"""Answers on the wire: stored answers of commands, reads with ETags, and pages with signed cursors."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from roadbook.answers import Answer
from roadbook.http.problems import Problem

DEFAULT_PAGE = 100
MAX_PAGE = 200
_MAC_BYTES = 16
_MAX_CURSOR = 1024


def etag(version: int) -> str:
    """The strong ETag of a stream version: `"v7"`."""
    return f'"v{version}"'


def respond(answer: Answer) -> Response:
    """The response of a command. The same answer gives the same bytes, whether it is new or replayed."""
    headers = {"Cache-Control": "no-store"}
    if answer.version is not None:
        headers["ETag"] = etag(answer.version)
    if answer.location is not None:
        headers["Location"] = answer.location
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(orjson.dumps(dict(answer.body)), answer.status, headers, "application/json")


def read_response(request: Request, body: Any, tag: str, max_age: int = 0) -> Response:
    """200 with `tag` (an ETag with its quotes, weak or strong), or 304 if the caller has it already.

    `body` is anything orjson writes, or bytes that are JSON already.
    """
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={max_age}", "Vary": "Authorization"}
    if _has_already(request, tag):
        return Response(status_code=304, headers=headers)
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(content, 200, headers, "application/json")


def _has_already(request: Request, tag: str) -> bool:
    """If-None-Match compares weakly (RFC 9110 §13.1.2)."""
    given = ",".join(request.headers.getlist("if-none-match"))
    wanted = tag.removeprefix("W/")
    return given.strip() == "*" or any(each.strip().removeprefix("W/") == wanted for each in given.split(","))


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asked of a list: at most `size` items, after `cursor` (None = from the start)."""

    size: int
    cursor: str | None


async def page(
    limit: Annotated[int | None, Query(ge=1, le=MAX_PAGE, description="Items per page; 100 if not given.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=_MAX_CURSOR, description="`next_cursor` of the page before.")
    ] = None,
    page_size: Annotated[
        int | None, Query(alias="pageSize", ge=1, le=MAX_PAGE, description="The same as `limit` (STAR).")
    ] = None,
    page_cursor: Annotated[
        str | None,
        Query(alias="pageCursor", max_length=_MAX_CURSOR, description="The same as `cursor` (STAR)."),
    ] = None,
) -> Page:
    """`page: Annotated[Page, Depends(answers.page)]`. Raises a 422 for sizes outside 1..200."""
    return Page(limit or page_size or DEFAULT_PAGE, cursor or page_cursor)


def sign_cursor(secret: str, position: Sequence[Any], bound_to: Mapping[str, Any]) -> str:
    """An opaque cursor for `position` (a JSON array). `bound_to` is the query and the dealer it is good for."""
    payload = orjson.dumps(list(position))
    return base64.urlsafe_b64encode(_mac(secret, payload, bound_to) + payload).rstrip(b"=").decode()


def open_cursor(secret: str, cursor: str, bound_to: Mapping[str, Any]) -> list[Any]:
    """The position inside; `Problem("cursor_invalid")` (400) for one made elsewhere, for another query or dealer."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise Problem("cursor_invalid") from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if len(cursor) > _MAX_CURSOR or not hmac.compare_digest(mac, _mac(secret, payload, bound_to)):
        raise Problem("cursor_invalid")
    position = orjson.loads(payload)
    if not isinstance(position, list):
        raise Problem("cursor_invalid")
    return position


def _mac(secret: str, payload: bytes, bound_to: Mapping[str, Any]) -> bytes:
    bound = orjson.dumps(dict(bound_to), option=orjson.OPT_SORT_KEYS)
    message = len(bound).to_bytes(4) + bound + payload
    return hmac.digest(secret.encode(), message, hashlib.sha256)[:_MAC_BYTES]


def page_response(request: Request, items: Sequence[Any], next_cursor: str | None, **more: Any) -> Response:
    """`{"items": […], "next_cursor": …, "has_more": …, "pageInfo": {…}}` and a Link header to the next page."""
    body = {
        "items": items,
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
        "pageInfo": {"hasNextPage": next_cursor is not None, "nextPageCursor": next_cursor},
        **more,
    }
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if next_cursor is not None:
        query = [(k, v) for k, v in request.query_params.multi_items() if k not in ("cursor", "pageCursor")]
        target = f"{request.scope['path']}?{urlencode([*query, ('cursor', next_cursor)])}"
        headers["Link"] = f'<{_ascii(target)}>; rel="next"'
    return Response(orjson.dumps(body), 200, headers, "application/json")


def _ascii(target: str) -> str:
    """A path may hold any character once decoded; in a header it must be escaped again."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '<>" ' else _escaped(c) for c in target)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
