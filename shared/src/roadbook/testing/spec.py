"""One grammar for what a decider must do: `given(decider, *events).when(command).then(*events)`."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from roadbook.decider import Decider, Rejected

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


@dataclass(frozen=True)
class Given(Generic[C, S, E]):
    decider: Decider[C, S, E]
    history: tuple[E, ...]

    def when(self, command: C) -> "When[E]":
        state = self.decider.fold(self.history)
        try:
            return When(tuple(self.decider.decide(command, state)), None)
        except Rejected as rejection:
            return When((), rejection.code)

    def state(self) -> S:
        return self.decider.fold(self.history)


@dataclass(frozen=True)
class When(Generic[E]):
    events: tuple[E, ...]
    rejection: str | None

    def then(self, *expected: E) -> None:
        if self.rejection is not None:
            raise AssertionError(f"rejected: {self.rejection}; expected {_names(expected)}")
        if self.events != expected:
            raise AssertionError(f"expected {expected!r}\n     got {self.events!r}")

    def then_nothing(self) -> None:
        self.then()

    def rejected(self, code: str) -> None:
        if self.rejection != code:
            raise AssertionError(f"expected rejection {code}, got {self.rejection or _names(self.events)}")


def given(decider: Decider[C, S, E], *history: E) -> Given[C, S, E]:
    return Given(decider, history)


def _names(events: tuple[Any, ...]) -> str:
    return ", ".join(type(event).__name__ for event in events) or "no event"
