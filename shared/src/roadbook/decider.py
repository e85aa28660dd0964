"""The decider: how an aggregate decides, as three pure values.

The only module of the kit that a `domain/` package may import: no I/O, no clock, no ids, no pydantic.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


class Rejected(Exception):
    """The command breaks a rule of the domain: nothing happened, and repeating it will not help.

    `code` is a stable snake_case string; over HTTP it becomes a 409 of type `/problems/<code>`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Decider(Generic[C, S, E]):
    """`decide` raises only `Rejected`; `evolve` is total: any event in any state, and it never raises."""

    initial: S
    decide: Callable[[C, S], Sequence[E]]
    evolve: Callable[[S, E], S]

    def fold(self, events: Iterable[E], state: S | None = None) -> S:
        """The state after `events`, from `state` (default: `initial`)."""
        folded = self.initial if state is None else state
        for event in events:
            folded = self.evolve(folded, event)
        return folded


def in_turn(decider: Decider[C, S, E]) -> Decider[Sequence[C], S, E]:
    """Decides several commands, each on what those before it led to: the events are those of one command after
    another. All of them or none: what one `Rejected`, nobody of the others did either."""

    def decide(commands: Sequence[C], state: S) -> Sequence[E]:
        events: list[E] = []
        for command in commands:
            decided = decider.decide(command, state)
            state = decider.fold(decided, state)
            events += decided
        return events

    return Decider(decider.initial, decide, decider.evolve)
