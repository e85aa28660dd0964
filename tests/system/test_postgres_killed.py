"""Postgres stops at once, twice, under load: 503s in bounded time, then every repeated command exactly once (F17)."""

import asyncio
import time
from collections import Counter

from harness import Net, check_leads, post_leads, repeats, until

LEADS = 1_000


async def test_immediate_stop_under_load(net: Net) -> None:
    repeated_before = await repeats(net)
    pids = {name: net.stack.service(name).pid for name in ("lead", "projection")}
    posting = asyncio.create_task(post_leads(net, range(200_000, 200_000 + LEADS), seconds=90))
    away = 0.0
    for round_ in range(2):
        before = await net.metric("lead", "http_server_request_duration_seconds_count", status="201")

        async def some_more(before: float = before) -> bool:
            now = await net.metric("lead", "http_server_request_duration_seconds_count", status="201")
            return now > before + 100 or posting.done()

        await until(some_more)
        assert not posting.done(), f"the load was over before stop {round_ + 1}"
        stopped = time.monotonic()
        await asyncio.to_thread(net.stack.postgres.stop, "immediate")

        async def refused(round_: int = round_) -> bool:
            return await net.metric("lead", "http_server_request_duration_seconds_count", status="503") > round_

        await until(refused)
        await asyncio.to_thread(net.stack.postgres.start)
        away += time.monotonic() - stopped
    posted = await posting
    recovering = time.monotonic()

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained, 60)
    order = await check_leads(net, posted)
    answers = Counter(status for p in posted for status in p.statuses)
    repeated = sum(len(p.statuses) > 1 for p in posted)
    print(
        f"\nPostgres immediate stop, twice: {len(posted)} commands accepted, {repeated} of them asked again, "
        f"answers {dict(answers)}, away {away:.1f} s in all, drained {time.monotonic() - recovering:.1f} s after the "
        f"last answer, duplicates on the topic {order.duplicates - repeated_before}, lost 0, doubled 0"
    )
    assert answers[503] > 0
    assert repeated > 0
    # Recovered without a restart of any service.
    assert pids == {name: net.stack.service(name).pid for name in ("lead", "projection")}
