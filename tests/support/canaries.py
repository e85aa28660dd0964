"""Canaries: where they are put into what a service publishes, and where they are looked for."""

import asyncio
import base64
import binascii
import contextlib
import copy
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from harness import SERVICES, Net, read_topic

from roadbook import ops
from roadbook.kafka.admin import end_offsets

PERSONAL_TOPIC = "roadbook.personal-data.v1"
TOPICS = (*(f"roadbook.{name}.v1" for name in ("lead", "identity", "sales", "derived")), PERSONAL_TOPIC)
CANARY = re.compile(r"CNRY[0-9]{5}Zq", re.IGNORECASE)


@dataclass
class Canaries:
    """Hands out canaries; remembers where each was put."""

    put: dict[str, str] = field(default_factory=dict)

    def new(self, where: str) -> str:
        canary = f"CNRY{len(self.put):05d}Zq"
        self.put[canary.lower()] = where
        return canary


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif isinstance(value, str):
        yield path


def replaced(body: Any, path: tuple[Any, ...], value: str) -> Any:
    changed = copy.deepcopy(body)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


def strings_of(schema: dict[str, Any], document: dict[str, Any], path: str = "") -> set[str]:
    """Every property that takes a string, as the published document says it."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    found = set()
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= strings_of(part, document, path)
    for name, inner in schema.get("properties", {}).items():
        found |= strings_of(inner, document, f"{path}/{name}")
    if "items" in schema:
        found |= strings_of(schema["items"], document, path + "/*")
    if schema.get("type") == "string" and "const" not in schema:
        found.add(path)
    return found


def keep(response: httpx2.Response, answers: list[str]) -> None:
    """Problem bodies and all headers must never repeat what was sent; good answers may show it to whoever may see."""
    assert response.status_code < 500, response.text
    body = response.text if response.status_code >= 400 else ""
    answers.append(body + json.dumps(dict(response.headers)))


# ── What a service publishes of itself ────────────────────────────────────────────────────────────────────────
def placed(body: Any, steps: Sequence[str], value: str) -> Any:
    """`body` with `value` at a path of `strings_of`, even where the body has nothing. `*` is the first of a list."""
    if not steps:
        return value
    step, *rest = steps
    if step == "*":
        items = body if isinstance(body, list) else []
        return [placed(items[0] if items else None, rest, value), *items[1:]]
    kept = body if isinstance(body, dict) else {}
    return {**kept, step: placed(kept.get(step), rest, value)}


@dataclass
class Published:
    """Asks for all that a service's OpenAPI document has: each parameter and each string of a body is a canary in turn.

    Bodies are the documented examples, and `more` of them by path. `known` are ids that exist, by the names that fields
    and path parameters have; what the answers to the examples name is added.
    """

    client: httpx2.AsyncClient
    canaries: Canaries
    answers: list[str]
    more: dict[str, list[dict[str, Any]]]
    known: dict[str, Any] = field(default_factory=dict)

    async def ask(self, *, bodies: bool = True) -> None:
        document = (await self.client.get("/openapi.json")).json()
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if method == "get" or not operation.get("requestBody"):
                    await self._parameters(method.upper(), path, operation)
                elif bodies:
                    await self._bodies(path, operation, document)
                    await self._parameters(method.upper(), path, operation, self._filled(_example(operation)))

    async def _parameters(self, method: str, path: str, operation: dict[str, Any], body: Any = None) -> None:
        here = self._real(path, operation)
        for parameter in operation.get("parameters", ()):
            name, where = parameter["name"], f"{method} {path} {parameter['in']} {parameter['name']}"
            if parameter["in"] == "path":
                await self._send(method, self._real(path, operation, {name: self.canaries.new(where)}), body)
            elif parameter["in"] == "query":
                await self._send(method, here, body, params={name: self.canaries.new(where)})
        await self._send(method, here, body, params={self.canaries.new(f"{method} {path} unknown name"): "1"})

    async def _bodies(self, path: str, operation: dict[str, Any], document: dict[str, Any]) -> None:
        first = path in self.more or "{" not in path  # what the following requests need
        examples = [self._filled(each) for each in (_example(operation), *self.more.get(path, ()))]
        if first:
            made = await self._send("POST", self._real(path, operation), examples[0])
            assert made.status_code in (200, 201), made.text  # an example is a good one
            self.known |= made.json()
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        bad = {self.canaries.new(f"POST {path} unknown key"): self.canaries.new(f"POST {path} its value")}
        bad = {**examples[0], **bad}
        for at in sorted(strings_of(schema, document)):
            steps = at.strip("/").split("/")
            for number, example in enumerate(examples, start=1):
                where = f"POST {path} {at} of example {number}"
                await self._send("POST", self._real(path, operation), placed(example, steps, self.canaries.new(where)))
                sentence = f"says {self.canaries.new(where + ' (in a sentence)')} himself"
                await self._send("POST", self._real(path, operation), placed(example, steps, sentence))
            bad = placed(bad, steps, self.canaries.new(f"POST {path} {at} (refused)"))
        refused = await self._send("POST", self._real(path, operation), bad)
        assert refused.status_code >= 400

    async def _send(self, method: str, path: str, body: Any, **options: Any) -> httpx2.Response:
        headers = {} if method == "GET" else {"Idempotency-Key": f"documented-{len(self.answers)}"}
        response = await self.client.request(method, path, json=body, headers=headers, **options)
        keep(response, self.answers)
        return response

    def _filled(self, example: Any) -> Any:
        return {name: self.known.get(name, value) for name, value in example.items()}

    def _real(self, path: str, operation: dict[str, Any], other: dict[str, str] | None = None) -> str:
        values = {
            parameter["name"]: self.known.get(parameter["name"].removesuffix("_id"), _shown(parameter))
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "path"
        }
        for name, value in {**values, **(other or {})}.items():
            path = path.replace(f"{{{name}}}", value)
        return path


def _example(operation: dict[str, Any]) -> dict[str, Any]:
    example: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
    return example


def _shown(parameter: dict[str, Any]) -> str:
    return str(parameter["schema"].get("examples", ["0199aaaa-0000-7000-8000-000000000000"])[0])


# ── The search ────────────────────────────────────────────────────────────────────────────────────────────────
async def settled(net: Net) -> bool:
    """Whether everything decided is on Kafka, and read by all who read it."""
    ends = await end_offsets(net.stack.bootstrap, TOPICS)
    waiting = 0
    for service in SERVICES:
        connection = await net.connect(service)
        try:
            waiting += sum(each.pending + each.behind for each in await ops.outbox_lag(connection))
            waiting += sum(each.events or 0 for each in await ops.consumer_lag(connection, ends))
            for table in {"identity": ["match_dirty"], "projection": ["dirty"]}.get(service, []):
                waiting += await connection.fetchval(f"SELECT count(*) FROM {table}")
        finally:
            await connection.close()
    return waiting == 0


async def search(net: Net, answers: list[str]) -> dict[str, set[str]]:
    """Every place, and the canaries in it (lower case: normalised search keys have no other)."""
    found = {"answers": hits("\n".join(answers))}
    for service in SERVICES:
        connection = await net.connect(service)
        try:
            for table in await tables(connection):
                rows = await connection.fetch(f'SELECT t::text AS row FROM "{table}" AS t')
                found[f"table {service}.{table}"] = set().union(*(hits(decoded(row["row"])) for row in rows), set())
        finally:
            await connection.close()
        async with httpx2.AsyncClient(base_url=net.url(service), trust_env=False) as client:
            found[f"metrics of {service}"] = hits((await client.get("/metrics")).text)
    for topic in TOPICS:
        messages = await asyncio.to_thread(read_topic, net.stack.bootstrap, topic)
        found[f"headers and keys of {topic}"] = hits("\n".join(str((m.key, m.headers)) for m in messages))
        found[f"topic {topic}"] = hits("\n".join((m.value or b"").decode() for m in messages))
    found |= await asyncio.to_thread(search_files, Path(net.stack.home))
    return found


def search_files(home: Path) -> dict[str, set[str]]:
    found = {}
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        tables_and_wal = inside.parts[0].startswith("postgres")  # searched as tables, and they hold what may be held
        if path.is_file() and not tables_and_wal and PERSONAL_TOPIC not in str(inside):
            content = path.read_bytes().rstrip(b"\0")  # most of Kafka's files are megabytes of nothing
            found[f"file {inside}"] = hits(content.decode("utf-8", "replace"))
    return found


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [row["tablename"] for row in rows]


def decoded(row: str) -> str:
    """Bytes print as hex, and held headers are base64: read them too."""
    texts = [bytes.fromhex(h).decode("utf-8", "replace") for h in re.findall(r"\\x((?:[0-9a-f]{2})+)", row)]
    for word in re.findall(r"[A-Za-z0-9+/]{12,}={0,2}", row):
        with contextlib.suppress(binascii.Error):
            texts.append(base64.b64decode(word + "=" * (-len(word) % 4)).decode("utf-8", "replace"))
    return "\n".join([row, *texts])


def hits(text: str) -> set[str]:
    return {hit.lower() for hit in CANARY.findall(text)}
