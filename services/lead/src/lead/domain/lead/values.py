"""What commands and events of a lead are made of. No personal data: a contact point is named by the key of its
erasable row, never by its value."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

Grade = Literal["hot", "warm", "cold"]
Status = Literal["open", "lost", "recycled", "converted"]
Scope = Literal["facts", "contact"]


@dataclass(frozen=True, slots=True)
class VehicleInterest:
    """`model` is a catalogue code; `interest` buy, lease, sell, trade-in or test-drive; `condition` new, used or cpo
    (all open); `odometer` in `odometer_unit` (km or mi)."""

    interest: str
    model: str | None = None
    year: int | None = None
    condition: str | None = None
    vin: str | None = None
    odometer: int | None = None
    odometer_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """In minor units of an ISO 4217 currency; either bound may be open."""

    currency: str
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When the party means to buy; either end may be open."""

    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """`key` names the personal-data row that holds the value; `linkable` is False for numbers that many share."""

    key: str
    kind: str
    valid: bool
    linkable: bool
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """As given at capture: for a purpose on a channel, under a version of the wording; refusal is a value too."""

    purpose: str
    channel: str
    granted: bool
    wording: str
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What the car is for, in codes: (`use`, `commute`), (`family`, `two_children`); `source` is how we know."""

    kind: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class NextAction:
    kind: str
    due: datetime
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dealer that a lead may go to, and `by` which rule it stands where it stands."""

    dealer: str
    by: str


@dataclass(frozen=True, slots=True)
class Routing:
    """Given to a dealer that has not answered yet."""

    dealer: str
    accept_by: datetime


@dataclass(frozen=True, slots=True)
class Protection:
    """`staff` alone may work the customer until `until`; each activity moves that to `period` after it."""

    staff: str
    until: datetime
    period: timedelta


@dataclass(frozen=True, slots=True)
class Share:
    """`dealer` may read until `until`: `facts`, or `contact` (personal data too)."""

    dealer: str
    scope: Scope
    until: datetime


@dataclass(frozen=True, slots=True)
class ScorePart:
    signal: str
    points: int


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """`points` for a signal, once however often it was seen."""

    signal: str
    points: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the rule pack that a lead's decisions pin by its version.

    Time allowed: to `first_contact`, to the next `follow_up`, to `accept` a routed lead, between two words of
    `feedback`; `protection` runs from the holder's last activity. `window_near` is how near a buying window scores;
    `consent_for` families of sources that need a consent. `required_*`: items of the profile that must be known;
    `complete`: all of them. `route_by`: `wish`, `distance`, `load` in the order in which they decide.
    """

    version: str
    first_contact: timedelta
    follow_up: timedelta = timedelta(days=7)
    accept: timedelta = timedelta(hours=4)
    feedback: timedelta = timedelta(hours=72)
    protection: timedelta = timedelta(days=15)
    window_near: timedelta = timedelta(days=30)
    consent_for: tuple[str, ...] = ()
    required_hot: tuple[str, ...] = ()
    required_conversion: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    score: tuple[ScoreRule, ...] = ()
    route_by: tuple[str, ...] = ()
    disclosures_per_hour: int = 10
