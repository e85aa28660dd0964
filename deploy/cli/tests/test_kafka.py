"""The embedded brokers: real Kafka, killed for real."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from roadbook_cli import doctor, kafka, ports
from roadbook_cli.kafka import Kafka
from roadbook_cli.project import StackError

TOPIC = "roadbook.lead.v1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    made = Kafka(tmp_path_factory.mktemp("kafka home"))
    made.up()
    yield made
    made.wipe()


async def produce(bootstrap: str, value: bytes, partition: int = 0) -> int:
    """The offset of an acks=all, idempotent send."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        return int((await producer.send_and_wait(TOPIC, value, partition=partition)).offset)
    finally:
        await producer.stop()


async def read(bootstrap: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(TOPIC, 0)])
        await consumer.seek_to_beginning()
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_topics_have_fixed_partitions_and_settings(broker: Kafka) -> None:
    described = await doctor._describe(broker.bootstrap)
    for name, wanted in kafka.TOPICS.items():
        partitions, settings = described[name]
        assert partitions == 12
        assert {key: settings[key] for key in wanted} == wanted


async def test_nothing_is_created_by_asking_for_it(broker: Kafka) -> None:
    async with kafka.admin(broker.bootstrap) as client:
        await client.describe_topics(["roadbook.misspelt.v1"])
        assert "roadbook.misspelt.v1" not in await client.list_topics()


async def test_killed_and_started_again_it_kept_what_was_acknowledged(broker: Kafka) -> None:
    first = await produce(broker.bootstrap, b"before")
    bootstrap, before = broker.bootstrap, broker.pid()
    broker.kill()
    assert broker.pid() is None
    broker.start()
    assert broker.bootstrap == bootstrap
    assert broker.pid() not in (None, before)
    assert await produce(broker.bootstrap, b"after") > first
    assert await read(broker.bootstrap, 2) == [b"before", b"after"]


def test_up_twice_leaves_the_broker_alone_and_the_number_of_brokers_is_fixed(broker: Kafka) -> None:
    pid = broker.pid()
    broker.up()
    assert broker.pid() == pid
    with pytest.raises(StackError, match=r"made with 1 broker\(s\); `roadbook down --wipe` first"):
        Kafka(broker.home, brokers=3).up()


def test_a_broker_that_dies_at_its_start_is_reported_with_its_log(tmp_path: Path) -> None:
    made = Kafka(tmp_path / "home")
    made._configure()
    properties = made._properties(1)
    properties.write_text(properties.read_text() + "log.segment.bytes=nonsense\n")
    made._spawn(1)
    with pytest.raises(StackError, match=r"Kafka node 1 ended; its log ends:(.|\n)*log\.segment\.bytes"):
        made.wait_ready()
    made.wipe()


async def test_three_brokers_go_on_when_one_is_killed(tmp_path: Path) -> None:
    made = Kafka(tmp_path / "home", brokers=3)
    try:
        made.up()
        pids = [made.pid(node) for node in made.nodes]
        assert len(set(pids)) == 3
        async with kafka.admin(made.bootstrap) as client:
            (topic,) = await client.describe_topics([TOPIC])
        assert {len(partition["replicas"]) for partition in topic["partitions"]} == {3}
        partition = next(p["partition"] for p in topic["partitions"] if p["leader"] == 2)
        assert await produce(made.bootstrap, b"with three", partition) == 0
        made.kill(2)
        assert await produce(made.bootstrap, b"with two", partition) == 1  # min ISR 2: acknowledged by both
        made.start(2)
        assert made.pid(2) not in (None, pids[1])
    finally:
        made.down()
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    made.wipe()
    assert not made.folder.exists()


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    ids = {kafka._cluster_id() for _ in range(2_000)}
    assert len(ids) == 2_000
    assert not any(each.startswith("-") for each in ids)


def test_who_comes_by_a_proxy_is_told_the_proxys_port(tmp_path: Path) -> None:
    taken: set[int] = set()
    listen, advertised = (ports.choose("proxied", taken=taken) for _ in range(2))
    made = Kafka(tmp_path / "home", proxied={1: (listen, advertised)})
    try:
        made.up()
        assert ports.answers(listen)
        told = [line for line in made._properties(1).read_text().splitlines() if line.startswith("advertised.")]
        direct = made.state["ports"]["1"][0]
        assert told == [f"advertised.listeners=PLAINTEXT://127.0.0.1:{direct},PROXIED://127.0.0.1:{advertised}"]
    finally:
        made.wipe()
