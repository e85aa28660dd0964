"""Postgres: backends ended and killed (F16), the server stopped at once (F17) and frozen (F18)."""

import asyncio
import os
import signal
import time

import asyncpg

from run.context import Bite, Context
from run.stand import children, send

_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE usename LIKE '%\\_app' ORDER BY pid"


async def _superuser(ctx: Context) -> asyncpg.Connection:
    return await asyncpg.connect(ctx.stand.stack.postgres.superuser_url, timeout=5)


async def backends(ctx: Context) -> Bite:
    """All of them ended by the server, three times; then one is killed, at which the whole server restarts."""
    ended = 0
    for _ in range(3):
        connection = await _superuser(ctx)
        rows = await connection.fetch(_BACKENDS.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
        ended += len(rows)
        await connection.close()
        await asyncio.sleep(0.5 + ctx.random.random())
    connection = await _superuser(ctx)
    pids = [row["pid"] for row in await connection.fetch(_BACKENDS)]
    connection.terminate()
    if pids:
        os.kill(ctx.random.choice(pids), signal.SIGKILL)
    await asyncio.sleep(1.0)
    return Bite(ended > 0 and bool(pids), {"ended": ended, "killed": min(1, len(pids))})


async def stopped(ctx: Context) -> Bite:
    postgres, rounds, longest = ctx.stand.stack.postgres, max(2, min(20, int(ctx.seconds / 3))), 0.0
    for _ in range(rounds):
        begun = time.monotonic()
        await asyncio.to_thread(postgres.stop, "immediate")
        await asyncio.sleep(ctx.random.random())
        await asyncio.to_thread(postgres.start)
        longest = max(longest, time.monotonic() - begun)
        await asyncio.sleep(1.5 + ctx.random.random())
    found = ctx.figures()
    return Bite(found["unknown"] > 0, {"stops": rounds, "longest_away_s": round(longest, 1)})


async def frozen(ctx: Context) -> Bite:
    pid = ctx.stand.stack.postgres.pid
    assert pid is not None
    pids = children(pid)
    send(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(ctx.seconds)
    finally:
        send(pids, signal.SIGCONT)
    found = ctx.figures()
    return Bite(found["503"] > 0, {"frozen": len(pids)})
