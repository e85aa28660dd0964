"""What is put under stress: a real stack whose services reach Postgres and Kafka through our proxies only, and a
supervisor that starts again whatever died. The run itself, the eyes and the judge come directly."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from roadbook_cli import ports, processes
from roadbook_cli.services import Service
from roadbook_cli.stack import Stack
from run.proxies import Proxies

WRITERS = ("lead", "identity", "sales")
SERVICES = (*WRITERS, "projection")


class Stand:
    """`up` and `down` once each. `proxies`: of each service to Postgres, and of each node of Kafka."""

    def __init__(self, home: Path, brokers: int) -> None:
        self.stack = Stack(home, brokers=brokers, services=SERVICES)
        self.brokers = brokers
        self.proxies = Proxies()
        self.restarts: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.said: list[str] = []
        self._armed: dict[str, str] = {}
        self._handles: dict[str, Service] = {}
        self._frozen: set[str] = set()
        self._twins: list[processes.Started] = []
        self._watch: asyncio.Task[None] | None = None

    # ── Life ────────────────────────────────────────────────────────────────────────────────────────────────────
    async def up(self) -> None:
        stack, taken = self.stack, set[int]()
        await asyncio.to_thread(stack.postgres.start)
        taken.add(stack.postgres.port)
        for service in SERVICES:
            self.proxies.add(service, ports.choose("proxy", taken=taken), stack.postgres.port)
        for node in range(1, self.brokers + 1):
            listen, advertised = (ports.choose("proxied", taken=taken) for _ in range(2))
            stack.kafka.proxied = {**stack.kafka.proxied, node: (listen, advertised)}
            self.proxies.add(f"kafka-{node}", advertised, listen)
        await self.proxies.start()
        bootstrap = ",".join(f"127.0.0.1:{self.proxies.ports[name]}" for name in self.proxies.kafka)
        stack.overrides = {
            service: {
                "ROADBOOK_KAFKA_BOOTSTRAP": bootstrap,
                f"ROADBOOK_{service.upper()}_DATABASE_URL": self._through(service),
            }
            for service in SERVICES
        }
        starting = asyncio.ensure_future(asyncio.to_thread(stack.up))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait({starting})  # no thread can be stopped, and whoever goes down waits for its lock
            raise
        self._handles = {service: stack.service(service) for service in SERVICES}
        self._watch = asyncio.create_task(self._supervise())

    def _through(self, service: str) -> str:
        """The service's DSN by way of its proxy. The password is the one that `Stack.up` will give the role."""
        parts = urlsplit(self.stack.postgres.url(f"{service}_app", service))
        netloc = f"{parts.netloc.rpartition(':')[0]}:{self.proxies.ports[service]}"
        return urlunsplit(parts._replace(netloc=netloc))

    async def down(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        for record in self._twins:
            processes.send(record, signal.SIGKILL)
        for service in list(self._frozen):
            self.cont(service)
        await asyncio.to_thread(self.stack.down)
        await self.proxies.stop()

    @property
    def bootstrap(self) -> str:
        """Past the proxies."""
        return self.stack.bootstrap

    def urls(self) -> dict[str, str]:
        return {service: str(self.stack.endpoints["services"][service]["url"]) for service in SERVICES}

    async def connect(self, service: str) -> asyncpg.Connection:
        """As the owner, past the proxy."""
        url = self.stack.endpoints["services"][service]["owner_database_url"]
        return await asyncpg.connect(url, timeout=5, command_timeout=60)

    # ── Services ────────────────────────────────────────────────────────────────────────────────────────────────
    def handle(self, service: str) -> Service:
        return self._handles[service]

    def pid(self, service: str) -> int | None:
        return self._handles[service].pid

    def arm(self, service: str, point: str) -> None:
        """Kill it now; its next life ends at the crash point, and the one after that is an ordinary one."""
        self._armed[service] = point
        self.kill(service)

    def armed(self, service: str) -> bool:
        """Whether the life that is to end at a crash point has not begun yet."""
        return service in self._armed

    def kill(self, service: str) -> None:
        processes.send(self._handles[service]._record, signal.SIGKILL)
        self.kills[service] += 1

    def stop(self, service: str) -> None:
        """SIGSTOP: the supervisor lets a frozen process be."""
        self._frozen.add(service)
        processes.send(self._handles[service]._record, signal.SIGSTOP)

    def cont(self, service: str) -> None:
        processes.send(self._handles[service]._record, signal.SIGCONT)
        self._frozen.discard(service)

    async def _supervise(self) -> None:
        """A dead process is started again within a second, as a supervisor of any kind would."""
        tried: dict[str, float] = {}
        while True:
            for service, handle in self._handles.items():
                if handle.pid is not None or time.monotonic() - tried.get(service, 0.0) < 1.0:
                    continue
                tried[service] = time.monotonic()
                point = self._armed.pop(service, None)
                self.restarts[service] += 1
                try:
                    await asyncio.to_thread(processes.wait_gone, handle._record, 5)
                    await asyncio.to_thread(handle.start, {"CRASHPOINT": point} if point else None)
                except Exception as error:
                    self.said.append(f"{service} could not be started again: {error}")
            await asyncio.sleep(0.1)

    async def ready(self, service: str, seconds: float = 60) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if await asyncio.to_thread(self._handles[service].ready):
                return True
            await asyncio.sleep(0.2)
        return False

    async def twin(self, service: str, role: str = "worker") -> "Twin":
        """A second process of the service, on a port of its own."""
        port = ports.choose(f"{service} twin")
        handle, home = self._handles[service], self.stack.home
        environment: Mapping[str, str] = {**handle.environment, f"ROADBOOK_{service.upper()}_PORT": str(port)}
        number = len(self._twins)
        import sys

        record = await asyncio.to_thread(
            lambda: processes.spawn(
                [str(Path(sys.executable).parent / service), role],
                environment=environment,
                log=home / "logs" / f"{service}-twin-{number}.log",
                record=home / "run" / f"{service}-twin-{number}.json",
                cwd=home,
            )
        )
        self._twins.append(record)
        return Twin(record, f"http://127.0.0.1:{port}", home / "logs" / f"{service}-twin-{number}.log")


class Twin:
    """A second process of a service."""

    def __init__(self, record: processes.Started, url: str, log: Path) -> None:
        self.record, self.url, self.log = record, url, log

    def signal(self, number: signal.Signals) -> None:
        processes.send(self.record, number)

    @property
    def alive(self) -> bool:
        return processes.process(self.record) is not None

    async def end(self) -> None:
        processes.send(self.record, signal.SIGCONT)
        await asyncio.to_thread(processes.stop, self.record, 15)


def children(pid: int) -> list[int]:
    """The process and all below it."""
    import psutil

    try:
        parent = psutil.Process(pid)
        return [pid, *(each.pid for each in parent.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


Proof = dict[str, Any]
