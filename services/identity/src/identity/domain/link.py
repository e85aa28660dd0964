"""Whether two party references are one customer: a stream per pair.

A link moves nothing, so undoing it leaves nothing behind. A pair that was rejected or unlinked is a cannot-link: no
rule joins it again. Whether a link would join such a pair through a third reference is a question about many streams:
`identity.domain.components` answers it, and the service asks it under its lock.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected

By = Literal["rule", "steward"]


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Evidence:
    """Which rule, and which field it looked at. Never a value."""

    rule: str
    field: str


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ProposeLink:
    """`score` 0 to 1000."""

    smaller: str
    larger: str
    score: int
    evidence: tuple[Evidence, ...]
    matcher: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LinkPartyRefs:
    smaller: str
    larger: str
    by: By
    evidence: tuple[Evidence, ...]
    matcher: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RejectLink:
    """Two customers. Also of a pair that nobody proposed: that is how a split keeps it apart."""

    smaller: str
    larger: str
    by: By
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UnlinkPartyRefs:
    smaller: str
    larger: str
    by: By
    reason: str
    at: datetime


Command = ProposeLink | LinkPartyRefs | RejectLink | UnlinkPartyRefs


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LinkProposed:
    smaller: str
    larger: str
    score: int
    evidence: tuple[Evidence, ...]
    matcher: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PartyRefsLinked:
    smaller: str
    larger: str
    by: By
    evidence: tuple[Evidence, ...]
    matcher: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LinkRejected:
    smaller: str
    larger: str
    by: By
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PartyRefsUnlinked:
    smaller: str
    larger: str
    by: By
    reason: str
    at: datetime


Event = LinkProposed | PartyRefsLinked | LinkRejected | PartyRefsUnlinked


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class Pair:
    """`apart`: a cannot-link: it was rejected or unlinked, and only a steward joins it again. `seen`: the evidence of
    every proposal and link so far; what was decided with that in view is not proposed again."""

    smaller: str
    larger: str
    status: Literal["proposed", "linked", "distinct"]
    apart: bool
    score: int
    evidence: tuple[Evidence, ...]
    matcher: str
    seen: frozenset[Evidence]


State = Unknown | Pair
_NONE: frozenset[Evidence] = frozenset()


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, state: State) -> list[Event]:
    status = state.status if isinstance(state, Pair) else "unknown"
    if not command.smaller < command.larger:
        raise Rejected("link_with_itself")
    match command, status:
        case ProposeLink(), "linked":
            return []
        case ProposeLink(score=score, evidence=evidence), _:
            return _propose(command) if _is_new(state, score, evidence) else []
        case LinkPartyRefs(), "linked":
            return []
        case LinkPartyRefs(by="rule"), _ if isinstance(state, Pair) and state.apart:
            raise Rejected("cannot_link")
        case LinkPartyRefs(smaller=a, larger=b, by=by, evidence=evidence, matcher=matcher, at=at), _:
            return [PartyRefsLinked(a, b, by, evidence, matcher, at)]
        case RejectLink(), "linked":
            raise Rejected("link_exists")
        case ((RejectLink() | UnlinkPartyRefs()), "distinct"):
            return []
        case RejectLink(smaller=a, larger=b, by=by, reason=reason, at=at), _:
            return [LinkRejected(a, b, by, reason, at)]
        case UnlinkPartyRefs(smaller=a, larger=b, by=by, reason=reason, at=at), "linked":
            return [PartyRefsUnlinked(a, b, by, reason, at)]
        case _:
            raise Rejected("not_linked")


def _is_new(state: State, score: int, evidence: tuple[Evidence, ...]) -> bool:
    if isinstance(state, Unknown):
        return True
    if state.status == "proposed":
        return (score, evidence) != (state.score, state.evidence)
    return not frozenset(evidence) <= state.seen


def _propose(command: ProposeLink) -> list[Event]:
    return [
        LinkProposed(
            command.smaller, command.larger, command.score, command.evidence, command.matcher, command.at
        )
    ]  # fmt: skip


# ── Evolving ──────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(state: State, event: Event) -> State:
    known = state if isinstance(state, Pair) else Pair(event.smaller, event.larger, "distinct", False, 0, (), "", _NONE)
    match event:
        case LinkProposed(score=score, evidence=evidence, matcher=matcher):
            seen = known.seen | set(evidence)
            return replace(known, status="proposed", score=score, evidence=evidence, matcher=matcher, seen=seen)
        case PartyRefsLinked(evidence=evidence, matcher=matcher):
            seen = known.seen | set(evidence)
            return replace(known, status="linked", apart=False, evidence=evidence, matcher=matcher, seen=seen)
        case LinkRejected() | PartyRefsUnlinked():
            return replace(known, status="distinct", apart=True)


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
