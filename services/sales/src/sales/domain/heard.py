"""What sales understands of another service's leads: who it is of, where it came from, which cars, who works it."""

from dataclasses import dataclass, replace
from datetime import datetime

WANTED = ("buy", "lease", "test-drive")
"""Interests in a car that somebody means to have; a car that is sold or traded in is none."""


@dataclass(frozen=True, slots=True)
class Interest:
    interest: str = "buy"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class LeadCaptured:
    source: str
    at: datetime
    vehicles: tuple[Interest, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadEnriched:
    """`vehicles` None: as before."""

    at: datetime
    vehicles: tuple[Interest, ...] | None = None


@dataclass(frozen=True, slots=True)
class LeadAccepted:
    at: datetime
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class LeadProtected:
    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadReassigned:
    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadRouted:
    """Whoever worked it at another dealer does not any more."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LeadReleasedToPool:
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadConverted:
    at: datetime


Fact = (
    LeadCaptured
    | LeadEnriched
    | LeadAccepted
    | LeadProtected
    | LeadReassigned
    | LeadRouted
    | LeadReleasedToPool
    | LeadConverted
)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one lead, up to `version`. `party_ref` and `dealer` as the last event says them beside its data."""

    lead: str
    version: int = 0
    party_ref: str | None = None
    dealer: str | None = None
    source: str | None = None
    models: tuple[str, ...] = ()
    staff: str | None = None


def hear(lead: Heard, fact: Fact) -> Heard:
    match fact:
        case LeadCaptured(source=source, vehicles=vehicles):
            return replace(lead, source=source, models=_models(vehicles))
        case LeadEnriched(vehicles=vehicles):
            return lead if vehicles is None else replace(lead, models=_models(vehicles))
        case LeadAccepted(staff=staff) | LeadProtected(staff=staff) | LeadReassigned(staff=staff):
            return replace(lead, staff=staff)
        case LeadRouted() | LeadReleasedToPool():
            return replace(lead, staff=None)
        case LeadConverted():
            return lead


def _models(vehicles: tuple[Interest, ...]) -> tuple[str, ...]:
    """Each once, in the order in which they were named."""
    return tuple(dict.fromkeys(each.model for each in vehicles if each.model is not None and each.interest in WANTED))
