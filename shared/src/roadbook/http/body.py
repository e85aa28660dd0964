"""Bodies, read strictly: counted before they are kept, and parsed by one rule for every route.

FastAPI would take UTF-16, NaN, the last of two equal keys, and answers 500 to some of what it cannot echo.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

from starlette.types import Message, Receive, Scope

from roadbook.http.problems import Problem

DEFAULT_LIMIT: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_INT_DIGITS: Final = 19  # a bigint has at most 19
MAX_NUMBER_CHARS: Final = 64
# Possessive, and content with a string that never ends: a search that began again at each quote would be quadratic.
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class BodyLimit:
    """Counts what arrives. The route sets `limit` before it reads; more than that is a 413 before any parsing."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        self.limit = limit
        self._receive = receive
        self._declared = _declared_length(scope)
        self._received = 0

    async def receive(self) -> Message:
        if self._declared is not None and self._declared > self.limit:
            raise Problem("content_too_large")
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self.limit:
                raise Problem("content_too_large")
        return message


def _declared_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return None


def parse_json(raw: bytes) -> Any:
    """The value of a JSON text, or `Problem("malformed_json")`. Never quotes what it refuses; never a 5xx.

    Refused: an encoding other than UTF-8, a byte order mark, NaN and Infinity, a key twice in one object, more
    than 32 levels, NUL, lone surrogates, integers beyond 64 bits, numbers with very many digits.
    """
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        _refuse("the body must be UTF-8 without a byte order mark")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("the body must be UTF-8")
    if "\x00" in text:
        _refuse("the body must be UTF-8 and hold no NUL")
    _check_depth(raw)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"not JSON at character {error.pos}")
    except (ValueError, RecursionError):
        _refuse("not JSON")
    _check_member(value)  # objects have seen to their own members: this is for a text or an array at the top
    return value


def _refuse(detail: str) -> NoReturn:
    raise Problem("malformed_json", detail) from None


def _check_depth(raw: bytes) -> None:
    """Before the decoder recurses. Strings are skipped; a body that is no JSON is left to the decoder."""
    depth = 0
    for match in _STRUCTURE.finditer(raw):
        mark = raw[match.start()]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                _refuse(f"more than {MAX_DEPTH} levels")
        elif mark in b"]}":
            depth -= 1


def _check_text(text: str) -> None:
    if "\x00" in text:
        _refuse("a string holds NUL")
    if not text.isascii() and _SURROGATE.search(text):
        _refuse("a string holds a lone surrogate")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("an object has the same key twice")
    for key, value in pairs:
        _check_text(key)
        _check_member(value)
    return members


def _check_member(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check_member(item)


def _int(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INT_DIGITS:
        _refuse("an integer is beyond 64 bits")
    number = int(digits)
    if not -(2**63) <= number < 2**63:
        _refuse("an integer is beyond 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits) if len(digits) <= MAX_NUMBER_CHARS else float("inf")
    if number in (float("inf"), float("-inf")):
        _refuse("a number is too large or has too many digits")
    return number


def _constant(_: str) -> NoReturn:
    _refuse("NaN and Infinity are not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant
)


async def read_body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    """All of the body. Raises `ClientGone` if the client leaves before its end."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


class ClientGone(Exception):
    """The client closed the connection before its request was complete: there is nobody to answer."""
