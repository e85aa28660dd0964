"""Commands on party references, and reading them. A reference that the caller does not hold is not there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Any

from identity.domain import party_ref as domain
from identity.domain.party_ref import Command, PartyRef
from identity.matching import names
from identity.service.aggregates import apply_views
from identity.service.aggregates.party_ref import aggregate
from identity.service.running import Service
from identity.service.said import Said
from identity.views import matching
from identity.views import party_refs as views
from roadbook import personal_data
from roadbook.answers import Answer
from roadbook.commands import ATTEMPTS, Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import Conflict, NotFound, PreconditionFailed
from roadbook.events import new_id
from roadbook.personal_data import PersonalRow
from roadbook.store.port import PersonalValue


async def require(service: Service, refs: Sequence[str], dealer: str | None) -> dict[str, views.RefRow]:
    """All of them, as `dealer` holds them. Raises `NotFound`, whichever is missing and for whatever reason."""
    async with acquire(service.pool) as connection:
        found = await views.visible(connection, refs, dealer)
    if len(found) < len(set(refs)):
        raise NotFound
    return found


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
async def register(service: Service, kind: domain.Kind, source: str, context: CommandContext) -> Answer:
    """A reference of the caller's own, for somebody no lead speaks of: a key account, a partner, a spouse."""
    ref = new_id()
    order: Order[Command] = Order(
        aggregate.stream(ref),
        domain.RegisterPartyRef(ref, kind, context.dealer, source, context.now),
        creates=True,
        status=201,
        extra={"party_ref": ref},
        location=f"/v1/party-refs/{ref}",
    )
    return await execute(service.store, aggregate, order, context, apply_views)


async def command(
    service: Service,
    ref: str,
    wanted: Command,
    context: CommandContext,
    personal: Sequence[PersonalValue] = (),
    source: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Answer:
    order: Order[Command] = Order(aggregate.stream(ref), wanted, personal=personal, personal_source=source, extra=extra)
    return await execute(service.store, aggregate, order, context, apply_views)


async def add_contact_point(
    service: Service, ref: str, said: Said, preferred: bool, source: str, context: CommandContext
) -> Answer:
    """The decider numbers the point and the value is written under that number: both from one version of the stream.
    Who came between makes it a conflict, and it is done anew."""
    wanted = domain.AddContactPoint(
        said.family, said.kind, said.valid, said.linkable, preferred, None, source, context.now
    )
    for _ in range(ATTEMPTS):
        state, version, _rows = await _own(service, ref, context.dealer)
        key = domain.next_key(state, said.family)
        order: Order[Command] = Order(
            aggregate.stream(ref),
            wanted,
            personal=(PersonalValue(ref, f"{aggregate.stream(ref)}/{key}", said.value),),
            personal_source=source,
            status=201,
            extra={"key": key},
        )
        expected = replace(context, if_match=version) if context.if_match is None else context
        try:
            return await execute(service.store, aggregate, order, expected, apply_views)
        except PreconditionFailed:
            if context.if_match is not None:
                raise
    raise Conflict


async def correct_contact_point(
    service: Service, ref: str, key: str, said: Said, source: str, context: CommandContext
) -> Answer:
    stream = aggregate.stream(ref)
    _, _, rows = await _own(service, ref, context.dealer)
    before = {row.key: row.value for row in rows}.get(f"{stream}/{key}")
    wanted = domain.CorrectContactPoint(
        key, said.kind, said.valid, said.linkable, source, context.now, same=before == said.value
    )
    personal = () if wanted.same else (PersonalValue(ref, f"{stream}/{key}", said.value),)
    return await command(service, ref, wanted, context, personal, source)


async def verify_contact_point(
    service: Service, ref: str, wanted: domain.VerifyContactPoint, context: CommandContext
) -> Answer:
    """Our own value says when it was verified; another service's is its own affair."""
    name = f"{aggregate.stream(ref)}/{wanted.key}"
    _, _, rows = await _own(service, ref, context.dealer)
    row = next((row for row in rows if row.key == name and row.value is not None), None)
    personal = () if row is None else (PersonalValue(ref, name, row.value, context.now),)
    return await command(service, ref, wanted, context, personal, row.source if row else "")


async def retire_contact_point(
    service: Service, ref: str, wanted: domain.RetireContactPoint, context: CommandContext
) -> Answer:
    name = f"{aggregate.stream(ref)}/{wanted.key}"
    _, _, rows = await _own(service, ref, context.dealer)
    held = any(row.key == name and row.value is not None for row in rows)
    personal = (PersonalValue(ref, name, None),) if held else ()
    return await command(service, ref, wanted, context, personal, "identity")


async def record_profile(
    service: Service, ref: str, wanted: domain.RecordProfile, values: Mapping[str, Any], context: CommandContext
) -> Answer:
    """`values` by field; what was refused has none, and a value that was there is removed."""
    stream = aggregate.stream(ref)
    _, _, rows = await _own(service, ref, context.dealer)
    before = {row.key: row.value for row in rows}
    personal = [
        PersonalValue(ref, f"{stream}/{each.name}", values.get(each.name))
        for each in wanted.fields
        if before.get(f"{stream}/{each.name}") != values.get(each.name)
    ]
    return await command(service, ref, wanted, context, personal, wanted.source)


async def relate(
    service: Service,
    ref: str,
    wanted: domain.DeclareRelationship | domain.EndRelationship,
    context: CommandContext,
) -> Answer:
    await require(service, [ref, wanted.other], context.dealer)
    return await command(service, ref, wanted, context)


async def _own(service: Service, ref: str, dealer: str | None) -> tuple[domain.State, int, list[PersonalRow]]:
    """State, version and own personal values of a reference that `dealer` holds. Raises `NotFound`."""
    loaded = await service.store.load(aggregate.stream(ref))
    state = aggregate.fold(loaded.events)
    if not isinstance(state, PartyRef) or dealer not in (None, state.dealer):
        raise NotFound
    async with acquire(service.pool) as connection:
        rows = await personal_data.of_stream(connection, ref, aggregate.stream(ref))
    return state, len(loaded.events), rows


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Read:
    """`seen`: the streams of other services that the reader holds (None: headquarters, which sees all). `known`: the
    different values that the streams it sees say, by field."""

    state: PartyRef
    version: int
    personal: Sequence[PersonalRow]
    seen: frozenset[str] | None
    known: Mapping[str, Collection[str]]

    def shows(self, point: domain.Point) -> bool:
        """A point that another dealer's lead brought is not shown, while its holder is another."""
        return point.origin is None or self.seen is None or "/".join(point.origin.split("/")[:2]) in self.seen


async def read(service: Service, ref: str, dealer: str | None) -> Read:
    """Raises `NotFound`."""
    state, version, rows = await _own(service, ref, dealer)
    assert isinstance(state, PartyRef)  # _own saw to it
    async with acquire(service.pool) as connection:
        streams = None if dealer is None else frozenset(await views.held_streams(connection, ref, dealer))
        known = await matching.values_of(connection, ref, None if streams is None else [*streams, f"partyref/{ref}"])
    return Read(state, version, rows, streams, known)


def contradict(field: str, values: Collection[str]) -> bool:
    """Whether these values of one field cannot all be right."""
    if field != "name":
        return len(values) > 1
    read = [name for name in map(names.read, values) if name is not None]
    return any(names.agreement(a, b) < names.Agreement.PARTIAL for a, b in combinations(read, 2))


async def listed(
    service: Service, dealer: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[views.RefRow]:
    async with acquire(service.pool) as connection:
        return await views.page(connection, dealer, after, limit)
