"""What can go wrong in the shell around a decider, said without a word of HTTP.

`roadbook.http.problems` turns each into a problem; `Rejected`, the domain's own refusal, lives in `roadbook.decider`.
No error carries a value a client sent: the text of an exception may end in a log.
"""


class Conflict(Exception):
    """Others moved the stream on every attempt: nothing happened, repeating the command may succeed."""


class Overtaken(Conflict):
    """Somebody else moved the stream first, inside a savepoint that guards more than this write: that is undone, and
    then begun anew."""


class PreconditionFailed(Exception):
    """The caller named a version (`If-Match`) that the stream has not: nothing happened, read again."""


class NotFound(Exception):
    """There is no such thing, or the caller may not know that there is: both answer alike."""


class Unavailable(Exception):
    """Something the command needs cannot be reached in time: nothing happened. `retry_after` is in seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class OutcomeUnknown(Exception):
    """COMMIT was sent and its answer never came: repeat with the same idempotency key. `retry_after` in seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class IdempotencyKeyMissing(Exception):
    """The command creates something and must name an idempotency key."""


class IdempotencyKeyReused(Exception):
    """The key was used before with another body."""


class IdempotencyInFlight(Exception):
    """A request with this key is still being decided: repeat it soon."""
