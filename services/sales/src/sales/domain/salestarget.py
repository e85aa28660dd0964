"""The sales target of a dealer for a month: for the whole of it, and for each of its staff.

A target that is set again replaces the one before; what was said earlier stays on record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from roadbook.decider import Decider


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Target:
    """`units` are vehicles delivered; `amount` is what they are sold for, in minor units of `currency`."""

    units: int
    amount: int | None
    currency: str


# ── Commands and events ───────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class SetSalesTarget:
    """`period` is a month, `2026-01`; `staff` None: the whole dealer."""

    dealer: str
    period: str
    staff: str | None
    target: Target
    at: datetime


@dataclass(frozen=True, slots=True)
class SalesTargetSet:
    dealer: str
    period: str
    staff: str | None
    units: int
    amount: int | None
    currency: str
    at: datetime


Command = SetSalesTarget
Event = SalesTargetSet


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class SalesTarget:
    """`targets` by staff; under None the dealer's."""

    dealer: str
    period: str
    targets: Mapping[str | None, Target] = field(default_factory=dict)


State = Unknown | SalesTarget


# ── Decide and evolve ─────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, state: State) -> list[Event]:
    c, target = command, command.target
    if isinstance(state, SalesTarget) and state.targets.get(c.staff) == target:
        return []
    dealer, period = (c.dealer, c.period) if isinstance(state, Unknown) else (state.dealer, state.period)
    return [SalesTargetSet(dealer, period, c.staff, target.units, target.amount, target.currency, c.at)]


def evolve(state: State, event: Event) -> State:
    known = SalesTarget(event.dealer, event.period) if isinstance(state, Unknown) else state
    target = Target(event.units, event.amount, event.currency)
    return SalesTarget(known.dealer, known.period, {**known.targets, event.staff: target})


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
