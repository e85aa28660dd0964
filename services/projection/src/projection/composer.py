"""The composer: keeps summaries and search keys in step with what the consumers wrote.

It works from marks that were committed together with the change, and from dates at which time alone changes a record.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from projection import contract, derived, service
from projection.contract import SearchKey
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
REST = 0.1  # seconds after a round that did not find a whole batch of marks

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
                composed, whole = await self._round()
                failing.reset()
            except Exception as error:
                _log.warning("composer_retries", error_type=type(error).__name__)
                await pause(failing.step(), stop)
                continue
            if not composed:
                await pause(idle.step(), stop, self.wake)
                continue
            idle.reset()
            if not whole:
                # What happens to a customer comes in parts (facts of several services, names): whoever composes at once
                # does so for each part, in rounds of a customer or two, and takes the time of the readers of Kafka.
                await pause(REST, stop)

    async def round(self) -> int:
        """Composes up to `BATCH` marks and as many due dates in one transaction; returns how many references."""
        return (await self._round())[0]

    async def _round(self) -> tuple[int, bool]:
        """And whether there was a whole batch of marks, so that there may be more."""
        now = self.clock.now()
        async with acquire(self.pool) as connection:
            if await search.idle(connection, now):
                return 0, False
            async with connection.transaction():
                await search.lock(connection)
                marks = await search.take_marks(connection, BATCH)
                refs = {*marks, *await search.due(connection, now, BATCH)}
                if refs:
                    await self._compose(connection, refs)
                crashpoint("compose.in_tx")
        crashpoint("compose.after_commit")
        if self.announced is not None:
            self.announced()
        self.wakeups.wake(refs)
        return len(refs), len(marks) == BATCH

    async def _compose(self, connection: Connection, refs: Collection[str]) -> None:
        now = self.clock.now()
        states, links = await service.reach(connection, refs, None, now)
        every = {state.party_ref for state in states if state.party_ref is not None} | set(refs)
        personal = await service.personal(connection, states, None, now)
        seeing = _Seeing(links, now)
        summaries: list[Summary] = []
        keys: list[KeyRow] = []
        headquarters: list[Record] = []
        for dealer in [None, *_dealers(states)]:
            for group in _customers(sharing.seen(states, dealer, now), links):
                readable = sharing.with_person(group, dealer, now)
                own = {stream: personal[stream] for stream in readable if stream in personal}
                seen = seeing.of(group, own)
                await asyncio.sleep(0)  # whoever else is ready goes first: a round can be long
                if seen is not None:
                    summary = _summary(dealer, group, seen, now)
                    summaries.append(summary)
                    keys += _keys(summary, seen)
                    headquarters += [seen.record] if dealer is None else []
        _COMPOSED.inc(len(summaries))
        await search.write_summaries(connection, every, sorted(summaries, key=lambda s: (s.scope, s.customer_id)))
        await search.write_keys(connection, every, sorted(set(keys)))
        if self.announced is not None:
            await derived.announce(connection, headquarters, now)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is made of some streams, whoever sees them: the record, when time alone changes it, how it is found."""

    record: Record
    change: datetime | None
    keys: tuple[tuple[str, SearchKey], ...]


class _Seeing:
    """Of one round. A dealer sees mostly all that headquarters sees of a customer, and the same streams and personal
    values make the same record: it is derived once. Streams are told apart as objects; the parts of a vehicle that
    dealers see are objects of their own. What was made is kept, so that no other object takes its place in memory."""

    def __init__(self, links: Sequence[Link], now: datetime) -> None:
        self._links = links
        self._now = now
        self._made: dict[tuple[object, ...], tuple[_Seen, Sequence[StreamState]]] = {}

    def of(self, streams: Sequence[StreamState], personal: PersonalData) -> _Seen | None:
        """None when the record cannot be derived: one customer must not stop all others."""
        same = (tuple(map(id, streams)), tuple(personal))
        if same not in self._made:
            try:
                record, change = derive(streams, self._links, personal, RULES, self._now)
            except Exception as error:
                _FAILED.labels(type(error).__name__).inc()
                _log.error("compose_failed", error_type=type(error).__name__)
                return None
            self._made[same] = _Seen(record, change, tuple(_search_keys(streams, personal))), streams
        return self._made[same][0]


def _summary(dealer: str | None, streams: Sequence[StreamState], seen: _Seen, now: datetime) -> Summary:
    record = seen.record
    return Summary(
        scope=HEADQUARTERS if dealer is None else dealer,
        customer_id=record.customer_id,
        party_refs=record.party_refs,
        stage=record.stage.value.name,
        stage_since=record.stage.value.since,
        open_leads=record.open_leads,
        overdue=record.overdue,
        record_version=record.version,
        last_event=max((state.last_event for state in streams if state.last_event is not None), default=None),
        next_change_at=seen.change,
        granted=tuple(
            (state.stream, grant.scope) for state in streams if (grant := sharing.grant_to(state, dealer, now))
        ),
    )


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


def _keys(summary: Summary, seen: _Seen) -> list[KeyRow]:
    scope, customer, shared = summary.scope, summary.customer_id, bool(summary.granted)
    return [KeyRow(scope, key.kind, key.key, party_ref, customer, shared) for party_ref, key in seen.keys]


def _search_keys(streams: Sequence[StreamState], personal: PersonalData) -> Iterator[tuple[str, SearchKey]]:
    """Each with the party reference that is found by it."""
    for state in streams:
        mine = {name: value.value for name, value in personal.get(state.stream, {}).items()}
        keys = [key for name, value in mine.items() for key in contract.personal_keys(name, value)]
        keys += contract.full_names({name: value for name, value in mine.items() if isinstance(value, str)})
        keys += [key for vin in ownership.vins(state) if (key := contract.vin_key(vin))]
        yield from ((state.party_ref or "", key) for key in keys)
