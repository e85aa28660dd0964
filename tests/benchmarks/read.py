"""Read of a record: derived from folded streams and personal values for the caller who asks; the bare side is FastAPI
and one SELECT of the same bytes, stored ready to send."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg

from benchmarks import lives
from benchmarks.bare_http import SCHEMA
from benchmarks.frame import Goal, Report, alternately, at_least
from benchmarks.load import Connections, Counter, closed, get, of
from benchmarks.peers import Peers
from benchmarks.producing import fill
from benchmarks.projection import projected
from benchmarks.sizes import Sizes
from benchmarks.stage import Stage, own_program, program
from projection import contract
from projection.views.records import save_personal
from roadbook.bus import Delivered
from roadbook.database import Pool, create_pool
from roadbook.events import Recorded
from roadbook.wire import to_message

ROW = "read"
BARE = "bare FastAPI"
BUSY = 5_000
BOUND = "four queries, states read and the record derived for the one who asks, where the bare side sends stored bytes"
BOUND_LONG = "800 KB of states are decoded, and a record of 750 KB is made, hashed and sent, for each read"


def ours(connections: Connections, bearer: str, refs: Sequence[str]) -> Callable[[int], Awaitable[bytes]]:
    async def act(number: int) -> bytes:
        return await connections.ask(get(f"/v1/customers/{refs[number % len(refs)]}", authorization=bearer), 200)

    return act


def baseline(connections: Connections, refs: Sequence[str]) -> Callable[[int], Awaitable[bytes]]:
    async def act(number: int) -> bytes:
        return await connections.ask(get(f"/v1/customers/{refs[number % len(refs)]}"), 200)

    return act


async def filled(stage: Stage, pool: Pool, customers: int) -> tuple[list[str], str]:
    """The references of customers with 5 events each, and of the one with 5,000."""
    told = list(lives.events(customers * lives.PER_CUSTOMER))
    busy = list(lives.busy(0, BUSY))
    topic = await stage.topic()
    await fill(stage.bootstrap, topic, (to_message(event) for event in (*told, *busy)))
    await projected(stage, pool, (topic,), len(told) + len(busy))
    refs = sorted({event.key for event in told})
    await _named(pool, [event for event in (*told, *busy) if event.version == 1])
    return refs, busy[0].key


async def _named(pool: Pool, captured: Sequence[Recorded]) -> None:
    rows = []
    for number, event in enumerate(captured):
        life = lives.Life(number, event.key)
        life.stream = event.stream
        for each in life.personal(number):
            delivered = Delivered("personal", 0, number, each.key, each.value, each.headers, 0)
            rows.append(contract.read_personal(delivered))
    async with pool.acquire() as connection:
        await save_personal(connection, rows)


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    with stage.database("projection") as database:
        pool = await create_pool(database.url, command_seconds=60, statement_ms=60_000)
        refs, busy = await filled(stage, pool, sizes.customers)
        await pool.close()
        stage.execute(database, f"{SCHEMA}; ANALYZE")
        with stage.serving("projection", database, role="api") as service:
            async with program(own_program("bare_http"), {"DSN": database.owner_url}) as (url,):
                own, bare = Connections(service.url), Connections(url)
                read = ours(own, stage.bearer(), refs)
                await _copied(database.owner_url, refs, read)
                sides = {"ours": read, BARE: baseline(bare, refs)}
                await _rounds(sides, sizes, report)
                long = ours(own, stage.bearer(), [busy])
                runs = [await closed(1, sizes.seconds, lambda _: long, Counter()) for _ in range(sizes.rounds)]
                case, goals = f"p99, a customer of {BUSY:,} events", [Goal("at most", 50, "value")]
                report.alone(ROW, case, [run["p99"] for run in runs], " ms", goals, BOUND_LONG)
                own.close()
                bare.close()


async def _copied(dsn: str, refs: Sequence[str], read: Callable[[int], Awaitable[bytes]]) -> None:
    """What the bare side sends: our answers, byte for byte."""
    rows = [(refs[number], (await read(number)).decode()) for number in range(len(refs))]
    connection = await asyncpg.connect(dsn)
    await connection.copy_records_to_table("bare_records", records=rows)
    await connection.close()


async def _rounds(sides: dict[str, Callable[[int], Awaitable[bytes]]], sizes: Sizes, report: Report) -> None:
    numbers = Counter()
    for clients in (1, 16):
        closed_loops = {
            name: partial(closed, clients, sizes.seconds, lambda _, act=act: act, numbers)
            for name, act in sides.items()
        }
        runs = await alternately(closed_loops, sizes.rounds)
        report.compare(ROW, of(clients), runs, BARE, goals=[at_least(0.4)], bounded_by=BOUND)
