"""The bare side of HTTP: FastAPI, a model of the same body, one prepared statement. No token, no key, no telemetry.

`python -m benchmarks.bare_http`, DSN in the environment; says `ready <url>`. Tuned as ours: uvicorn on uvloop and
httptools, no access log, a pool that resets nothing.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response

from benchmarks.bodies import BareLead
from roadbook.events import new_id

SCHEMA = """
CREATE TABLE bare_leads (id uuid PRIMARY KEY, data json NOT NULL);
CREATE TABLE bare_records (ref text PRIMARY KEY, record text NOT NULL)
"""


async def no_reset(_: object) -> None:
    """Nothing of a session is ever set here."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DSN"], min_size=10, max_size=10, reset=no_reset) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.post("/v1/leads", status_code=201, response_model=None)
async def capture(lead: BareLead, request: Request) -> Response:
    id_ = new_id()
    async with request.app.state.pool.acquire() as connection:
        await connection.execute("INSERT INTO bare_leads (id, data) VALUES ($1, $2)", id_, lead.model_dump_json())
    return Response(orjson.dumps({"lead": id_}), 201, media_type="application/json")


@app.get("/v1/customers/{ref}", response_model=None)
async def record(ref: str, request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        found = await connection.fetchval("SELECT record FROM bare_records WHERE ref = $1", ref)
    return Response(found, 200 if found else 404, media_type="application/json")


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", access_log=False, log_level="warning", server_header=False)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
