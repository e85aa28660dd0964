"""The minimal pipeline: one process takes a command into a table and an outbox and relays that to Kafka, another
upserts what it reads and lets a reader wait. The same promises in kind (committed before the answer, idempotent
producer, offsets with the effects), and nothing else: no token, no streams, no names, no record.

`python -m benchmarks.bare_pipeline write|read TOPIC`; DSN and BOOTSTRAP in the environment; says `ready <url>`.
"""

import asyncio
import os
import socket
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import orjson
import uvicorn
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI, Request, Response

from benchmarks.bare_http import no_reset
from benchmarks.bodies import BareLead
from benchmarks.producing import producer
from roadbook.events import new_id
from roadbook_cli.kafka import PARTITIONS

SCHEMA = """
CREATE TABLE bare_events (id uuid PRIMARY KEY, data json NOT NULL);
CREATE TABLE bare_keys (key text PRIMARY KEY, id uuid NOT NULL);
CREATE TABLE bare_outbox (no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL, data json NOT NULL);
CREATE TABLE bare_seen (id text PRIMARY KEY, data text NOT NULL);
CREATE TABLE bare_places (partition int PRIMARY KEY, next bigint NOT NULL)
"""
TAKE = """
WITH key AS (INSERT INTO bare_keys VALUES ($3, $1)), event AS (INSERT INTO bare_events VALUES ($1, $2))
INSERT INTO bare_outbox (id, data) VALUES ($1, $2)
"""
SEEN = "INSERT INTO bare_seen SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (id) DO NOTHING"
MOVE = """
INSERT INTO bare_places SELECT * FROM unnest($1::int[], $2::bigint[])
ON CONFLICT (partition) DO UPDATE SET next = excluded.next
"""


class Parts:
    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.wake = asyncio.Event()
        self.waiting: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


async def relay(parts: Parts, topic: str) -> None:
    made = producer(os.environ["BOOTSTRAP"])
    await made.start()
    try:
        while True:
            parts.wake.clear()
            rows = await parts.pool.fetch("SELECT no, id::text, data FROM bare_outbox ORDER BY no LIMIT 500")
            if not rows:
                await parts.wake.wait()
                continue
            sent = [await made.send(topic, row["data"].encode(), key=row["id"].encode()) for row in rows]
            await asyncio.gather(*sent)
            await parts.pool.execute("DELETE FROM bare_outbox WHERE no = ANY($1)", [row["no"] for row in rows])
    finally:
        await made.stop()


async def consume(parts: Parts, topic: str) -> None:
    reader = AIOKafkaConsumer(bootstrap_servers=os.environ["BOOTSTRAP"], enable_auto_commit=False)
    await reader.start()
    reader.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    try:
        while True:
            polled = await reader.getmany(timeout_ms=250, max_records=500)
            if polled:
                await keep(parts, polled)
    finally:
        await reader.stop()


async def keep(parts: Parts, polled: dict[TopicPartition, list[Any]]) -> None:
    records = [record for found in polled.values() for record in found]
    ids = [record.key.decode() for record in records]
    async with parts.pool.acquire() as connection, connection.transaction():
        await connection.execute(SEEN, ids, [record.value.decode() for record in records])
        places = [(each.partition, found[-1].offset + 1) for each, found in polled.items()]
        await connection.execute(MOVE, *zip(*places, strict=True))
    for id_ in ids:
        parts.waiting[id_].set()


WORK = {"write": relay, "read": consume}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    role, topic = sys.argv[1:3]
    async with asyncpg.create_pool(os.environ["DSN"], min_size=4, max_size=10, reset=no_reset) as pool:
        app.state.parts = Parts(pool)
        work = asyncio.create_task(WORK[role](app.state.parts, topic))
        yield
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.post("/v1/leads", status_code=201, response_model=None)
async def capture(lead: BareLead, request: Request) -> Response:
    parts: Parts = request.app.state.parts
    id_ = new_id()
    await parts.pool.execute(TAKE, id_, lead.model_dump_json(), request.headers["idempotency-key"])
    parts.wake.set()
    return Response(orjson.dumps({"lead": id_}), 201, media_type="application/json")


@app.get("/v1/customers/{id_}", response_model=None)
async def seen(id_: str, request: Request) -> Response:
    """As soon as it is there."""
    parts: Parts = request.app.state.parts
    while (found := await parts.pool.fetchval("SELECT data FROM bare_seen WHERE id = $1", id_)) is None:
        try:
            async with asyncio.timeout(0.05):
                await parts.waiting[id_].wait()
        except TimeoutError:
            continue
    return Response(found, media_type="application/json")


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", access_log=False, log_level="warning", server_header=False)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
