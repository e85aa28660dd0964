"""Reactions: another's event becomes a command here exactly once, whatever fails in between (T15)."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import cycle
from typing import Any

import asyncpg
import pytest

from roadbook import reactions
from roadbook.bus import Delivered
from roadbook.commands import Order, execute
from roadbook.database import Pool, acquire
from roadbook.decider import Rejected
from roadbook.errors import Unavailable
from roadbook.events import Recorded
from roadbook.ops import rewind_consumer
from roadbook.reactions import Reaction, Reactions, caused_by, derived_id
from roadbook.store.joined import JoinedStore
from roadbook.store.port import Store
from roadbook.store.postgres import PostgresStore
from roadbook.testing.boxes import CloseBox, Fill, OpenBox, boxes
from roadbook.testing.consumer_rig import NOW, PARTITIONS, Rig, an_event
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemorySubscription
from roadbook.testing.rigs import effects_table_sql, postgres_rig
from roadbook.testing.waiting import eventually

ACTING = "roadbook.thing.happened.v1"


@dataclass
class Boxes:
    """Each acting event opens a box of its own and fills it with one."""

    fails: list[Exception] = field(default_factory=list)  # raised after the write, before the commit
    poisoned: set[str] = field(default_factory=set)  # ids of events on which acting fails for good
    rejected: set[str] = field(default_factory=set)
    rejects: bool = False
    acts: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    woken: int = 0

    async def act(self, store: Store, event: Recorded) -> None:
        self.acts += 1
        self.tried[event.id] += 1
        context = caused_by(event, "box_for_thing", "boxes", NOW)
        stream = boxes.stream(derived_id(event, "box"))
        await execute(store, boxes, Order(stream, OpenBox("d-1", NOW), may_create=True), context)
        await execute(store, boxes, Order(stream, Fill(1, NOW)), context)
        if self.rejects or event.id in self.rejected:
            raise Rejected("no_more_boxes")
        if event.id in self.poisoned:
            raise ZeroDivisionError(event.data)
        if self.fails:
            raise self.fails.pop()

    def wake(self) -> None:
        self.woken += 1

    def work(self, **changes: Any) -> Reactions:
        settings = {"name": "box_for_thing", "types": frozenset({ACTING}), "start": NOW - timedelta(days=1), **changes}
        return Reactions(Reaction(act=self.act, **settings), self.wake)


@pytest.fixture
async def rig(lead_pool: Pool, owner_connection: asyncpg.Connection) -> Rig:
    await owner_connection.execute(effects_table_sql)
    broker = MemoryBroker()
    broker.create_topic("things", PARTITIONS)
    return postgres_rig(lead_pool, "things", MemoryPublisher(broker), lambda: MemorySubscription(broker))


@pytest.fixture
def acted(lead_pool: Pool) -> Callable[[], Any]:
    async def read() -> list[tuple[str, str]]:
        """(event that caused it, type) of everything that was written, in order."""
        rows = await lead_pool.fetch("SELECT causation, type FROM events ORDER BY position")
        return [(row["causation"], row["type"].split(".")[2]) for row in rows]

    return read


def boxes_of(events: list[Recorded]) -> list[tuple[str, str]]:
    return sorted((event.id, what) for event in events for what in ("box_opened", "filled"))


async def test_t15_each_acting_event_is_a_command_once_and_the_rest_passes(
    rig: Rig, acted: Any, lead_pool: Pool
) -> None:
    events = [an_event("thing/1", 1), an_event("thing/1", 2, "other"), an_event("thing/2", 1), an_event("thing/1", 3)]
    doing = Boxes()
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]  # the work is given
        await rig.publish(events + events)  # and once more
        await rig.until_read()
    assert sorted(await acted()) == boxes_of([events[0], events[2], events[3]])
    outcomes = await lead_pool.fetch("SELECT DISTINCT outcome FROM reaction_outcomes")
    assert [row["outcome"] for row in outcomes] == ["done"]
    assert 1 <= doing.woken <= 3  # once for each commit


async def test_t15_an_acting_event_ends_its_transaction() -> None:
    records = [
        Delivered("things", 0, offset, None, b"{}", (("ce_type", type_.encode()),), 0)
        for offset, type_ in enumerate(["x", ACTING, "x", "x", ACTING, ACTING, "x"])
    ]
    work = Boxes().work()
    assert [work.take(records[start:]) for start in (0, 2, 5, 6)] == [2, 3, 1, 1]
    assert work.take([]) == 0


async def test_t15_before_its_start_it_reads_and_does_nothing(rig: Rig, acted: Any) -> None:
    doing = Boxes()
    work = doing.work(start=NOW + timedelta(seconds=1))
    async with rig.running(rig.consumer(None, work=work)):  # type: ignore[arg-type]
        await rig.publish([an_event("thing/1", 1), an_event("thing/1", 2)])
        await rig.until_read()
    assert await acted() == []


async def test_what_acting_needs_is_noted_of_every_event_before_it_acts(rig: Rig, lead_pool: Pool) -> None:
    """In the same transaction, and of events before the start too: those are only not acted on."""
    events = [an_event("thing/1", 1, "other"), an_event("thing/1", 2), an_event("thing/1", 3)]
    noted: list[int] = []
    seen: list[tuple[int, list[int]]] = []

    async def note(connection: Any, told: Sequence[Recorded]) -> None:
        assert connection.is_in_transaction()
        noted.extend(event.version for event in told)

    async def act(store: JoinedStore, event: Recorded) -> None:
        assert store.connection.is_in_transaction()
        seen.append((event.version, list(noted)))

    work = Reactions(Reaction("box_for_thing", frozenset({ACTING}), NOW - timedelta(days=1), act, note))
    async with rig.running(rig.consumer(None, work=work)):  # type: ignore[arg-type]
        await rig.publish(events)
        await rig.until_read()
    assert seen == [(2, [1, 2]), (3, [1, 2, 3])]


async def test_a_rejection_is_an_outcome_and_leaves_nothing(rig: Rig, acted: Any, lead_pool: Pool) -> None:
    doing = Boxes(rejects=True)
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.publish([an_event("thing/1", 1), an_event("thing/1", 2)])
        await rig.until_read()
    assert await acted() == []
    outcomes = await lead_pool.fetch("SELECT stream, version, outcome FROM reaction_outcomes ORDER BY version")
    assert [tuple(row) for row in outcomes] == [("thing/1", 1, "no_more_boxes"), ("thing/1", 2, "no_more_boxes")]
    assert (await rig.held()) == []


async def test_a_fault_before_the_commit_undoes_all_and_it_is_done_again(rig: Rig, acted: Any) -> None:
    events = [an_event("thing/1", 1), an_event("thing/1", 2)]
    doing = Boxes(fails=[Unavailable()])
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.publish(events)
        await rig.until_read()
    assert sorted(await acted()) == boxes_of(events)
    assert doing.acts == 3


async def test_poison_parks_its_stream_alone_and_unparked_it_is_done_once(rig: Rig, acted: Any) -> None:
    bad, after, good = an_event("thing/1", 1), an_event("thing/1", 2), an_event("thing/2", 1)
    doing = Boxes(poisoned={bad.id})
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.publish([bad, after, good])
        assert await rig.until_held(2) == [("thing/1", 1, "ZeroDivisionError"), ("thing/1", 2, None)]

        async def good_is_done() -> bool:
            return sorted(await acted()) == boxes_of([good])

        await eventually(good_is_done)
        await rig.unpark("thing/1")  # too early: it parks again
        assert await rig.until_held(2) == [("thing/1", 1, "ZeroDivisionError"), ("thing/1", 2, None)]
        doing.poisoned.clear()
        await rig.unpark("thing/1")

        async def all_done() -> bool:
            return sorted(await acted()) == boxes_of([bad, after, good])

        await eventually(all_done)


async def test_read_again_from_the_beginning_nothing_is_done_twice(rig: Rig, acted: Any, lead_pool: Pool) -> None:
    events = [an_event("thing/1", 1), an_event("thing/2", 1)]
    doing = Boxes()
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.publish(events)
        await rig.until_read()
    await rewind_consumer(lead_pool, "thing", 0)
    await lead_pool.execute("DELETE FROM consumer_streams")  # as a reaction that lost its place
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.until_read()
    assert sorted(await acted()) == boxes_of(events)
    assert doing.acts == 2


async def test_an_interloper_on_the_same_stream_makes_it_decide_anew(rig: Rig, acted: Any, lead_pool: Pool) -> None:
    """A savepoint that conflicts is undone alone; the reaction decides again on what is there."""
    event = an_event("thing/1", 1)
    stream = boxes.stream(derived_id(event, "box"))
    other = PostgresStore(lead_pool)
    doing = Boxes()
    context = caused_by(event, "x", "boxes", NOW)
    await execute(other, boxes, Order(stream, OpenBox("d-1", NOW), may_create=True), context)
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.publish([event])
        await rig.until_read()
    assert [what for _, what in await acted()] == ["box_opened", "filled"]
    await execute(other, boxes, Order(stream, CloseBox(NOW)), context)


@pytest.mark.parametrize(("times", "decided"), [(1, 2), (2, 3), (3, 4)])
async def test_who_is_overtaken_between_load_and_write_decides_anew_from_its_savepoint(
    rig: Rig, acted: Any, lead_pool: Pool, times: int, decided: int
) -> None:
    """Twice in place; the third time the whole batch begins anew."""
    first, last = an_event("thing/1", 1), an_event("thing/1", 2)
    stream, other, overtaking = boxes.stream(derived_id(first, "box")), PostgresStore(lead_pool), iter(range(times))
    context = caused_by(first, "x", "boxes", NOW)
    doing = Boxes()

    def overtake(store: JoinedStore) -> None:
        # Of the two commands the first finds an open box, and writes nothing.
        load, filling = store.load, cycle((False, True))

        async def loaded(name: str, **more: Any) -> Any:
            found = await load(name, **more)
            if name == stream and next(filling) and next(overtaking, None) is not None:
                await execute(other, boxes, Order(stream, Fill(1, NOW)), context)
            return found

        store.load = loaded  # type: ignore[method-assign]

    async def act(store: JoinedStore, event: Recorded) -> None:
        if "load" not in vars(store):
            overtake(store)
        await doing.act(store, event)

    await execute(other, boxes, Order(stream, OpenBox("d-1", NOW), may_create=True), context)
    work = Reactions(Reaction("box_for_thing", frozenset({ACTING}), NOW - timedelta(days=1), act))
    async with rig.running(rig.consumer(None, work=work)):  # type: ignore[arg-type]
        await rig.publish([first, last])
        await rig.until_read()
    by_first = [what for cause, what in await acted() if cause == first.id]
    assert by_first == ["box_opened", *["filled"] * (times + 1)]
    assert doing.tried == {first.id: decided, last.id: 1}
    assert [what for cause, what in await acted() if cause == last.id] == ["box_opened", "filled"]


# ── Sharing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough for any number of events, however slow the machine is."""
    monkeypatch.setattr(reactions, "SECONDS", 600.0)


def in_a_row(count: int, **others: str) -> list[Recorded]:
    """Acting events in one partition. `others`: by place (`at7`), the stream of one that is alone in it."""
    kept = iter(range(1, count + 1))
    return [
        replace(an_event(others[f"at{n}"], 1) if f"at{n}" in others else an_event("thing/1", next(kept)), key="one")
        for n in range(count)
    ]


@pytest.fixture
def shared(lead_pool: Pool) -> Callable[[], Any]:
    async def read() -> list[int]:
        """How many events each transaction acted on, in order."""
        rows = await lead_pool.fetch(
            "SELECT count(*) AS n FROM reaction_outcomes GROUP BY xmin ORDER BY min(xmin::text::bigint)"
        )
        return [row["n"] for row in rows]

    return read


@pytest.mark.usefixtures("ample")
async def test_events_share_a_transaction_the_more_the_longer_it_works(rig: Rig, acted: Any, shared: Any) -> None:
    events = in_a_row(40)
    doing = Boxes()
    await rig.publish(events)
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.until_read()
    assert await shared() == [1, 2, 4, 8, 16, 9]
    assert await acted() == [(event.id, what) for event in events for what in ("box_opened", "filled")]
    assert doing.woken == 6


async def test_what_takes_its_time_shares_less(rig: Rig, shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "SECONDS", 1e-6)  # as if each took for ever
    await rig.publish(in_a_row(5))
    async with rig.running(rig.consumer(None, work=Boxes().work())):  # type: ignore[arg-type]
        await rig.until_read()
    assert await shared() == [1, 1, 1, 1, 1]


@pytest.mark.usefixtures("ample")
async def test_poison_among_others_parks_alone_and_they_are_done_once(rig: Rig, acted: Any, shared: Any) -> None:
    """The eight that fail together go one by one; so do the four of them that fail again; then it grows again."""
    events = in_a_row(15, at10="thing/bad")
    bad, good = events[10], [*events[:10], *events[11:]]
    doing = Boxes(poisoned={bad.id})
    await rig.publish(events)
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.until_read()
        assert await rig.until_held(1) == [("thing/bad", 1, "ZeroDivisionError")]
    assert await acted() == [(event.id, what) for event in good for what in ("box_opened", "filled")]
    assert await shared() == [1, 2, 4, 1, 2, 2, 2]
    assert doing.tried[bad.id] == 5  # twice among others, and three times alone, as ever


@pytest.mark.usefixtures("ample")
async def test_a_rejection_among_others_is_its_own_outcome(rig: Rig, acted: Any, lead_pool: Pool) -> None:
    events = in_a_row(7)
    doing = Boxes(rejected={events[4].id})
    await rig.publish(events)
    async with rig.running(rig.consumer(None, work=doing.work())):  # type: ignore[arg-type]
        await rig.until_read()
    assert (doing.acts, doing.woken) == (7, 3)  # one, two, and four with the one that was rejected
    assert sorted(await acted()) == boxes_of([*events[:4], *events[5:]])
    outcomes = await lead_pool.fetch("SELECT outcome FROM reaction_outcomes WHERE version = 5")
    assert [row["outcome"] for row in outcomes] == ["no_more_boxes"]


@pytest.mark.usefixtures("ample")
async def test_a_death_between_two_events_leaves_nothing_of_either(
    rig: Rig, acted: Any, shared: Any, lead_pool: Pool
) -> None:
    """What a server sees of a process that dies: its connection is gone in the middle of a transaction."""
    events = in_a_row(7)
    doing = Boxes()
    seen: list[list[tuple[str, str]]] = []

    async def act(store: JoinedStore, event: Recorded) -> None:
        await doing.act(store, event)
        if event.version == 5 and not seen:
            seen.append(await acted())
            store.connection.terminate()

    work = Reactions(Reaction("box_for_thing", frozenset({ACTING}), NOW - timedelta(days=1), act))
    await rig.publish(events)
    async with rig.running(rig.consumer(None, work=work)):  # type: ignore[arg-type]
        await rig.until_read()
    assert sorted(seen[0]) == boxes_of(events[:3])  # what the first two of its transaction did was not there
    assert await acted() == [(event.id, what) for event in events for what in ("box_opened", "filled")]
    assert await shared() == [1, 2, 1, 2, 1]
    assert await lead_pool.fetchval("SELECT version FROM consumer_streams") == 7


@pytest.mark.usefixtures("ample")
async def test_a_later_event_decides_on_what_an_earlier_one_wrote(rig: Rig, shared: Any, lead_pool: Pool) -> None:
    """All of them fill one box, and each says what it found in it."""
    found: list[int] = []

    async def act(store: JoinedStore, event: Recorded) -> None:
        context = caused_by(event, "box_for_thing", "boxes", NOW)
        stream = boxes.stream("one")
        await execute(store, boxes, Order(stream, OpenBox("d-1", NOW), may_create=True), context)
        found.append(boxes.fold((await store.load(stream)).events).total)
        await execute(store, boxes, Order(stream, Fill(event.version, NOW)), context)

    work = Reactions(Reaction("box_for_thing", frozenset({ACTING}), NOW - timedelta(days=1), act))
    await rig.publish(in_a_row(7))
    async with rig.running(rig.consumer(None, work=work)):  # type: ignore[arg-type]
        await rig.until_read()
    assert await shared() == [1, 2, 4]
    assert found == [0, 1, 3, 6, 10, 15, 21]
    assert await lead_pool.fetchval("SELECT version FROM streams") == 8


async def test_one_event_twice_is_acted_on_once(lead_pool: Pool, acted: Any) -> None:
    """Under two names, as only a broken producer would: the outcome is the event's."""
    event = an_event("thing/1", 1)
    async with acquire(lead_pool) as connection, connection.transaction():
        await Boxes().work().act_on(connection, [event, replace(event, stream="thing/2")])
    assert sorted(await acted()) == boxes_of([event])


def test_ids_made_from_an_event_are_the_same_for_ever() -> None:
    event = an_event("thing/1", 1)
    assert derived_id(event, "box") == derived_id(event, "box")
    assert derived_id(event, "box") != derived_id(event, "lid")
