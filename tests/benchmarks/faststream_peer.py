"""FastStream on the same Kafka and PostgreSQL: a subscriber with one upsert per message, as its documentation begins.
Runs in the peers' own environment; knows nothing of ours. `{"topic": t, "count": n}` a line, measures back."""

import asyncio
import json
import os
import sys
import time
import uuid
from typing import Any

import asyncpg
import uvloop
from faststream.kafka import KafkaBroker, KafkaMessage

UPSERT = """
INSERT INTO bare_states (stream, version, state) VALUES ($1, $2, $3)
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, state = excluded.state
"""


async def run(topic: str, count: int) -> dict[str, float]:
    """Events a second, from the first message handled to the last of `count`."""
    broker = KafkaBroker(os.environ["BOOTSTRAP"], logger=None)
    pool = await asyncpg.create_pool(os.environ["DSN"], min_size=1, max_size=4)
    handled: list[float] = []
    done = asyncio.Event()

    @broker.subscriber(topic, group_id=f"peer-{uuid.uuid4()}", auto_offset_reset="earliest")
    async def handle(body: dict[str, Any], message: KafkaMessage) -> None:
        if done.is_set():
            return
        headers = message.headers
        await pool.execute(UPSERT, headers["ce_subject"], int(headers["ce_sequence"]), json.dumps(body))
        handled.append(time.perf_counter())
        if len(handled) == count:
            done.set()

    await broker.start()
    await asyncio.wait_for(done.wait(), 300)
    await broker.stop()
    await pool.close()
    return {"rate": (count - 1) / (handled[-1] - handled[0])}


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            print(json.dumps(runner.run(run(order["topic"], order["count"]))), flush=True)


if __name__ == "__main__":
    main()
