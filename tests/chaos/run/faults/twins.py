"""Two of what there should be one of (F33-F35): everything may be done twice, nothing may come of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from run.context import Bite, Context


async def metric(url: str, name: str) -> float:
    """The sum of a sample over all labels; 0 when nobody answers."""
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            text = (await client.get(f"{url}/metrics")).text
    except httpx2.HTTPError:
        return 0.0
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((name + "{", name + " ")))


async def reaches(url: str, name: str, seconds: float) -> float:
    end = time.monotonic() + seconds
    while (value := await metric(url, name)) == 0 and time.monotonic() < end:
        await asyncio.sleep(0.3)
    return value


@asynccontextmanager
async def nothing_sequenced(ctx: Context, service: str) -> AsyncIterator[None]:
    """The outbox fills up; whoever comes first when this ends, sequences and publishes."""
    connection = await ctx.stand.connect(service)
    try:
        async with connection.transaction():
            await connection.execute("SELECT next FROM outbox_log_head FOR UPDATE")
            yield
    finally:
        await connection.close()


async def relays(ctx: Context) -> Bite:
    """Two of each, and again and again a heap of work that both begin with at once (F33)."""
    service = ctx.random.choice(["lead", "identity", "sales"])
    twin = await ctx.stand.twin(service)
    try:
        end = time.monotonic() + ctx.seconds
        rounds = 0
        while time.monotonic() < end or (rounds < 20 and not await metric(twin.url, "relay_published_total")):
            async with nothing_sequenced(ctx, service):
                await asyncio.sleep(1.0)
            await asyncio.sleep(0.5)
            rounds += 1
        published = await metric(twin.url, "relay_published_total")
        alive = twin.alive
    finally:
        await twin.end()
    proof = {"service": service, "heaps": rounds, "published_by_twin": int(published)}
    proof["repeats"] = ctx.eyes.repeated(ctx.began)
    return Bite(published > 0, proof, [] if alive else ["the second worker died"])


async def frozen_relay(ctx: Context) -> Bite:
    """The old relay is frozen, a second takes over what waits, the old one wakes up and goes on (F34)."""
    stand, log = ctx.stand, ctx.stand.handle("lead").log
    before = log.stat().st_size
    twin = await stand.twin("lead")
    try:
        async with nothing_sequenced(ctx, "lead"):
            await reaches(twin.url, "process_start_time_seconds", 30)
            await asyncio.sleep(2.0)
            stand.stop("lead")
        published = await reaches(twin.url, "relay_published_total", 25)
        await asyncio.sleep(ctx.seconds)
        stand.cont("lead")
        await asyncio.sleep(8)
        alive = twin.alive
    finally:
        stand.cont("lead")
        await twin.end()
    text = log.read_bytes()[before:].decode("utf-8", "replace") + twin.log.read_text("utf-8", "replace")
    fenced = text.count("ProducerFenced") + text.count("InvalidProducerEpoch") + text.count('"Fenced"')
    proof = {"published_by_twin": int(published), "fenced": fenced, "repeats": ctx.eyes.repeated(ctx.began)}
    return Bite(published > 0, proof, [] if alive else ["the second worker died"])


async def projectors(ctx: Context) -> Bite:
    url = ctx.stand.urls()["projection"]
    before = await metric(url, "consumer_lost_ownership_total")
    twin = await ctx.stand.twin("projection")
    try:
        await reaches(twin.url, "consumer_applied_total", 25)
        moves, last = 0, 0
        end = time.monotonic() + ctx.seconds
        while time.monotonic() < end:
            await asyncio.sleep(1.0)
            applied = ctx.monitor.sights[-1].applied or last
            moves, last = moves + (applied > last), applied
        lost = await metric(twin.url, "consumer_lost_ownership_total")
        applied_by_twin = await metric(twin.url, "consumer_applied_total")
    finally:
        await twin.end()
    lost += max(0.0, await metric(url, "consumer_lost_ownership_total") - before)
    proof = {"batches_dropped": int(lost), "applied_by_twin": int(applied_by_twin), "seconds_with_progress": moves}
    return Bite(lost > 0, proof, [] if moves > 0 else ["no progress with two projectors"])
