"""A body that is worked while it arrives: read no faster than it is worked, and never held in memory.

A route asks for it with a parameter `body: Annotated[BodyStream, stream("text/csv", limit=…)]`. Such a route has its
own limit, its own pace and its own time; it must be safe to break off anywhere and to repeat.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from fastapi import Depends
from starlette.requests import Request

from roadbook.http.body import BodyLimit, ClientGone
from roadbook.http.problems import Problem

CHUNK_BYTES: Final = 64 * 1024
# A sender must keep up this pace, and all its pauses together may not take longer than that: a trickle holds a place.
CHUNK_SECONDS: Final = 30.0
STREAM_SECONDS: Final = 3600.0


class BodyStream:
    """One request's body. `encoding` is `gzip` or `identity`; `media_type` one of those the route takes."""

    def __init__(self, request: Request, media_type: str, encoding: str, *, chunk_seconds: float) -> None:
        self.media_type = media_type
        self.encoding = encoding
        self._receive = request.receive
        self._chunk_seconds = chunk_seconds
        self._left = STREAM_SECONDS
        self._ended = False

    async def next(self) -> bytes:
        """64 KiB or a little more; less only at the end, and nothing after it. Raises `ClientGone`,
        `Problem("content_too_large")` and `Problem("request_timeout")`."""
        parts: list[bytes] = []
        size, loop = 0, asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(min(self._chunk_seconds, self._left)):
                while not self._ended and size < CHUNK_BYTES:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    self._ended = not message.get("more_body", False)
        except TimeoutError:
            raise Problem("request_timeout") from None
        self._left = max(self._left - (loop.time() - started), 0.0)
        return b"".join(parts)


class StreamedBody:
    """The dependency behind `stream`: `StrictRoute` finds it and leaves the body to the handler."""

    def __init__(self, media_types: Sequence[str], limit: int, chunk_seconds: float) -> None:
        self.media_types = tuple(media_types)
        self.limit = limit
        self._chunk_seconds = chunk_seconds

    async def __call__(self, request: Request) -> BodyStream:
        limiter: BodyLimit = request.scope["state"]["body_limit"]
        limiter.limit = self.limit
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        release = request.scope["state"].get("release_body")
        if release is not None:
            release()  # the server's own deadline for bodies: ours holds from here on
        return BodyStream(request, media_type, _encoding(request), chunk_seconds=self._chunk_seconds)


def _encoding(request: Request) -> str:
    given = [each.strip().lower() for each in ",".join(request.headers.getlist("content-encoding")).split(",")]
    wanted = [each for each in given if each not in ("", "identity")]
    if wanted not in ([], ["gzip"]):
        raise Problem(
            "unsupported_media_type", "the only Content-Encoding is gzip", headers={"Accept-Encoding": "gzip"}
        )
    return wanted[0] if wanted else "identity"


def stream(*media_types: str, limit: int, chunk_seconds: float = CHUNK_SECONDS) -> Any:
    """`limit` in bytes as they are sent, so before decompression: what comes out of gzip is the handler's to bound."""
    return Depends(StreamedBody(media_types, limit, chunk_seconds))
