"""The opportunity as the shell sees it."""

from roadbook.commands import Aggregate
from roadbook.events import Labels
from sales.contract.opportunity import codec
from sales.domain.opportunity import Command, Event, Opportunity, State, decider


def _labels(opportunity: State) -> Labels:
    return Labels(opportunity.dealer, opportunity.party_ref) if isinstance(opportunity, Opportunity) else Labels()


def _key(opportunity: State) -> str:
    return opportunity.party_ref if isinstance(opportunity, Opportunity) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("opportunity", decider, codec, _labels, _key)
