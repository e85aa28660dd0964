"""The composer: keeps summaries and search keys in step with what the consumers wrote.

It works from marks that were committed together with the change, and from dates at which time alone changes a record.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from projection import contract, derived, service
from projection.domain import ownership, sharing
from projection.domain.components import Link, customers
from projection.domain.personal import PersonalData
from projection.domain.record import Record, derive
from projection.domain.rules import RULES
from projection.domain.streams.stream import StreamState
from projection.views import search
from projection.views.search import HEADQUARTERS, KeyRow, Summary
from projection.wakeups import Wakeups
from roadbook.clock import Clock
from roadbook.crashpoints import crashpoint
from roadbook.database import Connection, Pool, acquire
from roadbook.logs import get_logger
from roadbook.workers import Backoff, pause

BATCH = 500

_COMPOSED = Counter("projection_composed", "Customers whose summary was written, counted per viewer")
_FAILED = Counter("projection_compose_failed", "Customers that could not be derived", ["reason"])
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Composer:
    """`wake` is set by the consumers of this process after a commit; without it the composer polls. `announced` is
    called after a commit that may hold derived events; without it none are made: a rebuild's composer has no voice."""

    pool: Pool
    clock: Clock
    wakeups: Wakeups
    wake: asyncio.Event
    announced: Callable[[], None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Errors are retried for ever: a failing customer is passed over, so they are the database's."""
        idle, failing = Backoff(0.005, 0.25), Backoff(0.05, 2.0)
        while not stop.is_set():
            try:
                self.wake.clear()
                composed = await self.round()
                failing.reset()
            except Exception as error:
                _log.warning("composer_retries", error_type=type(error).__name__)
                await pause(failing.step(), stop)
                continue
            if composed:
                idle.reset()
            else:
                await pause(idle.step(), stop, self.wake)

    async def round(self) -> int:
        """Composes up to `BATCH` marks and as many due dates in one transaction; returns how many references."""
        now = self.clock.now()
        async with acquire(self.pool) as connection:
            if await search.idle(connection, now):
                return 0
            async with connection.transaction():
                await search.lock(connection)
                refs = await search.take_marks(connection, BATCH)
                refs |= await search.due(connection, now, BATCH)
                if refs:
                    await self._compose(connection, refs)
                crashpoint("compose.in_tx")
        crashpoint("compose.after_commit")
        if self.announced is not None:
            self.announced()
        self.wakeups.wake(refs)
        return len(refs)

    async def _compose(self, connection: Connection, refs: Collection[str]) -> None:
        now = self.clock.now()
        states, links = await service.reach(connection, refs, None, now)
        every = {state.party_ref for state in states if state.party_ref is not None} | set(refs)
        personal = await service.personal(connection, states, None, now)
        summaries: list[Summary] = []
        keys: list[KeyRow] = []
        headquarters: list[Record] = []
        for dealer in [None, *_dealers(states)]:
            for group in _customers(sharing.seen(states, dealer, now), links):
                readable = sharing.with_person(group, dealer, now)
                own = {stream: personal[stream] for stream in readable if stream in personal}
                composed = self._summary(dealer, group, links, own, now)
                if composed is not None:
                    summary, record = composed
                    summaries.append(summary)
                    keys += _keys(summary, group, own)
                    headquarters += [record] if dealer is None else []
        _COMPOSED.inc(len(summaries))
        await search.write_summaries(connection, every, sorted(summaries, key=lambda s: (s.scope, s.customer_id)))
        await search.write_keys(connection, every, sorted(set(keys)))
        if self.announced is not None:
            await derived.announce(connection, headquarters, now)

    def _summary(
        self,
        dealer: str | None,
        streams: Sequence[StreamState],
        links: Sequence[Link],
        personal: PersonalData,
        now: datetime,
    ) -> tuple[Summary, Record] | None:
        """None when the record cannot be derived: one customer must not stop all others."""
        try:
            record, change = derive(streams, links, personal, RULES, now)
        except Exception as error:
            _FAILED.labels(type(error).__name__).inc()
            _log.error("compose_failed", error_type=type(error).__name__)
            return None
        made = Summary(
            scope=HEADQUARTERS if dealer is None else dealer,
            customer_id=record.customer_id,
            party_refs=record.party_refs,
            stage=record.stage.value.name,
            stage_since=record.stage.value.since,
            open_leads=record.open_leads,
            overdue=record.overdue,
            record_version=record.version,
            last_event=max((state.last_event for state in streams if state.last_event is not None), default=None),
            next_change_at=change,
            granted=tuple(
                (state.stream, grant.scope) for state in streams if (grant := sharing.grant_to(state, dealer, now))
            ),
        )
        return made, record


def _dealers(states: Sequence[StreamState]) -> list[str]:
    """All that may see something of them: who holds one, and whom one is shared with."""
    holders = {state.dealer for state in states if state.dealer is not None}
    holders |= {each.start.dealer for state in states for each in state.owned if each.start.dealer is not None}
    return sorted(holders | {grant.dealer for state in states for grant in sharing.grants(state)})


def _customers(states: Sequence[StreamState], links: Sequence[Link]) -> list[list[StreamState]]:
    owner = customers({state.party_ref for state in states if state.party_ref is not None}, links)
    groups: dict[str, list[StreamState]] = {}
    for state in states:
        if state.party_ref is not None:
            groups.setdefault(owner[state.party_ref], []).append(state)
    return [groups[customer] for customer in sorted(groups)]


def _keys(summary: Summary, streams: Sequence[StreamState], personal: PersonalData) -> list[KeyRow]:
    found: list[KeyRow] = []
    for state in streams:
        mine = {name: value.value for name, value in personal.get(state.stream, {}).items()}
        keys = [key for name, value in mine.items() for key in contract.personal_keys(name, value)]
        keys += contract.full_names({name: value for name, value in mine.items() if isinstance(value, str)})
        keys += [key for vin in ownership.vins(state) if (key := contract.vin_key(vin))]
        party_ref, shared = state.party_ref or "", bool(summary.granted)
        found += [KeyRow(summary.scope, k.kind, k.key, party_ref, summary.customer_id, shared) for k in keys]
    return found
