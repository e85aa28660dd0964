"""How much is known of a customer to be, and how likely the purchase is: both by the rules, both shown in parts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lead.domain.lead.state import Lead
from lead.domain.lead.values import Rules, ScorePart, Window

_NAMES = frozenset({"name", "family_name", "given_name"})


def known(lead: Lead) -> frozenset[str]:
    """Items of the profile that are known."""
    return frozenset(_known(lead))


def _known(lead: Lead) -> Iterator[str]:
    if _NAMES & set(lead.personal_fields):
        yield "name"
    for point in lead.contact_points:
        if point.kind == "address":
            yield "address"
        elif point.valid:
            yield "contact_point"
    if any(vehicle.model or vehicle.vin for vehicle in lead.vehicles):
        yield "model"
    for item in ("budget", "window", "region"):
        if getattr(lead, item) not in (None, Window()):
            yield item
    if lead.needs:
        yield "needs"
    if any(consent.granted for consent in lead.consents):
        yield "consent"


def missing(lead: Lead, required: Sequence[str]) -> tuple[str, ...]:
    there = known(lead)
    return tuple(item for item in required if item not in there)


def completeness(lead: Lead, rules: Rules) -> int:
    """Percent of the rules' items, rounded down."""
    there = known(lead)
    return 100 * sum(item in there for item in rules.complete) // max(len(rules.complete), 1)


def score(lead: Lead, rules: Rules, at: datetime) -> tuple[ScorePart, ...]:
    """The parts in the order of the rules; a signal counts once, one without points not at all."""
    there = known(lead) | set(lead.signals)
    window = lead.window
    if window is not None and "window" in there:
        earliest, latest = window.earliest or at.date(), window.latest or window.earliest or at.date()
        if earliest <= (at + rules.window_near).date() and latest >= at.date():
            there |= {"window_near"}
    return tuple(ScorePart(rule.signal, rule.points) for rule in rules.score if rule.signal in there and rule.points)
