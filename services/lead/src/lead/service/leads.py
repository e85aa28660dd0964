"""Commands on one lead. Everything that creates or changes a lead goes through here."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from lead.domain.lead import CaptureLead, Command, EnrichLead, Lead, NextAction, NoteSignal, Rules, State
from lead.service.aggregates import apply_views
from lead.service.aggregates.lead import aggregate
from lead.service.running import Service
from lead.service.said import Said, removed, split
from lead.views import lead_lists
from roadbook import telemetry
from roadbook.answers import Answer
from roadbook.commands import ATTEMPTS, Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.decider import Rejected
from roadbook.errors import Conflict, NotFound, PreconditionFailed
from roadbook.events import Recorded, new_id
from roadbook.personal_data import PersonalRow, of_stream
from roadbook.store.postgres import read_events


class PartyUnknown(Exception):
    """The request names a party reference of which the caller holds no lead."""


@dataclass(frozen=True, slots=True)
class Captured:
    """What a capture says besides the intent itself. `at` is when the intent was expressed."""

    source: str
    at: datetime
    party_ref: str | None = None
    dealer_wish: str | None = None
    campaign: str | None = None
    next_action: NextAction | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A lead and its personal data at one moment; version 0 and `Unknown` when there is none."""

    stream: str
    events: Sequence[Recorded]
    state: State
    personal: Sequence[PersonalRow]

    @property
    def version(self) -> int:
        return len(self.events)


async def snapshot(service: Service, stream: str) -> Snapshot:
    async with (
        acquire(service.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        events = await read_events(connection, stream)
        state = aggregate.fold(events)
        personal = await of_stream(connection, state.party_ref, stream) if isinstance(state, Lead) else ()
    return Snapshot(stream, events, state, personal)


async def find(service: Service, lead_id: str) -> Snapshot:
    return await snapshot(service, aggregate.stream(lead_id))


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
async def capture(service: Service, said: Said, captured: Captured, context: CommandContext) -> Answer:
    """A new lead. Raises `PartyUnknown`, `Rejected`, and what `roadbook.commands.execute` raises."""
    if captured.party_ref is not None:
        async with acquire(service.pool) as connection:
            if not await lead_lists.party_known(connection, captured.party_ref, context.dealer):
                raise PartyUnknown
    lead_id = new_id()
    order = capture_order(service, lead_id, captured.party_ref or new_id(), said, captured, context)
    extra = {"lead": lead_id, **(order.extra or {})}
    order = replace(order, status=201, location=f"/v1/leads/{lead_id}", extra=extra)
    return await execute(service.store, aggregate, order, context, apply_views)


def capture_order(
    service: Service, lead_id: str, party_ref: str, said: Said, captured: Captured, context: CommandContext
) -> Order[Command]:
    stream = aggregate.stream(lead_id)
    parts = split(said, stream)
    command = CaptureLead(
        party_ref=party_ref,
        source=captured.source,
        dealer=context.dealer,
        dealer_wish=captured.dealer_wish,
        vehicles=said.vehicles or (),
        budget=said.budget,
        window=said.window,
        contact_points=parts.contact_points,
        consents=said.consents,
        next_action=captured.next_action,
        rules=service.network.rules(),
        at=min(captured.at, context.now),
        now=context.now,
        campaign=captured.campaign,
        personal_fields=parts.personal_fields,
        region=said.region,
        needs=said.needs,
    )
    return Order(
        stream,
        command,
        creates=True,
        personal=parts.personal(party_ref, stream),
        personal_source=captured.source,
        extra={"party_ref": party_ref, "warnings": list(said.warnings)},
    )


def enrich_order(
    lead: Snapshot, said: Said, rules: Rules, at: datetime, source: str, remove: Sequence[str] = ()
) -> Order[Command]:
    """What `said` adds to a lead that is there; a key in `remove` that was said anew at the same time stays."""
    assert isinstance(lead.state, Lead)  # whoever calls has seen that it exists
    party_ref = lead.state.party_ref
    parts = split(said, lead.stream, lead.personal, lead.state.contact_points)
    kept = {point.key for point in parts.contact_points}
    gone = [key for key in remove if key not in kept]
    command = EnrichLead(
        at=at,
        vehicles=said.vehicles,
        budget=said.budget,
        window=said.window,
        contact_points=parts.contact_points,
        removed_contact_points=tuple(gone),
        consents=said.consents,
        personal_fields=parts.personal_fields,
        region=said.region,
        needs=said.needs,
        rules=rules,
    )
    personal = [*parts.personal(party_ref, lead.stream), *removed(gone, party_ref, lead.stream, lead.personal)]
    extra = {"warnings": list(said.warnings)}
    return Order(lead.stream, command, personal=personal, personal_source=source, extra=extra)


async def enrich(service: Service, lead_id: str, said: Said, remove: Sequence[str], context: CommandContext) -> Answer:
    def order(lead: Snapshot) -> Order[Command]:
        return enrich_order(lead, said, service.network.rules(), context.now, "api", remove)

    return await on_snapshot(service, aggregate.stream(lead_id), order, context)


async def command(
    service: Service, lead_id: str, command: Command, context: CommandContext, note: tuple[str, str] | None = None
) -> Answer:
    """`note` is (about, text): free text that came with the command, kept as personal data."""
    stream = aggregate.stream(lead_id)
    if note is None:
        return await execute(service.store, aggregate, Order(stream, command), context, apply_views)
    said = Said(lists=[("note", {"about": note[0], "text": note[1]})])

    def order(lead: Snapshot) -> Order[Command]:
        assert isinstance(lead.state, Lead)  # on_snapshot has seen that it exists
        personal = split(said, stream, lead.personal).personal(lead.state.party_ref, stream)
        return Order(stream, command, personal=personal, personal_source="api")

    return await on_snapshot(service, stream, order, context)


async def on_snapshot(
    service: Service, stream: str, order: Callable[[Snapshot], Order[Command]], context: CommandContext
) -> Answer:
    """Runs an order that was made from a lead and its personal data only if the lead is still as it was read."""
    for _ in range(ATTEMPTS):
        lead = await snapshot(service, stream)
        if not may_see(lead, context.dealer):
            raise NotFound
        expected = lead.version if context.if_match is None else context.if_match
        try:
            return await execute(
                service.store, aggregate, order(lead), replace(context, if_match=expected), apply_views
            )
        except PreconditionFailed:
            if context.if_match is not None:
                raise
    raise Conflict


def may_see(lead: Snapshot, dealer: str | None) -> bool:
    """As the one that holds it; `dealer` None is headquarters. What is shared with others: `reading`."""
    return isinstance(lead.state, Lead) and (dealer is None or lead.state.dealer == dealer)


# ── By the service itself ─────────────────────────────────────────────────────────────────────────────────────
def by_timer(now: datetime) -> CommandContext:
    return CommandContext(
        actor="system:timer",
        client="lead",
        dealer=None,
        now=now,
        correlation=new_id(),
        traceparent=telemetry.current_traceparent(),
    )


async def signal(service: Service, lead_id: str, signal: str, context: CommandContext) -> None:
    """Another stream of ours tells what happened there. A closed lead takes no signal, and that is no error."""
    order: Order[Command] = Order(aggregate.stream(lead_id), NoteSignal(signal, service.network.rules(), context.now))
    with suppress(Rejected):
        await execute(service.store, aggregate, order, context, apply_views)
