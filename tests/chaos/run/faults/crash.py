"""Processes that die at a named point (F1-F10, F12). The supervisor starts them again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from run.client import Command
from run.context import Bite, Context


async def died_twice(ctx: Context, service: str, point: str, seconds: float = 45) -> bool:
    """Killed now, and then by itself at the point; returns when its third life answers."""
    stand = ctx.stand
    lives = stand.restarts[service]
    stand.arm(service, point)
    end = time.monotonic() + seconds
    while stand.restarts[service] < lives + 2 and time.monotonic() < end:
        await asyncio.sleep(0.1)
    reached = stand.restarts[service] >= lives + 2
    if not reached:
        stand.kill(service)
    return await stand.ready(service) and reached


def killed_at(point: str, services: Sequence[str], most: int, effect: str = "") -> Callable[[Context], Awaitable[Bite]]:
    """`effect`: what a kill there must be followed by: `unknown` operations, a `replay`, `repeats` on the topic."""

    async def act(ctx: Context) -> Bite:
        service, nth = ctx.random.choice(list(services)), ctx.random.randint(1, most)
        reached = await died_twice(ctx, service, f"{point}:{nth}")
        proof = {"service": service, "point": f"{point}:{nth}", "kills": 2 if reached else 1}
        seen: Callable[[], bool] = {
            "": lambda: True,
            "unknown": lambda: ctx.unknown() > 0,
            "replay": lambda: ctx.unknown() > 0 and ctx.replays() > 0,
            "repeats": lambda: ctx.eyes.repeated(ctx.began) > 0,
        }[effect]
        await _until(seen, 15)  # callers ask again a little later, eyes read a little later
        return Bite(reached and seen(), proof)

    return act


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.1)


async def projector(ctx: Context) -> Bite:
    point = ctx.random.choice(["proj.in_tx", "proj.after_commit", "compose.in_tx", "compose.after_commit"])
    return await killed_at(point, ("projection",), 10)(ctx)


async def one_key(ctx: Context) -> Bite:
    """Three times fifty requests with one key, and a SIGKILL while they are on their way (F3)."""
    proof = {"keys": 0, "requests": 0, "answered_alike": 0}
    for _ in range(3):
        begun = time.monotonic()
        command = Command("lead", "/v1/leads", "capture_lead", None, ctx.load.known.capture(None))
        asking = asyncio.create_task(ctx.client.tell(command, together=50))
        await asyncio.sleep(0.02 + ctx.random.random() * 0.15)
        ctx.stand.kill("lead")
        said = await asking
        await ctx.stand.ready("lead")
        proof["keys"] += 1
        proof["requests"] += 50
        proof["answered_alike"] += said is not None and said.ok
        if time.monotonic() - begun > 30:
            break
    return Bite(ctx.unknown() > 0, proof)


async def merging(ctx: Context) -> Bite:
    """The composer dies while references are joined (F12): on and on, as identity may not have heard of some yet."""

    async def join() -> bool:
        pair = ctx.load.known.pair()
        if pair is None:
            await asyncio.sleep(0.2)
            return False
        body = {"party_refs": sorted(each.ref for each in pair)}
        said = await ctx.client.tell(Command("identity", "/v1/links", "link_party_refs", None, body))
        return said is not None and said.ok

    merges, end = 0, time.monotonic() + 45
    dying = asyncio.create_task(died_twice(ctx, "projection", f"compose.in_tx:{ctx.random.randint(1, 3)}"))
    while not (dying.done() and merges) and time.monotonic() < end:
        merges += sum(await asyncio.gather(*(join() for _ in range(4))))
    reached = await dying
    return Bite(reached and merges > 0, {"merges": merges, "kills": 2 if reached else 1})
