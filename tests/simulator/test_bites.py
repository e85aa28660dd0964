"""The machines bite: each decision the kit stands on is replaced by a broken one, and a counterexample is found."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from simulated import statements as model
from simulated.consuming import Consuming
from simulated.kafka import Broker
from simulated.machine import Machine, quiet
from simulated.personal import Personal
from simulated.postgres import SimConnection, Statement, Steps, Transaction
from simulated.publishing import Clients, Relaying, Sequencing
from simulated.reacting import Reacting

from roadbook import consumer, consumer_store, outbox, relay
from roadbook.consumer import Consumer
from roadbook.kafka import publisher
from roadbook.reactions import Reactions
from roadbook.relay import Relay
from roadbook.store import postgres as store
from roadbook.store.joined import JoinedStore
from roadbook.version_rule import Held, Rule

EXAMPLES = 8000  # most are found within a hundred, the rarest within a thousand on average


@dataclass(frozen=True)
class Bug:
    """`statements` replaces what PostgreSQL does, `code` what the kit does."""

    name: str
    machine: type[Machine]
    statements: Mapping[str, Statement] = field(default_factory=dict)
    code: Callable[[], AbstractContextManager[Any]] = ExitStack


def position_before_lock(tx: Transaction, stream: str, expected: int, *rest: Any) -> Steps:
    """The usual outbox: a number is drawn, then the stream is locked and its next version taken."""
    position = tx.next("outbox_position")
    yield
    yield from tx.lock("streams", stream)
    found = tx.get("streams", stream)
    tx.draws = [position]  # type: ignore[attr-defined]
    return (yield from model.append(tx, stream, 0 if found is None else found["version"], *rest))


def version_unchecked(tx: Transaction, stream: str, expected: int, *rest: Any) -> Steps:
    """Whatever version the stream has, the events follow it."""
    yield from tx.lock("streams", stream)
    found = tx.get("streams", stream)
    return (yield from model.append(tx, stream, 0 if found is None else found["version"], *rest))


def late_commits_lost(tx: Transaction, channel: str, limit: int) -> Steps:
    """A reader that goes on from the highest position it has seen (T3)."""
    last = max((row for (name, _), row in tx.rows("outbox_log") if name == channel), default=0)
    for (name, position), _ in list(tx.rows("outbox")):
        if name == channel and position < last:
            yield from tx.put("outbox", (channel, position), None)
    return (yield from model.sequence_outbox(tx, channel, limit))


def reads_uncommitted(tx: Transaction, channel: str, limit: int) -> Steps:
    """Published before the commit: the sequencer sees what others have only written."""
    for other in dict.fromkeys(holder for holder in tx.database.locks.values() if holder is not tx):
        for (table, key), row in list(other.writes.items()):
            if table in ("outbox", "events", "streams") and row is not None:
                tx.writes[table, key] = row
                other.writes.pop((table, key), None) if table == "outbox" else None
    return (yield from model.sequence_outbox(tx, channel, limit))


def no_compare(tx: Transaction, channel: str, old: int, new: int) -> Steps:
    yield from tx.put("relay_cursor", channel, new)
    return "UPDATE 1"


async def all_at_once(self: Any, topic: str, partition: int, messages: Any) -> int:
    """Hands the producer every batch of a partition before the first is acknowledged."""
    producer = await self._producers.ready()

    async def work() -> None:
        acknowledged, rest = [], list(messages)
        while rest:
            batch, count = publisher._append(producer, rest)
            acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
            rest = rest[count:]
        for outcome in await asyncio.gather(*acknowledged, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    await self._producers.attempt(producer, work())
    return len(messages)


async def goes_on_after_failure(self: Relay, entries: Any, stop: Any) -> Any:
    """The next batch of a partition goes out although the one before it failed."""
    confirmed: set[int] = set()
    failure = None
    for entry in entries:
        partition = await self._publisher.partition_of(self._topic, entry.message.key)
        try:
            await self._publisher.send(self._topic, partition, [entry.message])
        except Exception as error:
            failure = error
        else:
            confirmed.add(entry.no)
    return confirmed, failure


async def swallowed_commit(self: Any, connection: Any, work: Any) -> Any:
    transaction = connection.transaction()
    await transaction.start()
    try:
        outcome = await work(connection)
    except BaseException as error:
        await store._undo(transaction, error)
        raise store.translated(error) from None
    with suppress(Exception):
        await transaction.commit()
    return outcome


def keyless(tx: Transaction, *arguments: Any) -> Steps:
    """The client's key is forgotten."""
    return (yield from model.append(tx, *arguments[:-4], None, None, None, None))


# ── consumers ───────────────────────────────────────────────────────────────────────────────────────────────────


def no_version_rule(self: Any, event: Any, record: Any) -> None:
    stream = self._streams[event.stream]
    self._apply(stream, event, Held(event.stream, event.version, event.id, record))


def gaps_jumped(self: Any, event: Any, record: Any) -> None:
    """A version after a gap is applied at once; what comes late is taken for a duplicate."""
    stream = self._streams[event.stream]
    if event.version > stream.last:
        self._apply(stream, event, Held(event.stream, event.version, event.id, record))


def parked_is_passed(self: Any, stream: Any, event: Any, row: Any) -> bool:
    """Poison is swallowed: the version counts as applied."""
    with suppress(Exception):
        stream.state = self._fold(stream.state, event)
        self._decision.applied.append(event)
    stream.last = event.version
    return True


def advance_unchecked(tx: Transaction, consumer: str, topics: Any, partitions: Any, befores: Any, afters: Any) -> Steps:
    for topic, partition, after in zip(topics, partitions, afters, strict=True):
        yield from tx.put("consumer_offsets", (consumer, topic, partition), after)
    return f"UPDATE {len(topics)}"


def versions_unchecked(tx: Transaction, consumer: str, streams: Any, befores: Any, afters: Any) -> Steps:
    for stream, after in zip(streams, afters, strict=True):
        yield from tx.put("consumer_streams", (consumer, stream), after)
    return len(streams)


def versions_not_written(tx: Transaction, consumer: str, streams: Any, befores: Any, afters: Any) -> int:
    return len(streams)


def nothing_held(tx: Transaction, consumer: str, *columns: Any) -> str:
    return "INSERT"


async def offset_before_effect(self: Consumer, records: Any, retries: Any, after: Any) -> bool:
    """The offset is committed, and then the effect: in two transactions."""
    moves = {each: (before, after[each]) for each, before in self._next.items() if after[each] != before or retries}
    if not moves:
        return False
    async with self._store.transaction() as transaction:
        if not await transaction.advance(moves):
            raise consumer.LostOwnership
    self._next = dict(after)
    async with self._store.transaction() as transaction:
        await self._work.apply(transaction, records, retries)
    return True


async def acts_apart(self: Any, store: Any, event: Any) -> None:
    """The command commits by itself, and its offset later."""
    apart = SimConnection(store.connection._database, store.connection._process)
    async with apart.transaction():
        await self._reaction.act(JoinedStore(apart), event)


async def failure_is_done(self: Any, store: Any, event: Any) -> None:
    """Whatever acting raises is taken for the domain's no."""
    with suppress(Exception):
        async with store.all_or_nothing():
            await self._reaction.act(store, event)


# ── personal data ───────────────────────────────────────────────────────────────────────────────────────────────


class LoneRelay(Relaying):
    """One relay: nobody does what it leaves undone."""

    relays = 1


def in_code(target: Any, name: str, broken: Any) -> Callable[[], AbstractContextManager[Any]]:
    @contextmanager
    def replaced() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(target, name, broken)
            yield

    return replaced


def past_unconfirmed(cursor: int, confirmed: Set[int]) -> int:
    return max(confirmed, default=cursor - 1) + 1


BUGS = [
    Bug("the stream's version is not checked", Clients, {store._APPEND: version_unchecked}),
    Bug("the client's key is not kept", Clients, {store._APPEND: keyless}),
    Bug(
        "a failed COMMIT is taken for done",
        Clients,
        code=in_code(store.PostgresStore, "_transaction", swallowed_commit),
    ),
    Bug("position drawn before the row lock", Sequencing, {store._APPEND: position_before_lock}),
    Bug("a reader goes on from the highest position", Sequencing, {outbox._SEQUENCE: late_commits_lost}),
    Bug("published before the commit", Sequencing, {outbox._SEQUENCE: reads_uncommitted}),
    Bug("cursor moved without compare-and-set", Relaying, {relay._MOVE: no_compare}),
    Bug(
        "cursor moved past an unconfirmed number", LoneRelay, code=in_code(relay, "confirmed_prefix", past_unconfirmed)
    ),
    Bug(
        "the next batch is sent before the acknowledgement",
        Relaying,
        code=in_code(publisher.KafkaPublisher, "send", all_at_once),
    ),
    Bug("a relay goes on after a failure", Relaying, code=in_code(Relay, "_publish", goes_on_after_failure)),
    Bug(
        "a producer that failed is kept", LoneRelay, code=in_code(publisher._Producers, "discard", lambda self, _: None)
    ),
    Bug("no version rule", Consuming, code=in_code(Rule, "_arrive", no_version_rule)),
    Bug("gaps are jumped", Consuming, code=in_code(Rule, "_arrive", gaps_jumped)),
    Bug("poison is swallowed", Consuming, code=in_code(Rule, "_apply", parked_is_passed)),
    Bug("offset moved without compare-and-set", Consuming, {consumer_store._ADVANCE: advance_unchecked}),
    Bug(
        "version moved without compare-and-set, offset too",
        Consuming,
        {consumer_store._ADVANCE: advance_unchecked, consumer_store._VERSIONS: versions_unchecked},
    ),
    Bug("versions are not kept", Consuming, {consumer_store._VERSIONS: versions_not_written}),
    Bug("what is held is not kept", Consuming, {consumer_store._HOLD: nothing_held}),
    Bug("offset committed before the effect", Consuming, code=in_code(Consumer, "_transact", offset_before_effect)),
    Bug("a reaction commits apart from its offset", Reacting, code=in_code(Reactions, "act", acts_apart)),
    Bug("a reaction's failure is taken for a no", Reacting, code=in_code(Reactions, "act", failure_is_done)),
    Bug("the broker fences nobody", Personal, code=in_code(Broker, "_refuse_fenced", lambda self, who: None)),
]


def found(bug: Bug) -> int | None:
    """In which history; None: in none of `EXAMPLES`. The same ones are told each time."""
    told: Counter[str] = Counter()
    broken = type(
        bug.machine.__name__, (bug.machine,), {"told": told, "statements": {**bug.machine.statements, **bug.statements}}
    )
    quick = settings(
        max_examples=EXAMPLES,
        stateful_step_count=30,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with quiet(), bug.code():
        try:
            run_state_machine_as_test(broken, settings=quick)
        except Exception as error:
            print(f"\nsimulator, {bug.name}: found in history {told['histories']}: {error}")
            return told["histories"]
    return None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_it_is_found(bug: Bug) -> None:
    assert found(bug) is not None
