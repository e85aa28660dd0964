"""What both sides of every row run on: one PostgreSQL and one Kafka of the embedded stack, with its settings as they
are, fresh databases, and services as processes of their own."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic

from roadbook_cli.kafka import FACTS, PARTITIONS, admin
from roadbook_cli.postgres import Database, postgres_programs
from roadbook_cli.services import Service
from roadbook_cli.stack import Stack

DEALER = "dealer-sh-01"
SCOPES = ("lead:read", "lead:write", "lead:intake", "record:read")
HERE = Path(__file__).parent
_numbers = itertools.count(1)


class Stage:
    """`services` of the stack run only inside `serving`, on databases that `database` made."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stack = Stack(home, services=("lead", "projection"))

    def up(self) -> None:
        self.stack.up()
        for name in self.stack.services:
            self.stack.service(name).terminate()
            # They have entered the partitions they read; the fresh databases are copies of these.
            self.stack.postgres.psql("DELETE FROM consumer_offsets", name)

    def down(self) -> None:
        self.stack.down(wipe=True)

    @property
    def bootstrap(self) -> str:
        return self.stack.bootstrap

    @contextmanager
    def database(self, service: str = "lead") -> Iterator[Database]:
        """A fresh one of that service, migrated."""
        template = self.stack.postgres.database(service)
        fresh = self.stack.postgres.clone(template, f"{service}_{next(_numbers)}")
        try:
            yield fresh
        finally:
            self.stack.postgres.drop(fresh)

    @contextmanager
    def serving(self, name: str, database: Database, role: str = "serve", **environment: str) -> Iterator[Service]:
        """The service as its own process. Traces go to a file: telemetry is on."""
        service = self.stack.service(name)
        urls = {"DATABASE_URL": database.url, "OWNER_DATABASE_URL": database.owner_url}
        own = {f"ROADBOOK_{name.upper()}_{key}": url for key, url in urls.items()}
        traces = {"ROADBOOK_TRACES": f"file:{self.home / f'spans-{name}.jsonl'}"}
        service.start({**own, **traces, **environment}, role=role)
        try:
            service.wait_ready()
            yield service
        finally:
            service.terminate()

    def execute(self, database: Database, script: str) -> None:
        """As the database's owner."""
        owner = database.owner_url.removeprefix("postgresql://").partition(":")[0]
        self.stack.postgres.psql(f"SET ROLE {owner};\n{script};", database.name)

    def bearer(self) -> str:
        return "Bearer " + self.stack.issuer.sign(subject="staff-1", scopes=SCOPES, dealer=DEALER)

    async def topic(self, **config: str) -> str:
        """A new one as those of facts."""
        name = f"bench.{next(_numbers)}"
        async with admin(self.bootstrap) as client:
            await client.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={**FACTS, **config})])
            while len(((await client.describe_topics([name]))[0])["partitions"]) < PARTITIONS:
                await asyncio.sleep(0.05)
        return name

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """(topic, partition) -> offset of the next record."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
            found = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
        return {(each.topic, each.partition): end for each, end in found.items()}

    async def start_at_the_end(self, database: Database, consumers: Mapping[str, Sequence[str]]) -> None:
        """The consumers (name -> topics) of a fresh database have read what stands on the topics."""
        connection = await asyncpg.connect(database.owner_url)
        for name, topics in consumers.items():
            rows = [(name, topic, number, at) for (topic, number), at in (await self.ends(topics)).items()]
            await connection.executemany("INSERT INTO consumer_offsets VALUES ($1, $2, $3, $4)", rows)
        await connection.close()

    def pgbench(self, database: Database, script: Path, clients: int, seconds: float, **values: str) -> float:
        """Transactions a second of one script, prepared, by pgbench's own threads. `values` are its parameters."""
        given = [word for name, value in values.items() for word in ("-D", f"{name}={value}")]
        address, _, name = database.url.partition("?")[0].rpartition("/")
        user, _, rest = address.removeprefix("postgresql://").partition(":")
        password, _, where = rest.rpartition("@")
        host, _, port = where.partition(":")
        done = subprocess.run(
            [str(postgres_programs() / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
             "-T", str(max(1, round(seconds))), "-f", str(script), *given, "-h", host, "-p", port, "-U", user, name],
            env={"PATH": os.defpath, "PGPASSWORD": password, "LC_ALL": "C"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps ="))


@asynccontextmanager
async def program(command: Sequence[str], environment: Mapping[str, str], ready: str = "ready") -> AsyncIterator[Any]:
    """A process of the bench that says `ready` and what it wants on one line of stdout; ended at the end of the body.
    Gives the words behind `ready`."""
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environment}, cwd=HERE.parent, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().split()
        if not line or line[0] != ready:
            raise RuntimeError(f"{command} did not start")
        yield line[1:]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def own_program(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]
