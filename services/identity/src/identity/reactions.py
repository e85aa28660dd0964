"""Other services' events that identity answers with a command, and personal values that it makes keys of.

A lead's event concerns two streams, the reference and its consents: a reaction for each, since each has a place of its
own to go on from. Several leads may carry one reference, and only each lead's own events are in order.
"""

import asyncio
from collections.abc import Sequence

from identity.contract import others, personal
from identity.contract.personal import Value
from identity.matching.keys import keys_of
from identity.service import learning
from identity.service.aggregates.party_ref import aggregate
from identity.views import matching
from identity.views.matching import ValueRow
from roadbook.bus import Delivered
from roadbook.clock import Clock
from roadbook.database import Connection
from roadbook.events import Recorded
from roadbook.reactions import Reaction, caused_by
from roadbook.store.joined import JoinedStore

PARTY_REFS, CONSENTS, OWNERS, PERSONAL = (
    "identity-party-refs",
    "identity-consents",
    "identity-owners",
    "identity-personal",
)
HEARD = {
    PARTY_REFS: frozenset({others.CAPTURED, others.ENRICHED}) | others.HANDED_ON,
    CONSENTS: frozenset({others.CAPTURED, others.ENRICHED}),
    OWNERS: frozenset({others.TRANSFERRED}),
}
"""By reaction: the types of events that it acts on."""
LEARNED = "lead"
"""The source of what comes with a lead that says none itself."""


def party_refs(clock: Clock) -> Reaction:
    """Registers the reference of a lead, adopts its contact points, and follows its holder."""

    async def act(store: JoinedStore, event: Recorded) -> None:
        context = caused_by(event, PARTY_REFS, "identity", clock.now())
        if event.type == others.CAPTURED:
            captured = others.lead.decode(event.type, event.data)
            assert isinstance(captured, others.LeadCaptured)  # what its type says
            said = learning.adopted(event, captured.contact_points, captured.source)
            await learning.learn(store, captured.party_ref, event, captured.source, said, context)
            await _cars(store, captured.party_ref, event, captured.vehicles)
        elif (ref := event.labels.party_ref) is None:
            return
        elif event.type == others.ENRICHED:
            enriched = others.lead.decode(event.type, event.data)
            assert isinstance(enriched, others.LeadEnriched)  # what its type says
            said = learning.adopted(event, enriched.contact_points, LEARNED)
            said += learning.dropped(event, enriched.removed_contact_points)
            await learning.learn(store, ref, event, LEARNED, said, context)
            await _cars(store, ref, event, enriched.vehicles or ())
        else:
            await learning.learn(store, ref, event, LEARNED, (), context)

    return Reaction(PARTY_REFS, HEARD[PARTY_REFS], learning.BEGINNING, act, stream=_party_ref)


def _party_ref(event: Recorded) -> str | None:
    ref = event.labels.party_ref
    return None if ref is None else aggregate.stream(ref)


async def _cars(store: JoinedStore, ref: str, event: Recorded, cars: Sequence[others.VehicleInterest]) -> None:
    for car in cars:
        if car.vin is not None and car.interest in others.OWN_CARS:
            await learning.owns(store, ref, event, "lead", car.vin)


def consents(clock: Clock) -> Reaction:
    """What a party said at capture, a refusal too, stands in its consents; the proof is the lead's event."""

    async def act(store: JoinedStore, event: Recorded) -> None:
        context = caused_by(event, CONSENTS, "identity", clock.now())
        told = others.lead.decode(event.type, event.data)
        captured = isinstance(told, others.LeadCaptured)
        ref = told.party_ref if isinstance(told, others.LeadCaptured) else event.labels.party_ref
        source = told.source if isinstance(told, others.LeadCaptured) else LEARNED
        if ref is None:
            return
        assert captured or isinstance(told, others.LeadEnriched)  # what its type says
        await learning.take_consents(store, ref, event, told.consents, source, context)

    return Reaction(CONSENTS, HEARD[CONSENTS], learning.BEGINNING, act)


def owners() -> Reaction:
    """Whose car it is tells who somebody is."""

    async def act(store: JoinedStore, event: Recorded) -> None:
        told = others.sales.decode(event.type, event.data)
        if told.party_ref is not None:
            await learning.owns(store, told.party_ref, event, "sales", told.vin)

    return Reaction(OWNERS, HEARD[OWNERS], learning.BEGINNING, act)


class PersonalHandler:
    """Makes keys of personal values; the values themselves are not kept. `matching` wakes the matcher."""

    def __init__(self, secret: bytes, wake: asyncio.Event) -> None:
        self._secret = secret
        self._wake = wake

    def decode(self, record: Delivered) -> Value:
        return personal.read(record)

    async def apply(self, connection: Connection, items: Sequence[Value]) -> None:
        rows = [
            ValueRow(item.party_ref, item.service, item.key, item.version, tuple(self._keys(item))) for item in items
        ]
        await matching.save(connection, rows)

    def _keys(self, item: Value) -> list[tuple[str, str]]:
        return [] if item.value is None else keys_of(item.name, item.value, self._secret)

    async def committed(self, items: Sequence[Value]) -> None:
        self._wake.set()
