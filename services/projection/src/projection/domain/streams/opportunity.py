"""The sales service's opportunities as the record reads them."""

from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Fact, Leaf
from projection.domain.replacing import replace
from projection.domain.streams.marks import Mark


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OpportunityOpened:
    """`lead` is the stream it comes from; `tender` the number of a call for tenders."""

    at: datetime
    dealer: str | None = None
    lead: str | None = None
    source: str | None = None
    models: tuple[str, ...] = ()
    staff: str | None = None
    owner_kind: str | None = None
    tender: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityAssigned:
    at: datetime
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityWon:
    at: datetime
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityLost:
    at: datetime
    reason: str | None = None
    competitor: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityReopened:
    at: datetime
    reason: str | None = None


Event = OpportunityOpened | OpportunityAssigned | OpportunityWon | OpportunityLost | OpportunityReopened


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Outcome:
    """`status`: open, won or lost."""

    status: str
    closed_at: datetime | None = None
    contract: str | None = None
    reason: str | None = None
    competitor: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityState:
    opened: OpportunityOpened
    event: str
    staff: Leaf[str | None]
    outcome: Leaf[Outcome]
    marks: tuple[Mark, ...]


def evolve(opportunity: OpportunityState | None, fact: Fact) -> OpportunityState | None:
    """Total. Before OpportunityOpened nothing else counts."""
    event, id_ = fact.event, fact.id
    if opportunity is None:
        return _opened(event, id_) if isinstance(event, OpportunityOpened) else None
    match event:
        case OpportunityAssigned(staff=staff):
            return replace(opportunity, staff=Leaf(staff, (id_,)))
        case OpportunityWon(contract=contract, at=at):
            return _now(opportunity, Outcome("won", at, contract), at, "won", id_)
        case OpportunityLost(reason=reason, competitor=competitor, at=at):
            return _now(opportunity, Outcome("lost", at, None, reason, competitor), at, "lost", id_)
        case OpportunityReopened(at=at):
            return _now(opportunity, Outcome("open"), at, "opened", id_)
        case _:
            return opportunity


def _opened(event: OpportunityOpened, id_: str) -> OpportunityState:
    by = (id_,)
    mark = Mark(event.at, "opened", id_)
    return OpportunityState(event, id_, Leaf(event.staff, by), Leaf(Outcome("open"), by), (mark,))


def _now(opportunity: OpportunityState, outcome: Outcome, at: datetime, kind: str, id_: str) -> OpportunityState:
    return replace(opportunity, outcome=Leaf(outcome, (id_,)), marks=(*opportunity.marks, Mark(at, kind, id_)))


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────
def summary(event: object) -> str | None:
    match event:
        case OpportunityOpened(models=models):
            return "Opportunity opened" + (f" for {', '.join(models)}" if models else "")
        case OpportunityAssigned(staff=staff):
            return f"Opportunity assigned to {staff}"
        case OpportunityWon():
            return "Opportunity won"
        case OpportunityLost(reason=reason, competitor=competitor):
            return f"Opportunity lost: {reason}" + (f" to {competitor}" if competitor else "")
        case OpportunityReopened(reason=reason):
            return f"Opportunity reopened: {reason}"
        case _:
            return None
