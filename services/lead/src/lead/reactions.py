"""Other services' events that lead answers with a command: what became of the opportunity a lead was converted into."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import orjson

from lead.domain.lead import Command, RecordOutcome
from lead.service import Service, apply_views
from lead.service.aggregates.lead import aggregate
from roadbook.clock import Clock
from roadbook.commands import Order, execute
from roadbook.decider import Rejected
from roadbook.errors import NotFound
from roadbook.events import Recorded
from roadbook.reactions import Reaction, caused_by
from roadbook.store.port import Store

TOPIC = "roadbook.sales.v1"
OUTCOME = "lead_learns_outcome"
_OUTCOMES = {"roadbook.sales.opportunity_won.v1": "won", "roadbook.sales.opportunity_lost.v1": "lost"}
TYPES = frozenset(_OUTCOMES)


def outcome(service: Service, clock: Clock) -> Reaction:
    """The lead of an opportunity learns that it was won or lost; one that came without a lead concerns nobody here."""
    return Reaction(OUTCOME, TYPES, datetime.min.replace(tzinfo=UTC), _learn(service, clock))


def _learn(service: Service, clock: Clock) -> Callable[[Store, Recorded], Awaitable[object]]:
    async def act(store: Store, event: Recorded) -> object:
        told = orjson.loads(event.data)
        lead, reason = told.get("lead"), told.get("reason")
        if not isinstance(lead, str):
            return None
        command: Command = RecordOutcome(
            event.stream,
            _OUTCOMES[event.type],
            reason if isinstance(reason, str) else None,
            service.network.rules(),
            event.time,
        )
        try:
            return await execute(
                store, aggregate, Order(lead, command), caused_by(event, OUTCOME, "lead", clock.now()), apply_views
            )
        except NotFound:
            raise Rejected("lead_unknown") from None

    return act
