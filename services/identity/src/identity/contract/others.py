"""What lead and sales publish, as far as identity needs it: tolerant, and independent of their code."""

from dataclasses import dataclass
from datetime import datetime

from roadbook.codec import Codec, EventType


@dataclass(frozen=True, slots=True)
class ContactPoint:
    key: str
    kind: str
    valid: bool = True
    linkable: bool = False
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    purpose: str
    channel: str
    granted: bool
    wording: str
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class VehicleInterest:
    interest: str
    vin: str | None = None


@dataclass(frozen=True, slots=True)
class LeadCaptured:
    party_ref: str
    source: str
    at: datetime
    contact_points: tuple[ContactPoint, ...] = ()
    consents: tuple[Consent, ...] = ()
    vehicles: tuple[VehicleInterest, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadEnriched:
    at: datetime
    contact_points: tuple[ContactPoint, ...] = ()
    removed_contact_points: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    vehicles: tuple[VehicleInterest, ...] | None = None


@dataclass(frozen=True, slots=True)
class OwnershipTransferred:
    vin: str
    at: datetime
    party_ref: str | None = None


lead: Codec[LeadCaptured | LeadEnriched] = Codec(
    "lead", (EventType(LeadCaptured, "lead_captured"), EventType(LeadEnriched, "lead_enriched"))
)
sales: Codec[OwnershipTransferred] = Codec("sales", (EventType(OwnershipTransferred, "ownership_transferred"),))
CAPTURED, ENRICHED = (lead.type_name(each.cls) for each in lead.types)
TRANSFERRED = sales.type_name(OwnershipTransferred)
HANDED_ON = frozenset(
    f"roadbook.lead.{name}.v1"
    for name in (
        "lead_routed", "lead_accepted", "lead_declined", "lead_feedback_overdue", "lead_reopened", "lead_restored",
        "lead_lost", "lead_recycled",
    )
)  # fmt: skip
"""What may change who holds a lead; the label says whom it has now."""
OWN_CARS = frozenset({"sell", "trade-in"})
"""Interests in which the car is the party's own."""
