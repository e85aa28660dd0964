"""Commands on group buys, and reading them. Who may see one is decided here: the network's are every dealer's."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from lead.domain.group_buy import (
    CloseGroupBuy,
    Command,
    JoinGroupBuy,
    LeaveGroupBuy,
    NoteClosing,
    OpenGroupBuy,
    Price,
)
from lead.service.aggregates import apply_views
from lead.service.aggregates.group_buy import TELL_LEAD, aggregate
from lead.service.running import Service
from lead.service.telling import by_timer, tell
from lead.views import group_buys as listing
from lead.views import lead_brief
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import new_id
from roadbook.timers import Timer

OWN_SHOWN = 100
"""How many of the caller's own members a group buy is shown with; the rest comes in pages."""


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
async def open_group(
    service: Service,
    *,
    model: str,
    price: Price,
    places: int,
    threshold: int,
    closes_at: datetime,
    context: CommandContext,
) -> Answer:
    """The dealer's own, or the network's when headquarters opens it."""
    group = new_id()
    command = OpenGroupBuy(group, context.dealer, model, price, places, threshold, closes_at, context.now)
    order: Order[Command] = Order(
        aggregate.stream(group),
        command,
        creates=True,
        status=201,
        extra={"group_buy": group},
        location=f"/v1/group-buys/{group}",
    )
    return await execute(service.store, aggregate, order, context, apply_views)


async def join(service: Service, group: str, lead: str, context: CommandContext) -> Answer:
    found = await _member(service, group, lead, context.dealer)
    return await _as_member(
        service, group, JoinGroupBuy(found.lead, found.open, found.party_ref, found.dealer, context.now), context
    )


async def leave(service: Service, group: str, lead: str, context: CommandContext) -> Answer:
    found = await _member(service, group, lead, context.dealer)
    command = LeaveGroupBuy(found.lead, found.party_ref, found.dealer, context.now)
    return await _as_member(service, group, command, context)


async def _member(service: Service, group: str, lead: str, dealer: str | None) -> lead_brief.LeadBrief:
    """The lead, if the caller may see the group buy and holds the lead, and the lead's dealer may see it too."""
    async with acquire(service.pool) as connection:
        opened = await listing.group(connection, UUID(group), dealer)
        found = await lead_brief.brief(connection, lead, dealer)
    if opened is None or found is None or opened.dealer not in (None, found.dealer):
        raise NotFound
    return found


async def _as_member(service: Service, group: str, command: Command, context: CommandContext) -> Answer:
    # No dealer holds a group buy of the network: `_member` has seen that this one may join it, the shell need not.
    order = Order(aggregate.stream(group), command)
    return await execute(service.store, aggregate, order, replace(context, dealer=None), apply_views)


async def close(service: Service, group: str, cancel: bool, context: CommandContext) -> Answer:
    """By who opened it, or headquarters. Raises what `execute` raises; of the network's, `NotFound` to a dealer."""
    order: Order[Command] = Order(aggregate.stream(group), CloseGroupBuy(cancel, context.now))
    return await execute(service.store, aggregate, order, context, apply_views)


async def is_networks(service: Service, group: str, dealer: str | None) -> bool:
    """Whether it is for every dealer. Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        found = await listing.group(connection, UUID(group), dealer)
    if found is None:
        raise NotFound
    return found.dealer is None


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """It may be over, or the lead of a member is to be told. Raises what `execute` raises, `TimerGone` among it."""
    if not timer.kind.startswith(TELL_LEAD):
        order: Order[Command] = Order(timer.stream, NoteClosing(timer.due, now), fired=timer.fired)
        await execute(service.store, aggregate, order, by_timer(now), apply_views)
        return
    lead, group = timer.kind.removeprefix(TELL_LEAD), timer.stream.partition("/")[2]
    async with acquire(service.pool) as connection:
        cause = await listing.joined_by(connection, UUID(group), UUID(lead), timer.due)
    await tell(service, timer, lead, "group_buy", by_timer(now, *cause))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
async def read(
    service: Service, group: str, dealer: str | None
) -> tuple[listing.GroupRow, int, list[listing.MemberRow]]:
    """(the group buy, how many of its members are the caller's own, the first of those). Raises `NotFound`."""
    async with (
        acquire(service.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        found = await listing.group(connection, UUID(group), dealer)
        if found is None:
            raise NotFound
        own = await listing.own_count(connection, found.group_buy, dealer)
        return found, own, await listing.members(connection, found.group_buy, dealer, None, OWN_SHOWN)


async def members(
    service: Service, group: str, dealer: str | None, after: listing.GroupKey | None, limit: int
) -> list[listing.MemberRow]:
    """The caller's own, in the order they joined. Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        found = await listing.group(connection, UUID(group), dealer)
        if found is None:
            raise NotFound
        return await listing.members(connection, found.group_buy, dealer, after, limit)


async def listed(
    service: Service, wanted: listing.Wanted, after: listing.GroupKey | None, limit: int
) -> list[listing.GroupRow]:
    async with acquire(service.pool) as connection:
        return await listing.groups(connection, wanted, after, limit)
