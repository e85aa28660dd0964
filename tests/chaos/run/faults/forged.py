"""Messages that a test producer puts on the topics (F26, F28-F31). Each is noted, so that the judge can take it out.

What is forged stands on streams of its own and names no reference of a party: no record comes of it.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from roadbook import ops
from roadbook.database import close_pool, create_pool
from run.context import Bite, Context
from run.faults.twins import metric
from run.ledger import now
from run.stand import SERVICES

LEAD = "roadbook.lead.v1"
REPEATED = ("roadbook.lead.v1", "roadbook.identity.v1", "roadbook.sales.v1")
HELD = 'SELECT consumer, stream, version, reason FROM held WHERE stream = $1 ORDER BY consumer, version, "offset"'


# ── Producing ───────────────────────────────────────────────────────────────────────────────────────────────────
async def produce(ctx: Context, messages: list[dict[str, Any]], fault: str, expect: str) -> list[tuple[int, int]]:
    """`messages`: topic, key, value, headers, and what the note says of it. (partition, offset) of each."""
    producer = Producer(
        {"bootstrap.servers": ctx.stand.bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random",
         "log_level": 0}
    )  # fmt: skip
    places: dict[int, tuple[int, int]] = {}

    def landed(number: int) -> Any:
        def done(error: Any, message: Any) -> None:
            if error is None:
                places[number] = (message.partition(), message.offset())

        return done

    def send() -> None:
        for number, each in enumerate(messages):
            where = {} if each.get("partition") is None else {"partition": each["partition"]}
            producer.produce(each["topic"], value=each["value"], key=each["key"], headers=each["headers"],
                             on_delivery=landed(number), **where)  # fmt: skip
        producer.flush(30)

    await asyncio.to_thread(send)
    for number, each in enumerate(messages):
        partition, offset = places.get(number, (-1, -1))
        note = {name: each.get(name) for name in ("topic", "stream", "version", "id")}
        await ctx.injected.write(
            {"t": now(), "fault": fault, **note, "partition": partition, "offset": offset,
             "expect": each.get("expect", expect)}
        )  # fmt: skip
    return [places.get(number, (-1, -1)) for number in range(len(messages))]


def forged(stream: str, version: int, name: str, data: bytes, major: int = 1) -> dict[str, Any]:
    """An event of the lead service that it never stored."""
    id_, type_ = str(uuid.uuid4()), f"roadbook.lead.{name}.v{major}"
    headers = {
        "content-type": "application/json", "ce_specversion": "1.0", "ce_id": id_, "ce_source": "urn:roadbook:lead",
        "ce_type": type_, "ce_time": now(), "ce_subject": stream,
        "ce_dataschema": type_.replace("roadbook.", "urn:roadbook:schema:", 1), "ce_partitionkey": stream,
        "ce_sequence": f"{version:010d}", "ce_recordedtime": now(), "ce_correlationid": str(uuid.uuid4()),
        "ce_actor": "chaos",
    }  # fmt: skip
    return {"topic": LEAD, "key": stream.encode(), "value": data, "stream": stream, "version": version, "id": id_,
            "headers": [(name, text.encode()) for name, text in headers.items()]}  # fmt: skip


def spend(stream: str, version: int) -> dict[str, Any]:
    """An event that every reader counts and none acts on."""
    data = {"at": now(), "note": f"forged {version}"}
    return forged(stream, version, "media_spend_remarked", json.dumps(data).encode())


# ── What readers made of it ─────────────────────────────────────────────────────────────────────────────────────
async def held(
    ctx: Context, stream: str, services: tuple[str, ...] = SERVICES
) -> list[tuple[str, str, int, str | None]]:
    """(service, consumer, version, reason) of what is kept back of a stream."""
    found = []
    for service in services:
        connection = await ctx.stand.connect(service)
        try:
            rows = await connection.fetch(HELD, stream)
            found += [(service, row["consumer"], row["version"], row["reason"]) for row in rows]
        finally:
            await connection.close()
    return found


async def version_of(ctx: Context, stream: str) -> int:
    """The last version that the projection applied."""
    connection = await ctx.stand.connect("projection")
    try:
        sql = "SELECT version FROM consumer_streams WHERE consumer = 'projection' AND stream = $1"
        return int(await connection.fetchval(sql, stream) or 0)
    finally:
        await connection.close()


async def until(condition: Any, seconds: float = 30) -> Any:
    """The first true value, or the last one."""
    end = asyncio.get_running_loop().time() + seconds
    while not (value := await condition()) and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.3)
    return value


async def operate(ctx: Context, service: str, what: str, consumer: str, stream: str, version: int = 0) -> None:
    """As an operator would: `unpark` or `skip`."""
    pool = await create_pool(ctx.stand.stack.endpoints["services"][service]["owner_database_url"], size=1)
    try:
        if what == "unpark":
            await ops.unpark(pool, consumer, stream)
        else:
            await ops.skip(pool, consumer, stream, version, "chaos")
    finally:
        await close_pool(pool)


async def skip_all(ctx: Context, stream: str) -> int:
    """Gives up what is parked of a stream, everywhere."""
    skipped = 0
    for service, consumer, version, reason in await held(ctx, stream):
        if reason is not None:
            await operate(ctx, service, "skip", consumer, stream, version)
            skipped += 1

    async def nothing() -> bool:
        return not await held(ctx, stream)

    await until(nothing, 15)
    return skipped


# ── The faults ──────────────────────────────────────────────────────────────────────────────────────────────────
def tail(bootstrap: str, share: int, most: int, chance: Any) -> list[dict[str, Any]]:
    """One in `share` of the newest messages of the fact topics, as they stand."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"again-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    found: list[dict[str, Any]] = []
    try:
        for topic in REPEATED:
            for partition in range(12):
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                start = max(low, high - most)
                if start >= high:
                    continue
                consumer.assign([TopicPartition(topic, partition, start)])
                left = high - start
                while left > 0:
                    messages = consumer.consume(min(left, 500), 5)
                    if not messages:
                        break
                    left -= len(messages)
                    found += [m for m in map(_as_is, messages) if m and chance.random() < 1 / share]
    finally:
        consumer.close()
    return found


def _as_is(message: Any) -> dict[str, Any] | None:
    if message.error() is not None or message.value() is None or message.headers() is None:
        return None
    headers: Mapping[str, bytes] = dict(message.headers())
    if headers.get("ce_actor") == b"chaos" or "ce_sequence" not in headers:
        return None
    return {
        "topic": message.topic(), "partition": message.partition(), "key": message.key(), "value": message.value(),
        "headers": message.headers(), "stream": headers["ce_subject"].decode(),
        "version": int(headers["ce_sequence"]), "id": headers["ce_id"].decode(),
    }  # fmt: skip


async def _dropped(ctx: Context) -> float:
    urls = ctx.stand.urls()
    return sum([await metric(urls[service], "consumer_duplicates_total") for service in SERVICES])


async def again(ctx: Context) -> Bite:
    """Duplicates, byte for byte: each reader counts them and drops them (F26)."""
    messages = await asyncio.to_thread(tail, ctx.stand.bootstrap, 10, 400, ctx.random)
    before = await _dropped(ctx)
    await produce(ctx, messages, "F26", "duplicate")

    async def dropped() -> bool:
        return await _dropped(ctx) - before >= len(messages)

    reached = await until(dropped, 30)
    proof = {"sent_again": len(messages), "dropped_by_readers": int(await _dropped(ctx) - before)}
    return Bite(bool(messages) and reached, proof)


async def out_of_order(ctx: Context) -> Bite:
    """Version 3 before 2, on five streams: every reader holds it, then goes on by itself (F28)."""
    streams = [f"mediaspend/chaos-{uuid.uuid4()}" for _ in range(5)]
    await produce(ctx, [spend(s, v) for s in streams for v in (1, 3)], "F28", "parked")

    async def all_held() -> bool:
        return all([any(r[2] == 3 for r in await held(ctx, s, ("projection",))) for s in streams])

    detected = await until(all_held)
    readers = len({row[:2] for stream in streams for row in await held(ctx, stream)})
    await produce(ctx, [spend(s, 2) for s in streams], "F28", "parked")

    async def all_applied() -> bool:
        return all([await version_of(ctx, stream) == 3 and not await held(ctx, stream) for stream in streams])

    healed = await until(all_applied)
    proof = {"streams": len(streams), "held_by_readers": readers, "healed": bool(healed)}
    return Bite(bool(detected), proof, [] if healed else ["a stream did not go on after its gap was closed"])


async def poison(ctx: Context) -> Bite:
    """What the projection cannot fold parks its stream, again after an unpark, and is skipped in the end (F29)."""
    streams = [f"lead/{uuid.uuid4()}" for _ in range(3)]
    messages = [forged(s, 1, "lead_qualified", b'{"grade":{"not":"a word"},"reasons":7}') for s in streams]
    await produce(ctx, messages, "F29", "parked")

    async def parked() -> bool:
        return all([any(r[3] for r in await held(ctx, s, ("projection",))) for s in streams])

    detected = await until(parked)
    for stream in streams:
        await operate(ctx, "projection", "unpark", "projection", stream)
    await asyncio.sleep(2.5)
    again = await until(parked)
    skipped = sum([await skip_all(ctx, stream) for stream in streams])
    proof = {"parked": len(streams) if detected else 0, "parked_again": bool(again), "skipped": skipped}
    return Bite(bool(detected), proof, [] if again else ["poison did not park again after an unpark"])


async def unheard_of(ctx: Context) -> Bite:
    """An unknown type is kept and counted; a newer version of a known type parks (F30)."""
    unknown, newer = f"lead/{uuid.uuid4()}", f"lead/{uuid.uuid4()}"
    first = {**forged(unknown, 1, "lead_teleported", b'{"at":"2026-01-01T00:00:00Z"}'), "expect": "unknown"}
    second = forged(newer, 1, "lead_qualified", b'{"at":"2026-01-01T00:00:00Z"}', major=9)
    await produce(ctx, [first, second], "F30", "parked")

    async def both() -> bool:
        rows = await held(ctx, newer, ("projection",))
        return await version_of(ctx, unknown) == 1 and any(row[3] == "newer_version" for row in rows)

    detected = await until(both)
    wrong = [] if not await held(ctx, unknown) else ["an unknown type was parked"]
    return Bite(bool(detected), {"kept": 1, "parked": 1, "skipped": await skip_all(ctx, newer)}, wrong)


async def unreadable(ctx: Context) -> Bite:
    """Invalid UTF-8, no JSON, an empty value, a tombstone, no headers: set aside with a reason, nobody dies (F31)."""
    lives = dict(ctx.stand.restarts)
    values: list[bytes | None] = [b'{"a":"\xff\xfe"}', b"{", b"", None, b"[]"]
    messages = [{**spend(f"mediaspend/chaos-{uuid.uuid4()}", 1), "value": value} for value in values]
    messages.append({"topic": LEAD, "key": b"chaos", "value": b"{}", "headers": [("ce_specversion", b"1.0")]})
    places = await produce(ctx, messages, "F31", "parked")
    names = [f"undecodable/{LEAD}/{partition}/{offset}" for partition, offset in places]

    async def all_aside() -> bool:
        return all([bool(await held(ctx, name, ("projection",))) for name in names])

    detected = await until(all_aside)
    readers = len({row[:2] for name in names for row in await held(ctx, name)})
    skipped = sum([await skip_all(ctx, name) for name in names])
    wrong = [] if dict(ctx.stand.restarts) == lives else ["a service died of it"]
    return Bite(bool(detected), {"set_aside": len(names), "by_readers": readers, "skipped": skipped}, wrong)
