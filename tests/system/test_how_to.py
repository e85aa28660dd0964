"""The how-to pages are run as they are printed."""

import asyncio
import contextlib
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from confluent_kafka import Producer
from harness import Net, check_order, post_leads, read_topic

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "consume-events.md"


def script() -> str:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    assert len([line for line in blocks[0].splitlines() if line.strip()]) <= 32
    return str(blocks[0])


async def test_another_system_applies_every_event_once(net: Net, tmp_path: Path) -> None:
    posted = await post_leads(net, range(400_000, 400_050))
    async with net.roadbook() as roadbook:
        for p in posted:
            await roadbook.projection.read_customer(p.answer["party_ref"], min=p.answer)
    bootstrap, database = net.stack.bootstrap, tmp_path / "example.db"
    before = read_topic(bootstrap, "roadbook.lead.v1")
    producer = Producer({"bootstrap.servers": bootstrap})
    for message in before[-40:]:  # a relay that died after its send does this
        headers = [(name, text.encode()) for name, text in message.headers.items()]
        producer.produce("roadbook.lead.v1", message.value, message.key, partition=message.partition, headers=headers)
    assert producer.flush(10) == 0

    def command(seconds: float) -> list[str]:
        return [sys.executable, "-c", script(), bootstrap, str(database), str(seconds)]

    first = await asyncio.to_thread(subprocess.Popen, command(600))

    def some_applied() -> bool:
        if not database.exists():
            return False
        with contextlib.suppress(sqlite3.OperationalError), sqlite3.connect(database) as db:  # locked: it writes
            tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'seen'").fetchone()[0]
            return bool(tables and db.execute("SELECT count(*) FROM seen").fetchone()[0] > 5)
        return False

    while not await asyncio.to_thread(some_applied):
        assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = await asyncio.to_thread(subprocess.Popen, command(600))
    ends = {message.partition: message.offset + 1 for message in read_topic(bootstrap, "roadbook.lead.v1")}

    def all_applied() -> bool:
        with contextlib.suppress(sqlite3.OperationalError), sqlite3.connect(database) as db:
            return dict(db.execute("SELECT partition, next FROM offsets").fetchall()) == ends
        return False

    while not await asyncio.to_thread(all_applied):
        assert second.poll() is None
    second.terminate()
    second.wait()

    order = check_order(read_topic(bootstrap, "roadbook.lead.v1"))
    assert order.duplicates >= 40
    with sqlite3.connect(database) as db:
        seen = {row[0] for row in db.execute("SELECT id FROM seen")}
    assert seen == {message.headers["ce_id"] for message in order.first.values()}
