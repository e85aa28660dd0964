"""What identity learns of others: personal values become keys, leads bring contact points, consents and holders."""

from collections.abc import Sequence
from datetime import UTC, datetime

from identity.contract.others import Consent, ContactPoint
from identity.domain import consent as consents
from identity.domain import party_ref as domain
from identity.service.aggregates import apply_views
from identity.service.aggregates import consent as consent_aggregate
from identity.service.aggregates.party_ref import aggregate
from identity.views import matching, party_refs
from roadbook.commands import Order, execute, several
from roadbook.context import CommandContext
from roadbook.events import Recorded
from roadbook.store.joined import JoinedStore

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Reactions act on all that ever was: a reference is one, however old its lead."""


async def learn(
    store: JoinedStore, ref: str, event: Recorded, source: str, said: Sequence[domain.Command], context: CommandContext
) -> None:
    """Who captured it holds it, then whoever holds the lead that changed hands last; and what else was `said`. One
    load and one write, however much that is."""
    holder = await party_refs.heard(store.connection, ref, event.stream, event.labels.dealer, event.time, event.version)
    commands = (
        domain.RegisterPartyRef(ref, "person", event.labels.dealer, source, event.time),
        domain.MovePartyRef(holder, event.time),
        *said,
    )
    order: Order[Sequence[domain.Command]] = Order(aggregate.stream(ref), commands, may_create=True)
    await execute(store, several(aggregate), order, context, apply_views)


def adopted(event: Recorded, points: Sequence[ContactPoint], source: str) -> list[domain.Command]:
    """The values stay where they were learned; we keep where that is."""
    return [
        domain.AddContactPoint(
            family,  # type: ignore[arg-type]  # just checked
            point.kind, point.valid, point.linkable, point.preferred, f"{event.stream}/{point.key}", source, event.time,
        )
        for point in points
        if (family := point.key.partition("/")[0]) in ("phone", "email", "address")
    ]  # fmt: skip


def dropped(event: Recorded, keys: Sequence[str]) -> list[domain.Command]:
    """Contact points that were taken off the lead are out of use here, too."""
    return [domain.RetireOrigin(f"{event.stream}/{key}", "removed", event.time) for key in keys]


async def take_consents(
    store: JoinedStore, ref: str, event: Recorded, said: Sequence[Consent], source: str, context: CommandContext
) -> None:
    """The proof is the event in which it was said."""
    if not said:
        return
    commands = [_consent(ref, event, each, source) for each in said]
    order: Order[Sequence[consents.Command]] = Order(consent_aggregate.aggregate.stream(ref), commands, may_create=True)
    await execute(store, several(consent_aggregate.held_by(event.labels.dealer)), order, context, apply_views)


def _consent(ref: str, event: Recorded, said: Consent, source: str) -> consents.Command:
    if said.granted:
        return consents.GrantConsent(
            ref, said.purpose, said.channel, said.brand, said.wording, source, event.id, event.time
        )
    return consents.WithdrawConsent(
        ref, said.purpose, said.channel, said.brand, said.wording, "refused", source, event.id, event.time
    )


async def owns(store: JoinedStore, ref: str, event: Recorded, service: str, vin: str) -> None:
    await matching.add_fact(store.connection, ref, service, event.stream, "vin", vin)
