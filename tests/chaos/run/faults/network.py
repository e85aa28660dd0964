"""The network, by way of our proxies: cuts (F19, F20), silence (F21), and one service that falls behind (F27)."""

import asyncio
import time

from run.context import Bite, Context
from run.stand import WRITERS


async def cut_at_commit(ctx: Context) -> Bite:
    """COMMIT goes to the server, its answer never comes: the outcome is unknown to the service and its caller."""
    proxies = ctx.stand.proxies
    before = await proxies.counts(WRITERS)
    await proxies.cut_at_commit(WRITERS, 0.1, ctx.random.getrandbits(32))
    await asyncio.sleep(ctx.seconds)
    await proxies.cut_at_commit(WRITERS, 0)
    await asyncio.sleep(1.0)
    cuts = (await proxies.counts(WRITERS))["cuts"] - before["cuts"]
    unknown = sum(each.problem == "outcome_unknown" for each in ctx.answers())
    return Bite(cuts > 0 and unknown > 0, {"cuts": cuts, "outcome_unknown": unknown, "replays": ctx.replays()})


async def resets(ctx: Context) -> Bite:
    cut, end = 0, ctx.began + ctx.seconds
    while time.monotonic() < end:
        cut += await ctx.stand.proxies.cut(ctx.stand.proxies.ports)
        await asyncio.sleep(1 + 4 * ctx.random.random())
    return Bite(cut > 0 and ctx.unknown() > 0, {"connections_reset": cut})


async def silence(ctx: Context) -> Bite:
    """No FIN, no RST, no byte: only our own deadlines can end the waiting."""
    which, proxies = ctx.random.choice(["postgres", "kafka", "both"]), ctx.stand.proxies
    names = {"postgres": proxies.postgres, "kafka": proxies.kafka, "both": list(proxies.ports)}[which]
    before = await proxies.counts(names)
    await proxies.silence(names, True)
    await asyncio.sleep(ctx.seconds)
    await proxies.silence(names, False)
    swallowed = (await proxies.counts(names))["swallowed"] - before["swallowed"]
    felt = ctx.monitor.peak(ctx.began) > 20 if which == "kafka" else ctx.unknown() > 0
    return Bite(swallowed > 0 and felt, {"where": which, "swallowed_bytes": swallowed})


_CURSORS = "SELECT sum(next) FROM relay_cursor WHERE channel = 'facts'"


async def held_back(ctx: Context) -> Bite:
    """The lead service's log stands still while sales' and identity's go on: what follows a lead is known before it."""
    service = ctx.random.choice(["lead", "lead", "sales", "identity"])
    others = [each for each in WRITERS if each != service]
    connections = {each: await ctx.stand.connect(each) for each in WRITERS}
    try:
        before = {each: await connections[each].fetchval(_CURSORS) for each in others}
        transaction = connections[service].transaction()
        await transaction.start()
        await connections[service].execute("SELECT next FROM outbox_log_head FOR UPDATE")
        await asyncio.sleep(ctx.seconds)
        waiting = await connections[service].fetchval("SELECT count(*) FROM outbox WHERE channel = 'facts'")
        overtook = sum([await connections[each].fetchval(_CURSORS) - before[each] for each in others])
        await transaction.rollback()
    finally:
        for connection in connections.values():
            await connection.close()
    return Bite(waiting > 0 and overtook > 0, {"held_back": service, "waiting": waiting, "overtook": int(overtook)})
