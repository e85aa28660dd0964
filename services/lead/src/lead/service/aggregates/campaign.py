"""The campaign as the shell sees it."""

from collections.abc import Sequence

from lead.contract.campaign import codec
from lead.domain.campaign import Campaign, Command, Event, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted

END = "end"


def _labels(_: State) -> Labels:
    """Nobody holds it: campaigns are headquarters' and everybody's to read."""
    return Labels()


def _key(campaign: State) -> str:
    return f"campaign/{campaign.code}" if isinstance(campaign, Campaign) else ""


def _timers(campaign: State) -> Sequence[TimerWanted]:
    due = campaign.ends_at if isinstance(campaign, Campaign) and campaign.status == "open" else None
    return (TimerWanted(END, due),)


aggregate: Aggregate[Command, State, Event] = Aggregate("campaign", decider, codec, _labels, _key, _timers)
