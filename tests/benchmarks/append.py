"""Append one command: the store alone, no HTTP. Ours writes the answer under its idempotency key, the stream, the event
and the outbox; the bare side is one prepared INSERT that commits by itself."""

import hashlib
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

import asyncpg
import orjson

from benchmarks.frame import Measures, Report, alternately, at_least, at_most
from benchmarks.load import Counter, closed, of
from benchmarks.peers import Peers
from benchmarks.sizes import Sizes
from benchmarks.stage import HERE, Stage
from benchmarks.wire import Wire
from roadbook.answers import Answer
from roadbook.context import Idempotency
from roadbook.database import Pool, create_pool
from roadbook.events import Labels, NewEvent, new_id
from roadbook.store.port import Write
from roadbook.store.postgres import PostgresStore

ROW = "append"
BARE = "bare INSERT"
PEER = "eventsourcing"
BOUND = "three round trips (BEGIN, append, COMMIT) and four index entries more than one INSERT"
BOUND_PEER = "both wait for the disk at one client; ours keeps key, answer and outbox too, which the peer does not"
DATA = orjson.dumps({"model": "volkswagen-lavida", "reasons": ["budget", "window"], "note": "x" * 200}).decode()
LONG = 1_000
SCHEMA = """
CREATE TABLE bare (stream text, version int, id uuid, type text, time timestamptz, data json,
                   PRIMARY KEY (stream, version));
GRANT ALL ON bare TO PUBLIC
"""
TYPE, JSON = b"roadbook.lead.lead_qualified.v1", DATA.encode()
VERSION = struct.pack("!i", 1)
EPOCH = 946_684_800_000_000  # PostgreSQL's, in microseconds
INSERT = "INSERT INTO bare (stream, version, id, type, time, data) VALUES ($1, $2, $3, $4, $5, $6)"


def command(number: int, stream: str, expected: int = 0) -> Write:
    """One event, with a key and the answer to keep under it, as the shell writes it."""
    now = datetime.now(UTC)
    event = NewEvent("roadbook.lead.lead_qualified.v1", now, DATA)
    key = hashlib.sha256(b"%d" % number).digest()
    answer = Answer(200, {"stream": stream, "version": expected + 1, "events": [event.id]}, expected + 1, None)
    return Write(
        stream, expected, stream, [event], [Labels("dealer-sh-01", stream, None)], now, "staff-1", new_id(),
        idempotency=Idempotency(key, key), answer=answer,
    )  # fmt: skip


def ours(pool: Pool) -> Callable[[int], Callable[[int], Awaitable[object]]]:
    store = PostgresStore(pool)

    async def act(number: int) -> object:
        return await store.write(command(number, f"lead/{new_id()}"))

    return lambda _: act


def baseline(wires: Sequence[Wire]) -> Callable[[int], Callable[[int], Awaitable[object]]]:
    """Each client has a connection of its own with the statement prepared, opened beforehand, as pgbench has it."""

    def client(place: int) -> Callable[[int], Awaitable[object]]:
        execute = wires[place].execute

        async def act(number: int) -> object:
            id_ = new_id()
            now = struct.pack("!q", time.time_ns() // 1_000 - EPOCH)
            return await execute(b"lead/" + id_.encode(), VERSION, bytes.fromhex(id_.replace("-", "")), TYPE, now, JSON)

        return act

    return client


def on_streams(pool: Pool, streams: dict[str, int]) -> Callable[[int], Awaitable[object]]:
    """Appends to the first of `streams` (name -> version) that is left, which a second append finds one longer."""
    store = PostgresStore(pool)

    async def act(number: int) -> object:
        stream, version = streams.popitem()
        done = await store.write(command(number, stream, version))
        if version >= LONG:
            streams[stream] = version + 1
        return done

    return act


async def made(pool: Pool, count: int, length: int) -> dict[str, int]:
    """`count` streams of `length` events."""
    store = PostgresStore(pool)
    writes = []
    for _ in range(count):
        one = command(0, f"lead/{new_id()}")
        events = [NewEvent(one.events[0].type, one.now, DATA) for _ in range(length)]
        writes.append(replace(one, events=events, labels=[one.labels[0]] * length, idempotency=None))
    for start in range(0, count, 500):
        await store.create_many(writes[start : start + 500])
    return {write.stream: length for write in writes}


async def measure(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    with stage.database() as database:
        stage.execute(database, SCHEMA)
        pool = await create_pool(database.url, size=16)
        own = [await asyncpg.connect(database.url) for _ in range(16)]
        wires = [Wire(connection, await connection.prepare(INSERT)) for connection in own]
        numbers = Counter()
        try:
            for clients in (1, 16):
                await _one(pool, wires, clients, sizes, report, numbers)
                runs = [
                    stage.pgbench(database, HERE / "insert.pgbench", clients, sizes.seconds, data=DATA)
                    for _ in range(3)
                ]
                tps = median(runs)
                bare = report.lines[-1].theirs
                assert bare is not None
                share = bare.median / tps
                report.note(ROW, f"pgbench, the same INSERT, {of(clients)}: {tps:,.0f}/s; {BARE} is {share:.2f} of it")
            await _flat(pool, sizes, report, numbers)
        finally:
            await pool.close()
            for connection in own:
                connection.terminate()
        await _peer(stage, sizes, report, peers)


async def _one(pool: Pool, wires: Sequence[Wire], clients: int, sizes: Sizes, report: Report, numbers: Counter) -> None:
    async def run(side: Callable[[int], Callable[[int], Awaitable[object]]]) -> Measures:
        return await closed(clients, sizes.seconds, side, numbers)

    runs = await alternately({"ours": lambda: run(ours(pool)), BARE: lambda: run(baseline(wires))}, sizes.rounds)
    report.compare(ROW, of(clients), runs, BARE, goals=[at_least(0.6)], bounded_by=BOUND)


async def _flat(pool: Pool, sizes: Sizes, report: Report, numbers: Counter) -> None:
    """The same append to streams of 1 and of 1,000 events; and, for comparison, with reading all of them first."""
    store = PostgresStore(pool)

    async def run(count: int, length: int) -> Measures:
        act = on_streams(pool, await made(pool, count, length))
        return await closed(1, sizes.seconds, lambda _: act, numbers)

    async def loading() -> Measures:
        (stream,) = await made(pool, 1, LONG)

        async def act(number: int) -> object:
            loaded = await store.load(stream)
            return await store.write(command(number, stream, len(loaded.events)))

        return await closed(1, sizes.seconds, lambda _: act, numbers)

    short = "1 event"
    sides = {"ours": lambda: run(1, LONG), short: lambda: run(int(4_000 * sizes.seconds), 1)}
    runs = await alternately(sides, sizes.rounds)
    report.compare(ROW, "to a stream of 1,000 events", runs, short, measure="p50", unit=" ms", goals=[at_most(1.2)])
    report.alone(ROW, "1,000 events loaded first", [(await loading())["p50"]], " ms")


async def _peer(stage: Stage, sizes: Sizes, report: Report, peers: Peers) -> None:
    """`eventsourcing`: an aggregate of one event, saved; its process beside ours, turn by turn."""
    with stage.database() as database:
        pool = await create_pool(database.url, size=16)
        numbers = Counter()
        async with peers.process("eventsourcing_peer", DSN=database.owner_url) as peer:
            for clients in (1, 16):
                sides = {
                    "ours": lambda n=clients: closed(n, sizes.seconds, ours(pool), numbers),
                    PEER: lambda n=clients: peer.ask({"clients": n, "seconds": sizes.seconds}),
                }
                runs = await alternately(sides, sizes.peer_rounds)
                case = f"{of(clients)}, beside a peer"
                report.compare(ROW, case, runs, PEER, goals=[at_least(5)], bounded_by=BOUND_PEER)
        await pool.close()
