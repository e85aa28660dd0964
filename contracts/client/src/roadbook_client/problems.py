"""What can go wrong, typed: a problem the service answered (RFC 9457), or no answer at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

_KNOWN: Final = frozenset({"type", "title", "status", "code", "detail", "instance", "errors", "retryable", "trace_id"})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: where (a JSON Pointer into the body, or the name of a parameter), which, in words."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        return cls(str(said.get("code", "")), str(said.get("detail", "")), said.get("pointer"), said.get("parameter"))


class RoadbookError(Exception):
    """Everything this client raises when a call did not succeed."""


class Unreachable(RoadbookError):
    """No answer before the deadline. A command may have been carried out: send it again with the same key."""

    def __init__(self, method: str, path: str, reason: str) -> None:
        super().__init__(f"{method} {path}: no answer ({reason})")
        self.reason = reason


class Problem(RoadbookError):
    """The service refused. `code` is stable and says why; `extra` holds the members that only this code has.

    `retryable`: whether the same request may succeed later (None: it depends). `retry_after`: in seconds, if it was
    said. Neither the message nor the fields repeat what was sent. An answer that is no problem document (of a proxy,
    say) has the code `unexpected_answer`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str = "",
        detail: str | None = None,
        errors: tuple[FieldError, ...] = (),
        retryable: bool | None = None,
        trace_id: str | None = None,
        extra: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title}" if detail or title else f"{status} {code}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors
        self.retryable = retryable
        self.trace_id = trace_id
        self.extra = dict(extra or {})
        self.retry_after = retry_after

    def __repr__(self) -> str:
        """Short enough for a log line, and nothing of the request in it."""
        return f"Problem({self.status}, {self.code!r})"

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes) -> Self:
        """Reads an answer that is none of 2xx. Never fails: what cannot be read is `unexpected_answer`."""
        after = _seconds(headers.get("retry-after"))
        said = _document(headers.get("content-type", ""), content)
        if said is None:
            return cls(status, "unexpected_answer", retry_after=after)
        faults = said.get("errors")
        return cls(
            status,
            str(said["code"]),
            str(said.get("title", "")),
            said.get("detail"),
            tuple(FieldError.of(each) for each in faults if isinstance(each, dict)) if isinstance(faults, list) else (),
            said.get("retryable"),
            said.get("trace_id"),
            {name: value for name, value in said.items() if name not in _KNOWN},
            after,
        )


def _document(media_type: str, content: bytes) -> dict[str, Any] | None:
    if media_type.partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        said = json.loads(content)
    except ValueError:
        return None
    return said if isinstance(said, dict) and "code" in said else None


def _seconds(text: str | None) -> float | None:
    """Roadbook says Retry-After in seconds; a date, as proxies may send it, counts as not said."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
