"""Matching references that changed: in one transaction under the lock, decisions included."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

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

Work = Callable[[JoinedStore, str, datetime], Awaitable[None]]
_log = logs.get_logger(__name__)
_OTHERS_DOING = (Unavailable, OutcomeUnknown, Conflict, VersionConflict)


async def match_some(service: Service, limit: int, now: datetime) -> int:
    """Matches at most `limit` references that changed; returns how many. All of them are placed before the first is
    judged: how many names stand on a number is not a matter of who comes first."""

    async def act(store: JoinedStore) -> int:
        refs = await views.take(store.connection, limit)
        placed = [ref for ref in refs if await _safely(store, _place, ref, now)]
        matched = [ref for ref in placed if await _safely(store, _match, ref, now)]
        for ref in refs.keys() - matched:
            await views.again(store.connection, ref, refs[ref])
        return len(refs)

    return await links.decided(service, act)


async def _safely(store: JoinedStore, work: Work, ref: str, now: datetime) -> bool:
    """What fails for one reference is undone for that one alone, told in the log, and tried again later."""
    try:
        async with store.connection.transaction():
            await work(store, ref, now)
    except Exception as error:
        if isinstance(error, _OTHERS_DOING) or is_unreachable(error) or is_transient(error):
            raise
        _log.error("match_failed", error_type=type(error).__name__)
        return False
    return True


async def _place(store: JoinedStore, ref: str, _: datetime) -> None:
    """One that is not registered yet is in no block: it is marked again when it is."""
    own = (await _profiles(store.connection, [ref])).get(ref)
    await views.place(store.connection, ref, [] if own is None else blocks(own))


async def _match(store: JoinedStore, ref: str, now: datetime) -> None:
    own = (await _profiles(store.connection, [ref])).get(ref)
    if own is None:
        return
    places = blocks(own)
    members = await views.members(store.connection, places, CAP + 1)
    loaded = await _profiles(store.connection, {*candidates(ref, places, members), ref})
    for other, verdict in matches(ref, own, members, loaded.get):
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
