"""What the system tests share: a client that behaves as our users should, and independent eyes on the topics."""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2
from confluent_kafka import Consumer, TopicPartition

from roadbook_cli.stack import Stack
from roadbook_client import Roadbook
from roadbook_client.lead.models import CaptureAnswer

DEALER = "dealer-sh-01"
OTHER_DEALER = "dealer-sh-02"
ALL_SCOPES = (
    *("lead:read", "lead:write", "lead:intake"),
    *("identity:read", "identity:write", "sales:read", "sales:write"),
    "record:read",
)
SERVICES = ("lead", "identity", "sales", "projection")


def lead_body(n: int, **changes: Any) -> dict[str, Any]:
    """A purchase intent that is another one for every `n`."""
    body: dict[str, Any] = {
        "source": "web",
        "person": {
            "name": f"测试 {n}",
            "phones": [{"value": f"138{n:08d}"}],
            "emails": [{"value": f"person{n}@example.com"}],
        },
        "comments": f"comment {n}",
    }
    return {**body, **changes}


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 30, every: float = 0.02) -> Any:
    """The first true value of `condition`; fails the test after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {condition.__qualname__}")
        await asyncio.sleep(every)


@dataclass
class Net:
    """A running stack and how to speak with it."""

    stack: Stack

    def url(self, service: str) -> str:
        return str(self.stack.endpoints["services"][service]["url"])

    def token(
        self, dealer: str | None = DEALER, scopes: Sequence[str] = ALL_SCOPES, subject: str = "staff-test"
    ) -> str:
        """`dealer` None is headquarters."""
        wanted = [*scopes, "identity:steward", "network:all"] if dealer is None else list(scopes)
        return self.stack.issuer.sign(subject=subject, scopes=wanted, dealer=dealer)

    def roadbook(self, dealer: str | None = DEALER, *, patience: float = 60, **options: Any) -> Roadbook:
        """The typed client, for what a user would do: it waits and asks again as our users should."""
        urls = {service: self.url(service) for service in SERVICES}
        return Roadbook(**urls, token=self.token(dealer), patience=patience, connections=64, **options)

    def client(self, service: str, dealer: str | None = DEALER, **options: Any) -> httpx2.AsyncClient:
        """Plain HTTP, for tests that send what no client would, or look at the answer itself."""
        return httpx2.AsyncClient(
            base_url=self.url(service),
            headers={"Authorization": f"Bearer {self.token(dealer, **options)}"},
            timeout=10,
            trust_env=False,
            limits=httpx2.Limits(max_connections=64),
        )

    async def connect(self, service: str) -> asyncpg.Connection:
        """As the owner role: tests may look at everything."""
        return await asyncpg.connect(self.stack.endpoints["services"][service]["owner_database_url"])

    async def metric(self, service: str, name: str, **labels: str) -> float:
        """The sum of a Prometheus sample over the labels not named; 0 when the service has not counted yet."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
            text = (await client.get(self.url(service) + "/metrics")).text
        total = 0.0
        for line in text.splitlines():
            wanted = all(f'{key}="{value}"' in line for key, value in labels.items())
            if wanted and line.startswith((name + "{", name + " ")):
                total += float(line.rsplit(" ", 1)[1])
        return total

    async def figures(self) -> dict[str, Any]:
        """Cursors, offsets and held rows of every service."""
        queries = {
            "outbox": "SELECT channel, count(*) FROM outbox GROUP BY 1",
            "cursors": "SELECT channel, c.next, h.next FROM relay_cursor c JOIN outbox_log_head h USING (channel)",
            "offsets": "SELECT consumer, topic, partition, next FROM consumer_offsets ORDER BY 1, 2, 3",
            "held": "SELECT consumer, stream, version, reason FROM held LIMIT 20",
        }
        found: dict[str, Any] = {}
        for service in SERVICES:
            connection = await self.connect(service)
            for name, sql in queries.items():
                found[f"{service}.{name}"] = [tuple(row) for row in await connection.fetch(sql)]
            await connection.close()
        return found

    async def backlog(self) -> int:
        """Events of the lead service that wait for Kafka's acknowledgement."""
        connection = await self.connect("lead")
        try:
            return int(
                await connection.fetchval(
                    "SELECT (SELECT count(*) FROM outbox WHERE channel = 'facts')"
                    " + (SELECT h.next - c.next FROM outbox_log_head h JOIN relay_cursor c USING (channel)"
                    "    WHERE channel = 'facts')"
                )
            )
        finally:
            await connection.close()


class Watched(httpx2.AsyncHTTPTransport):
    """The ordinary transport, which notes what became of every attempt: by idempotency key, a status or an error."""

    def __init__(self) -> None:
        super().__init__(trust_env=False, limits=httpx2.Limits(max_connections=64))
        self.seen: defaultdict[str, list[int | str]] = defaultdict(list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        noted = self.seen[request.headers.get("Idempotency-Key", "").strip('"')]
        try:
            response = await super().handle_async_request(request)
        except httpx2.HTTPError as error:
            noted.append(type(error).__name__)
            raise
        noted.append(response.status_code)
        return response


@dataclass
class Posted:
    """One command as its client saw it. `statuses` are all answers until the definite one."""

    key: str
    body: dict[str, Any]
    answer: CaptureAnswer
    statuses: list[int | str] = field(default_factory=list)


async def post_lead(net: Net, n: int) -> Posted:
    return (await post_leads(net, [n]))[0]


async def post_leads(net: Net, numbers: Sequence[int], *, concurrency: int = 16, seconds: float = 60) -> list[Posted]:
    """Each until the outcome is definite: asked again by the client, always with the same key."""
    gate = asyncio.Semaphore(concurrency)
    watched = Watched()

    async def one(roadbook: Roadbook, n: int) -> Posted:
        key, body = f"system-{n}-{random.getrandbits(64):x}", lead_body(n)
        async with gate:
            return Posted(key, body, await roadbook.lead.capture_lead(body, key=key), watched.seen[key])

    async with httpx2.AsyncClient(transport=watched) as http:
        roadbook = net.roadbook(patience=seconds, http=http)
        return list(await asyncio.gather(*(one(roadbook, n) for n in numbers)))


@dataclass(frozen=True)
class Seen:
    """A message as a client that is not ours reads it."""

    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    value: bytes | None


def read_topic(bootstrap: str, topic: str) -> list[Seen]:
    """Everything on the topic, by librdkafka, per partition in offset order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"eyes-{random.getrandbits(32):x}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        waiting, seen = set(partitions), []
        end = time.monotonic() + 60
        while waiting:
            assert time.monotonic() < end, "the topic could not be read to its end"
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                waiting.discard(message.partition())  # end of partition
                continue
            headers = {name: (raw or b"").decode() for name, raw in message.headers() or []}
            key = message.key()
            seen.append(
                Seen(
                    message.partition(),
                    message.offset(),
                    key.decode() if key is not None else None,
                    headers,
                    message.value(),
                )
            )
        return seen
    finally:
        consumer.close()


@dataclass(frozen=True)
class Order:
    """What the topic says of every stream: `first` are the first occurrences, by stream and version."""

    first: dict[tuple[str, int], Seen]
    versions: dict[str, int]
    duplicates: int


def check_order(messages: Sequence[Seen]) -> Order:
    """First occurrences are 1..n per stream, one partition per key, and repeats byte-identical: else it fails."""
    first: dict[tuple[str, int], Seen] = {}
    versions: Counter[str] = Counter()
    partition_of: dict[str | None, int] = {}
    duplicates = 0
    for message in messages:
        stream, version = message.headers["ce_subject"], int(message.headers["ce_sequence"])
        assert partition_of.setdefault(message.key, message.partition) == message.partition
        known = first.get((stream, version))
        if known is not None:
            duplicates += 1
            assert (known.key, known.headers, known.value) == (message.key, message.headers, message.value)
            continue
        assert version == versions[stream] + 1, f"{stream}: {version} after {versions[stream]}"
        versions[stream] = version
        first[stream, version] = message
    return Order(first, dict(versions), duplicates)


async def repeats(net: Net) -> int:
    """How many repeats stand on the topic of leads now: tests share it and count their own."""
    return check_order(await asyncio.to_thread(read_topic, net.stack.bootstrap, "roadbook.lead.v1")).duplicates


async def check_leads(net: Net, posted: Sequence[Posted]) -> Order:
    """Every accepted command stands in the store once, on the topic in order, and in the record once."""
    connection = await net.connect("lead")
    try:
        stored = {
            (row["stream"], row["version"]): (row["id"], row["data"])
            for row in await connection.fetch("SELECT stream, version, id::text AS id, data::text AS data FROM events")
        }
    finally:
        await connection.close()
    streams = [p.answer["stream"] for p in posted]
    assert len(set(streams)) == len(posted)
    for p in posted:
        ids = [stored[p.answer["stream"], version][0] for version in range(1, p.answer["version"] + 1)]
        assert ids == p.answer["events"]
    order = check_order(await asyncio.to_thread(read_topic, net.stack.bootstrap, "roadbook.lead.v1"))
    assert {at: (m.headers["ce_id"], (m.value or b"").decode()) for at, m in order.first.items()} == stored
    await check_records(net, posted)
    return order


async def check_records(net: Net, posted: Sequence[Posted]) -> None:
    gate = asyncio.Semaphore(16)
    try:
        await _check_records(net, posted, gate)
    except AssertionError:
        print(await net.figures())  # what was where when it went wrong
        raise


async def _check_records(net: Net, posted: Sequence[Posted], gate: asyncio.Semaphore) -> None:
    async with net.roadbook() as roadbook:

        async def one(p: Posted) -> None:
            async with gate:
                party = p.answer["party_ref"]
                timeline = [each async for each in roadbook.projection.read_timeline(party, min=p.answer)]
                own = [each for each in timeline if each["stream"] == p.answer["stream"]]  # identity's come beside them
                found = [(e["stream"], e["version"], e["event_id"]) for e in own]
                expected = [(p.answer["stream"], n, id_) for n, id_ in enumerate(p.answer["events"], start=1)]
                assert sorted(found) == expected
                record = await roadbook.projection.read_customer(party, min=p.answer)
                assert p.body["person"]["name"] in json.dumps(record, ensure_ascii=False)

        await asyncio.gather(*(one(p) for p in posted))


async def read_when_visible(client: httpx2.AsyncClient, path: str, position: str, seconds: float = 60) -> Any:
    """A read with `?min=`; 503 means not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            response = await client.get(path, params={"min": position})
        except httpx2.HTTPError:
            response = None
        if response is not None and response.status_code == 200:
            return response.json()
        if time.monotonic() > end:
            said = "no answer" if response is None else f"{response.status_code} {response.text}"
            raise AssertionError(f"{path} not visible within {seconds} s: {said}")
        assert response is None or response.status_code == 503, response.text
        await asyncio.sleep(0.05)
