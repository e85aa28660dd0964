"""Rebuild: `projection rebuild` over a topic of many customers, at two sizes; the small one is the large one's
baseline. Memory is the process's resident set, sampled while it works."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import lives
from benchmarks.frame import Report, at_least, at_most
from benchmarks.peers import Peers
from benchmarks.producing import fill
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage
from projection.main import FACTS_CONSUMER, FACTS_TOPICS, PERSONAL_CONSUMER, PERSONAL_TOPICS
from roadbook_cli.postgres import Database

ROW = "rebuild"
SAMPLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`told` is what the command printed; `peak` in MiB."""

    told: dict[str, float]
    seconds: float
    peak: float

    @property
    def reading(self) -> float:
        return self.told["records"] / self.told["read_seconds"]

    @property
    def whole(self) -> float:
        return self.told["records"] / self.seconds


async def rebuilt(stage: Stage, database: Database) -> Rebuilt:
    """A generation of its own, switched to: everything on the topics is read, composed and compared."""
    service = stage.stack.service("projection")
    environment = {
        **service.environment,
        "ROADBOOK_PROJECTION_DATABASE_URL": database.url,
        "ROADBOOK_PROJECTION_OWNER_DATABASE_URL": database.owner_url,
    }
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("projection")), "rebuild", "--accept", "--json", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    sampling = asyncio.create_task(_peak(process.pid))
    out, _ = await process.communicate()
    taken = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"projection rebuild: {process.returncode}\n{out.decode()}")
    return Rebuilt(json.loads(out), taken, await sampling)


async def _peak(pid: int) -> float:
    """The most it ever held, in MiB, until the process ends."""
    most = 0
    try:
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(SAMPLE_SECONDS)
    except psutil.NoSuchProcess:
        pass
    return most / 2**20


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    """A fresh projection counts as having read the topic, so that all of it is to be read again."""
    found, there = [], 0
    for size in sizes.rebuilt:
        await fill(stage.bootstrap, FACTS_TOPICS[0], lives.messages(size - there))
        there = size
        with stage.database("projection") as database:
            await stage.start_at_the_end(database, {FACTS_CONSUMER: FACTS_TOPICS, PERSONAL_CONSUMER: PERSONAL_TOPICS})
            found.append(await rebuilt(stage, database))
            report.note(ROW, _sentence(found[-1]))
    small, large = found
    case, other = f"{sizes.rebuilt[1]:,} events", f"at {sizes.rebuilt[0]:,}"
    for what, measure in (("read", "reading"), ("read, composed, compared", "whole")):
        runs = {"ours": [{"rate": getattr(large, measure)}], other: [{"rate": getattr(small, measure)}]}
        report.compare(ROW, f"{case}, {what}", runs, other, goals=[at_least(0.8)], bounded_by="indexes that grow")
    memory = {"ours": [{"peak": large.peak}], other: [{"peak": small.peak}]}
    report.compare(ROW, f"{case}, memory", memory, other, measure="peak", unit=" MiB", goals=[at_most(1.25)],
                   bounded_by="the live side is empty: all references differ, some are kept")  # fmt: skip


def _sentence(one: Rebuilt) -> str:
    told = one.told
    return (
        f"{told['records']:,} events: read in {told['read_seconds']:.0f} s, {told['composed']:,} references composed"
        f" in {told['compose_seconds']:.0f} s, all of it in {one.seconds:.0f} s"
    )
