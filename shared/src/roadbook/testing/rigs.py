"""Rigs for the consumer contract: which store and which bus."""

from collections.abc import Callable, Sequence
from typing import Any

from roadbook import ops
from roadbook.bus import Publisher, Subscription
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool
from roadbook.testing.consumer_rig import PARTITIONS, Ledger, Rig, Row
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemorySubscription
from roadbook.testing.memory_consumer_store import MemoryConsumerStore

# The owner runs this in the database of a `postgres_rig`. No key: an event applied twice must show.
effects_table_sql = """
CREATE TABLE effects (n bigserial, stream text, version bigint, id text);
GRANT SELECT, INSERT ON effects TO roadbook_app;
GRANT USAGE ON SEQUENCE effects_n_seq TO roadbook_app;
"""


def memory_rig() -> Rig:
    broker, store = MemoryBroker(), MemoryConsumerStore()
    broker.create_topic("things", PARTITIONS)

    async def append(effects: dict[str, Any], rows: Sequence[Row]) -> None:
        effects.setdefault("rows", []).extend(rows)

    async def read(effects: dict[str, Any], streams: Sequence[str]) -> list[Row]:
        return [row for row in effects.get("rows", []) if row[0] in streams]

    async def effects() -> list[Row]:
        return list(store.tables.effects.get("rows", []))

    async def held() -> list[tuple[str, int, str | None]]:
        return [(row.stream, row.version, row.reason) for row in store.tables.held]

    async def set_offsets(offset: int) -> None:
        store.tables.offsets = dict.fromkeys(store.tables.offsets, offset)

    async def offsets() -> dict[int, int]:
        return {place.partition: offset for place, offset in store.tables.offsets.items()}

    return Rig(
        "things",
        MemoryPublisher(broker),
        lambda: MemorySubscription(broker),
        lambda: store,
        lambda: Ledger(append, read),
        effects,
        held,
        store.unpark,
        set_offsets,
        offsets,
    )


def postgres_rig(pool: Pool, topic: str, publisher: Publisher, subscription: Callable[[], Subscription]) -> Rig:
    async def append(connection: Any, rows: Sequence[Row]) -> None:
        await connection.executemany("INSERT INTO effects (stream, version, id) VALUES ($1, $2, $3)", rows)

    async def read(connection: Any, streams: Sequence[str]) -> list[Row]:
        rows = await connection.fetch(
            "SELECT stream, version, id FROM effects WHERE stream = ANY($1) ORDER BY n", list(streams)
        )
        return [tuple(row) for row in rows]

    async def effects() -> list[Row]:
        return [tuple(row) for row in await pool.fetch("SELECT stream, version, id FROM effects ORDER BY n")]

    async def held() -> list[tuple[str, int, str | None]]:
        return [tuple(row) for row in await pool.fetch("SELECT stream, version, reason FROM held")]

    async def offsets() -> dict[int, int]:
        return {row["partition"]: row["next"] for row in await pool.fetch("SELECT * FROM consumer_offsets")}

    return Rig(
        topic,
        publisher,
        subscription,
        lambda: PostgresConsumerStore(pool, "thing"),
        lambda: Ledger(append, read),
        effects,
        held,
        lambda stream: ops.unpark(pool, "thing", stream),
        lambda offset: pool.execute("UPDATE consumer_offsets SET next = $1", offset),
        offsets,
    )
