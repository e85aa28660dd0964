"""Import: rows of one list beside the same leads posted one by one, 16 at once."""

import time
from functools import partial

import httpx2
import orjson

from benchmarks import bodies
from benchmarks.frame import Measures, Report, alternately, at_least
from benchmarks.http_command import ours as single_post
from benchmarks.load import Connections, Counter, closed
from benchmarks.peers import Peers
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage

ROW = "import"
SINGLE = "single posts"
BOUND = "each row is read, checked and decided as a single post is; what an import saves is HTTP and commits"


async def ours(url: str, bearer: str, rows: int, numbers: Counter) -> Measures:
    """One list of new leads, sent whole."""
    lines = [orjson.dumps({"row_id": f"r{n}", **bodies.lead(n)}) for n in (numbers.take() for _ in range(rows))]
    headers = {"authorization": bearer, "content-type": "application/x-ndjson"}
    began = time.perf_counter()
    async with httpx2.AsyncClient(trust_env=False, timeout=600) as client:
        answer = await client.post(
            f"{url}/v1/leads:import", params={"source": "bench"}, content=b"\n".join(lines) + b"\n", headers=headers
        )
    taken = time.perf_counter() - began
    told = answer.json()
    if answer.status_code != 200 or told["created"] != rows:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:500]}")
    return {"rate": rows / taken}


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    numbers, bearer = Counter(), stage.bearer()
    with stage.database() as database, stage.serving("lead", database, role="api") as service:
        connections = Connections(service.url)
        post = single_post(connections, bearer)
        sides = {
            "ours": partial(ours, service.url, bearer, sizes.imported, numbers),
            SINGLE: partial(closed, 16, sizes.seconds, lambda _: post, numbers),
        }
        runs = await alternately(sides, sizes.rounds)
        report.compare(
            ROW, f"{sizes.imported:,} rows", runs, SINGLE, unit=" rows/s", goals=[at_least(5)], bounded_by=BOUND
        )
        connections.close()
