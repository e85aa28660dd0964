"""Moments of a stream that may change the customer's stage."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """A lead's: `opened`, `lost` or `converted`; `graded` (then with `grade`); `recycled` or `restored`. An
    opportunity's: `opened`, `won` or `lost`. A contract's: `signed` or `cancelled`. An order's: `placed`, `cancelled`
    or `delivered`."""

    at: datetime
    kind: str
    event: str
    grade: str | None = None
