"""The lead as the shell sees it, and the parts a running service is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lead import views
from lead.contract import codec
from lead.domain.lead import Command, Event, Lead, State, decider
from lead.settings import Network
from roadbook.commands import Aggregate
from roadbook.database import Connection, Pool
from roadbook.events import Labels, Recorded
from roadbook.store.port import Store, TimerWanted

NEXT_ACTION = "next_action"


def _labels(lead: State) -> Labels:
    if not isinstance(lead, Lead):
        return Labels()
    # Which car it is about is certain only when one single car is to be bought.
    vins = {vehicle.vin for vehicle in lead.vehicles if vehicle.interest == "buy" and vehicle.vin is not None}
    return Labels(lead.dealer, lead.party_ref, vins.pop() if len(vins) == 1 else None)


def _key(lead: State) -> str:
    return lead.party_ref if isinstance(lead, Lead) else ""


def _timers(lead: State) -> Sequence[TimerWanted]:
    due = None
    if isinstance(lead, Lead) and lead.status == "open" and lead.next_action is not None and not lead.overdue:
        due = lead.next_action.due
    return (TimerWanted(NEXT_ACTION, due),)


aggregate: Aggregate[Command, State, Event] = Aggregate("lead", decider, codec, _labels, _key, _timers)


async def apply_views(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Lead's read tables, in the append's transaction."""
    await views.apply(connection, [(event, codec.decode(event.type, event.data)) for event in recorded])


@dataclass(frozen=True, slots=True)
class Service:
    """`retention` is how long raw documents and quarantined prospects are kept."""

    pool: Pool
    store: Store
    network: Network
    retention: timedelta
