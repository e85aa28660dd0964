"""The embedded stack: PostgreSQL, Kafka, migrations, issuer and the services, in one folder (`home`).

    stack = Stack(home, brokers=1, services=("lead", "projection"))
    stack.up(); stack.endpoints["services"]["lead"]["url"]; stack.down()

Parts can be had alone: `stack.postgres.start()`, `stack.kafka.up()`, `stack.database("lead")` (created and migrated).
Where `ROADBOOK_KAFKA_BOOTSTRAP` or `ROADBOOK_<SERVICE>_DATABASE_URL` are set, those are used, nothing is started.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadbook_cli import ports, project
from roadbook_cli.issuer import AUDIENCE, ISSUER, Issuer
from roadbook_cli.kafka import Kafka, ensure_topics
from roadbook_cli.postgres import Database, Postgres, migrate
from roadbook_cli.project import SERVICES, StackError, read_json, write_json
from roadbook_cli.services import Service

Report = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass
class Stack:
    """One stack. `ports` may give `postgres`, `kafka` (first node; the next ones follow) and service names.

    `overrides`: by service, environment variables that its process sees instead of what the stack would tell it.
    """

    home: Path
    brokers: int = 1
    services: tuple[str, ...] = SERVICES
    ports: Mapping[str, int] = field(default_factory=dict)
    report: Report = _silent
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = Path(self.home).resolve()
        kept = int(read_json(self.home / "kafka-data" / "cluster.json").get("brokers", self.brokers))
        if self.brokers == 0:  # 0: as it was made
            self.brokers = kept or 1
        self.postgres = Postgres(self.home, self.ports.get("postgres"))
        self.kafka = Kafka(self.home, self.brokers, self.ports.get("kafka"))
        self.issuer = Issuer(self.home / "issuer")

    # -- what is used ---------------------------------------------------------------------------------------

    @property
    def external_kafka(self) -> str | None:
        return os.environ.get("ROADBOOK_KAFKA_BOOTSTRAP") or None

    @property
    def bootstrap(self) -> str:
        return self.external_kafka or self.kafka.bootstrap

    def _external_url(self, service: str, kind: str = "DATABASE_URL") -> str | None:
        return os.environ.get(f"ROADBOOK_{service.upper()}_{kind}") or None

    @property
    def needs_postgres(self) -> bool:
        return any(self._external_url(service) is None for service in self.services)

    @property
    def endpoints(self) -> dict[str, Any]:
        """The content of `endpoints.json`: URLs, DSNs, bootstrap servers, pids as of the last `up`."""
        return read_json(self.home / "endpoints.json")

    # -- life -----------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Start whatever does not run, migrate, wait until everything is ready. Harmless when all is up."""
        with self._locked():
            if self.external_kafka is None:
                self.kafka.check()
            with ThreadPoolExecutor(2) as pool:
                kafka = pool.submit(self._kafka_up)
                databases = pool.submit(self._databases_up)
                databases_by_name = databases.result()
                kafka.result()
            self.issuer.ensure()
            handles = [self._service(name, databases_by_name[name]) for name in self.services]
            self._write_endpoints(databases_by_name, handles)
            for handle in handles:
                handle.start()
            for handle in handles:
                handle.wait_ready()
                self.report(f"{handle.name} is ready at {handle.url}")
            self._write_endpoints(databases_by_name, handles)

    def down(self, *, wipe: bool = False) -> None:
        """End every process of this stack; harmless when none runs. `wipe` also removes its state."""
        if not self.home.is_dir():
            return
        with self._locked():
            running = [Service(name, self.home, "", {}) for name in SERVICES]
            with ThreadPoolExecutor(4) as pool:  # services first: they say goodbye to Kafka and Postgres
                list(pool.map(Service.down, running))
                both = [pool.submit(self.kafka.down), pool.submit(self.postgres.stop)]
                for one in both:
                    one.result()
            (self.home / "endpoints.json").unlink(missing_ok=True)
            if wipe:
                self.kafka.wipe()
                self.postgres.wipe()
                for name in ("issuer", "logs", "run"):
                    shutil.rmtree(self.home / name, ignore_errors=True)
                for path in [self.home / "ports.json", *self.home.glob("demo-*.json")]:
                    path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up` or `down` at a time per stack."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "stack.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.report("another roadbook command works on this stack: waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # -- parts ----------------------------------------------------------------------------------------------

    def database(self, service: str) -> Database:
        """The service's embedded database, created and migrated; Postgres is started when needed."""
        self.postgres.start()
        database = self.postgres.database(service)
        migrate(database.owner_url, migrations(service))
        return database

    def service(self, name: str) -> Service:
        """The handle of one service of a stack that is up (start, kill, terminate, pid, wait_ready)."""
        known = self.endpoints.get("services", {})
        if name not in known:
            raise StackError(f"{name} is not part of this stack, or it is not up; `roadbook up` first")
        urls = known[name]
        return self._service(name, Database(name, urls["database_url"], urls["owner_database_url"]))

    def _kafka_up(self) -> None:
        if not self.services:
            return
        if self.external_kafka:
            ensure_topics(self.external_kafka)
            return
        self.kafka.up()
        self.report(f"Kafka is ready at {self.kafka.bootstrap}")

    def _databases_up(self) -> dict[str, Database]:
        if self.needs_postgres:
            self.postgres.start()
            self._link_log()
            self.report(f"PostgreSQL is ready on port {self.postgres.port}")
        databases = {}
        for service in self.services:
            url = self._external_url(service)
            if url is None:
                databases[service] = self.database(service)
                continue
            owner_url = self._external_url(service, "OWNER_DATABASE_URL")
            if owner_url is not None:
                migrate(owner_url, migrations(service))
            databases[service] = Database(service, url, owner_url or "")
        return databases

    def _link_log(self) -> None:
        """Let `roadbook logs postgres` find the log, which lies with the data."""
        link = self.home / "logs" / "postgres.log"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(self.postgres.log)

    def _service(self, name: str, database: Database) -> Service:
        port = self._service_port(name)
        return Service(name, self.home, f"http://127.0.0.1:{port}", self.environment(name, database, port))

    def _service_port(self, name: str) -> int:
        """Kept from last time; chosen anew when somebody else took it while the service was down."""
        path = self.home / "ports.json"
        kept = read_json(path)
        if Service(name, self.home, "", {}).pid is not None and name in kept:
            return int(kept[name])
        others = {int(port) for other, port in kept.items() if other != name}
        wanted = self.ports.get(name) or os.environ.get(f"ROADBOOK_{name.upper()}_PORT")
        given = int(wanted) if wanted else None
        kept[name] = ports.choose(name, given=given, kept=kept.get(name), taken=others)
        write_json(path, kept)
        return int(kept[name])

    def environment(self, name: str, database: Database, port: int) -> dict[str, str]:
        """What the service process sees: our defaults, the caller's environment over them, and its own address."""
        prefix = f"ROADBOOK_{name.upper()}_"
        own = {f"{prefix}DATABASE_URL": database.url, f"{prefix}HOST": "127.0.0.1", f"{prefix}PORT": str(port)}
        defaults = {
            "ROADBOOK_KAFKA_BOOTSTRAP": self.bootstrap,
            "ROADBOOK_OIDC_ISSUER": ISSUER,
            "ROADBOOK_OIDC_AUDIENCE": AUDIENCE,
            "ROADBOOK_OIDC_JWKS": str(self.issuer.jwks),
            "ROADBOOK_ENVIRONMENT": "development",
            "ROADBOOK_SEED_FILE": str(project.root() / "deploy" / "seed" / "network.v1.json"),
            "ROADBOOK_CLOCK": "real",
            "ROADBOOK_ORDINAL": "0",
            "ROADBOOK_REPLICAS": "1",
        }
        # The owner role migrates; a serving process has no business with it.
        # CRASHPOINT is armed for one start of one service only; PG* would redirect asyncpg.
        caller = {k: v for k, v in os.environ.items() if v and not k.startswith(("PG", "CRASHPOINT"))}
        caller.pop(f"{prefix}OWNER_DATABASE_URL", None)
        return {**defaults, **caller, **own, **self.overrides.get(name, {})}

    def _write_endpoints(self, databases: Mapping[str, Database], handles: list[Service]) -> None:
        postgres: dict[str, Any] | None = None
        if self.needs_postgres:
            postgres = {
                "port": self.postgres.port,
                "pid": self.postgres.pid,
                "superuser_url": self.postgres.superuser_url,
                "data": str(self.postgres.data),
            }
        kafka_pids = {} if self.external_kafka else {str(n): self.kafka.pid(n) for n in self.kafka.nodes}
        write_json(
            self.home / "endpoints.json",
            {
                "home": str(self.home),
                "kafka": {
                    "bootstrap": self.bootstrap,
                    "embedded": self.external_kafka is None,
                    "pids": kafka_pids,
                },
                "postgres": postgres,
                "oidc": {"issuer": ISSUER, "audience": AUDIENCE, "jwks": str(self.issuer.jwks)},
                "services": {
                    handle.name: {
                        "url": handle.url,
                        "pid": handle.pid,
                        "database_url": databases[handle.name].url,
                        "owner_database_url": databases[handle.name].owner_url,
                    }
                    for handle in handles
                },
            },
        )


def migrations(service: str) -> list[Path]:
    """The kit's migrations and the service's own, in this order."""
    base = project.root()
    return [base / "shared" / "migrations", base / "services" / service / "migrations"]
