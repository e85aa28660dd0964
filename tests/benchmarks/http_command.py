"""A command over HTTP: a lead is captured with a token, an idempotency key and telemetry (spans written to a file),
with its personal data, its read tables and its outbox; the bare side is FastAPI and one INSERT."""

from collections.abc import Awaitable, Callable
from functools import partial

from benchmarks import bodies
from benchmarks.bare_http import SCHEMA
from benchmarks.frame import Report, alternately, at_least, at_most
from benchmarks.load import Connections, Counter, closed, of, post
from benchmarks.peers import Peers
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage, own_program, program
from roadbook.events import new_id

ROW = "HTTP command"
BARE = "bare FastAPI"
BOUND = "a lead's capture writes 2 events, 4 personal values, 3 read tables and the outbox; the server's core is full"


def ours(connections: Connections, bearer: str) -> Callable[[int], Awaitable[object]]:
    async def act(number: int) -> object:
        key = f'"bench-{new_id()}"'
        request = post("/v1/leads", bodies.lead(number), authorization=bearer, idempotency_key=key)
        return await connections.ask(request, 201)

    return act


def baseline(connections: Connections) -> Callable[[int], Awaitable[object]]:
    async def act(number: int) -> object:
        return await connections.ask(post("/v1/leads", bodies.lead(number)), 201)

    return act


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    numbers = Counter()
    with stage.database() as database, stage.serving("lead", database, role="api") as service:
        stage.execute(database, SCHEMA)
        async with program(own_program("bare_http"), {"DSN": database.owner_url}) as (url,):
            own, bare = Connections(service.url), Connections(url)
            sides = {"ours": ours(own, stage.bearer()), BARE: baseline(bare)}
            for clients in (1, 16):
                runs = await alternately(
                    {
                        name: partial(closed, clients, sizes.seconds, lambda _, act=act: act, numbers)
                        for name, act in sides.items()
                    },
                    sizes.rounds,
                )
                case = of(clients)
                report.compare(ROW, case, runs, BARE, goals=[at_least(0.5)], bounded_by=BOUND)
                report.compare(
                    ROW, f"{case}, p99", runs, BARE, measure="p99", unit=" ms", goals=[at_most(3)], bounded_by=BOUND
                )
            own.close()
            bare.close()
