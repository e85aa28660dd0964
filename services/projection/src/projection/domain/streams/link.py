"""The identity service's links as the projection reads them: which two references are one customer.

A link's stream belongs to no record: it says which streams make one.
"""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LinkProposed:
    at: datetime
    smaller: str
    larger: str


@dataclass(frozen=True, slots=True)
class PartyRefsLinked:
    at: datetime
    smaller: str
    larger: str


@dataclass(frozen=True, slots=True)
class LinkRejected:
    at: datetime
    smaller: str
    larger: str


@dataclass(frozen=True, slots=True)
class PartyRefsUnlinked:
    at: datetime
    smaller: str
    larger: str


Event = LinkProposed | PartyRefsLinked | LinkRejected | PartyRefsUnlinked


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LinkState:
    smaller: str
    larger: str
    linked: Leaf[bool]


def evolve(link: LinkState | None, fact: Fact) -> LinkState | None:
    """Total. The last word counts; one that says what was said already is not what made it so."""
    match fact.event:
        case PartyRefsLinked(smaller=smaller, larger=larger):
            return _said(link, smaller, larger, fact.id, linked=True)
        case LinkRejected(smaller=smaller, larger=larger) | PartyRefsUnlinked(smaller=smaller, larger=larger):
            return _said(link, smaller, larger, fact.id, linked=False)
        case LinkProposed(smaller=smaller, larger=larger) if link is None:
            return LinkState(smaller, larger, Leaf(False, ()))
        case _:
            return link


def _said(link: LinkState | None, smaller: str, larger: str, id_: str, *, linked: bool) -> LinkState:
    if link is None:
        return LinkState(smaller, larger, Leaf(linked, (id_,) if linked else ()))
    return link if link.linked.value == linked else replace(link, linked=Leaf(linked, (id_,)))


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case LinkProposed():
            return "Proposed as one customer"
        case PartyRefsLinked():
            return "Linked as one customer"
        case LinkRejected():
            return "Not one customer: the proposal was rejected"
        case PartyRefsUnlinked():
            return "No longer one customer: the link was taken away"
        case _:
            return None
