"""The group buy: so many places of one model at one price, if enough parties join before it closes.

The places are given out inside one stream, so no more can be joined than there are, whoever joins at once.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected

Outcome = Literal["reached", "missed", "cancelled"]


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Price:
    """In minor units of an ISO 4217 currency."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Member:
    """A party joined with one of its leads; `dealer` held that lead then."""

    lead: str
    party_ref: str
    dealer: str | None
    joined_at: datetime


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class OpenGroupBuy:
    """`group_buy` is its id; `dealer` None: headquarters opens it for the whole network. `threshold` ≤ `places`."""

    group_buy: str
    dealer: str | None
    model: str
    price: Price
    places: int
    threshold: int
    closes_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class JoinGroupBuy:
    """`lead_open`: whether the lead takes news, as of when the command was made."""

    lead: str
    lead_open: bool
    party_ref: str
    dealer: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LeaveGroupBuy:
    """With the lead that joined, or another of the same party at the same dealer."""

    lead: str
    party_ref: str
    dealer: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CloseGroupBuy:
    """Before its time: with the outcome as it stands, or cancelled."""

    cancel: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteClosing:
    """The timer set for `due` has come; `now` is the time on our clock."""

    due: datetime
    now: datetime


Command = OpenGroupBuy | JoinGroupBuy | LeaveGroupBuy | CloseGroupBuy | NoteClosing


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class GroupBuyOpened:
    group_buy: str
    dealer: str | None
    model: str
    price: Price
    places: int
    threshold: int
    closes_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class GroupBuyJoined:
    lead: str
    party_ref: str
    dealer: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class GroupBuyThresholdReached:
    """Told once, with the join that reached it first; who leaves later may undo it, and the outcome says so."""

    members: int
    at: datetime


@dataclass(frozen=True, slots=True)
class GroupBuyLeft:
    lead: str
    party_ref: str
    dealer: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class GroupBuyClosed:
    """`members` is how many there were at the end; `at` is the closing time, however late the timer came."""

    outcome: Outcome
    members: int
    at: datetime


Event = GroupBuyOpened | GroupBuyJoined | GroupBuyThresholdReached | GroupBuyLeft | GroupBuyClosed


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    pass


@dataclass(frozen=True, slots=True)
class GroupBuy:
    """`outcome` None while it is open; `reached`: the threshold was told."""

    opened: GroupBuyOpened
    members: tuple[Member, ...] = ()
    reached: bool = False
    outcome: Outcome | None = None


State = Unknown | GroupBuy


# ── Decide ────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, group: State) -> list[Event]:
    match command, group:
        case OpenGroupBuy(), _:
            return _open(command, group)
        case _, Unknown():
            raise Rejected("group_buy_unknown")
        case JoinGroupBuy(), GroupBuy():
            return _join(command, group)
        case LeaveGroupBuy(), GroupBuy():
            return _leave(command, group)
        case CloseGroupBuy(), GroupBuy():
            return _close(command, group)
        case NoteClosing(due=due, now=now), GroupBuy():
            over = group.outcome is None and due == group.opened.closes_at and due <= now
            return [_closed(group, due)] if over else []
        case _:
            raise Rejected("command_unknown")


def _open(command: OpenGroupBuy, group: State) -> list[Event]:
    c = command
    opened = GroupBuyOpened(c.group_buy, c.dealer, c.model, c.price, c.places, c.threshold, c.closes_at, c.at)
    if isinstance(group, GroupBuy):
        if replace(opened, at=group.opened.at) == group.opened:
            return []
        raise Rejected("group_buy_exists")
    if c.closes_at <= c.at:
        raise Rejected("group_buy_closes_in_the_past")
    return [opened]


def _is_open(group: GroupBuy, at: datetime) -> bool:
    """From `closes_at` on it is over, whether the timer has said so yet or not."""
    return group.outcome is None and at < group.opened.closes_at


def _join(command: JoinGroupBuy, group: GroupBuy) -> list[Event]:
    if any(member.party_ref == command.party_ref for member in group.members):
        return []  # one place per party, with whichever of its leads
    if not _is_open(group, command.at):
        raise Rejected("group_buy_closed")
    if not command.lead_open:
        raise Rejected("lead_closed")
    if len(group.members) >= group.opened.places:
        raise Rejected("group_buy_full")
    joined = GroupBuyJoined(command.lead, command.party_ref, command.dealer, command.at)
    members = len(group.members) + 1
    if group.reached or members < group.opened.threshold:
        return [joined]
    return [joined, GroupBuyThresholdReached(members, command.at)]


def _leave(command: LeaveGroupBuy, group: GroupBuy) -> list[Event]:
    for member in group.members:
        held = member.lead == command.lead or member.dealer == command.dealer
        if member.party_ref == command.party_ref and held:
            if not _is_open(group, command.at):
                raise Rejected("group_buy_closed")
            return [GroupBuyLeft(member.lead, member.party_ref, member.dealer, command.at)]
    return []


def _close(command: CloseGroupBuy, group: GroupBuy) -> list[Event]:
    if group.outcome is not None:
        if command.cancel == (group.outcome == "cancelled"):
            return []
        raise Rejected("group_buy_closed")
    if not command.cancel:
        return [_closed(group, min(command.at, group.opened.closes_at))]
    if not _is_open(group, command.at):
        raise Rejected("group_buy_closed")
    return [GroupBuyClosed("cancelled", len(group.members), command.at)]


def _closed(group: GroupBuy, at: datetime) -> GroupBuyClosed:
    members = len(group.members)
    return GroupBuyClosed("reached" if members >= group.opened.threshold else "missed", members, at)


# ── Evolve ────────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(group: State, event: Event) -> State:
    if isinstance(group, Unknown):
        return GroupBuy(event) if isinstance(event, GroupBuyOpened) else group
    match event:
        case GroupBuyJoined(lead=lead, party_ref=ref, dealer=dealer, at=t):
            return replace(group, members=(*group.members, Member(lead, ref, dealer, t)))
        case GroupBuyThresholdReached():
            return replace(group, reached=True)
        case GroupBuyLeft(party_ref=ref):
            return replace(group, members=tuple(member for member in group.members if member.party_ref != ref))
        case GroupBuyClosed(outcome=outcome):
            return replace(group, outcome=outcome)
        case _:
            return group


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
