"""The opportunity: one party that means to buy, worked by one dealer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected
from sales.domain.rules import SalesRules

INSTITUTIONS = ("government_institution", "enterprise")


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OpenOpportunity:
    """`tender` is the number of a call for tenders. `lead` is the stream of the lead it comes from."""

    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: tuple[str, ...]
    staff: str | None
    owner_kind: str
    tender: str | None
    rules: SalesRules
    at: datetime


@dataclass(frozen=True, slots=True)
class AssignOpportunity:
    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WinOpportunity:
    """A contract was signed, or a car ordered again under it."""

    contract: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LoseOpportunity:
    reason: str
    competitor: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReopenOpportunity:
    """`contract`: the one that fell through; another than the one it was won by is no news. None: it was lost."""

    reason: str
    contract: str | None
    at: datetime


Command = OpenOpportunity | AssignOpportunity | WinOpportunity | LoseOpportunity | ReopenOpportunity


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OpportunityOpened:
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: tuple[str, ...]
    staff: str | None
    owner_kind: str
    tender: str | None
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpportunityAssigned:
    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpportunityWon:
    """`lead`: the one it came from, which learns of it."""

    contract: str
    at: datetime
    lead: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityLost:
    """`lead`: the one it came from, which learns of it."""

    reason: str
    competitor: str | None
    at: datetime
    lead: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityReopened:
    reason: str
    at: datetime


Event = OpportunityOpened | OpportunityAssigned | OpportunityWon | OpportunityLost | OpportunityReopened


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Opportunity:
    """`closed_at` is when it was won or lost. `contract` is the one it was won by, while it is won."""

    status: Literal["open", "won", "lost"]
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: tuple[str, ...]
    staff: str | None
    owner_kind: str
    tender: str | None
    rules: str
    opened_at: datetime
    contract: str | None = None
    reason: str | None = None
    competitor: str | None = None
    closed_at: datetime | None = None


State = Unknown | Opportunity


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, opportunity: State) -> list[Event]:
    match command, opportunity:
        case OpenOpportunity(), Unknown():
            return _open(command)
        case OpenOpportunity(party_ref=p, lead=l), Opportunity(party_ref=same, lead=same_l) if (p, l) == (same, same_l):
            return []
        case OpenOpportunity(), Opportunity():
            raise Rejected("opportunity_exists")
        case _, Unknown():
            raise Rejected("opportunity_unknown")
        case WinOpportunity(contract=c, at=t), Opportunity():
            return [] if opportunity.status == "won" else [OpportunityWon(c, t, opportunity.lead)]
        case ReopenOpportunity(), Opportunity():
            return _reopen(command, opportunity)
        case LoseOpportunity(reason=r, competitor=c), Opportunity(status="lost", reason=same_r, competitor=same_c) if (
            r,
            c,
        ) == (same_r, same_c):
            return []
        case AssignOpportunity(staff=s), Opportunity(staff=same) if s == same:
            return []
        case _, Opportunity(status="won" | "lost"):
            raise Rejected("opportunity_closed")
        case AssignOpportunity(staff=s, at=t), Opportunity():
            return [OpportunityAssigned(s, t)]
        case LoseOpportunity(reason=r, competitor=c, at=t), Opportunity():
            return [OpportunityLost(r, c, t, opportunity.lead)]
        case _:
            raise Rejected("not_possible")


def _open(command: OpenOpportunity) -> list[Event]:
    c = command
    if c.tender is not None and c.owner_kind not in INSTITUTIONS:
        raise Rejected("tender_without_institution")
    if c.tender is not None and not set(c.models) <= c.rules.tender_models:
        raise Rejected("model_not_eligible")
    return [
        OpportunityOpened(
            c.party_ref, c.dealer, c.lead, c.source, c.models, c.staff, c.owner_kind, c.tender, c.rules.version, c.at
        )
    ]


def _reopen(command: ReopenOpportunity, opportunity: Opportunity) -> list[Event]:
    """By hand only what was lost; what was won only when its contract, or the last order under it, fell through."""
    if opportunity.status == "open":
        return []
    if opportunity.status == "won" and command.contract is None:
        raise Rejected("opportunity_closed")
    if command.contract is not None and command.contract != opportunity.contract:
        return []
    return [OpportunityReopened(command.reason, command.at)]


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(opportunity: State, event: Event) -> State:
    match opportunity, event:
        case Unknown(), OpportunityOpened() as e:
            return Opportunity(
                "open", e.party_ref, e.dealer, e.lead, e.source, e.models, e.staff, e.owner_kind, e.tender, e.rules,
                e.at,
            )  # fmt: skip
        case Opportunity(), OpportunityAssigned(staff=s):
            return replace(opportunity, staff=s)
        case Opportunity(), OpportunityWon(contract=c, at=t):
            return replace(opportunity, status="won", contract=c, reason=None, competitor=None, closed_at=t)
        case Opportunity(), OpportunityLost(reason=r, competitor=c, at=t):
            return replace(opportunity, status="lost", contract=None, reason=r, competitor=c, closed_at=t)
        case Opportunity(), OpportunityReopened():
            return replace(opportunity, status="open", contract=None, reason=None, competitor=None, closed_at=None)
        case _:
            return opportunity


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
