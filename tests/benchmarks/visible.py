"""Acknowledged → visible: from the answer to a command until a read shows what it wrote, at 100 commands a second over
two services; beside it a minimal pipeline of two processes, under the same load."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import orjson

from benchmarks import bodies
from benchmarks.bare_pipeline import SCHEMA
from benchmarks.frame import Goal, Measures, Report, alternately, at_most, latencies
from benchmarks.load import Connections, Counter, get, paced, post
from benchmarks.peers import Peers
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage, own_program, program
from projection.main import FACTS_CONSUMER, FACTS_TOPICS, PERSONAL_CONSUMER, PERSONAL_TOPICS
from roadbook.events import new_id
from roadbook.position import Position, decode, encode

ROW = "visible"
BARE = "minimal pipeline"
RATE = 100.0
BOUND = "three commits and a rest of up to 20 ms on the way; two services, Kafka, PostgreSQL and client fill both cores"
BOUND_NAMES = "a Kafka transaction for each batch of values, and a rest of up to 40 ms between them"


@dataclass
class Waits:
    """Seconds, of the commands whose facts were asked for and of those whose names were."""

    facts: list[float] = field(default_factory=list)
    names: list[float] = field(default_factory=list)

    def measures(self) -> Measures:
        names = latencies(self.names) if self.names else {}
        return {**latencies(self.facts), **{f"names {name}": value for name, value in names.items()}}


async def ours(lead: Connections, record: Connections, bearer: str, seconds: float, numbers: Counter) -> Measures:
    """Every other command waits for its facts, the others for its names."""
    waits = Waits()

    async def act(number: int) -> None:
        key = f'"visible-{new_id()}"'
        sent = post("/v1/leads", bodies.lead(number), authorization=bearer, idempotency_key=key)
        answer = orjson.loads(await lead.ask(sent, 201, again=503))
        began = time.perf_counter()
        whole = decode(answer["position"])
        facts = number % 2 == 0
        position = encode(Position(streams=whole.streams) if facts else Position(personal=whole.personal))
        path = f"/v1/customers/{answer['party_ref']}?min={position}"
        await record.ask(get(path, authorization=bearer), 200, again=503)
        (waits.facts if facts else waits.names).append(time.perf_counter() - began)

    await paced(RATE, seconds, act, numbers)
    return waits.measures()


async def baseline(write: Connections, read: Connections, seconds: float, numbers: Counter) -> Measures:
    waits = Waits()

    async def act(number: int) -> None:
        answer = orjson.loads(await write.ask(post("/v1/leads", bodies.lead(number), idempotency_key=new_id()), 201))
        began = time.perf_counter()
        await read.ask(get(f"/v1/customers/{answer['lead']}"), 200)
        waits.facts.append(time.perf_counter() - began)

    await paced(RATE, seconds, act, numbers)
    return waits.measures()


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    numbers, topic = Counter(), await stage.topic()
    async with AsyncExitStack() as stack:
        leads, records = (stack.enter_context(stage.database(name)) for name in ("lead", "projection"))
        await stage.start_at_the_end(records, {FACTS_CONSUMER: FACTS_TOPICS, PERSONAL_CONSUMER: PERSONAL_TOPICS})
        stage.execute(leads, SCHEMA)
        stage.execute(records, SCHEMA)
        lead = stack.enter_context(stage.serving("lead", leads, ROADBOOK_TRACES="off"))
        record = stack.enter_context(stage.serving("projection", records, ROADBOOK_TRACES="off"))
        urls = []
        for role, database in (("write", leads), ("read", records)):
            environment = {"DSN": database.owner_url, "BOOTSTRAP": stage.bootstrap}
            (url,) = await stack.enter_async_context(program(own_program("bare_pipeline", role, topic), environment))
            urls.append(url)
        own = [Connections(each.url) for each in (lead, record)]
        bare = [Connections(url) for url in urls]
        sides = {
            "ours": partial(ours, *own, stage.bearer(), sizes.visible_seconds, numbers),
            BARE: partial(baseline, *bare, sizes.visible_seconds, numbers),
        }
        _told(await alternately(sides, sizes.rounds), report)
        for each in (*own, *bare):
            each.close()


def _told(runs: dict[str, list[Measures]], report: Report) -> None:
    at = f"at {RATE:.0f}/s"
    for measure, bound in (("p50", 15), ("p99", 60)):
        goals: Sequence[Goal] = [Goal("at most", bound, "value"), at_most(2.5)]
        report.compare(
            ROW, f"facts {measure}, {at}", runs, BARE, measure=measure, unit=" ms", goals=goals, bounded_by=BOUND
        )
    for measure, goals in (("p50", [Goal("at most", 60, "value")]), ("p99", [])):
        values = [run[f"names {measure}"] for run in runs["ours"]]
        report.alone(ROW, f"names {measure}, {at}", values, " ms", goals, BOUND_NAMES)
