"""What the services have, written down for the judge: event stores, tables beside them, records by viewer."""

import asyncio
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from run.client import Client
from run.known import DEALERS
from run.ledger import now
from run.stand import SERVICES, Stand

_EVENTS = """
SELECT e.stream, e.version, e.id::text AS id, e.type, e.time, e.recorded, e.data::text AS data, s.key, e.dealer,
       e.party_ref, e.vin, e.correlation, e.causation, e.actor, e.position
FROM events e LEFT JOIN streams s USING (stream) ORDER BY e.position
"""
TABLES = {
    "idempotency": "SELECT key, fingerprint, status, answer::text AS answer, stream, version, created FROM idempotency",
    "held": 'SELECT consumer, stream, version, topic, partition, "offset", reason FROM held',
    "skips": "SELECT consumer, stream, version, reason FROM consumer_skips",
    "reactions": "SELECT reaction, event::text AS event, stream, version, outcome FROM reaction_outcomes",
    "personal": "SELECT party_ref, key, value::text AS value, version, source FROM personal_data",
}
SUMMARIES = "SELECT scope, customer_id, party_refs, stage, open_leads, overdue, record_version FROM summaries"
_JSON = {"answer", "value"}


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value


async def _write(connection: asyncpg.Connection, sql: str, path: Path, *, events: bool = False) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            async for row in connection.cursor(sql, prefetch=1000):
                line = {name: plain(value) for name, value in row.items()}
                for name in _JSON & {*line}:
                    line[name] = None if line[name] is None else json.loads(line[name])
                if events:
                    line["data_sha256"] = hashlib.sha256(line["data"].encode()).hexdigest()
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
    return count


async def dump_stores(stand: Stand, folder: Path) -> dict[str, int]:
    """How many events each service has."""
    (folder / "stores").mkdir(exist_ok=True)
    found = {}
    for service in SERVICES:
        connection = await stand.connect(service)
        try:
            base = folder / "stores"
            found[service] = await _write(connection, _EVENTS, base / f"{service}.jsonl", events=True)
            for name, sql in TABLES.items():
                await _write(connection, sql, base / f"{service}.{name}.jsonl")
            if service == "projection":
                await _write(connection, SUMMARIES, base / "projection.summaries.jsonl")
        finally:
            await connection.close()
    return found


async def references(stand: Stand) -> tuple[list[str], dict[str, list[str]]]:
    """Every party reference that an event of a store names; by dealer, those that its own events or shares name."""
    every: set[str] = set()
    of: dict[str, set[str]] = {dealer: set() for dealer in DEALERS}
    for service in ("lead", "identity", "sales"):
        connection = await stand.connect(service)
        try:
            rows = await connection.fetch(
                "SELECT DISTINCT dealer, party_ref FROM events WHERE party_ref IS NOT NULL"
                " UNION SELECT data ->> 'dealer', party_ref FROM events WHERE type LIKE '%.customer_shared.%'"
                " UNION SELECT dealer, data ->> 'party_ref' FROM events WHERE type LIKE '%.ownership_transferred.%'"
            )
        finally:
            await connection.close()
        for row in rows:
            if row["party_ref"]:
                every.add(row["party_ref"])
                of.get(row["dealer"], set()).add(row["party_ref"])
    return sorted(every), {dealer: sorted(refs) for dealer, refs in of.items()}


async def dump_records(stand: Stand, client: Client, folder: Path) -> dict[str, int]:
    """All customers as headquarters; as each dealer all that may concern it, and 50 that should not."""
    every, of = await references(stand)
    viewers: list[tuple[str | None, list[str]]] = [(None, every)]
    for dealer in DEALERS:
        strangers = [ref for ref in every[:: max(1, len(every) // 50)] if ref not in set(of[dealer])][:50]
        viewers.append((dealer, [*of[dealer], *strangers]))
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        return {dealer or "headquarters": await _records(client, dealer, refs, file) for dealer, refs in viewers}


async def _records(client: Client, dealer: str | None, refs: Iterable[str], file: Any) -> int:
    """How many records were written. A reference that was part of a record before is not asked for again."""
    todo, seen, written = iter(refs), set[str](), 0

    async def reader() -> None:
        nonlocal written
        for ref in todo:
            if ref in seen:
                continue
            line = await read_record(client, dealer, ref)
            if line["hash"] is not None:
                seen.update(line["body"]["head"]["party_refs"])
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            written += 1

    await asyncio.gather(*(reader() for _ in range(12)))
    return written


async def read_record(client: Client, dealer: str | None, ref: str, tries: int = 20) -> dict[str, Any]:
    """`hash` None: there is none (404). Raises when there is no definite answer."""
    for attempt in range(tries):
        response = await client.get("projection", f"/v1/customers/{ref}", dealer)
        if response is not None and response.status in (200, 404):
            found = response.status == 200
            body = response.json() if found else None
            return {
                "viewer": dealer, "customer": ref, "hash": body["head"]["record_hash"] if body else None,
                "as_of": body["head"]["as_of"] if body else None, "t": now(), "body": body,
            }  # fmt: skip
        await asyncio.sleep(0.1 * (attempt + 1))
    raise RuntimeError(f"the record of {ref} was not answered {tries} times")
