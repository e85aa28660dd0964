"""Who asks for a command, when, and under which conditions: what the edge tells the shell."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Idempotency:
    """`key`: SHA-256 over client, dealer, method, path and the client's key; `fingerprint`: SHA-256 of the raw body.

    Both are 32 bytes: the client's own key is never stored, for a client may put anything into it.
    """

    key: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class CommandContext:
    """`actor` is the token's subject, `dealer` None means headquarters or the system itself, `now` is aware UTC.

    `correlation` is a UUID; `causation` the id of the event that caused the command; `traceparent` a W3C header value;
    `if_match` the stream version the caller requires (None = any).
    """

    actor: str
    client: str
    dealer: str | None
    now: datetime
    correlation: str
    causation: str | None = None
    traceparent: str | None = None
    idempotency: Idempotency | None = None
    if_match: int | None = None
