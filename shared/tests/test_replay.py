"""A replay reads up to a vector and no further, goes on where it was, and never works beside another."""

import time

import pytest

from roadbook.bus import TopicPartition
from roadbook.consumer_work import facts
from roadbook.replay import Moved, Replay, TooSlow
from roadbook.testing.consumer_rig import PARTITIONS, Deaf, Rig, an_event, history
from roadbook.testing.rigs import memory_rig
from roadbook.version_rule import CONFLICT


@pytest.fixture
def rig() -> Rig:
    return memory_rig()


def everything(rig: Rig, to: int = 1000) -> dict[TopicPartition, int]:
    return {TopicPartition(rig.topic, number): to for number in range(PARTITIONS)}


async def ends(rig: Rig) -> dict[TopicPartition, int]:
    subscription = rig.subscription()
    places = await subscription.partitions(rig.topic)
    await subscription.assign(dict.fromkeys(places, 0))
    return await subscription.end_offsets(places)


async def test_it_stops_at_the_vector_and_goes_on_from_there(rig: Rig) -> None:
    events = history("thing/1", 10)
    await rig.publish(events)
    (place,) = [each for each, end in (await ends(rig)).items() if end]
    told: list[tuple[int, int]] = []
    replay = Replay(rig.store(), rig.subscription(), facts(rig.ledger()), max_records=3)
    assert await replay.to({place: 4}, progress=lambda *each: told.append(each)) == 4
    assert [version for _, version, _ in await rig.effects()] == [1, 2, 3, 4]
    assert [sum(each) for each in zip(*told, strict=True)] == [4, 4]
    assert await replay.reached({place: 4}) == {place: 4}
    assert await replay.to({place: 4}) == 0
    # Another process goes on where this one was killed.
    again = Replay(rig.store(), rig.subscription(), facts(rig.ledger()))
    assert await again.to({place: 10}) == 6
    await rig.until(events)


async def test_it_follows_the_version_rule(rig: Rig) -> None:
    good, bad = history("thing/1", 3), history("thing/2", 3)
    await rig.publish([*good, *good, bad[0], bad[2], an_event("thing/2", 1)])
    replay = Replay(rig.store(), rig.subscription(), facts(rig.ledger()))
    await replay.to(await ends(rig))
    await rig.until([*good, bad[0]])
    assert await rig.held() == [("thing/2", 3, None), ("thing/2", 1, CONFLICT)]


async def test_what_is_marked_is_tried_again(rig: Rig) -> None:
    events = [an_event("thing/1", 1), an_event("thing/1", 2, "poison"), an_event("thing/1", 3)]
    await rig.publish(events)
    ledger, targets = rig.ledger(), await ends(rig)
    replay = Replay(rig.store(), rig.subscription(), facts(ledger))
    await replay.to(targets)
    assert await replay.retry(targets) == 0
    await rig.unpark("thing/1")
    ledger.cured = True
    assert await replay.retry(targets) == 1
    await rig.until(events)


async def test_two_at_once_find_each_other(rig: Rig) -> None:
    await rig.publish(history("thing/1", 10))
    targets = await ends(rig)

    class Late(Deaf):
        """Somebody else moves the offsets while this one polls."""

        async def poll(self, **options: object) -> object:  # type: ignore[override]
            await Replay(rig.store(), rig.subscription(), facts(rig.ledger())).to(targets)
            return await self._inner.poll(**options)  # type: ignore[arg-type]

    with pytest.raises(Moved):
        await Replay(rig.store(), Late(rig.subscription()), facts(rig.ledger())).to(targets)
    assert len(await rig.effects()) == 10


async def test_a_deadline_ends_it_and_keeps_what_was_read(rig: Rig) -> None:
    await rig.publish(history("thing/1", 10))
    replay = Replay(rig.store(), Deaf(rig.subscription()), facts(rig.ledger()))
    with pytest.raises(TooSlow):
        await replay.to(everything(rig), deadline=time.monotonic() + 0.1)
