"""An aggregate that shows every decision made on a state that was not there: each event says the sum it makes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from roadbook.codec import Codec, EventType
from roadbook.commands import Aggregate
from roadbook.decider import Decider, Rejected
from roadbook.events import Labels

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LIMIT = 12


@dataclass(frozen=True)
class Add:
    """`operation` is the client's own name for the command: it comes back in the event."""

    operation: int
    amount: int


@dataclass(frozen=True)
class Added:
    operation: int
    amount: int
    total: int
    at: datetime


@dataclass(frozen=True)
class State:
    total: int = 0


def decide(command: Add, state: State) -> list[Added]:
    if state.total + command.amount > LIMIT:
        raise Rejected("full")
    return [Added(command.operation, command.amount, state.total + command.amount, NOW)]


def evolve(state: State, event: Added) -> State:
    return State(state.total + event.amount)


codec: Codec[Added] = Codec("toy", (EventType(Added, "added"),))
tallies: Aggregate[Add, State, Added] = Aggregate(
    name="tally",
    decider=Decider(State(), decide, evolve),
    codec=codec,
    labels=lambda state: Labels(),
    key=lambda state: "",
)


def tally_of(stream: str) -> Aggregate[Add, State, Added]:
    """Keyed by its stream, as a stream without a party is."""
    return Aggregate(tallies.name, tallies.decider, tallies.codec, tallies.labels, lambda state: stream)
