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
