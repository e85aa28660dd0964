"""A list of 100,000 rows: flat memory, killed in the middle and sent again without a double, its rejects corrected."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from harness import Net, lead_body, until

from roadbook_cli.stack import Stack

ROWS = 100_000
BAD = 1_000  # every thousandth row names a car that is not in the catalogue
KILLED_AT = 20_000
FLAT = 48 * 1024  # KiB that the process may grow between a tenth and the whole of the list


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """A stack of its own: 200,000 events would stand in the way of everybody who reads the topic."""
    stack = Stack(tmp_path_factory.mktemp("import") / "home", services=("lead",))
    try:
        stack.up()
        yield Net(stack)
    finally:
        stack.down(wipe=True)


def row(n: int) -> dict[str, Any]:
    vehicle = {"vehicles": [{"model": "no-such-model"}]} if n % BAD == BAD - 1 else {}
    return {"row_id": f"row-{n}", **lead_body(n), **vehicle}


def content() -> Iterator[bytes]:
    for start in range(0, ROWS, 500):
        lines = [json.dumps(row(n), ensure_ascii=False) for n in range(start, start + 500)]
        yield ("\n".join(lines) + "\n").encode()


async def send(net: Net, body: Any) -> dict[str, Any]:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in body:
            yield piece
            await asyncio.sleep(0)

    async with net.client("lead") as client:
        answer = await client.post(
            "/v1/leads:import",
            params={"source": "fair"},
            content=pieces(),
            headers={"Content-Type": "application/x-ndjson"},
            timeout=600,
        )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def resident(net: Net) -> int:
    """KiB."""
    status = Path(f"/proc/{net.stack.service('lead').pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def worked(net: Net) -> int:
    """Rows of the newest import that are stored."""
    connection = await net.connect("lead")
    try:
        return int(await connection.fetchval("SELECT rows FROM imports ORDER BY started DESC LIMIT 1") or 0)
    finally:
        await connection.close()


async def test_a_list_of_100_000(own: Net) -> None:
    first = asyncio.create_task(send(own, content()))
    await until(lambda: reached(own, KILLED_AT), 120)
    await asyncio.to_thread(own.stack.service("lead").kill)
    with pytest.raises(httpx2.HTTPError):
        await first
    own.stack.service("lead").start()
    await asyncio.to_thread(own.stack.service("lead").wait_ready)
    assert KILLED_AT <= await worked(own) < ROWS

    memory: list[tuple[int, int]] = []
    waits: list[float] = []
    started = time.monotonic()
    again = asyncio.create_task(send(own, content()))
    watching = asyncio.create_task(watch(own, again, memory, waits))
    done = await again
    seconds = time.monotonic() - started
    await watching
    assert (done["rows"], done["rejected"]) == (ROWS, ROWS // BAD)
    assert done["known"] >= KILLED_AT - KILLED_AT // BAD
    await doubles(own, ROWS - ROWS // BAD)

    async with own.client("lead") as client:
        rejects = (await client.get(done["rejects"])).text.splitlines()
    assert len(rejects) == ROWS // BAD
    corrected = [{**json.loads(line), "vehicles": []} for line in rejects]
    assert all(line["_reasons"][0]["pointer"] == "/vehicles/0/model" for line in corrected)
    last = await send(own, ["\n".join(json.dumps(line) for line in corrected).encode()])
    assert (last["rows"], last["created"]) == (ROWS // BAD, ROWS // BAD)
    await doubles(own, ROWS)

    early = max(kib for rows, kib in memory if rows <= ROWS // 10)
    peak = max(kib for _, kib in memory)
    waits.sort()
    print(
        f"\nimport: {ROWS} rows, killed after {KILLED_AT}, sent again in {seconds:.0f} s ({done['created']} created, "
        f"{done['known']} known: {ROWS / seconds:.0f} rows/s, {done['created'] / seconds:.0f} new ones/s), resident "
        f"{early / 1024:.0f} MiB after a tenth, {peak / 1024:.0f} MiB at most; meanwhile "
        f"a lead was read {len(waits)} times, p50 {waits[len(waits) // 2] * 1000:.0f} ms, "
        f"p99 {waits[len(waits) * 99 // 100] * 1000:.0f} ms; {len(rejects)} rejects corrected and imported clean"
    )
    assert peak - early < FLAT


async def reached(net: Net, rows: int) -> bool:
    return await worked(net) >= rows


async def watch(net: Net, until_done: asyncio.Task[Any], memory: list[tuple[int, int]], waits: list[float]) -> None:
    """Looks at the process, and reads a lead, until the import is done."""
    connection = await net.connect("lead")
    lead = await connection.fetchval("SELECT lead_id::text FROM leads LIMIT 1")
    async with net.client("lead") as client:
        while not until_done.done():
            rows = await connection.fetchval("SELECT rows FROM imports ORDER BY started DESC LIMIT 1")
            memory.append((int(rows), resident(net)))
            before = time.monotonic()
            answer = await client.get(f"/v1/leads/{lead}")
            waits.append(time.monotonic() - before)
            assert answer.status_code == 200
            await asyncio.sleep(0.1)
    await connection.close()


async def doubles(net: Net, leads: int) -> None:
    """Each row is one lead of one capture, and nothing is there twice."""
    connection = await net.connect("lead")
    try:
        found = await connection.fetchrow(
            """
            SELECT (SELECT count(*) FROM leads), (SELECT count(*) FROM streams),
                   (SELECT count(*) FROM events WHERE type = 'roadbook.lead.lead_captured.v1'),
                   (SELECT count(DISTINCT value #>> '{}') FROM personal_data WHERE key LIKE '%/name'),
                   (SELECT count(*) FROM streams s WHERE s.version <> (
                       SELECT count(*) FROM events e WHERE e.stream = s.stream))
            """
        )
    finally:
        await connection.close()
    assert tuple(found) == (leads, leads, leads, leads, 0)
