"""The answer to a command, as it is stored for a repeat under the same idempotency key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is plain JSON with ids and versions, never personal data; `version` the stream's, `location` a path.

    `replayed` is True when the answer was stored by an earlier request; it is no part of the stored form.
    """

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    location: str | None = None
    replayed: bool = False
