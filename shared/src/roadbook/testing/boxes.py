"""A toy aggregate for tests of the kit: a box that is opened, filled and closed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from roadbook.codec import Codec, EventType
from roadbook.commands import Aggregate
from roadbook.decider import Decider, Rejected
from roadbook.events import Labels
from roadbook.store.port import TimerWanted


@dataclass(frozen=True)
class OpenBox:
    owner: str
    at: datetime


@dataclass(frozen=True)
class Fill:
    amount: int
    at: datetime


@dataclass(frozen=True)
class CloseBox:
    at: datetime


Command = OpenBox | Fill | CloseBox


@dataclass(frozen=True)
class BoxOpened:
    owner: str
    at: datetime


@dataclass(frozen=True)
class Filled:
    amount: int
    at: datetime


@dataclass(frozen=True)
class BoxClosed:
    at: datetime


Event = BoxOpened | Filled | BoxClosed


@dataclass(frozen=True)
class Box:
    owner: str | None = None
    opened: datetime | None = None
    total: int = 0
    closed: bool = False


def decide(command: Command, box: Box) -> list[Event]:
    match command:
        case OpenBox(owner, at):
            if box.owner is None:
                return [BoxOpened(owner, at)]
            if box.owner == owner:
                return []
            raise Rejected("box_taken")
        case CloseBox() if box.closed:
            return []
        case _ if box.closed:
            raise Rejected("box_closed")
        case Fill(amount, at):
            return [Filled(amount, at)]
        case CloseBox(at):
            return [BoxClosed(at)]


def evolve(box: Box, event: Event) -> Box:
    match event:
        case BoxOpened(owner, at):
            return replace(box, owner=owner, opened=at)
        case Filled(amount):
            return replace(box, total=box.total + amount)
        case BoxClosed():
            return replace(box, closed=True)


codec: Codec[Event] = Codec(
    "toy",
    (EventType(BoxOpened, "box_opened"), EventType(Filled, "filled"), EventType(BoxClosed, "box_closed")),
)


def timers(box: Box) -> list[TimerWanted]:
    due = box.opened + timedelta(days=1) if box.opened and not box.closed else None
    return [TimerWanted("close", due)]


boxes: Aggregate[Command, Box, Event] = Aggregate(
    name="box",
    decider=Decider(Box(), decide, evolve),
    codec=codec,
    labels=lambda box: Labels(dealer=box.owner, party_ref="p-1"),
    key=lambda box: "p-1",
    timers=timers,
)
