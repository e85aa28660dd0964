"""The lead as the shell sees it."""

from collections.abc import Sequence

from lead.contract.lead import codec
from lead.domain.lead import Command, Event, Lead, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted

NEXT_ACTION, FEEDBACK, PROTECTION = "next_action", "feedback", "protection"


def _labels(lead: State) -> Labels:
    if not isinstance(lead, Lead):
        return Labels()
    # Which car it is about is certain only when one single car is to be bought.
    vins = {vehicle.vin for vehicle in lead.vehicles if vehicle.interest == "buy" and vehicle.vin is not None}
    return Labels(lead.dealer, lead.party_ref, vins.pop() if len(vins) == 1 else None)


def _key(lead: State) -> str:
    return lead.party_ref if isinstance(lead, Lead) else ""


def _timers(lead: State) -> Sequence[TimerWanted]:
    action = feedback = protection = None
    if isinstance(lead, Lead) and lead.status == "open":
        action = lead.next_action.due if lead.next_action is not None and not lead.overdue else None
        feedback = lead.feedback_due
        protection = lead.protection.until if lead.protection is not None else None
    return (TimerWanted(NEXT_ACTION, action), TimerWanted(FEEDBACK, feedback), TimerWanted(PROTECTION, protection))


aggregate: Aggregate[Command, State, Event] = Aggregate("lead", decider, codec, _labels, _key, _timers)
