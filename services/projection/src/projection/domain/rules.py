"""What the record is judged by. Versioned: a record names the version it was derived with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """`complete` are the items a full profile has; each counts alike. For `owner_new` after a delivery one is a new
    owner."""

    version: str
    complete: tuple[str, ...]
    owner_new: timedelta


RULES = Rules(
    "record-4",
    ("name", "contact_point", "address", "model", "budget", "window", "needs", "consent"),
    owner_new=timedelta(days=90),
)


def later(moment: datetime, span: timedelta) -> datetime:
    """The end of time where there is no later."""
    try:
        return moment + span
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
