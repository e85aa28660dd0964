"""The group buy as the shell sees it. It belongs to no party: its stream is its key."""

from collections.abc import Sequence

from lead.contract.group_buy import codec
from lead.domain.group_buy import Command, Event, GroupBuy, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted

NAME = "groupbuy"
CLOSE = "close"
TELL_LEAD = "tell_lead/"


def _labels(group: State) -> Labels:
    return Labels(group.opened.dealer) if isinstance(group, GroupBuy) else Labels()


def _key(group: State) -> str:
    return f"{NAME}/{group.opened.group_buy}" if isinstance(group, GroupBuy) else ""


def _timers(group: State) -> Sequence[TimerWanted]:
    """A timer of its own for each member's lead to be told by, so that one that fails holds up no other."""
    if not isinstance(group, GroupBuy):
        return (TimerWanted(CLOSE, None),)
    told = (TimerWanted(TELL_LEAD + member.lead, member.joined_at) for member in group.members)
    return (TimerWanted(CLOSE, None if group.outcome else group.opened.closes_at), *told)


aggregate: Aggregate[Command, State, Event] = Aggregate(NAME, decider, codec, _labels, _key, _timers)
