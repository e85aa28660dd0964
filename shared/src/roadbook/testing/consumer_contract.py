"""What the consumer must do, whatever bus it reads from and whatever store it keeps its place in.

Subclass it and give it a `rig` fixture: memory and memory, memory and Postgres, Kafka and Postgres.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from roadbook.bus import Message, TopicPartition
from roadbook.consumer import Stuck, TopicReplaced, facts, raw
from roadbook.consumer_store import ConsumerStore, ConsumerTransaction
from roadbook.errors import Unavailable
from roadbook.testing.consumer_rig import PARTITIONS, Deaf, Latest, OneByOne, Rig, an_event, history
from roadbook.testing.waiting import eventually
from roadbook.version_rule import ATTEMPTS, CONFLICT
from roadbook.wire import to_message


class _Undo(Exception):
    pass


async def transacted(store: ConsumerStore, step: Callable[[ConsumerTransaction], Awaitable[bool]]) -> bool:
    """What `step` says in a transaction of its own, which is rolled back where it says no."""
    try:
        async with store.transaction() as transaction:
            if not await step(transaction):
                raise _Undo
    except _Undo:
        return False
    return True


class ConsumerContract:
    async def test_every_event_is_applied_once_and_in_order(self, rig: Rig) -> None:
        streams = [history(f"thing/{number}", 5) for number in range(20)]
        events = [event for round_ in zip(*streams, strict=True) for event in round_]
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger, max_records=7)):
            await rig.publish(events)
            await rig.until(events)
        assert ledger.committed_events == 100

    async def test_t15_a_polled_batch_is_one_transaction(self, rig: Rig) -> None:
        streams = [history(f"thing/{number}", 10) for number in range(30)]
        events = [event for round_ in zip(*streams, strict=True) for event in round_]
        await rig.publish(events)
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger)):
            await rig.until(events)
        assert ledger.saves <= 2 * PARTITIONS

    async def test_t11_a_place_is_moved_by_compare_and_set(self, rig: Rig) -> None:
        store = rig.store()
        here, there = TopicPartition(rig.topic, 0), TopicPartition(rig.topic, 1)
        assert await store.offsets([here, there]) == {here: 0, there: 0}
        assert await transacted(store, lambda each: each.advance({here: (0, 7), there: (0, 3)}))
        assert not await transacted(store, lambda each: each.advance({here: (0, 9)}))
        assert not await transacted(store, lambda each: each.advance({here: (7, 9), there: (0, 9)}))
        assert await store.offsets([here, there]) == {here: 7, there: 3}
        assert await transacted(store, lambda each: each.write({"thing/1": (0, 2)}, (), ()))
        assert not await transacted(store, lambda each: each.write({"thing/1": (1, 3)}, (), ()))
        assert not await transacted(store, lambda each: each.write({"thing/1": (0, 3)}, (), ()))
        async with store.transaction() as transaction:
            assert (await transaction.views(["thing/1"]))["thing/1"].last == 2

    async def test_t12_duplicates_are_dropped(self, rig: Rig) -> None:
        events = [*history("thing/1", 4), *history("thing/2", 4)]
        await rig.publish([*events, *events[:3], *events])
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.until_read()
            await rig.until(events)
            await rig.publish(events)
            await rig.until_read()
            await rig.until(events)
        assert await rig.held() == []

    async def test_t12_a_gap_is_held_until_it_closes(self, rig: Rig) -> None:
        one, two, three, four = history("thing/1", 4)
        other = history("thing/2", 2)
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish([one, three, four, four, *other])
            await rig.until([one, *other])
            assert await rig.until_held(2) == [("thing/1", 3, None), ("thing/1", 4, None)]
            await rig.publish([two])
            await rig.until([one, two, three, four, *other])
        assert await rig.held() == []

    async def test_t13_poison_parks_its_stream_and_no_other(self, rig: Rig) -> None:
        bad = [an_event("thing/bad", 1), an_event("thing/bad", 2, "poison"), an_event("thing/bad", 3)]
        good = [event for number in range(10) for event in history(f"thing/{number}", 3)]
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger)):
            await rig.publish([*bad[:2], *good[:15], bad[2], *good[15:]])
            await rig.until([bad[0], *good])
            assert await rig.until_held(2) == [("thing/bad", 2, "ZeroDivisionError"), ("thing/bad", 3, None)]
            assert ledger.folds.count(("thing/bad", 2)) == ATTEMPTS
            ledger.cured = True
            later = an_event("thing/bad", 4)
            await rig.publish([later])
            await rig.until_held(3)
            await rig.unpark("thing/bad")
            await rig.until([*bad, later, *good])
        assert await rig.held() == []

    async def test_t12_unparked_too_early_it_parks_again(self, rig: Rig) -> None:
        events = [an_event("thing/1", 1, "poison"), an_event("thing/1", 2)]
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger)):
            await rig.publish(events)
            await rig.until_held(2)
            await rig.unpark("thing/1")

            async def tried_again() -> bool:
                return ledger.folds.count(("thing/1", 1)) == 2 * ATTEMPTS

            await eventually(tried_again)
            assert await rig.until_held(2) == [("thing/1", 1, "ZeroDivisionError"), ("thing/1", 2, None)]
            ledger.cured = True
            await rig.unpark("thing/1")
            await rig.until(events)

    async def test_t14_a_newer_version_parks_at_once_with_the_handlers_reason(self, rig: Rig) -> None:
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger)):
            await rig.publish([an_event("thing/1", 1, "newer")])
            assert await rig.until_held(1) == [("thing/1", 1, "newer_version")]
        assert len(ledger.folds) == 1

    async def test_t12_another_event_at_a_known_version_parks_the_stream(self, rig: Rig) -> None:
        one, two, three = history("thing/1", 3)
        forged, other = an_event("thing/1", 1), history("thing/2", 2)
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish([one, two])
            await rig.until([one, two])
            await rig.publish([forged, three, *other])
            await rig.until([one, two, *other])
            assert await rig.until_held(2) == [("thing/1", 1, CONFLICT), ("thing/1", 3, None)]
            await rig.publish([forged, one])  # redelivered, both are known by now
            await rig.until_read()
        assert len(await rig.held()) == 2

    async def test_t12_two_events_claim_one_version_in_one_batch(self, rig: Rig) -> None:
        one, two = history("thing/1", 2)
        await rig.publish([one, an_event("thing/1", 1), two])
        async with rig.running(rig.consumer(rig.ledger())):
            assert await rig.until_held(2) == [("thing/1", 1, CONFLICT), ("thing/1", 2, None)]
            await rig.until([one])

    async def test_t12_two_events_claim_one_version_while_it_is_held(self, rig: Rig) -> None:
        one, two, three = history("thing/1", 3)
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish([one, three, an_event("thing/1", 3)])
            await rig.until_held(2)
            await rig.publish([two])
            await rig.until_held(3)
            await rig.until([one])

    async def test_t13_what_cannot_be_read_stops_nothing(self, rig: Rig) -> None:
        good = history("thing/1", 3)
        first = to_message(good[0])
        headers = dict(first.headers)
        broken = [
            replace(first, value=None),
            replace(first, value=b""),
            replace(first, value=b"\xff\xfe"),
            replace(first, value=b"not json"),
            replace(first, value=b"[1]"),
            replace(first, headers=()),
            replace(first, headers=tuple({**headers, "ce_sequence": b"99999999999"}.items())),
            replace(first, headers=tuple({**headers, "ce_id": b"not-a-uuid"}.items())),
            replace(first, headers=tuple({**headers, "ce_type": b"a\x00b"}.items())),
            replace(first, headers=tuple({**headers, "ce_time": b"yesterday"}.items())),
            replace(first, headers=tuple({**headers, "ce_subject": b"x" * 201}.items())),
            replace(first, headers=tuple({**headers, "ce_subject": b"\xc3\x28"}.items())),
        ]
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish([good[0], *broken, *good[1:]])
            await rig.until(good)
            rows = await rig.until_held(len(broken))
        assert all(reason is not None and stream.startswith("undecodable/") for stream, _, reason in rows)

    async def test_t13_infrastructure_errors_are_retried_and_undo_everything(self, rig: Rig) -> None:
        events = history("thing/1", 3)
        ledger = rig.ledger()
        ledger.failures += [Unavailable(), ConnectionResetError(), TimeoutError()]
        await rig.publish(events)
        async with rig.running(rig.consumer(ledger)):
            await rig.until(events)
        assert ledger.failures == []
        assert await rig.held() == []

    async def test_t11_a_restart_goes_on_where_the_effects_end(self, rig: Rig) -> None:
        first, second = history("thing/1", 3), history("thing/2", 3)
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish(first)
            await rig.until(first)
        await rig.publish(second)
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger)):
            await rig.until([*first, *second])
        assert {stream for stream, _ in ledger.folds} == {"thing/2"}

    async def test_t11_two_workers_on_the_same_partitions_apply_once(self, rig: Rig) -> None:
        streams = [history(f"thing/{number}", 6) for number in range(12)]
        events = [event for round_ in zip(*streams, strict=True) for event in round_]
        workers = [rig.consumer(rig.ledger(), max_records=5) for _ in range(2)]
        async with rig.running(*workers):
            for start in range(0, len(events), 8):
                await rig.publish(events[start : start + 8])
            await rig.until(events)
            await rig.until_read()
        await rig.until(events)

    async def test_t11_replicas_share_the_partitions(self, rig: Rig) -> None:
        streams = [history(f"thing/{number}", 3) for number in range(12)]
        events = [event for stream in streams for event in stream]
        ledgers = [rig.ledger() for _ in range(2)]
        workers = [rig.consumer(ledger, ordinal=i, replicas=2) for i, ledger in enumerate(ledgers)]
        async with rig.running(*workers):
            await rig.publish(events)
            await rig.until(events)
        mine, others = ({stream for stream, _ in ledger.folds} for ledger in ledgers)
        assert mine
        assert others
        assert not mine & others

    async def test_t11_a_rewound_offset_is_noticed_and_applies_nothing_twice(self, rig: Rig) -> None:
        events = [*history("thing/1", 3), *history("thing/2", 3)]
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish(events)
            await rig.until(events)
            await rig.until_read()
            await rig.set_offsets(0)
            await rig.until_read()
        await rig.until(events)
        assert await rig.held() == []

    async def test_t11_an_offset_beyond_the_end_fails_loudly(self, rig: Rig) -> None:
        events = history("thing/1", 3)
        async with rig.running(rig.consumer(rig.ledger())):
            await rig.publish(events)
            await rig.until(events)
            await rig.until_read()
        await rig.set_offsets(1000)
        with pytest.raises(TopicReplaced):
            async with asyncio.timeout(30):
                await rig.consumer(rig.ledger()).run(asyncio.Event())

    async def test_t16_a_worker_that_stands_still_while_its_topic_moves_ends(self, rig: Rig) -> None:
        await rig.publish(history("thing/1", 3))
        consumer = rig.consumer(rig.ledger(), subscription=Deaf(rig.subscription()), watchdog=0.4)
        with pytest.raises(Stuck, match="3 records wait"):
            async with asyncio.timeout(30):
                await consumer.run(asyncio.Event())

    async def test_t16_a_handler_that_fails_for_ever_ends_the_worker(self, rig: Rig) -> None:
        await rig.publish(history("thing/1", 1))
        ledger = rig.ledger()
        ledger.failures += [RuntimeError() for _ in range(1000)]
        with pytest.raises(Stuck):
            async with asyncio.timeout(30):
                await rig.consumer(ledger, watchdog=0.4).run(asyncio.Event())

    async def test_t16_waiting_for_the_database_is_not_standing_still(self, rig: Rig) -> None:
        events = history("thing/1", 1)
        await rig.publish(events)
        ledger = rig.ledger()
        ledger.failures += [Unavailable() for _ in range(6)]
        async with rig.running(rig.consumer(ledger, watchdog=1.0)):
            await rig.until(events)

    async def test_t16_a_long_batch_is_not_standing_still(self, rig: Rig) -> None:
        """Found by chaos: a reaction behind by a thousand events was ended again and again, on its way through them."""
        streams = [history(f"thing/{number}", 1) for number in range(30)]
        events = [event for stream in streams for event in stream]
        await rig.publish(events)
        ledger = rig.ledger()
        async with rig.running(rig.consumer(ledger, work=OneByOne(facts(ledger), 0.05), watchdog=0.4)):
            await rig.until(events)
        assert ledger.saves == len(events)

    async def test_t16_an_idle_worker_lives(self, rig: Rig) -> None:
        events = history("thing/1", 1)
        async with rig.running(rig.consumer(rig.ledger(), watchdog=1.0)):
            await rig.publish(events)
            await rig.until(events)
            ticks = 0

            async def long_after() -> bool:
                nonlocal ticks
                ticks += 1
                return ticks > 125  # 2.5 s, more than twice the limit

            await eventually(long_after)

    async def test_raw_records_are_applied_and_unreadable_ones_noted_without_their_value(self, rig: Rig) -> None:
        ledger = rig.ledger()
        handler = Latest(ledger.append)
        messages = [Message(b"a", b"1"), Message(b"a", b"broken"), Message(b"a", None), Message(b"b", b"2")]
        async with rig.running(rig.consumer(ledger, work=raw(handler))):
            await rig.publish(messages)
            await rig.until_read()
            rows = await rig.until_held(1)
        assert sorted(handler.seen) == [b"", b"1", b"2"]
        assert rows[0][2] == "ValueError"
        assert [row[0] for row in await rig.effects()].count("a") == 2
