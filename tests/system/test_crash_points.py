"""SIGKILL of each service at each of its named crash points, under load: nothing lost, nothing doubled (F1–F10)."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from harness import Net, check_leads, post_leads, repeats, until

from roadbook.crashpoints import POINTS

TIMERS = {"timer.after_claim", "timer.after_commit"}
LEAD = sorted(p for p in POINTS if p.split(".")[0] in {"cmd", "sequencer", "relay", "personal"})
PROJECTION = sorted(p for p in POINTS if p.split(".")[0] in {"proj", "compose"})
REACTIONS = {p for p in POINTS if p.startswith("react.")}
REBUILD = {p for p in POINTS if p.startswith("rebuild.")}  # services/projection/tests/test_rebuild_kills.py


def test_every_point_is_covered() -> None:
    assert {*LEAD, *PROJECTION, *TIMERS} | REACTIONS | REBUILD == POINTS


async def died(net: Net, service: str) -> None:
    handle = net.stack.service(service)
    gone = await asyncio.to_thread(handle.wait_gone, 30)
    assert gone, "the crash point was never reached"
    handle.start()
    await asyncio.to_thread(handle.wait_ready)


@pytest.mark.parametrize(("number", "point"), list(enumerate([*LEAD, *PROJECTION])), ids=[*LEAD, *PROJECTION])
async def test_killed_at(net: Net, number: int, point: str) -> None:
    service = "lead" if point in LEAD else "projection"
    repeated_before = await repeats(net)
    nth = 20 if point.startswith("cmd.") else 1
    start = 300_000 + 1_000 * number
    await asyncio.to_thread(net.stack.service(service).terminate)
    net.stack.service(service).start({"CRASHPOINT": f"{point}:{nth}"})
    posting = asyncio.create_task(post_leads(net, range(start, start + 60), concurrency=4))
    await died(net, service)
    posted = await posting
    assert len(posted) == 60

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained)
    order = await check_leads(net, posted)
    repeated = sum(len(p.statuses) > 1 for p in posted)
    new = order.duplicates - repeated_before
    print(f"\n{service} killed at {point}: 60 leads, {repeated} asked again, {new} repeats on the topic")


@pytest.mark.parametrize("point", sorted(TIMERS))
async def test_killed_at_a_timer(net: Net, lead: httpx2.AsyncClient, point: str) -> None:
    due = datetime.now(UTC) + timedelta(seconds=3)
    body = {"source": "web", "person": {"name": "Timer"}, "next_action": {"kind": "call", "due": due.isoformat()}}
    posted = await lead.post("/v1/leads", json=body, headers={"Idempotency-Key": f"timer-{point}-{due.timestamp()}"})
    assert posted.status_code == 201
    answer = posted.json()
    handle = net.stack.service("lead")
    await asyncio.to_thread(handle.terminate)
    handle.start({"CRASHPOINT": f"{point}:1"})
    await died(net, "lead")
    path = f"/v1/leads/{answer['lead']}/events"

    async def missed() -> list[str]:
        # A claim is a lease of 10 s: another worker waits for it to run out.
        events = (await lead.get(path)).json()["items"]
        return [e["type"] for e in events if e["type"] == "roadbook.lead.follow_up_missed.v1"]

    assert len(await until(missed, 60)) == 1
    connection = await net.connect("lead")
    try:
        assert await connection.fetchval("SELECT count(*) FROM timers WHERE stream = $1", answer["stream"]) == 0
    finally:
        await connection.close()


@pytest.mark.parametrize(("number", "point"), list(enumerate(sorted(REACTIONS))), ids=sorted(REACTIONS))
async def test_killed_at_a_reaction(net: Net, number: int, point: str) -> None:
    """Each converted lead opens one opportunity (F8, F9), also of what was converted while sales was away."""
    posted = await post_leads(net, range(400_000 + 100 * number, 400_000 + 100 * number + 20), concurrency=4)
    await asyncio.to_thread(net.stack.service("sales").terminate)
    async with net.roadbook() as roadbook:
        for each in posted:
            await roadbook.lead.enrich_lead(each.answer["lead"], {"vehicles": [{"model": "volkswagen-polo"}]})
            await roadbook.lead.convert_lead(each.answer["lead"], {})
    net.stack.service("sales").start({"CRASHPOINT": f"{point}:5"})
    await died(net, "sales")
    leads = sorted(f"lead/{each.answer['lead']}" for each in posted)
    connection = await net.connect("sales")
    try:

        async def opened() -> list[str]:
            rows = await connection.fetch("SELECT lead FROM opportunities WHERE lead = ANY($1) ORDER BY lead", leads)
            return [row["lead"] for row in rows] if len(rows) >= len(leads) else []

        assert await until(opened, 60) == leads
        events = await connection.fetch(
            "SELECT count(*) AS n FROM events WHERE type = 'roadbook.sales.opportunity_opened.v1'"
            " AND data ->> 'lead' = ANY($1)",
            leads,
        )
        assert events[0]["n"] == len(leads)
    finally:
        await connection.close()
    print(
        f"\nsales killed at {point}: {len(leads)} leads converted while it was away, as many opportunities, once each"
    )
