"""The end of a run: everything that was decided is on Kafka and read by all who read it, and nothing moves any more."""

import asyncio
import time
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from run.eyes import PERSONAL, TOPICS
from run.stand import SERVICES, Stand

_WAITING = {
    "outbox": "SELECT count(*) FROM outbox",
    "relay": "SELECT coalesce(sum(h.next - c.next), 0) FROM outbox_log_head h JOIN relay_cursor c USING (channel)",
    "timers due": "SELECT count(*) FROM timers WHERE due < now() - interval '1 second'",
}
_MORE = {
    "identity": {"match_dirty": "SELECT count(*) FROM match_dirty"},
    "projection": {"dirty": "SELECT count(*) FROM dirty"},
}
_OFFSETS = "SELECT consumer, topic, partition, next FROM consumer_offsets"
STABLE = 3  # looks, one after another, that find the same and nothing waiting


def ends(bootstrap: str) -> dict[tuple[str, int], int]:
    """Where each partition ends."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ends", "log_level": 0})
    try:
        return {
            (topic, n): consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)[1]
            for topic in (*TOPICS, PERSONAL)
            for n in range(12)
        }
    finally:
        consumer.close()


async def waiting(stand: Stand, at: dict[tuple[str, int], int]) -> dict[str, int]:
    """What is not done yet, by name; empty when all is."""
    found: dict[str, int] = {}
    for service in SERVICES:
        connection = await stand.connect(service)
        try:
            for name, sql in {**_WAITING, **_MORE.get(service, {})}.items():
                found[f"{service}: {name}"] = int(await connection.fetchval(sql))
            for row in await connection.fetch(_OFFSETS):
                name = f"{service}: {row['consumer']} behind"
                found[name] = found.get(name, 0) + max(0, at[row["topic"], row["partition"]] - row["next"])
        finally:
            await connection.close()
    return {name: count for name, count in found.items() if count}


async def quiet(stand: Stand, seconds: float) -> tuple[float, dict[str, int]]:
    """Seconds it took, and what still waits when they are over: that is a failure of liveness."""
    begun, before, same = time.monotonic(), dict[Any, int](), 0
    left: dict[str, int] = {}
    while time.monotonic() - begun < seconds:
        try:
            now = await asyncio.to_thread(ends, stand.bootstrap)
            left = await waiting(stand, now)
        except Exception as error:
            left, now = {f"not to be seen ({type(error).__name__})": 1}, {}
        same = same + 1 if now == before and not left else 0
        before = now
        if same >= STABLE:
            return time.monotonic() - begun, {}
        await asyncio.sleep(0.7)
    return time.monotonic() - begun, left or {"end offsets move": 1}
