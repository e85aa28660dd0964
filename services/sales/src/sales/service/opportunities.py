"""Commands on opportunities, and who may be named in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadbook.answers import Answer
from roadbook.commands import Order
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.events import new_id
from sales.domain.opportunity import OpenOpportunity
from sales.service.aggregates.opportunity import aggregate
from sales.service.commands import known_staff, run
from sales.service.running import Service
from sales.views import listing, opportunities


class PartyUnknown(Exception):
    """The caller has nothing to do with this party reference."""


class DealerMissing(Exception):
    """Headquarters has to say whose it is to be."""


@dataclass(frozen=True, slots=True)
class Opening:
    """`party_ref` None: a new one is made. `dealer` is for headquarters to name."""

    source: str
    models: tuple[str, ...]
    party_ref: str | None = None
    dealer: str | None = None
    staff: str | None = None
    owner_kind: str = "private"
    tender: str | None = None


async def open_(service: Service, opening: Opening, context: CommandContext) -> Answer:
    """Raises `PartyUnknown`, `StaffUnknown`, `DealerMissing`, `Rejected`, and what `execute` raises."""
    dealer = context.dealer or opening.dealer
    if dealer is None:
        raise DealerMissing
    known_staff(service, opening.staff, dealer)
    party_ref = await party(service, opening.party_ref, context.dealer)
    id_ = new_id()
    command = OpenOpportunity(
        party_ref, dealer, None, opening.source, opening.models, opening.staff, opening.owner_kind, opening.tender,
        service.network.rules(), context.now,
    )  # fmt: skip
    order: Order[Any] = Order(
        aggregate.stream(id_),
        command,
        creates=True,
        status=201,
        extra={"opportunity": id_, "party_ref": party_ref},
        location=f"/v1/opportunities/{id_}",
    )
    return await run(service.store, order, context)


async def party(service: Service, party_ref: str | None, dealer: str | None) -> str:
    """The reference, or a new one where none is named. Raises `PartyUnknown`."""
    if party_ref is None:
        return new_id()
    async with acquire(service.pool) as connection:
        if not await opportunities.party_known(connection, party_ref, dealer):
            raise PartyUnknown
    return party_ref


async def listed(
    service: Service, of: listing.Listing, wanted: Mapping[str, Any], after: listing.Key | None, limit: int
) -> Sequence[dict[str, Any]]:
    """Any list of this service."""
    async with acquire(service.pool) as connection:
        return await listing.rows(connection, of, wanted, after, limit)
