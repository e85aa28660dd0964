"""Brokers killed (F13) and frozen (F14). With three, it is the leader of a partition, and life must go on in 5 s."""

import asyncio
import json
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

from confluent_kafka.admin import AdminClient

from run.context import Bite, Context

GO_ON = 5.0  # seconds within which commands and records go on when one of three brokers is killed
_OFFSETS = """
SELECT topic, partition, next FROM consumer_offsets WHERE consumer = 'projection'
"""


async def killed(ctx: Context) -> Bite:
    if ctx.stand.brokers > 1:
        return await leader_killed(ctx)
    kafka, stand = ctx.stand.stack.kafka, ctx.stand
    await asyncio.to_thread(kafka.kill, 1)
    stand.kills["kafka"] += 1
    await asyncio.sleep(ctx.seconds)
    acknowledged = sum(each.class_ == "ok" for each in ctx.answers())
    await asyncio.to_thread(kafka.start, 1)
    peak = ctx.monitor.peak(ctx.began)
    wrong = [] if acknowledged else ["no command was accepted while the broker was away"]
    return Bite(peak > 20, {"accepted_without_broker": acknowledged}, wrong)


async def frozen(ctx: Context) -> Bite:
    node = 1 if ctx.stand.brokers == 1 else await asyncio.to_thread(_leader, ctx.stand.bootstrap)
    pid = ctx.stand.stack.kafka.pid(node)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(ctx.seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
    return Bite(ctx.monitor.peak(ctx.began) > 20, {"node": node})


async def leader_killed(ctx: Context) -> Bite:
    """Measures, from the kill on, the longest time without an acknowledged command and without a new visible event.

    Every other time it is the quorum's active controller, which leads partitions too and is missed for longest: another
    controller is elected before anybody else leads its partitions.
    """
    kafka = ctx.stand.stack.kafka
    controller = active_controller(kafka.folder)
    node = await asyncio.to_thread(_leader, ctx.stand.bootstrap) if ctx.stand.kills["kafka"] % 2 else controller
    watch = asyncio.create_task(_visible(ctx, max(ctx.seconds, 12.0)))  # long enough to see it go on
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    await asyncio.to_thread(kafka.kill, node)
    ctx.stand.kills["kafka"] += 1
    moments, per_partition = await watch
    until = time.monotonic()
    commands = longest([each.at for each in ctx.answers() if each.class_ == "ok"], begun, until)
    visible = longest(moments, begun, until)
    await asyncio.to_thread(kafka.start, node)
    whole = await asyncio.to_thread(_whole, ctx.stand.bootstrap, ctx.stand.brokers, 60)
    wrong = [] if whole else ["the killed broker did not catch up within 60 s"]
    wrong += [f"no acknowledged command for {commands:.1f} s"] if commands > GO_ON else []
    wrong += [f"no newly visible event for {visible:.1f} s"] if visible > GO_ON else []
    proof = {
        "leader": node,
        "controller": node == controller,
        "longest_without_command_s": round(commands, 2),
        "longest_without_visible_event_s": round(visible, 2),
        "slowest_partition_s": round(max((longest(each, begun, until) for each in per_partition), default=0.0), 2),
    }
    return Bite(True, proof, wrong)


async def _visible(ctx: Context, seconds: float) -> tuple[list[float], list[list[float]]]:
    """Moments at which the projection's offsets moved: of all partitions, and of each that is moved often."""
    connection = await ctx.stand.connect("projection")
    moved: dict[tuple[str, int], list[float]] = {}
    last: dict[tuple[str, int], int] = {}
    end = time.monotonic() + seconds
    try:
        while (now := time.monotonic()) < end:
            for row in await connection.fetch(_OFFSETS):
                place = (row["topic"], row["partition"])
                if last.get(place, row["next"]) != row["next"]:
                    moved.setdefault(place, []).append(now)
                last[place] = row["next"]
            await asyncio.sleep(0.05)
    finally:
        await connection.close()
    return sorted(moment for each in moved.values() for moment in each), [m for m in moved.values() if len(m) >= 5]


def longest(moments: list[float], since: float, until: float) -> float:
    """The longest time between two of them, from `since` to `until`."""
    inside = [since, *(moment for moment in moments if since <= moment <= until), until]
    return max(later - earlier for earlier, later in pairwise(inside))


def active_controller(folder: Path) -> int:
    """The node whom the voters elected last: each keeps whom it follows and since which epoch in a file."""
    kept = [json.loads(path.read_text()) for path in folder.glob("node-*/__cluster_metadata-0/quorum-state")]
    return int(max((each["leaderEpoch"], each["leaderId"]) for each in kept)[1])


def _leader(bootstrap: str) -> int:
    topics = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics("roadbook.lead.v1", timeout=20)
    return int(topics.topics["roadbook.lead.v1"].partitions[0].leader)


def _whole(bootstrap: str, brokers: int, seconds: float) -> bool:
    """Every partition has all its replicas in sync again: then the next leader may be killed."""
    admin, end = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}), time.monotonic() + seconds
    while time.monotonic() < end:
        topics = admin.list_topics(timeout=20).topics.values()
        if all(len(p.isrs) == brokers for topic in topics for p in topic.partitions.values()):
            return True
        time.sleep(0.05)
    return False
