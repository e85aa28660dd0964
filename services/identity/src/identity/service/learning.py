"""What identity learns of others: personal values become keys, leads bring contact points, consents and holders."""

from dataclasses import replace
from datetime import UTC, datetime

from identity.contract.others import Consent, ContactPoint
from identity.domain import consent as consents
from identity.domain import party_ref as domain
from identity.service.aggregates import apply_views
from identity.service.aggregates import consent as consent_aggregate
from identity.service.aggregates.party_ref import aggregate
from identity.views import matching, party_refs
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.events import Recorded
from roadbook.store.joined import JoinedStore

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Reactions act on all that ever was: a reference is one, however old its lead."""


async def register(store: JoinedStore, ref: str, event: Recorded, source: str, context: CommandContext) -> None:
    """Who captured it holds it; then whoever holds the lead that changed hands last."""
    await _tell(store, ref, domain.RegisterPartyRef(ref, "person", event.labels.dealer, source, event.time), context)
    await follow(store, ref, event, context)


async def follow(store: JoinedStore, ref: str, event: Recorded, context: CommandContext) -> None:
    holder = await party_refs.heard(store.connection, ref, event.stream, event.labels.dealer, event.time, event.version)
    await _tell(store, ref, domain.MovePartyRef(holder, event.time), context)


async def adopt(
    store: JoinedStore, ref: str, event: Recorded, point: ContactPoint, source: str, context: CommandContext
) -> None:
    """The value stays where it was learned; we keep where that is."""
    family = point.key.partition("/")[0]
    if family not in ("phone", "email", "address"):
        return
    origin = f"{event.stream}/{point.key}"
    command = domain.AddContactPoint(
        family,  # type: ignore[arg-type]  # just checked
        point.kind, point.valid, point.linkable, point.preferred, origin, source, event.time,
    )  # fmt: skip
    await _tell(store, ref, command, context)


async def drop(store: JoinedStore, ref: str, origin: str, at: datetime, context: CommandContext) -> None:
    """A contact point that was taken off the lead is out of use here, too."""
    state = aggregate.fold((await store.load(aggregate.stream(ref))).events)
    key = state.origins.get(origin) if isinstance(state, domain.PartyRef) else None
    if key is not None and isinstance(state, domain.PartyRef) and state.points[key].origin == origin:
        await _tell(store, ref, domain.RetireContactPoint(key, "removed", at), context)


async def take_consent(
    store: JoinedStore, ref: str, event: Recorded, said: Consent, source: str, context: CommandContext
) -> None:
    """The proof is the event in which it was said."""
    command: consents.Command
    if said.granted:
        command = consents.GrantConsent(
            ref, said.purpose, said.channel, said.brand, said.wording, source, event.id, event.time
        )
    else:
        command = consents.WithdrawConsent(
            ref, said.purpose, said.channel, said.brand, said.wording, "refused", source, event.id, event.time
        )
    order: Order[consents.Command] = Order(consent_aggregate.aggregate.stream(ref), command, may_create=True)
    await execute(store, consent_aggregate.held_by(event.labels.dealer), order, context, apply_views)


async def owns(store: JoinedStore, ref: str, event: Recorded, service: str, vin: str) -> None:
    await matching.add_fact(store.connection, ref, service, event.stream, "vin", vin)


async def _tell(store: JoinedStore, ref: str, command: domain.Command, context: CommandContext) -> None:
    order: Order[domain.Command] = Order(aggregate.stream(ref), command, may_create=True)
    await execute(store, aggregate, order, replace(context, if_match=None), apply_views)
