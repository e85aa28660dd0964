"""A fact, and a value that knows which facts made it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Fact:
    """One event as it came: `time` when it happened, `recorded` when its service stored it (both aware, UTC).

    `event` is what this code understands of it; None for a type it does not know. `dealer` is who held the stream
    at this version.
    """

    id: str
    stream: str
    version: int
    type: str
    time: datetime
    recorded: datetime
    party_ref: str | None
    dealer: str | None
    event: object | None


@dataclass(frozen=True, slots=True)
class Leaf(Generic[T_co]):
    """A value and the ids of the events that made it: as few as possible, oldest first."""

    value: T_co
    events: tuple[str, ...]


NOTHING: Final[Leaf[None]] = Leaf(None, ())
NONE_OF_IT: Final[Leaf[tuple[()]]] = Leaf((), ())

# A tree of a record: dicts and lists whose ends are leaves, or plain values that no single event made (names, sums).
Tree = object


def plain(tree: Tree) -> Tree:
    """The values alone."""
    match tree:
        case Leaf(value=value):
            return plain(value)
        case dict():
            return {key: plain(value) for key, value in tree.items()}
        case list() | tuple():
            return [plain(value) for value in tree]
        case _:
            return tree


def evidence(tree: Tree, pointer: str = "") -> dict[str, tuple[str, ...]]:
    """JSON Pointer of every leaf -> the ids of the events that made it."""
    match tree:
        case Leaf(events=events):
            return {pointer: events}
        case dict():
            children = [(str(key), value) for key, value in tree.items()]
        case list() | tuple():
            children = [(str(index), value) for index, value in enumerate(tree)]
        case _:
            return {}
    found: dict[str, tuple[str, ...]] = {}
    for key, value in children:
        found |= evidence(value, f"{pointer}/{key}")
    return found
