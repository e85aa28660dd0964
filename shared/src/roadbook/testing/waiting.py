"""Waiting for a condition: what tests do instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(condition: Callable[[], Awaitable[Any]], *, seconds: float = 20.0, every: float = 0.02) -> Any:
    """The first truthy answer of `condition`; AssertionError with the last answer after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        await asyncio.sleep(every)
