"""Matching references that changed: in one transaction under the lock, decisions included."""

from collections.abc import Collection
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

_log = logs.get_logger(__name__)
_OTHERS_DOING = (Unavailable, OutcomeUnknown, Conflict, VersionConflict)


async def match_some(service: Service, limit: int, now: datetime) -> int:
    """Matches at most `limit` references that changed; returns how many. What fails for one of them is undone for
    that one alone and told in the log: the next change of it tries again."""

    async def act(store: JoinedStore) -> int:
        refs = await views.take(store.connection, limit)
        for ref in refs:
            try:
                async with store.connection.transaction():
                    await _match(store, ref, now)
            except Exception as error:
                if isinstance(error, _OTHERS_DOING) or is_unreachable(error) or is_transient(error):
                    raise
                _log.error("match_failed", error_type=type(error).__name__)
        return len(refs)

    return await links.decided(service, act)


async def _match(store: JoinedStore, ref: str, now: datetime) -> None:
    connection = store.connection
    own = (await _profiles(connection, [ref])).get(ref)
    if own is None:
        return  # not registered yet: it is marked when it is
    places = blocks(own)
    await views.place(connection, ref, places)
    members = await views.members(connection, places, CAP + 1)
    loaded = await _profiles(connection, {*candidates(ref, places, members), ref})
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
