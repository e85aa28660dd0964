"""What every event store must do. Subclass it, give it a `store` fixture, and run it on memory and on Postgres."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roadbook.answers import Answer
from roadbook.context import Idempotency
from roadbook.events import Labels, NewEvent, Recorded, new_id
from roadbook.store.port import (
    PersonalValue,
    Replay,
    Store,
    Stored,
    TimerFired,
    TimerGone,
    TimerWanted,
    VersionConflict,
    Write,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def a_write(stream: str, expected: int, n: int = 1, **changes: Any) -> Write:
    """A write of `n` events; every one says its version in its data."""
    events = [
        NewEvent("roadbook.thing.happened.v1", NOW, f'{{"n":{expected + i + 1},"text":"\\u4e2d文"}}') for i in range(n)
    ]
    labels = [Labels("dealer-1", "party-1", None)] * n
    answer = Answer(200, {"stream": stream}, expected + n)
    write = Write(stream, expected, "key-" + stream, events, labels, NOW, "staff-1", "c-1", answer=answer)
    return replace(write, **changes)


def idempotency(body: str = "body") -> Idempotency:
    return Idempotency(new_id().encode(), body.encode())


async def stored(store: Store, write: Write) -> Stored:
    outcome = await store.write(write)
    assert isinstance(outcome, Stored)
    return outcome


def a_stream() -> str:
    return "thing/" + new_id()


class StoreContract:
    async def test_an_unknown_stream_is_empty(self, store: Store) -> None:
        assert list((await store.load(a_stream())).events) == []

    async def test_what_is_written_is_read_back_byte_for_byte(self, store: Store) -> None:
        stream = a_stream()
        outcome = await stored(store, a_write(stream, 0, 3, causation="e-0", traceparent="00-a-b-01"))
        assert outcome.version == 3
        loaded = (await store.load(stream)).events
        assert list(loaded) == list(outcome.events)
        assert [e.version for e in loaded] == [1, 2, 3]
        assert loaded[0].data == '{"n":1,"text":"\\u4e2d文"}'
        assert loaded[0].key == "key-" + stream

    async def test_the_key_is_fixed_by_the_first_event(self, store: Store) -> None:
        stream = a_stream()
        await store.write(a_write(stream, 0))
        await store.write(a_write(stream, 1, key="key-" + stream))
        assert {e.key for e in (await store.load(stream)).events} == {"key-" + stream}

    @pytest.mark.parametrize(("existing", "expected"), [(0, 1), (0, 7), (1, 0), (2, 1), (2, 3)])
    async def test_another_version_than_expected_is_a_conflict(
        self, store: Store, existing: int, expected: int
    ) -> None:
        stream = a_stream()
        if existing:
            await store.write(a_write(stream, 0, existing))
        with pytest.raises(VersionConflict):
            await store.write(a_write(stream, expected, idempotency=idempotency()))
        assert len((await store.load(stream)).events) == existing

    async def test_a_conflict_leaves_nothing_of_the_command(self, store: Store) -> None:
        stream, key = a_stream(), idempotency()
        await store.write(a_write(stream, 0))
        with pytest.raises(VersionConflict):
            await store.write(a_write(stream, 0, idempotency=key))
        assert (await store.load(stream, idempotency=key)).replay is None

    async def test_of_many_writers_at_one_version_one_wins(self, store: Store) -> None:
        stream = a_stream()
        writes = [store.write(a_write(stream, 0, 2)) for _ in range(20)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(o, Stored) for o in outcomes) == 1
        assert sum(isinstance(o, VersionConflict) for o in outcomes) == 19
        assert [e.version for e in (await store.load(stream)).events] == [1, 2]

    async def test_recorded_never_goes_back_in_a_stream(self, store: Store) -> None:
        stream = a_stream()
        await store.write(a_write(stream, 0))
        await store.write(a_write(stream, 1, now=NOW - timedelta(hours=1)))
        await store.write(a_write(stream, 2, now=NOW + timedelta(hours=1)))
        recorded = [e.recorded for e in (await store.load(stream)).events]
        assert recorded == [NOW, NOW, NOW + timedelta(hours=1)]

    async def test_a_repeated_key_replays_and_writes_nothing(self, store: Store) -> None:
        stream, key = a_stream(), idempotency()
        answer = Answer(201, {"id": "1"}, 1, "/things/1")
        await store.write(a_write(stream, 0, idempotency=key, answer=answer))
        again = await store.write(a_write(a_stream(), 0, idempotency=key, answer=Answer(201, {"id": "2"})))
        assert isinstance(again, Replay)
        assert (again.answer, again.fingerprint, again.stream) == (answer, key.fingerprint, stream)
        loaded = (await store.load(stream, idempotency=key)).replay
        assert loaded == again

    async def test_of_many_requests_with_one_key_one_writes(self, store: Store) -> None:
        key = idempotency()
        streams = [a_stream() for _ in range(20)]
        outcomes: Sequence[Any] = await asyncio.gather(
            *(store.write(a_write(s, 0, idempotency=key)) for s in streams), return_exceptions=True
        )
        assert sum(isinstance(o, Stored) for o in outcomes) == 1
        written = [len((await store.load(s)).events) for s in streams]
        assert sum(written) == 1

    async def test_an_answer_without_a_write_is_remembered_once(self, store: Store) -> None:
        key = idempotency()
        assert await store.remember(key, Answer(409, {"rejected": "thing_closed"})) is None
        known = await store.remember(key, Answer(409, {"rejected": "other"}))
        assert known is not None
        assert known.answer == Answer(409, {"rejected": "thing_closed"})
        assert known.fingerprint == key.fingerprint

    async def test_personal_versions_only_grow_even_over_a_removal(self, store: Store) -> None:
        stream = a_stream()
        ref = new_id()

        def value(text: str | None) -> PersonalValue:
            return PersonalValue(ref, stream + "/name", text)

        versions = []
        for n, text in enumerate(["a", "b", None, "c"]):
            outcome = await stored(store, a_write(stream, n, personal=[value(text)], personal_source="test"))
            versions.append(outcome.personal[0].version)
        assert versions == sorted(set(versions))

    async def test_the_replay_names_the_personal_versions(self, store: Store) -> None:
        stream, key = a_stream(), idempotency()
        values = [PersonalValue("p-1", f"{stream}/{field}", {"raw": field}) for field in ("b", "a")]
        outcome = await stored(store, a_write(stream, 0, personal=values, idempotency=key))
        assert [p.key for p in outcome.personal] == [f"{stream}/a", f"{stream}/b"]
        replay = (await store.load(stream, idempotency=key)).replay
        assert replay is not None
        assert list(replay.personal) == list(outcome.personal)

    async def test_personal_data_alone_is_written_at_the_version_it_was_decided_on(self, store: Store) -> None:
        stream = a_stream()
        await store.write(a_write(stream, 0))
        value = PersonalValue("p-1", stream + "/name", "x")
        outcome = await stored(store, a_write(stream, 1, 0, personal=[value]))
        assert (outcome.version, list(outcome.events)) == (1, [])
        with pytest.raises(VersionConflict):
            await store.write(a_write(stream, 2, 0, personal=[value]))

    async def test_a_timer_fires_once_and_only_as_it_was_set(self, store: Store) -> None:
        stream = a_stream()
        fired = TimerFired(f"{stream}/check", NOW)
        await store.write(a_write(stream, 0, timers=[TimerWanted("check", NOW)]))
        with pytest.raises(TimerGone):
            await store.write(a_write(stream, 1, fired=TimerFired(fired.id, NOW + timedelta(hours=1))))
        await store.write(a_write(stream, 1, fired=fired))
        with pytest.raises(TimerGone):
            await store.write(a_write(stream, 2, fired=fired))
        assert len((await store.load(stream)).events) == 2

    async def test_a_rescheduled_timer_does_not_fire(self, store: Store) -> None:
        stream = a_stream()
        later = NOW + timedelta(days=1)
        await store.write(a_write(stream, 0, timers=[TimerWanted("check", NOW)]))
        await store.write(a_write(stream, 1, timers=[TimerWanted("check", later)]))
        with pytest.raises(TimerGone):
            await store.write(a_write(stream, 2, fired=TimerFired(f"{stream}/check", NOW)))
        await store.write(a_write(stream, 2, timers=[TimerWanted("check", None)]))
        with pytest.raises(TimerGone):
            await store.write(a_write(stream, 3, fired=TimerFired(f"{stream}/check", later)))

    async def test_a_failing_view_undoes_the_command(self, store: Store) -> None:
        stream, key = a_stream(), idempotency()

        async def fail(_: Any, recorded: Sequence[Recorded]) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(a_write(stream, 0, idempotency=key), fail)
        loaded = await store.load(stream, idempotency=key)
        assert (list(loaded.events), loaded.replay) == ([], None)

    # ── Many new streams at once ──────────────────────────────────────────────────────────────────────────────
    async def test_many_are_created_as_one_by_one(self, store: Store) -> None:
        writes = [
            a_write(
                a_stream(),
                0,
                1 + n % 3,
                actor=f"staff-{n}",
                causation=f"e-{n}" if n % 2 else None,
                personal=[PersonalValue(f"p-{n}", f"k-{n}/{field}", {"raw": field}) for field in ("b", "a")[: n % 3]],
                personal_source=f"source-{n}",
                timers=[TimerWanted("check", NOW + timedelta(hours=n) if n % 2 else None)],
            )
            for n in range(7)
        ]
        outcomes = await store.create_many(writes)
        for n, (write, outcome) in enumerate(zip(writes, outcomes, strict=True)):
            assert outcome is not None
            assert [e.id for e in outcome.events] == [e.id for e in write.events]
            assert list((await store.load(write.stream)).events) == list(outcome.events)
            assert outcome.version == len(write.events)
            assert {e.actor for e in outcome.events} == {f"staff-{n}"}
            assert [p.key for p in outcome.personal] == sorted(v.key for v in write.personal)
            if n % 2:
                fired = TimerFired(f"{write.stream}/check", NOW + timedelta(hours=n))
                await stored(store, a_write(write.stream, outcome.version, fired=fired))

    async def test_a_stream_that_is_there_is_left_out_and_its_neighbours_are_not(self, store: Store) -> None:
        known, new = a_stream(), a_stream()
        await store.write(a_write(known, 0, personal=[PersonalValue("p-1", known + "/name", "first")]))
        again = a_write(known, 0, 2, personal=[PersonalValue("p-1", known + "/name", "second")])
        twice = a_write(new, 0, 3)
        outcomes = await store.create_many([again, a_write(new, 0), twice])
        assert [outcome is not None for outcome in outcomes] == [False, True, False]
        assert [len((await store.load(stream)).events) for stream in (known, new)] == [1, 1]
        assert list(await store.create_many([again, twice])) == [None, None]

    async def test_the_views_of_many_are_called_once_also_for_nothing(self, store: Store) -> None:
        told: list[list[tuple[str, int]]] = []

        async def look(_: Any, recorded: Sequence[Recorded]) -> None:
            told.append([(event.stream, event.version) for event in recorded])

        writes = [a_write(a_stream(), 0, 2) for _ in range(2)]
        for _ in range(2):
            await store.create_many(writes, look)
        assert told == [[(write.stream, version) for write in writes for version in (1, 2)], []]

    async def test_a_failing_view_undoes_them_all(self, store: Store) -> None:
        writes = [a_write(a_stream(), 0) for _ in range(3)]

        async def fail(_: Any, recorded: Sequence[Recorded]) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.create_many(writes, fail)
        assert [len((await store.load(write.stream)).events) for write in writes] == [0, 0, 0]

    async def test_only_bare_creations_are_taken(self, store: Store) -> None:
        for wrong in (
            a_write(a_stream(), 1),
            a_write(a_stream(), 0, 0),
            a_write(a_stream(), 0, idempotency=idempotency()),
            a_write(a_stream(), 0, fired=TimerFired("x", NOW)),
        ):
            with pytest.raises(ValueError, match="bare creations"):
                await store.create_many([wrong])

    async def test_of_many_batches_with_the_same_streams_each_stream_has_one_winner(self, store: Store) -> None:
        streams = [a_stream() for _ in range(20)]
        batches = [[a_write(s, 0) for s in (streams if n % 2 else reversed(streams))] for n in range(8)]
        outcomes = await asyncio.gather(*(store.create_many(batch) for batch in batches))
        won = [s.events[0].stream for outcome in outcomes for s in outcome if s is not None]
        assert sorted(won) == sorted(streams)
