"""The operator's commands on consumers and relays: thin shells over `roadbook.ops`.

Databases and brokers come from the environment (`ROADBOOK_<SERVICE>_DATABASE_URL`, `ROADBOOK_KAFKA_BOOTSTRAP`: a
production deployment), else from the embedded stack's endpoints.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from roadbook_cli import console, project
from roadbook_cli.project import SERVICES, StackError, read_json

if TYPE_CHECKING:
    from roadbook.database import Pool
    from roadbook.ops import ParkedStream

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ServiceName = Annotated[str, typer.Argument(help="Whose database: lead, projection.", metavar="SERVICE")]
Consumer = Annotated[str, typer.Argument(help="As `roadbook lag` names it.")]
Stream = Annotated[str, typer.Argument(help="As `roadbook parked` names it, e.g. lead/0199…")]


def register(app: typer.Typer) -> None:
    for command in (lag, parked, unpark, skip, rewind, rebuild):
        app.command()(command)


# -- where things are --------------------------------------------------------------------------------------------


def database_urls() -> dict[str, str]:
    """Service -> DSN of the app role. StackError when nothing is configured and no stack is up."""
    known = read_json(project.home() / "endpoints.json").get("services", {})
    found = {name: os.environ.get(f"ROADBOOK_{name.upper()}_DATABASE_URL", "") for name in SERVICES}
    found = {name: url or known.get(name, {}).get("database_url", "") for name, url in found.items()}
    found = {name: url for name, url in found.items() if url}
    if not found:
        raise StackError("no database known: `roadbook up` first, or set ROADBOOK_<SERVICE>_DATABASE_URL")
    return found


def bootstrap() -> str:
    known = read_json(project.home() / "endpoints.json").get("kafka", {})
    return os.environ.get("ROADBOOK_KAFKA_BOOTSTRAP") or str(known.get("bootstrap", ""))


@asynccontextmanager
async def _pool(service: str) -> AsyncIterator[Pool]:

    from roadbook.database import create_pool

    urls = database_urls()
    if service not in urls:
        raise StackError(f"no database known for {service!r}; there are: {', '.join(urls)}")
    pool = await create_pool(urls[service], size=1)
    try:
        yield pool
    finally:
        await pool.close()


def _on(service: str, work: Callable[[Pool], Awaitable[T]]) -> T:
    """Run `work` with a pool of the service's database; what an operator can act on becomes one line."""

    import asyncpg

    from roadbook.errors import Unavailable

    async def whole() -> T:
        async with _pool(service) as pool:
            return await work(pool)

    try:
        return asyncio.run(whole())
    except (Unavailable, OSError, asyncpg.PostgresError) as error:
        raise StackError(f"{service}'s database does not answer as it should: {type(error).__name__}") from None
    except ValueError as error:
        raise StackError(str(error)) from None


# -- commands ----------------------------------------------------------------------------------------------------


def lag(
    partitions: Annotated[bool, typer.Option("--partitions", help="One line per partition.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every second until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """How far outboxes, relays and consumers are behind, in events and (outboxes) seconds."""
    try:
        while True:
            found = {service: _on(service, _lag) for service in database_urls()}
            if as_json:
                console.emit_json(found)
            else:
                _show_lag(found, partitions)
            if not watch:
                return
            time.sleep(1)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _lag(pool: Pool) -> dict[str, list[dict[str, Any]]]:
    from roadbook import ops
    from roadbook.bus import BusUnavailable
    from roadbook.database import acquire
    from roadbook.kafka import end_offsets

    async with acquire(pool) as connection:
        outbox = await ops.outbox_lag(connection)
        consumers = await ops.consumer_lag(connection)
        if consumers and bootstrap():
            try:
                ends = await end_offsets(bootstrap(), sorted({each.topic for each in consumers}))
                consumers = await ops.consumer_lag(connection, ends)
            except (BusUnavailable, LookupError) as error:
                console.note(f"Kafka at {bootstrap()} does not answer ({error}): lags in events are not known")
    return {"outbox": [asdict(each) for each in outbox], "consumers": [asdict(each) for each in consumers]}


def _show_lag(found: dict[str, dict[str, list[dict[str, Any]]]], partitions: bool) -> None:
    rows = [
        (service, o["channel"], o["pending"], o["behind"], _seconds(o["oldest_age_seconds"]))
        for service, each in found.items()
        for o in each["outbox"]
    ]
    console.table("Outboxes", ("service", "channel", "not in the log", "not on Kafka", "oldest s"), rows)
    lines: dict[tuple[str, ...], tuple[int, int | None]] = {}
    for service, each in found.items():
        for c in each["consumers"]:
            key = (service, c["consumer"], c["topic"], str(c["partition"]) if partitions else "all")
            read, behind = lines.get(key, (0, 0))
            more = None if behind is None or c["events"] is None else behind + c["events"]
            lines[key] = (read + c["next"], more)
    listed = [(*key, read, "?" if behind is None else behind) for key, (read, behind) in lines.items()]
    console.table("Consumers", ("service", "consumer", "topic", "partition", "next", "behind"), listed)


def _seconds(age: float | None) -> str:
    return "" if age is None else f"{age:.1f}"


def parked(
    consumer: Annotated[str | None, typer.Option(help="Only this consumer's.")] = None, as_json: Json = False
) -> None:
    """Streams that wait for an operator, and why."""
    from roadbook import ops
    from roadbook.database import acquire

    async def read(pool: Pool) -> list[ParkedStream]:
        async with acquire(pool) as connection:
            return await ops.parked(connection, consumer)

    found = [(service, each) for service in database_urls() for each in _on(service, read)]
    if as_json:
        console.emit_json([{"service": service, **asdict(each)} for service, each in found])
    elif not found:
        console.note("nothing is parked")
    else:
        rows = [
            (service, p.consumer, p.stream, p.version, p.reason, p.waiting, f"{p.topic}/{p.partition}@{p.offset}")
            for service, p in found
        ]
        console.table("Parked", ("service", "consumer", "stream", "version", "reason", "behind it", "where"), rows)


def unpark(service: ServiceName, consumer: Consumer, stream: Stream) -> None:
    """Try a parked stream again, in order; the worker notices within a second."""
    from roadbook import ops

    count = _on(service, lambda pool: ops.unpark(pool, consumer, stream))
    if not count:
        raise StackError(f"nothing of {stream} is parked for {consumer}; `roadbook parked` lists what is")
    console.note(f"{count} event(s) of {stream} will be tried again; `roadbook parked` shows whether they park again")


def skip(
    service: ServiceName,
    consumer: Consumer,
    stream: Stream,
    version: Annotated[int, typer.Argument(help="The parked version to give up for ever.", min=0)],
    reason: Annotated[str, typer.Option(help="A code, written down for good: a-z, 0-9, _ . -")],
) -> None:
    """Give up one parked version of a stream for ever; what waits behind it goes on."""
    from roadbook import ops

    done = _on(service, lambda pool: ops.skip(pool, consumer, stream, version, reason))
    if not done:
        raise StackError(f"version {version} of {stream} is not parked for {consumer}; `roadbook parked` lists what is")
    console.note(f"version {version} of {stream} is skipped for {consumer}")


def rewind(
    service: ServiceName,
    what: Annotated[str, typer.Argument(help="A consumer, or relay:facts, relay:personal.")],
    to: Annotated[int | None, typer.Option(help="Offset, or log number of a relay; its start when absent.")] = None,
) -> None:
    """Read a topic again from an offset, or publish a log again byte for byte; repeats are dropped by version."""
    from roadbook import ops

    kind, _, channel = what.partition(":")
    if kind == "relay":
        if channel not in ("facts", "personal"):
            raise StackError("a relay is relay:facts or relay:personal")
        start = 1 if to is None else to
        old = _on(service, lambda pool: ops.rewind_relay(pool, channel, start))  # type: ignore[arg-type]
        console.note(f"{service}'s {channel} relay goes back from {old} to {start}")
        return
    count = _on(service, lambda pool: ops.rewind_consumer(pool, what, to or 0))
    if not count:
        raise StackError(f"no partition of {what} is beyond {to or 0}; `roadbook lag --partitions` shows them")
    console.note(f"{count} partition(s) of {what} go back to {to or 0}")


def rebuild(
    accept: Annotated[bool, typer.Option("--accept", help="Switch although records differ.")] = False,
    afresh: Annotated[bool, typer.Option("--afresh", help="Do not go on with an interrupted rebuild.")] = False,
    as_json: Json = False,
) -> None:
    """Build the projection again beside the live one, compare, switch, drop; readers notice nothing.

    Interrupted, it goes on where it was when it is called again. Exit code 3: records differ, nothing was switched.
    """
    program = Path(sys.executable).with_name("projection")
    if not program.is_file():
        raise StackError("the projection service is not installed here: run `projection rebuild` where it is")
    options = [*["--accept"] * accept, *["--afresh"] * afresh, *["--json"] * as_json]
    done = subprocess.run([str(program), "rebuild", *options], env=_projection(), check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _projection() -> dict[str, str]:
    """The environment of the projection: the one given, and for what is not given the embedded stack's."""
    known = read_json(project.home() / "endpoints.json")
    urls = known.get("services", {}).get("projection", {})
    found = {
        "ROADBOOK_PROJECTION_DATABASE_URL": urls.get("database_url"),
        "ROADBOOK_PROJECTION_OWNER_DATABASE_URL": urls.get("owner_database_url"),
        "ROADBOOK_KAFKA_BOOTSTRAP": bootstrap(),
        "ROADBOOK_LOG_LEVEL": "WARNING",
    }
    environment = {**{name: value for name, value in found.items() if value}, **os.environ}
    if not environment.get("ROADBOOK_PROJECTION_OWNER_DATABASE_URL"):
        raise StackError("no owner database known: `roadbook up` first, or set ROADBOOK_PROJECTION_OWNER_DATABASE_URL")
    return environment
