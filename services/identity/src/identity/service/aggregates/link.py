"""A link as the shell sees it. It belongs to no dealer, and concerns two parties: its stream's id is its key."""

from identity.contract.link import codec
from identity.domain.link import Command, Event, Pair, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels


def _labels(_: State) -> Labels:
    return Labels()


def _key(state: State) -> str:
    return f"{state.smaller}:{state.larger}" if isinstance(state, Pair) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("link", decider, codec, _labels, _key)
