"""The identity service's consents as the record reads them: who may be spoken to, about what, and how."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import NOTHING, Fact, Leaf
from projection.domain.replacing import replace


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ConsentGranted:
    at: datetime
    purpose: str
    channel: str
    brand: str | None = None
    wording: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    at: datetime
    purpose: str
    channel: str
    brand: str | None = None
    wording: str | None = None
    reason: str = "withdrawn"


@dataclass(frozen=True, slots=True)
class ProcessingRestricted:
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RestrictionLifted:
    at: datetime
    reason: str | None = None


Event = ConsentGranted | ConsentWithdrawn | ProcessingRestricted | RestrictionLifted


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Said:
    """`state`: granted, refused or withdrawn."""

    purpose: str
    channel: str
    brand: str | None
    state: str
    wording: str | None
    at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Restriction:
    reason: str | None
    since: datetime
    event: str
    lifted: Leaf[datetime | None] = NOTHING
    lift_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentState:
    said: tuple[Said, ...] = ()
    restrictions: tuple[Restriction, ...] = ()


def evolve(consent: ConsentState | None, fact: Fact) -> ConsentState:
    """Total: every word is kept, since which one counts is decided over all streams of a customer."""
    known, event, id_ = consent or ConsentState(), fact.event, fact.id
    match event:
        case ConsentGranted(purpose=purpose, channel=channel, brand=brand, wording=wording, at=at):
            said = Said(purpose, channel, brand, "granted", wording, at, id_)
            return replace(known, said=(*known.said, said))
        case ConsentWithdrawn(purpose=purpose, channel=channel, brand=brand, wording=wording, at=at):
            state = "refused" if event.reason == "refused" else "withdrawn"
            said = Said(purpose, channel, brand, state, wording, at, id_)
            return replace(known, said=(*known.said, said))
        case ProcessingRestricted(reason=reason, at=at) if not _restricted(known):
            return replace(known, restrictions=(*known.restrictions, Restriction(reason, at, id_)))
        case RestrictionLifted(reason=reason, at=at) if _restricted(known):
            *others, last = known.restrictions
            lifted = replace(last, lifted=Leaf(at, (id_,)), lift_reason=reason)
            return replace(known, restrictions=(*others, lifted))
        case _:
            return known


def _restricted(consent: ConsentState) -> bool:
    return bool(consent.restrictions) and consent.restrictions[-1].lifted.value is None


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case ConsentGranted(purpose=purpose, channel=channel):
            return f"Consent to {purpose} by {channel} granted"
        case ConsentWithdrawn(purpose=purpose, channel=channel, reason=reason):
            return f"Consent to {purpose} by {channel} {'refused' if reason == 'refused' else 'withdrawn'}"
        case ProcessingRestricted(reason=reason):
            return "Processing restricted" + (f": {reason}" if reason else "")
        case RestrictionLifted():
            return "Restriction of processing lifted"
        case _:
            return None
