"""What every bus must do. Subclass it, give it a `bus` fixture, and run it on memory and on Kafka."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from roadbook.bus import (
    Delivered,
    Fenced,
    Message,
    OffsetOutOfRange,
    Publisher,
    PublishFailed,
    Subscription,
    TopicPartition,
    TransactionalPublisher,
)


@dataclass(frozen=True)
class Bus:
    """Makes clients of one broker. What they make is closed by whoever made the bus."""

    topic: Callable[[int], Awaitable[str]]  # by its number of partitions
    publisher: Callable[[], Publisher]
    transactional: Callable[[str], TransactionalPublisher]
    subscription: Callable[[], Subscription]


def numbered(key: str, *numbers: int) -> list[Message]:
    return [Message(key.encode(), str(number).encode(), (("n", str(number).encode()),)) for number in numbers]


async def send_whole(publisher: Publisher, topic: str, partition: int, messages: Sequence[Message]) -> None:
    rest = list(messages)
    while rest:
        sent = await publisher.send(topic, partition, rest)
        assert 1 <= sent <= len(rest)
        rest = rest[sent:]


async def read(subscription: Subscription, count: int, *, max_records: int = 500) -> list[Delivered]:
    """Polls until `count` records came, by partition and offset."""
    found: list[Delivered] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            polled = await subscription.poll(max_records=max_records, timeout=0.5)
            found += [record for records in polled.values() for record in records]
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def assigned(bus: Bus, topic: str, offset: int = 0) -> Subscription:
    subscription = bus.subscription()
    await subscription.assign(dict.fromkeys(await subscription.partitions(topic), offset))
    return subscription


class BusContract:
    async def test_what_is_sent_is_read_back(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(1), bus.publisher()
        messages = [
            Message(b"k", b'{"a":1}', (("ce_id", b"1"), ("ce_type", b"t"))),
            Message(b"k", b"", ()),
            Message(b"k", None, (("sequence", b"0000000002"),)),
            Message("å".encode(), bytes(range(256)), (("x", b""),)),
        ]
        await send_whole(publisher, topic, 0, messages)
        found = await read(await assigned(bus, topic), 4)
        assert [Message(each.key or b"", each.value, each.headers) for each in found] == messages
        assert [each.offset for each in found] == [0, 1, 2, 3]
        assert all(each.timestamp > 1_600_000_000_000 for each in found)

    async def test_a_long_run_keeps_its_order(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(2), bus.publisher()
        partition = await publisher.partition_of(topic, b"long")
        messages = [Message(b"long", str(number).encode() * 200) for number in range(700)]
        await send_whole(publisher, topic, partition, messages)
        found = await read(await assigned(bus, topic), 700, max_records=100)
        assert [each.value for each in found] == [message.value for message in messages]
        assert {each.partition for each in found} == {partition}

    async def test_partitions_side_by_side(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(3), bus.publisher()
        await asyncio.gather(
            *(send_whole(publisher, topic, number, numbered(f"p{number}", *range(50))) for number in range(3))
        )
        found = await read(await assigned(bus, topic), 150)
        for number in range(3):
            mine = [each.value for each in found if each.partition == number]
            assert mine == [str(n).encode() for n in range(50)]

    async def test_partitions_of_a_topic(self, bus: Bus) -> None:
        topic = await bus.topic(3)
        subscription = bus.subscription()
        assert await subscription.partitions(topic) == [TopicPartition(topic, n) for n in range(3)]
        with pytest.raises(LookupError):
            await subscription.partitions(topic + ".missing")

    async def test_reading_from_an_offset_and_again(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(1), bus.publisher()
        await send_whole(publisher, topic, 0, numbered("k", *range(10)))
        place = TopicPartition(topic, 0)
        subscription = await assigned(bus, topic, 7)
        assert subscription.position(place) == 7
        assert [each.offset for each in await read(subscription, 3)] == [7, 8, 9]
        assert subscription.position(place) == 10
        await subscription.assign({place: 2})
        assert subscription.position(place) == 2
        assert [each.offset for each in await read(subscription, 8, max_records=3)] == list(range(2, 10))

    async def test_a_poll_is_bounded_in_number_and_time(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(2), bus.publisher()
        subscription = await assigned(bus, topic)
        assert await subscription.poll(max_records=10, timeout=0.05) == {}
        for partition in range(2):
            await send_whole(publisher, topic, partition, numbered("k", *range(20)))
        seen = 0
        async with asyncio.timeout(20):
            while seen < 40:
                polled = await subscription.poll(max_records=7, timeout=0.5)
                got = sum(len(records) for records in polled.values())
                assert got <= 7
                seen += got
                for place, records in polled.items():
                    assert subscription.position(place) == records[-1].offset + 1

    async def test_end_offsets(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(2), bus.publisher()
        await send_whole(publisher, topic, 1, numbered("k", 1, 2, 3))
        subscription = await assigned(bus, topic)
        places = await subscription.partitions(topic)
        assert await subscription.end_offsets(places) == {places[0]: 0, places[1]: 3}

    async def test_an_offset_beyond_the_end_is_refused(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(1), bus.publisher()
        await send_whole(publisher, topic, 0, numbered("k", 1))
        subscription = await assigned(bus, topic, 5)
        with pytest.raises(OffsetOutOfRange):
            await read(subscription, 1)

    async def test_commit_never_fails(self, bus: Bus) -> None:
        topic = await bus.topic(1)
        subscription = await assigned(bus, topic)
        await subscription.commit({TopicPartition(topic, 0): 0})

    async def test_a_transaction_is_read_whole_and_passed_to_its_end(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(2), bus.transactional("t-" + await bus.topic(1))
        await publisher.acquire()
        await publisher.send_all(topic, [*numbered("a", 1, 2), *numbered("b", 3), Message(b"a", None)])
        subscription = await assigned(bus, topic)
        found = await read(subscription, 4)
        assert [each.value for each in found if each.key == b"a"] == [b"1", b"2", None]
        places = await subscription.partitions(topic)
        ends = await subscription.end_offsets(places)

        async def at_the_end() -> bool:
            # The marker that closes the transaction has an offset, and never comes out of a poll.
            await subscription.poll(max_records=10, timeout=0.1)
            return all(subscription.position(place) == ends[place] for place in places)

        async with asyncio.timeout(20):
            while not await at_the_end():
                pass

    async def test_a_newer_transactional_publisher_fences_the_older(self, bus: Bus) -> None:
        topic = await bus.topic(1)
        old, new = bus.transactional("fence-" + topic), bus.transactional("fence-" + topic)
        await old.acquire()
        await old.send_all(topic, numbered("k", 1))
        await new.acquire()
        with pytest.raises(Fenced):
            await old.send_all(topic, numbered("k", 666))
        await new.send_all(topic, numbered("k", 2))
        assert [each.value for each in await read(await assigned(bus, topic), 2)] == [b"1", b"2"]
        assert old.rebuilds == 1

    async def test_after_a_failure_it_must_be_acquired_anew(self, bus: Bus) -> None:
        topic = await bus.topic(1)
        old, new = bus.transactional("again-" + topic), bus.transactional("again-" + topic)
        with pytest.raises(PublishFailed):
            await old.send_all(topic, numbered("k", 0))
        await old.acquire()
        await new.acquire()
        with pytest.raises(Fenced):
            await old.send_all(topic, numbered("k", 1))
        with pytest.raises(PublishFailed):
            await old.send_all(topic, numbered("k", 1))
        await old.acquire()
        await old.send_all(topic, numbered("k", 2))
        with pytest.raises(Fenced):
            await new.send_all(topic, numbered("k", 3))
        assert [each.value for each in await read(await assigned(bus, topic), 1)] == [b"2"]

    async def test_closing_twice_is_fine(self, bus: Bus) -> None:
        topic = await bus.topic(1)
        publisher, subscription = bus.publisher(), await assigned(bus, topic)
        await send_whole(publisher, topic, 0, numbered("k", 1))
        for _ in range(2):
            await publisher.close()
            await subscription.close()
