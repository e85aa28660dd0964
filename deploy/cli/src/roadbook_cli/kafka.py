"""Apache Kafka in KRaft mode on loopback: one combined broker and controller per node, small heaps, fixed topics."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from roadbook_cli import archive, jars, java, ports, processes, project
from roadbook_cli.processes import Started
from roadbook_cli.project import StackError, read_json, write_json

_T = TypeVar("_T")
_READY_SECONDS = 60
_TOPIC_EXISTS = 36

FACTS = {"cleanup.policy": "delete", "retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
VALUES = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
PARTITIONS = 12
TOPICS = {
    **{project.topic(name): FACTS for name in project.publishers()},
    "roadbook.personal-data.v1": VALUES,
}

# Session timeout and heartbeat: after SIGKILL a broker is ready again in 5 s instead of 13 (its old session must end).
# Of several brokers the one killed may be the active controller: first another has to be elected, then it must miss the
# broker. The quorum's times (2 s without the leader, up to 1 s for votes) are halved, or both would take over 5 s.
# The cleaner's buffer would otherwise take half of the heap.
_SETTINGS = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}{listen}
advertised.listeners=PLAINTEXT://127.0.0.1:{client}{advertise}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
controller.quorum.fetch.timeout.ms=1000
controller.quorum.election.timeout.ms=500
controller.quorum.election.backoff.max.ms=250
num.partitions=1
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
log.segment.bytes=16777216
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=1
num.io.threads=2
background.threads=2
"""
_JVM = (
    "-Xms96m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)  # fmt: skip


@dataclass
class Kafka:
    """The embedded brokers of one stack; node ids are 1..brokers, ports and cluster id are kept in `home`.

    `proxied`, set before the first start, gives nodes a second listener for clients behind a proxy: the port the node
    listens on, and the proxy's port, which it tells those clients. Who comes by `bootstrap` comes directly.
    """

    home: Path
    brokers: int = 1
    given_port: int | None = None
    proxied: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    _state: dict[str, Any] = field(default_factory=dict, repr=False)
    _down: set[int] = field(default_factory=set, repr=False)

    @property
    def folder(self) -> Path:
        return self.home / "kafka-data"

    @property
    def nodes(self) -> range:
        return range(1, self.brokers + 1)

    @property
    def state(self) -> dict[str, Any]:
        """`{"cluster": id, "brokers": n, "ports": {node: [client, controller]}}`; `{}` before the first start."""
        if not self._state:
            self._state = read_json(self.folder / "cluster.json")
        return self._state

    @property
    def bootstrap(self) -> str:
        """`host:port` of every node, separated by commas."""
        return ",".join(f"127.0.0.1:{self.state['ports'][str(node)][0]}" for node in self.nodes)

    def log(self, node: int = 1) -> Path:
        return self.home / "logs" / f"kafka-{node}.log"

    def _record_path(self, node: int) -> Path:
        return self.home / "run" / f"kafka-{node}.json"

    def _record(self, node: int) -> Started | None:
        return processes.load(self._record_path(node))

    def pid(self, node: int = 1) -> int | None:
        """The node's pid while it runs."""
        found = processes.process(self._record(node))
        return found.pid if found else None

    # -- life -----------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Start the nodes that do not run and create the topics; harmless when all is there."""
        self._configure()
        for node in self.nodes:
            self._spawn(node)
        self._down.clear()
        self.wait_ready()

    def start(self, node: int = 1) -> None:
        """Start one node again (after `kill` or `stop`) and wait until it serves."""
        self._spawn(node)
        self._down.discard(node)
        self.wait_ready()

    def kill(self, node: int = 1) -> None:
        """SIGKILL one node; returns when it is gone."""
        self._down.add(node)
        record = self._record(node)
        processes.send(record, signal.SIGKILL)
        processes.wait_gone(record, 10)

    def stop(self, node: int = 1) -> None:
        """End one node in good order."""
        self._down.add(node)
        record = self._record(node)
        processes.send(record, signal.SIGTERM)
        self._await_end(record, 20)

    def _await_end(self, record: Started | None, seconds: float) -> None:
        """Wait for a node that was told to end; SIGKILL when it does not."""
        ran = processes.process(record) is not None
        if processes.wait_gone(record, seconds):
            if ran:
                archive.adopt(self.folder)
        else:
            processes.send(record, signal.SIGKILL)
            processes.wait_gone(record, 10)
            archive.discard(self.folder)

    def down(self) -> None:
        """End all nodes; harmless when none runs."""
        for node in self.nodes:  # all at once: a controlled shutdown waits for a quorum that is going away
            processes.send(self._record(node), signal.SIGTERM)
        # Alone, the last of several cannot finish its controlled shutdown: its controllers are gone.
        deadline = time.monotonic() + (20 if self.brokers == 1 else 6)
        for node in self.nodes:
            self._await_end(self._record(node), max(0.1, deadline - time.monotonic()))
            self._record_path(node).unlink(missing_ok=True)

    def wipe(self) -> None:
        for node in self.nodes:
            self.kill(node)
            self._record_path(node).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._state = {}

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Until topics can be created and every partition has a leader: an open port proves nothing."""
        expected = [node for node in self.nodes if node not in self._down]

        def ready() -> bool:
            for node in expected:
                if self.pid(node) is None:
                    raise StackError(f"Kafka node {node} ended; its log ends:\n{processes.tail(self.log(node))}")
            # aiokafka logs every refused connection as an error: ask it only once all ports are open
            if not all(ports.answers(self.state["ports"][str(node)][0]) for node in expected):
                return False
            return run_apart(lambda: _ready(self.bootstrap, len(expected), self.brokers))

        processes.wait_until(ready, seconds, f"Kafka (log: {self.log()})")

    # -- set-up ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Before anything starts: raises when brokers were another number, Java is missing or a jar is changed."""
        if self.state and self.state["brokers"] != self.brokers:
            raise StackError(
                f"this stack was made with {self.state['brokers']} broker(s); "
                f"`roadbook down --wipe` first, then `roadbook up --brokers {self.brokers}`"
            )
        if not all(self.pid(node) for node in self.nodes):
            _java_command()

    def _configure(self) -> None:
        """Cluster id, ports and one formatted folder per node; ports of running nodes stay."""
        self.check()
        kept = dict(self.state.get("ports", {}))
        if any(self.pid(node) for node in self.nodes):
            return
        taken: set[int] = set()
        chosen = {}
        for node in self.nodes:
            client, controller = kept.get(str(node), (None, None))
            given = self.given_port + node - 1 if self.given_port else None
            chosen[str(node)] = (
                ports.choose("kafka", given=given, kept=client, taken=taken),
                ports.choose("kafka controller", kept=controller, taken=taken),
            )
        cluster = self.state.get("cluster") or _cluster_id()
        self._state = {"cluster": cluster, "brokers": self.brokers, "ports": chosen}
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Before anything is formatted: what is taken up after an interruption must get the same cluster id.
        write_json(self.folder / "cluster.json", self._state)
        for node in self.nodes:
            self._write_properties(node)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._format, self.nodes))

    def _properties(self, node: int) -> Path:
        return self.folder / f"node-{node}.properties"

    def _write_properties(self, node: int) -> None:
        listed = self._state["ports"]
        listen, advertise = self.proxied.get(node, (None, None))
        text = _SETTINGS.format(
            listen=f",PROXIED://127.0.0.1:{listen}" if listen else "",
            advertise=f",PROXIED://127.0.0.1:{advertise}" if advertise else "",
            node=node,
            # Static voters: a changed controller port is a line here, not a change in the replicated log.
            voters=",".join(f"{n}@127.0.0.1:{listed[str(n)][1]}" for n in self.nodes),
            client=listed[str(node)][0],
            controller=listed[str(node)][1],
            data=self.folder / f"node-{node}",
            replicas=self.brokers,
            in_sync=max(1, self.brokers - 1),
        )
        self._properties(node).write_text(text, encoding="utf-8")

    def _format(self, node: int) -> None:
        if (self.folder / f"node-{node}" / "meta.properties").is_file():
            return
        done = subprocess.run(
            [*_java_command(), "kafka.tools.StorageTool", "format", "-t", self._state["cluster"],
             "-c", str(self._properties(node)), "--ignore-formatted"],
            capture_output=True, text=True, check=False, cwd=self.folder,
        )  # fmt: skip
        if done.returncode != 0:
            raise StackError(f"Kafka's storage could not be formatted: {(done.stderr or done.stdout).strip()}")

    def _spawn(self, node: int) -> None:
        if self.pid(node) is not None:
            return
        archived = archive.options(self.folder, write=self.brokers == 1)
        processes.spawn(
            [*_java_command(*archived), "kafka.Kafka", str(self._properties(node))],
            environment=_clean_environment(),
            log=self.log(node),
            record=self._record_path(node),
            cwd=self.folder,
        )


def _cluster_id() -> str:
    """A random id, never with a leading `-`: Kafka's tools would take it for an option (one in 64 did)."""
    first, *rest = uuid.uuid4().bytes
    return urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")


def _java_command(*options: str) -> list[str]:
    """Java with the verified jars on its class path."""
    libs = project.downloads() / "kafka" / "libs"
    jars.verify(jars.read_lock(project.root() / "deploy" / "kafka.lock"), libs)
    return [str(java.find().program), *_JVM, *options, "-cp", f"{libs}/*"]


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("CLASSPATH", "JAVA_TOOL_OPTIONS")}


# -- talking to the brokers ---------------------------------------------------------------------------------


def run_apart(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine in an event loop of its own thread: the stack's functions may be called from inside a loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[Any]:
    """aiokafka's admin client (which has no types), started and closed. Raises KafkaError or OSError."""
    from aiokafka.admin import AIOKafkaAdminClient

    made: Any = AIOKafkaAdminClient
    client = made(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def _ready(bootstrap: str, brokers: int, replicas: int) -> bool:
    from aiokafka.errors import KafkaError

    try:
        async with admin(bootstrap) as client:
            await _create_topics(client, replicas)
            cluster = await client.describe_cluster()
            topics = await client.describe_topics(list(TOPICS))
    except (KafkaError, OSError, TimeoutError):
        return False
    leaders = [partition["leader"] for topic in topics for partition in topic["partitions"]]
    everywhere = len(leaders) == PARTITIONS * len(TOPICS) and min(leaders) > 0
    return everywhere and len(cluster["brokers"]) >= brokers


async def _create_topics(client: Any, replicas: int) -> None:
    """Create what is missing, with fixed partitions; -1 replicas = the broker's default. Raises KafkaError."""
    from aiokafka.admin import NewTopic
    from aiokafka.errors import KafkaError

    new: Any = NewTopic
    topics = [new(name, PARTITIONS, 1, topic_configs=config) for name, config in TOPICS.items()]
    for topic in topics:
        topic.replication_factor = replicas  # its constructor refuses -1, which brokers know since 2.4
    response = await client.create_topics(topics)
    for name, code, *words in response.topic_errors:
        if code not in (0, _TOPIC_EXISTS):
            raise KafkaError(f"topic {name}: error {code} {words}")


def ensure_topics(bootstrap: str) -> None:
    """Create the topics on somebody else's cluster, with its default replication. StackError when it refuses."""

    from aiokafka.errors import KafkaError

    async def ensure() -> None:
        async with admin(bootstrap) as client:
            await _create_topics(client, -1)

    try:
        run_apart(ensure)
    except (KafkaError, OSError) as error:
        raise StackError(f"Kafka at ROADBOOK_KAFKA_BOOTSTRAP: {error}; is it up, may we create topics?") from error
