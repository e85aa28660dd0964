"""Decisions about links, one after another under one lock; and reading them.

A steward may join anything that does not bring a cannot-link pair together; a rule that would, proposes instead.
"""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from identity.domain.components import Pair, graph, kept_apart, pair_of, path, smallest_cut
from identity.domain.link import Command, Event, Evidence, LinkPartyRefs, ProposeLink, RejectLink, UnlinkPartyRefs
from identity.service.aggregates import apply_views
from identity.service.aggregates.link import aggregate
from identity.service.party_refs import require
from identity.service.running import Service
from identity.views import links as views
from identity.views.links import PairRow
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import Connection, acquire
from roadbook.decider import Rejected
from roadbook.errors import NotFound
from roadbook.events import Recorded
from roadbook.store.joined import JoinedStore, together

R = TypeVar("R")
BY_HAND = "steward"


async def decided(service: Service, act: Callable[[JoinedStore], Awaitable[R]]) -> R:
    """`act` alone: nobody else decides about links until it is committed. A rejection is an outcome, and is kept."""

    async def alone(store: JoinedStore) -> R | Rejected:
        await views.lock(store.connection)
        try:
            return await act(store)
        except Rejected as rejection:
            return rejection

    outcome = await together(service.store, alone)
    if isinstance(outcome, Rejected):
        raise outcome
    return outcome


async def tell(
    store: JoinedStore, command: Command, context: CommandContext, *, create: bool = True, **more: object
) -> Answer:
    """One decision about one pair, inside `decided`."""
    stream = aggregate.stream(f"{command.smaller}:{command.larger}")
    status, location = more.pop("status", 200), more.pop("location", None)
    assert isinstance(status, int)
    order: Order[Command] = Order(
        stream,
        command,
        may_create=create,
        status=status,
        location=None if location is None else str(location),
        extra=more or None,
    )
    return await execute(store, aggregate, order, context, apply_views)


async def in_the_way(connection: Connection, pair: Pair, *, by_hand: bool = False) -> Pair | None:
    """The cannot-link pair that joining `pair` would bring into one component. By hand the pair's own is no hindrance:
    that is just what the steward decides."""
    refs = await views.reached(connection, pair)
    known = graph((row.smaller, row.larger) for row in await views.links_among(connection, refs))
    apart = await views.apart_among(connection, refs)
    return kept_apart(*pair, known, apart - {pair} if by_hand else apart)


# ── The steward ───────────────────────────────────────────────────────────────────────────────────────────────
async def link(service: Service, pair: Pair, context: CommandContext) -> Answer:
    """Joins the pair, a cannot-link too: the steward may change a mind. Raises `Rejected("cannot_link")` when that
    would bring another pair together that is told apart."""
    await require(service, pair, None)
    evidence = (Evidence(BY_HAND, "decision"),)

    async def act(store: JoinedStore) -> Answer:
        if await in_the_way(store.connection, pair, by_hand=True) is not None:
            raise Rejected("cannot_link")
        command = LinkPartyRefs(*pair, "steward", evidence, BY_HAND, context.now)
        where = f"/v1/links/{pair[0]}:{pair[1]}"
        return await tell(store, command, context, status=201, location=where, link=f"{pair[0]}:{pair[1]}")

    return await decided(service, act)


async def approve(service: Service, pair: Pair, context: CommandContext) -> Answer:
    """What was proposed becomes a link, with the evidence it was proposed for."""

    async def act(store: JoinedStore) -> Answer:
        row = await views.pair(store.connection, *pair)
        if row is None or row.proposed_at is None:
            raise NotFound
        if await in_the_way(store.connection, pair, by_hand=True) is not None:
            raise Rejected("cannot_link")
        command = LinkPartyRefs(*pair, "steward", _evidence(row), row.matcher, context.now)
        return await tell(store, command, context, create=False)

    return await decided(service, act)


async def reject(service: Service, pair: Pair, reason: str, context: CommandContext) -> Answer:
    async def act(store: JoinedStore) -> Answer:
        return await tell(store, RejectLink(*pair, "steward", reason, context.now), context, create=False)

    return await decided(service, act)


async def unlink(service: Service, pair: Pair, reason: str, context: CommandContext) -> Answer:
    """`still_joined`: other links keep the two one customer; a split finds those."""

    async def act(store: JoinedStore) -> Answer:
        refs = await views.reached(store.connection, pair)
        rest = [(row.smaller, row.larger) for row in await views.links_among(store.connection, refs)]
        joined = bool(path(*pair, graph(each for each in rest if each != pair)))
        command = UnlinkPartyRefs(*pair, "steward", reason, context.now)
        return await tell(store, command, context, create=False, still_joined=joined)

    return await decided(service, act)


async def cut(service: Service, a: str, b: str) -> list[PairRow]:
    """The links that a split of these two would undo. Raises `NotFound`."""
    await require(service, [a, b], None)
    async with acquire(service.pool) as connection:
        return await _cut(connection, pair_of(a, b))


async def split(service: Service, pair: Pair, reason: str, context: CommandContext) -> Answer:
    """Undoes the fewest links that make two customers of the two, and tells the two apart for good. Done again it
    answers as before (with its key) or finds nothing to cut."""
    await require(service, pair, None)
    quiet = CommandContext(
        context.actor, context.client, None, context.now, context.correlation, None, context.traceparent
    )

    async def act(store: JoinedStore) -> Answer:
        rows = await _cut(store.connection, pair)
        for row in rows:
            if (row.smaller, row.larger) != pair:
                await tell(store, UnlinkPartyRefs(row.smaller, row.larger, "steward", reason, context.now), quiet)
        direct = any((row.smaller, row.larger) == pair for row in rows)
        last: Command = (UnlinkPartyRefs if direct else RejectLink)(*pair, "steward", reason, context.now)
        return await tell(store, last, context, cut=[f"{row.smaller}:{row.larger}" for row in rows])

    return await decided(service, act)


async def _cut(connection: Connection, pair: Pair) -> list[PairRow]:
    rows = await views.links_among(connection, await views.reached(connection, pair))
    wanted = set(smallest_cut(*pair, graph((row.smaller, row.larger) for row in rows)))
    return [row for row in rows if (row.smaller, row.larger) in wanted]


# ── The matcher ───────────────────────────────────────────────────────────────────────────────────────────────
async def by_rule(
    store: JoinedStore, pair: Pair, evidence: tuple[Evidence, ...], score: int, matcher: str, context: CommandContext
) -> None:
    """Inside `decided`: a link, or where the pair or another would be brought together that is told apart, a
    question to the steward."""
    if await in_the_way(store.connection, pair) is None:
        await tell(store, LinkPartyRefs(*pair, "rule", evidence, matcher, context.now), context)
    else:
        await propose(store, pair, evidence, score, matcher, context)


async def propose(
    store: JoinedStore, pair: Pair, evidence: tuple[Evidence, ...], score: int, matcher: str, context: CommandContext
) -> None:
    """Not of two that are one customer already."""
    if pair[1] not in await views.reached(store.connection, [pair[0]]):
        await tell(store, ProposeLink(*pair, score, evidence, matcher, context.now), context)


def _evidence(row: PairRow) -> tuple[Evidence, ...]:
    return tuple(Evidence(each["rule"], each["field"]) for each in row.evidence)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Why:
    """`links`: the way from one to the other; empty: they are two customers. `apart`: the steward's word on this very
    pair, if there was one."""

    refs: Sequence[str]
    links: Sequence[PairRow]
    apart: PairRow | None


async def read(service: Service, pair: Pair) -> PairRow:
    """Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        row = await views.pair(connection, *pair)
    if row is None:
        raise NotFound
    return row


async def history(service: Service, pair: Pair) -> list[tuple[Recorded, Event]]:
    """All that was said of the pair, in order: what a later word covers in `read` is still to be seen here."""
    loaded = await service.store.load(aggregate.stream(f"{pair[0]}:{pair[1]}"))
    return [(each, aggregate.codec.decode(each.type, each.data)) for each in loaded.events]


async def of_ref(service: Service, ref: str, dealer: str | None) -> list[PairRow]:
    """The links of the customer that `ref` is part of, among the references that `dealer` holds."""
    await require(service, [ref], dealer)
    async with acquire(service.pool) as connection:
        return await views.links_among(connection, await views.reached(connection, [ref], dealer))


async def why(service: Service, a: str, b: str, dealer: str | None) -> Why:
    """Seen with the reader's eyes: over references it holds. Raises `NotFound`."""
    await require(service, [a, b], dealer)
    async with acquire(service.pool) as connection:
        rows = await views.links_among(connection, await views.reached(connection, [a], dealer))
        decided_on = await views.pair(connection, *pair_of(a, b))
    way = path(a, b, graph((row.smaller, row.larger) for row in rows))
    steps = {pair_of(x, y) for x, y in itertools.pairwise(way)}
    apart = decided_on if decided_on is not None and decided_on.apart else None
    return Why(way, [row for row in rows if (row.smaller, row.larger) in steps], apart)


async def queue(service: Service, after: views.ProposalKey | None, limit: int) -> list[PairRow]:
    async with acquire(service.pool) as connection:
        return await views.proposals(connection, after, limit)
