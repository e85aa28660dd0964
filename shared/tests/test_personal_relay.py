"""The relay of personal data: an erased value never comes back (T17)."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from roadbook.bus import Delivered, Fenced, Message, PublishFailed, TransactionalPublisher
from roadbook.database import Pool
from roadbook.personal_relay import PersonalRelay
from roadbook.relay import Relay
from roadbook.store.port import PersonalValue
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemoryTransactionalPublisher
from roadbook.testing.relays import sequence, write
from roadbook.testing.waiting import eventually

TOPIC = "personal"
KEY = b"party-1/lead/thing/1/name"


@pytest.fixture
def broker() -> MemoryBroker:
    made = MemoryBroker()
    made.create_topic(TOPIC, 3)
    return made


def publisher_of(broker: MemoryBroker) -> MemoryTransactionalPublisher:
    return MemoryTransactionalPublisher(broker, transactional_id="lead.personal-data")


def relay_of(pool: Pool, publisher: TransactionalPublisher, standby: float = 0.3) -> PersonalRelay:
    return PersonalRelay(pool, publisher, "lead", asyncio.Event(), topic=TOPIC, standby=standby)


async def learn(pool: Pool, value: str | None, expected: int, field: str = "name") -> int:
    stored = await write(pool, "thing/1", expected, 1, [PersonalValue("party-1", f"thing/1/{field}", value)])
    await sequence(pool, "personal")
    return stored.personal[0].version


def last_by_key(broker: MemoryBroker) -> dict[bytes | None, Delivered]:
    """What compaction leaves."""
    return {record.key: record for record in broker.records(TOPIC)}


async def test_a_value_and_its_removal(lead_pool: Pool, broker: MemoryBroker) -> None:
    relay = relay_of(lead_pool, publisher_of(broker))
    version = await learn(lead_pool, "王芳", 0)
    assert await relay.step() == 1
    record = last_by_key(broker)[KEY]
    assert json.loads(record.value or b"") == {
        "value": "王芳",
        "source": "test",
        "recorded_at": "2026-01-05T08:00:00.000000Z",
        "verified_at": None,
        "version": version,
    }
    assert dict(record.headers) == {
        "sequence": f"{version:010}".encode(),
        "partyref": b"party-1",
        "source": b"urn:roadbook:lead",
    }
    removed = await learn(lead_pool, None, 1)
    assert await relay.step() == 1
    record = last_by_key(broker)[KEY]
    assert record.value is None
    assert dict(record.headers)["sequence"] == f"{removed:010}".encode()
    assert await relay.step() == 0


async def test_a_value_that_was_replaced_meanwhile_is_passed_over(lead_pool: Pool, broker: MemoryBroker) -> None:
    await learn(lead_pool, "first", 0)
    await learn(lead_pool, "phone", 1, "phone")
    await learn(lead_pool, "second", 2)
    assert await relay_of(lead_pool, publisher_of(broker)).step() == 3
    values = [json.loads(record.value or b"")["value"] for record in broker.records(TOPIC)]
    assert sorted(values) == ["phone", "second"]


class Paused:
    """Stands still before `acquire` or before `send_all` until it is released."""

    def __init__(self, inner: TransactionalPublisher, where: str) -> None:
        self._inner, self._where = inner, where
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    @property
    def rebuilds(self) -> int:
        return self._inner.rebuilds

    async def _pause(self, where: str) -> None:
        if where == self._where:
            self.reached.set()
            await self.released.wait()

    async def acquire(self) -> None:
        await self._pause("acquire")
        await self._inner.acquire()

    async def send_all(self, topic: str, messages: Sequence[Message]) -> None:
        await self._pause("send_all")
        await self._inner.send_all(topic, messages)

    async def close(self) -> None:
        await self._inner.close()


@pytest.mark.parametrize("where", ["acquire", "send_all"])
async def test_t17_a_frozen_relay_cannot_revive_an_erased_value(
    lead_pool: Pool, broker: MemoryBroker, where: str
) -> None:
    await learn(lead_pool, "王芳", 0)
    paused = Paused(publisher_of(broker), where)
    frozen = asyncio.create_task(relay_of(lead_pool, paused).step())
    await paused.reached.wait()
    other = relay_of(lead_pool, publisher_of(broker))
    assert await other.step() == 1
    await learn(lead_pool, None, 1)
    assert await other.step() == 1
    paused.released.set()
    if where == "send_all":
        with pytest.raises(Fenced):
            await frozen
    else:
        assert await frozen == 0  # it took over, and read only then: there was nothing left to publish
    assert last_by_key(broker)[KEY].value is None


async def test_t17_a_blocked_relay_of_personal_data_does_not_stop_facts(lead_pool: Pool, broker: MemoryBroker) -> None:
    broker.create_topic("things", 3)
    await learn(lead_pool, "王芳", 0)
    await sequence(lead_pool)
    broker.topics.pop(TOPIC)
    with pytest.raises(PublishFailed):
        await relay_of(lead_pool, publisher_of(broker)).step()
    assert await Relay(lead_pool, MemoryPublisher(broker), "things", asyncio.Event()).step() == 1


async def test_t17_a_fenced_relay_stands_by_and_takes_over_when_the_other_is_gone(
    lead_pool: Pool, broker: MemoryBroker
) -> None:
    stop = asyncio.Event()
    first = publisher_of(broker)
    running = asyncio.create_task(relay_of(lead_pool, first).run(stop))
    await learn(lead_pool, "one", 0)

    async def published() -> int:
        return len(broker.records(TOPIC))

    async def count(number: int) -> None:
        async def reached() -> bool:
            return await published() == number

        await eventually(reached)

    await count(1)
    second = publisher_of(broker)
    await second.acquire()  # another process started, and died before it published
    await learn(lead_pool, "two", 1)
    await count(2)
    assert first.rebuilds == 1
    stop.set()
    await running
