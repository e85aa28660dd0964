"""Commands on consents, and reading them."""

from identity.domain.consent import Command, Consents
from identity.service.aggregates import apply_views
from identity.service.aggregates.consent import aggregate, held_by
from identity.service.party_refs import require
from identity.service.running import Service
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext


async def command(service: Service, wanted: Command, context: CommandContext) -> Answer:
    """Raises `NotFound` for a reference that the caller does not hold."""
    row = (await require(service, [wanted.party_ref], context.dealer))[wanted.party_ref]
    order: Order[Command] = Order(aggregate.stream(wanted.party_ref), wanted, may_create=True)
    return await execute(service.store, held_by(row.dealer), order, context, apply_views)


async def read(service: Service, ref: str, dealer: str | None) -> tuple[Consents, int]:
    """(consents, version of their stream: 0 while there is none). Raises `NotFound`."""
    await require(service, [ref], dealer)
    loaded = await service.store.load(aggregate.stream(ref))
    return aggregate.fold(loaded.events), len(loaded.events)
