"""Matching references that changed: in one transaction under the lock, decisions included."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from itertools import chain

from identity.domain.components import pair_of
from identity.domain.link import Evidence
from identity.matching import judge
from identity.matching.blocks import CAP, blocks, candidates, matches
from identity.matching.keys import Profile, profile
from identity.service import links
from identity.service.running import Service
from identity.views import matching as views
from roadbook import logs
from roadbook.context import CommandContext
from roadbook.database import Connection, is_transient, is_unreachable
from roadbook.errors import Conflict, OutcomeUnknown, Unavailable
from roadbook.events import new_id
from roadbook.store.joined import JoinedStore
from roadbook.store.port import VersionConflict

Work = Callable[[JoinedStore, Sequence[str], datetime], Awaitable[None]]
_log = logs.get_logger(__name__)
_OTHERS_DOING = (Unavailable, OutcomeUnknown, Conflict, VersionConflict)


async def match_some(service: Service, limit: int, now: datetime) -> int:
    """Matches at most `limit` references that changed; returns how many. All of them are placed before the first is
    judged: how many names stand on a number is not a matter of who comes first."""

    async def act(store: JoinedStore) -> int:
        refs = await views.take(store.connection, limit)
        placed = await _as_many_as_can(store, _place, [*refs], now)
        matched = await _as_many_as_can(store, _match, placed, now)
        for ref in refs.keys() - matched:
            await views.again(store.connection, ref, refs[ref])
        return len(refs)

    return await links.decided(service, act)


async def _as_many_as_can(store: JoinedStore, work: Work, refs: Sequence[str], now: datetime) -> list[str]:
    """All in one piece, a few round trips for any number of them. Should that fail, each by itself: what fails then is
    undone for that one alone, told in the log, and tried again later. Returns those that did not fail."""
    if not refs:
        return []
    if await _worked(store, work, refs, now) is None:
        return [*refs]
    found = []
    for ref in refs:
        failed = await _worked(store, work, [ref], now)
        if failed is None:
            found.append(ref)
        else:
            _log.error("match_failed", error_type=type(failed).__name__)
    return found


async def _worked(store: JoinedStore, work: Work, refs: Sequence[str], now: datetime) -> Exception | None:
    """What was wrong with them, and nothing of it is left; what is wrong with the world is raised."""
    try:
        async with store.all_or_nothing():
            await work(store, refs, now)
    except Exception as error:
        if isinstance(error, _OTHERS_DOING) or is_unreachable(error) or is_transient(error):
            raise
        return error
    return None


async def _place(store: JoinedStore, refs: Sequence[str], _: datetime) -> None:
    """One that is not registered yet is in no block: it is marked again when it is."""
    known = await _profiles(store.connection, refs)
    await views.place(store.connection, refs, [(ref, block) for ref in known for block in blocks(known[ref])])


async def _match(store: JoinedStore, refs: Sequence[str], now: datetime) -> None:
    own = await _profiles(store.connection, refs)
    places = {ref: blocks(said) for ref, said in own.items()}
    members = await views.members(store.connection, sorted({*chain(*places.values())}), CAP + 1)
    others = {each for ref, place in places.items() for each in candidates(ref, place, members)} - own.keys()
    loaded = own | await _profiles(store.connection, others) if others else own
    for ref, said in own.items():
        for other, verdict in matches(ref, said, members, loaded.get):
            await _decide(store, ref, other, verdict, now)


async def _decide(store: JoinedStore, ref: str, other: str, verdict: judge.Verdict, now: datetime) -> None:
    pair = pair_of(ref, other)
    evidence = tuple(Evidence(verdict.rule or "scored", field) for field in verdict.fields)
    context = CommandContext("system:matcher", "identity", None, now, new_id())
    decide = links.propose if verdict.rule is None else links.by_rule
    await decide(store, pair, evidence, verdict.score, judge.VERSION, context)


async def _profiles(connection: Connection, refs: Collection[str]) -> dict[str, Profile]:
    found = await views.profiles(connection, refs)
    return {ref: profile(dealer, said) for ref, (dealer, said) in found.items()}
