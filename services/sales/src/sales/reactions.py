"""Other services' events that sales answers with a command (T15)."""

from datetime import UTC, datetime

from roadbook.clock import Clock
from roadbook.events import Recorded
from roadbook.reactions import Reaction
from roadbook.store.joined import JoinedStore
from sales.contract import lead
from sales.service import Service, from_leads

LEAD_TOPIC = "roadbook.lead.v1"
START = datetime(2020, 1, 1, tzinfo=UTC)
"""Every lead that was ever converted has its opportunity."""


def from_lead(service: Service, clock: Clock) -> Reaction:
    async def act(store: JoinedStore, event: Recorded) -> None:
        await from_leads.open_opportunity(store, service.network, event, clock.now())

    return Reaction(from_leads.REACTION, lead.CONVERTED, START, act, from_leads.note)
