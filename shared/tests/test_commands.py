"""Commands end to end on both stores: idempotency, conditions, conflicts, who may see what."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from roadbook import commands, position
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext, Idempotency
from roadbook.database import Pool
from roadbook.decider import Rejected
from roadbook.errors import (
    Conflict,
    IdempotencyKeyReused,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    Unavailable,
)
from roadbook.events import Recorded, new_id
from roadbook.store.memory import MemoryStore
from roadbook.store.port import PersonalValue, Store
from roadbook.store.postgres import PostgresStore
from roadbook.testing.boxes import CloseBox, Command, Fill, OpenBox, boxes

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    return PostgresStore(request.getfixturevalue("lead_pool"))


def context(dealer: str | None = "d-1", **changes: Any) -> CommandContext:
    base = CommandContext(actor="staff-1", client="c", dealer=dealer, now=NOW, correlation=new_id())
    return replace(base, **changes)


def key(body: bytes = b"body") -> Idempotency:
    return Idempotency(new_id().encode(), body)


async def opened(store: Store, dealer: str = "d-1") -> str:
    stream = boxes.stream(new_id())
    await run(store, stream, OpenBox(dealer, NOW), context(dealer), creates=True)
    return stream


async def run(store: Store, stream: str, command: Command, ctx: CommandContext, **order: Any) -> Answer:
    return await execute(store, boxes, Order(stream, command, **order), ctx)


async def total(store: Store, stream: str) -> int:
    return boxes.fold((await store.load(stream)).events).total


async def test_the_answer_names_stream_version_events_and_position(store: Store) -> None:
    stream = await opened(store)
    value = PersonalValue("p-1", stream + "/name", "Li")
    answer = await run(store, stream, Fill(3, NOW), context(), personal=[value], personal_source="test")
    events = (await store.load(stream)).events
    assert (answer.status, answer.version) == (200, 2)
    assert {k: answer.body[k] for k in ("stream", "version", "events")} == {
        "stream": stream,
        "version": 2,
        "events": [events[1].id],
    }
    reached = position.decode(answer.body["position"])
    assert reached.streams == ((stream, 2),)
    assert [p.key for p in reached.personal] == [stream + "/name"]


async def test_the_same_key_and_body_give_the_same_answer_and_no_second_event(store: Store) -> None:
    stream, ctx = await opened(store), context(idempotency=key())
    first = await run(store, stream, Fill(3, NOW), ctx)
    again = await run(store, stream, Fill(3, NOW), ctx)
    assert again.replayed
    assert replace(again, replayed=False) == first
    assert await total(store, stream) == 3


async def test_the_same_key_with_another_body_is_refused(store: Store) -> None:
    stream, idempotency = await opened(store), key()
    await run(store, stream, Fill(3, NOW), context(idempotency=idempotency))
    other = replace(idempotency, fingerprint=b"other")
    with pytest.raises(IdempotencyKeyReused):
        await run(store, stream, Fill(4, NOW), context(idempotency=other))
    assert await total(store, stream) == 3


async def test_a_creation_is_replayed_under_its_first_id(store: Store) -> None:
    ctx = context(idempotency=key())
    one, two = boxes.stream(new_id()), boxes.stream(new_id())
    first = await run(store, one, OpenBox("d-1", NOW), ctx, creates=True, status=201)
    again = await run(store, two, OpenBox("d-1", NOW), ctx, creates=True, status=201)
    assert again.body == first.body
    assert again.body["stream"] == one
    assert list((await store.load(two)).events) == []


async def test_a_rejection_is_stored_and_repeated(store: Store) -> None:
    stream, ctx = await opened(store), context(idempotency=key())
    await run(store, stream, CloseBox(NOW), context())
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            await run(store, stream, Fill(1, NOW), ctx)
        assert caught.value.code == "box_closed"
    other = Idempotency(ctx.idempotency.key, b"other") if ctx.idempotency else None
    with pytest.raises(IdempotencyKeyReused):
        await run(store, stream, Fill(1, NOW), context(idempotency=other))


async def test_nothing_to_do_is_answered_and_stored(store: Store) -> None:
    stream, ctx = await opened(store), context(idempotency=key())
    first = await run(store, stream, OpenBox("d-1", NOW), ctx, may_create=True)
    assert first.body["events"] == []
    await run(store, stream, Fill(1, NOW), context())
    again = await run(store, stream, OpenBox("d-1", NOW), ctx, may_create=True)
    assert (again.version, again.body["version"]) == (1, 1)


@pytest.mark.parametrize("stale", [1, 3, 99])
async def test_another_version_than_if_match_is_refused(store: Store, stale: int) -> None:
    stream = await opened(store)
    await run(store, stream, Fill(1, NOW), context(if_match=1))
    with pytest.raises(PreconditionFailed):
        await run(store, stream, Fill(1, NOW), context(if_match=stale))
    assert await total(store, stream) == 1


async def test_what_does_not_exist_and_what_is_anothers_answer_alike(store: Store) -> None:
    stream = await opened(store, "d-1")
    for target, dealer in ((boxes.stream(new_id()), "d-1"), (stream, "d-2")):
        with pytest.raises(NotFound):
            await run(store, target, Fill(1, NOW), context(dealer, if_match=7))
    assert (await run(store, stream, Fill(1, NOW), context(None))).version == 2


async def test_f39_a_thousand_commands_on_one_stream_are_all_decided_or_refused(store: Store) -> None:
    stream = await opened(store)
    n = 1000 if isinstance(store, MemoryStore) else 200

    async def one() -> str:
        try:
            await run(store, stream, Fill(1, NOW), context())
        except (Conflict, Unavailable) as refused:
            return type(refused).__name__
        return "ok"

    outcomes = await asyncio.gather(*(one() for _ in range(n)))
    accepted = outcomes.count("ok")
    events = (await store.load(stream)).events
    assert accepted > 0
    assert [e.version for e in events] == list(range(1, accepted + 2))
    assert await total(store, stream) == accepted


class Interloper:
    """A store in which others write between our load and our write, `times` times."""

    joined = False

    def __init__(self, store: Store, times: int) -> None:
        self._store, self.times, self.loads = store, times, 0

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Any:
        loaded = await self._store.load(stream, idempotency=idempotency)
        self.loads += 1
        if self.times > 0:
            self.times -= 1
            other = Order(stream, Fill(100, NOW))  # of another process: the queue of this one does not hold it up
            await commands._attempt(self._store, boxes, other, context(), None)
        return loaded

    async def write(self, *args: Any) -> Any:
        return await self._store.write(*args)

    async def remember(self, *args: Any) -> Any:
        return await self._store.remember(*args)


async def test_t6_a_conflict_is_decided_anew(store: Store) -> None:
    stream = await opened(store)
    answer = await run(Interloper(store, 2), stream, Fill(1, NOW), context())
    assert answer.version == 4
    assert await total(store, stream) == 201


async def test_t6_after_three_conflicts_the_caller_is_told(store: Store) -> None:
    stream = await opened(store)
    with pytest.raises(Conflict):
        await run(Interloper(store, commands.ATTEMPTS), stream, Fill(1, NOW), context())
    assert await total(store, stream) == 300


async def test_t6_with_if_match_nothing_is_decided_anew(store: Store) -> None:
    stream = await opened(store)
    busy = Interloper(store, 1)
    with pytest.raises(PreconditionFailed):
        await run(busy, stream, Fill(1, NOW), context(if_match=1))
    assert busy.loads == 1


async def test_t6_commands_of_one_process_queue_up_on_a_stream_they_meet_on(lead_pool: Pool) -> None:
    store = PostgresStore(lead_pool)
    stream = await opened(store)

    async def fill() -> Answer:
        while True:
            try:
                return await run(store, stream, Fill(1, NOW), context())
            except Unavailable:  # the pool is full
                await asyncio.sleep(0)

    await asyncio.gather(*(fill() for _ in range(100)))  # nobody is told `Conflict`
    assert await total(store, stream) == 100
    assert not commands._queues


async def test_a_rule_kept_by_a_read_table_undoes_the_write_and_is_stored_like_a_rejection(lead_pool: Pool) -> None:
    store = PostgresStore(lead_pool)
    stream = await opened(store)
    asked = context(idempotency=key())
    allowed = [False]

    async def views(_: Any, recorded: Sequence[Recorded]) -> None:
        assert recorded
        if not allowed[0]:
            raise Rejected("place_taken")

    for _ in range(2):  # the repeat meets the stored word, whatever the table says by then
        with pytest.raises(Rejected, match="place_taken"):
            await execute(store, boxes, Order(stream, Fill(1, NOW)), asked, views)
        allowed[0] = True
    assert await total(store, stream) == 0
    await execute(store, boxes, Order(stream, Fill(1, NOW)), context(), views)
    assert await total(store, stream) == 1


async def test_the_decision_is_made_on_the_version_that_was_folded(store: Store) -> None:
    """T2: `expected` comes from the events themselves, so a load that is torn from the head can only conflict."""
    stream = await opened(store)
    await run(store, stream, CloseBox(NOW), context())
    with pytest.raises(Rejected):
        await run(Interloper(store, 0), stream, Fill(1, NOW), context())


async def test_a_timer_is_set_moved_and_cleared_with_its_events(lead_pool: Pool) -> None:
    store = PostgresStore(lead_pool)
    stream = await opened(store)
    assert await lead_pool.fetchval("SELECT due FROM timers WHERE stream = $1", stream) == NOW + timedelta(days=1)
    await run(store, stream, CloseBox(NOW), context())
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_b6_a_lost_commit_is_an_unknown_outcome_and_the_key_resolves_it(lead_pool: Pool) -> None:
    """The backend is killed inside the view, or after COMMIT was sent: never a success that was none."""
    store, stream, ctx = PostgresStore(lead_pool), boxes.stream(new_id()), context(idempotency=key())

    async def kill(connection: asyncpg.Connection, _: Sequence[Recorded]) -> None:
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    order: Order[Command] = Order(stream, OpenBox("d-1", NOW), creates=True)
    with pytest.raises((Unavailable, OutcomeUnknown)):
        await execute(store, boxes, order, ctx, kill)
    answer = await run(store, stream, OpenBox("d-1", NOW), ctx, creates=True)
    assert answer.version == 1
    assert len((await store.load(stream)).events) == 1


AT_COMMIT = """
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE ON streams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
"""


async def test_t6_a_connection_lost_at_commit_is_an_unknown_outcome_and_is_not_tried_again(
    lead_pool: Pool, owner_connection: asyncpg.Connection
) -> None:
    """Whether COMMIT took effect is not known here: only the client may ask again, with its key."""
    store, stream, ctx = PostgresStore(lead_pool), boxes.stream(new_id()), context(idempotency=key())
    await owner_connection.execute(AT_COMMIT.format(does="PERFORM pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(OutcomeUnknown):
        await run(store, stream, OpenBox("d-1", NOW), ctx, creates=True)
    await owner_connection.execute("DROP TRIGGER at_commit ON streams")
    assert (await run(store, stream, OpenBox("d-1", NOW), ctx, creates=True)).version == 1


async def test_t1_a_commit_that_fails_is_no_success(lead_pool: Pool, owner_connection: asyncpg.Connection) -> None:
    store, stream = PostgresStore(lead_pool), boxes.stream(new_id())
    await owner_connection.execute(AT_COMMIT.format(does="RAISE EXCEPTION 'refused at commit'"))
    with pytest.raises(asyncpg.RaiseError):
        await run(store, stream, OpenBox("d-1", NOW), context(), creates=True)
    assert list((await store.load(stream)).events) == []


async def test_b1_an_exhausted_pool_answers_in_time(lead_pool: Pool) -> None:
    store = PostgresStore(lead_pool)
    held = [await lead_pool.acquire() for _ in range(10)]
    try:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(store.load("box/1"), 5)
    finally:
        for connection in held:
            await lead_pool.release(connection)


@pytest.mark.parametrize("value", ["x" * commands.MAX_VALUE_BYTES, ["\u0001" * 100_000]])
async def test_what_kafka_would_refuse_is_refused_before_it_is_stored(store: Store, value: Any) -> None:
    stream = boxes.stream(new_id())
    personal = [PersonalValue("p-1", stream + "/remainder", value)]
    with pytest.raises(Rejected, match="value_too_large"):
        await run(store, stream, OpenBox("d-1", NOW), context(), creates=True, personal=personal)
    with pytest.raises(Rejected, match="value_too_large"):
        await run(store, stream, OpenBox("d" * commands.MAX_EVENT_BYTES, NOW), context(None), creates=True)
    assert list((await store.load(stream)).events) == []
