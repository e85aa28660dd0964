"""Two of what there should be one of (F33-F35): everything may be done twice, nothing may come of it."""

import asyncio
import signal
import time

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


async def relays(ctx: Context) -> Bite:
    service = ctx.random.choice(["lead", "identity", "sales"])
    twin = await ctx.stand.twin(service)
    try:
        await reaches(twin.url, "relay_published_total", 25)
        await asyncio.sleep(ctx.seconds)
        published = await metric(twin.url, "relay_published_total")
        alive = twin.alive
    finally:
        await twin.end()
    repeats = ctx.eyes.repeated(ctx.began)
    wrong = [] if alive else ["the second worker died"]
    return Bite(published > 0, {"service": service, "published_by_twin": int(published), "repeats": repeats}, wrong)


async def frozen_relay(ctx: Context) -> Bite:
    """The newer relay is frozen with work in hand; the older one takes over; the newer one wakes up."""
    twin = await ctx.stand.twin("lead")
    log = ctx.stand.handle("lead").log
    before = log.stat().st_size
    try:
        published = await reaches(twin.url, "relay_published_total", 25)
        twin.signal(signal.SIGSTOP)
        await asyncio.sleep(ctx.seconds)
        twin.signal(signal.SIGCONT)
        await asyncio.sleep(6)
        alive = twin.alive
    finally:
        await twin.end()
    text = log.read_bytes()[before:].decode("utf-8", "replace") + twin.log.read_text("utf-8", "replace")
    fenced = text.count("ProducerFenced") + text.count("InvalidProducerEpoch") + text.count('"Fenced"')
    proof = {"published_by_twin": int(published), "fenced": fenced, "repeats": ctx.eyes.repeated(ctx.began)}
    return Bite(published > 0 and fenced > 0, proof, [] if alive else ["the frozen worker died"])


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
