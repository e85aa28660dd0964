"""What the record is judged by. Versioned: a record names the version it was derived with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """`complete` are the items a full profile has; each counts alike."""

    version: str
    complete: tuple[str, ...]


RULES = Rules("record-2", ("name", "contact_point", "address", "model", "budget", "window", "needs", "consent"))
