"""A converted lead becomes an opportunity, with what was heard of it before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from roadbook.commands import Order
from roadbook.database import Connection
from roadbook.decider import Rejected
from roadbook.events import Recorded
from roadbook.reactions import caused_by, derived_id
from roadbook.store.joined import JoinedStore
from sales.contract import lead as contract
from sales.domain.heard import Heard, hear
from sales.domain.opportunity import OpenOpportunity
from sales.service.aggregates.opportunity import aggregate
from sales.service.commands import run
from sales.settings import Network
from sales.views import leads_heard

REACTION = "opportunity_from_lead"


async def note(connection: Connection, events: Sequence[Recorded]) -> None:
    """Keeps what an opportunity needs to know of a lead, should it be converted one day."""
    told = [event for event in events if event.type in contract.TYPES]
    if not told:
        return
    known = dict(await leads_heard.heard(connection, sorted({event.stream for event in told})))
    for event in told:
        lead = known.get(event.stream, Heard(event.stream))
        fact = contract.read(event)
        if fact is not None and event.version > lead.version:
            after, labels = hear(lead, fact), event.labels
            known[event.stream] = replace(
                after, version=event.version, party_ref=labels.party_ref, dealer=labels.dealer
            )
    await leads_heard.save(connection, known.values())


async def open_opportunity(store: JoinedStore, network: Network, event: Recorded, now: datetime) -> None:
    """Under an id made from the event, at its time, for the lead's party and dealer. Raises `Rejected` for a lead of
    which no dealer is known."""
    lead = (await leads_heard.heard(store.connection, [event.stream])).get(event.stream, Heard(event.stream))
    dealer, party_ref = event.labels.dealer, event.labels.party_ref
    if dealer is None or party_ref is None:
        raise Rejected("lead_without_dealer")
    staff = lead.staff if lead.staff is not None and network.is_staff(lead.staff, dealer) else None
    command = OpenOpportunity(
        party_ref, dealer, event.stream, lead.source or "lead", lead.models, staff, "private", None, network.rules(),
        event.time,
    )  # fmt: skip
    order: Order[Any] = Order(aggregate.stream(derived_id(event, "opportunity")), command, may_create=True)
    await run(store, order, caused_by(event, REACTION, "sales", now))
