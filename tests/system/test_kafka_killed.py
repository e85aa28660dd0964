"""Kafka dies while leads come in: nothing accepted is lost, doubled in the record, or out of order (F13, F14)."""

import asyncio
import os
import signal
import time

from harness import Net, check_leads, post_leads, repeats, until

LEADS = 1_200
WAITING = 100


async def test_sigkill_with_a_hundred_events_unacknowledged(net: Net) -> None:
    repeated = await repeats(net)
    rebuilds = await net.metric("lead", "relay_producer_rebuilds")
    posting = asyncio.create_task(post_leads(net, range(100_000, 100_000 + LEADS)))

    async def a_few_are_posted() -> bool:
        return await net.metric("lead", "relay_published_total") > 50

    await until(a_few_are_posted)
    kafka = net.stack.kafka
    pid = kafka.pid(1)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # acknowledgements stop; batches are on the wire

    async def waiting() -> int:
        backlog = await net.backlog()
        return backlog if backlog >= WAITING else 0

    at_kill = await until(waiting)
    await asyncio.to_thread(kafka.kill, 1)
    peak = at_kill
    killed = time.monotonic()
    posted = await posting  # commands need no broker
    peak = max(peak, await net.backlog())
    await asyncio.to_thread(kafka.start, 1)
    restarted = time.monotonic()

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained, 120)
    drain = time.monotonic() - restarted
    order = await check_leads(net, posted)
    rebuilt = await net.metric("lead", "relay_producer_rebuilds") - rebuilds
    unclear = sum(len(p.statuses) > 1 for p in posted)
    print(
        f"\nKafka SIGKILL: {len(posted)} leads accepted ({unclear} asked more than once), "
        f"{at_kill} events unacknowledged at the kill, backlog peak {peak}, broker away {restarted - killed:.1f} s, "
        f"drained {drain:.1f} s after its restart, duplicates on the topic {order.duplicates - repeated}, "
        f"producer rebuilds {rebuilt:.0f}, lost 0 of {len(posted)}"
    )
    assert at_kill >= WAITING
    assert len(posted) == LEADS
