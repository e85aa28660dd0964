# mypy: allow-untyped-calls
"""What only a real broker shows: partitions, refusals, silence, fences, committed offsets."""

import asyncio
import os
import signal
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.partitioner import murmur2
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from roadbook.bus import BusUnavailable, Message, PublishFailed, TopicPartition
from roadbook.events import new_id
from roadbook.kafka import (
    FACT_TOPIC_CONFIG,
    KafkaPublisher,
    KafkaSubscription,
    KafkaTransactionalPublisher,
    TopicSpec,
    create_topics,
    end_offsets,
    partition_of,
)
from roadbook.kafka.publisher import _assert_producer
from roadbook.kafka.subscription import _assert_consumer
from roadbook.testing.bus_contract import numbered, read, send_whole
from roadbook.testing.waiting import eventually
from roadbook_cli.stack import Stack


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    name = "kafka-" + new_id()
    await create_topics(kafka_bootstrap, [TopicSpec(name, 3)])
    return name


async def all_of(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    subscription = KafkaSubscription(bootstrap, group=topic, client_id="test")
    await subscription.assign(dict.fromkeys(await subscription.partitions(topic), 0))
    records = await read(subscription, count)
    await subscription.close()
    return [record.value for record in records]


@given(st.binary(max_size=200))
def test_keys_are_hashed_as_the_client_does(key: bytes) -> None:
    assert partition_of(key, 2**31) == murmur2(key) & 0x7FFFFFFF


async def test_keys_map_to_the_partitions_of_other_clients(kafka_bootstrap: str, topic: str) -> None:
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    keys = [b"", b"a", "客户".encode(), *(new_id().encode() for _ in range(40))]
    seen: dict[bytes, int] = {}
    other = Producer({"bootstrap.servers": kafka_bootstrap, "partitioner": "murmur2"})
    for key in keys:
        other.produce(topic, b"x", key, on_delivery=lambda _, m: seen.__setitem__(m.key() or b"", m.partition() or 0))
    await asyncio.to_thread(other.flush, 20)
    assert {key: await publisher.partition_of(topic, key) for key in keys} == seen
    await publisher.close()


async def test_t10_a_refused_message_costs_the_producer_and_nothing_else(kafka_bootstrap: str, topic: str) -> None:
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    await send_whole(publisher, topic, 0, numbered("k", 1))
    with pytest.raises(PublishFailed) as failure:
        await publisher.send(topic, 0, [Message(b"k", b"x" * 2_000_000)])
    assert failure.value.reason == "MessageSizeTooLargeError"
    assert publisher.rebuilds == 1
    await send_whole(publisher, topic, 0, numbered("k", 2, 3))
    await publisher.close()
    assert await all_of(kafka_bootstrap, topic, 3) == [b"1", b"2", b"3"]


async def test_t10_a_silent_broker_costs_the_producer_in_bounded_time(
    stack: Stack, kafka_bootstrap: str, topic: str
) -> None:
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test", watchdog=1.0)
    await send_whole(publisher, topic, 0, numbered("k", 1))
    pid = stack.kafka.pid(1)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        before = time.monotonic()
        with pytest.raises(PublishFailed) as failure:
            await publisher.send(topic, 0, numbered("k", 2))
        assert failure.value.reason == "TimeoutError"
        with pytest.raises(PublishFailed):
            await publisher.send(topic, 0, numbered("k", 2))
        assert time.monotonic() - before < 4
        assert publisher.rebuilds == 1
    finally:
        os.kill(pid, signal.SIGCONT)

    async def sent() -> bool:
        try:
            await publisher.send(topic, 0, numbered("k", 2))
        except PublishFailed:
            return False
        return True

    async def ends() -> dict[Any, int] | None:
        try:
            return dict(await end_offsets(kafka_bootstrap, [topic]))
        except BusUnavailable:
            return None  # one that was silent for so long still comes to itself

    await eventually(sent)
    await publisher.close()
    values = await all_of(kafka_bootstrap, topic, sum((await eventually(ends)).values()))
    assert values[0] == b"1"
    assert set(values[1:]) == {b"2"}  # perhaps more than once, never lost


async def test_closing_is_bounded_while_the_broker_is_gone(stack: Stack, kafka_bootstrap: str, topic: str) -> None:
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test", watchdog=30.0)
    subscription = KafkaSubscription(kafka_bootstrap, group=topic, client_id="test")
    await subscription.assign({TopicPartition(topic, 0): 0})
    await send_whole(publisher, topic, 0, numbered("k", 1))
    await asyncio.to_thread(stack.kafka.kill)
    try:
        sending = asyncio.create_task(publisher.send(topic, 0, numbered("k", 2)))
        assert await subscription.poll(max_records=10, timeout=0.1) is not None
        before = time.monotonic()
        await publisher.close()
        await subscription.commit({TopicPartition(topic, 0): 1})
        await subscription.close()
        assert time.monotonic() - before < 14
        with pytest.raises(PublishFailed):
            await asyncio.wait_for(sending, 5)
    finally:
        await asyncio.to_thread(stack.kafka.start)


async def test_t17_what_a_dead_publisher_left_open_is_never_read(kafka_bootstrap: str, topic: str) -> None:
    dead = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id="open-" + topic)
    await dead.start()
    await dead.begin_transaction()
    await dead.send_and_wait(topic, b"never committed", b"k", partition=0)
    heir = KafkaTransactionalPublisher(kafka_bootstrap, client_id="test", transactional_id="open-" + topic)
    await heir.acquire()
    await heir.send_all(topic, numbered("k", 1))
    assert await all_of(kafka_bootstrap, topic, 1) == [b"1"]
    await heir.close()
    await dead._sender.close()
    await dead.client.close()
    dead._closed = True


async def test_t11_committed_offsets_are_there_for_other_tools_without_joining(
    kafka_bootstrap: str, topic: str
) -> None:
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    await send_whole(publisher, topic, 1, numbered("k", *range(5)))
    await publisher.close()
    subscription = KafkaSubscription(kafka_bootstrap, group="group-" + topic, client_id="test")
    await subscription.assign(dict.fromkeys(await subscription.partitions(topic), 0))
    await read(subscription, 5)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()

    async def committed() -> bool:
        await subscription.commit({TopicPartition(topic, 1): 5})
        try:
            found = await admin.list_consumer_group_offsets("group-" + topic)
        except GroupCoordinatorNotAvailableError:
            return False  # the first group of a new broker: its topic of offsets is being made
        return {(each.partition, offset.offset) for each, offset in found.items()} == {(1, 5)}

    await eventually(committed)
    (described,) = (await admin.describe_consumer_groups(["group-" + topic]))[0].groups  # type: ignore[attr-defined]
    assert list(described[5]) == []  # nobody ever joined
    await admin.close()
    await subscription.close()


@pytest.mark.parametrize("dying", [FetchRequest, Request], ids=["fetcher", "all"])
async def test_a_client_whose_tasks_died_costs_the_consumer_and_nothing_else(
    kafka_bootstrap: str, topic: str, dying: type[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write to a connection that was just reset raises RuntimeError on uvloop, and aiokafka's task ends of it."""
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test")
    await send_whole(publisher, topic, 0, numbered("k", 1, 2, 3))
    subscription = KafkaSubscription(kafka_bootstrap, group=topic, client_id="test")
    own = TopicPartition(topic, 0)
    await subscription.assign({own: 0})
    seen = [record.value for record in await read(subscription, 3)]

    send = AIOKafkaConnection.send

    def closed(self: AIOKafkaConnection, request: Request, expect_response: bool = True) -> Any:
        if isinstance(request, dying):
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
        return send(self, request, expect_response)

    monkeypatch.setattr(AIOKafkaConnection, "send", closed)
    assert subscription._consumer is not None
    dead = subscription._consumer
    with pytest.raises(BusUnavailable):
        await read(subscription, 1)
    monkeypatch.undo()
    await send_whole(publisher, topic, 0, numbered("k", 4))
    await subscription.assign({own: 3})
    seen += [record.value for record in await read(subscription, 1)]
    assert seen == [b"1", b"2", b"3", b"4"]
    await subscription.close()
    assert not any(connection.connected() for connection in dead._client._conns.values())  # nothing is left behind
    await publisher.close()


async def closed(*_: Any) -> bool:
    """What uvloop says at a write to a connection that was reset a moment ago."""
    raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


async def test_a_producer_that_cannot_learn_of_leaders_any_more_is_thrown_away_at_once(
    kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = KafkaPublisher(kafka_bootstrap, client_id="test", watchdog=3600)
    await send_whole(publisher, topic, 0, numbered("k", 1))
    producer = publisher._producers.current
    assert producer is not None
    monkeypatch.setattr(producer.client, "_metadata_update", closed)
    monkeypatch.setattr(producer.client.cluster, "leader_for_partition", lambda _: None)  # it moved
    with pytest.raises(PublishFailed, match="RuntimeError"):
        async with asyncio.timeout(20):
            await publisher.send(topic, 0, numbered("k", 2))
    await send_whole(publisher, topic, 0, numbered("k", 2))
    await publisher.close()
    assert await all_of(kafka_bootstrap, topic, 2) == [b"1", b"2"]


async def test_a_client_that_cannot_learn_of_leaders_any_more_is_not_assigned_again(
    kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = KafkaSubscription(kafka_bootstrap, group=topic, client_id="test")
    own = TopicPartition(topic, 0)
    await subscription.assign({own: 0})
    dead = subscription._consumer
    assert dead is not None
    monkeypatch.setattr(dead._client, "_metadata_update", closed)
    dead._client.force_metadata_update()
    await asyncio.wait({dead._client._sync_task}, timeout=20)
    await subscription.assign({own: 0})
    assert subscription._consumer is not dead
    assert await subscription.end_offsets([own]) == {own: 0}
    await subscription.close()


async def test_topics_are_made_once_and_never_with_other_partitions(kafka_bootstrap: str, topic: str) -> None:
    assert await create_topics(kafka_bootstrap, [TopicSpec(topic, 3)]) == []
    with pytest.raises(ValueError, match="partitions"):
        await create_topics(kafka_bootstrap, [TopicSpec(topic, 4)])
    with pytest.raises(LookupError):
        await end_offsets(kafka_bootstrap, [topic + ".missing"])
    assert FACT_TOPIC_CONFIG["message.timestamp.type"] == "LogAppendTime"
    assert sum((await end_offsets(kafka_bootstrap, [topic])).values()) == 0


async def test_unsafe_settings_are_refused() -> None:
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", acks=1)
    with pytest.raises(RuntimeError, match="unsafe"):
        _assert_producer(producer)
    await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(RuntimeError, match="unsafe"):
        _assert_consumer(consumer)
    await consumer.stop()
