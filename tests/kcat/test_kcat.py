"""kcat, which shares no code with us, reads the topic. Needs the Debian package `kcat`: run by `make test-kcat`."""

import asyncio
import json
import subprocess
from collections.abc import Iterator

import pytest
from harness import Net, Seen, check_order, post_leads

from roadbook_cli.stack import Stack

ATTRIBUTES = {"specversion", "id", "source", "type", "time", "subject", "dataschema", "partitionkey", "sequence"}


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    stack = Stack(tmp_path_factory.mktemp("kcat") / "home")
    try:
        stack.up()
        yield Net(stack)
    finally:
        stack.down(wipe=True)


async def test_every_message_has_its_headers_key_and_sequence(net: Net) -> None:
    posted = await post_leads(net, range(100))
    async with net.roadbook() as roadbook:
        for p in posted[:20]:
            await roadbook.lead.qualify_lead(p.answer["lead"], {"grade": "hot", "reasons": ["visited"]})
    command = ["kcat", "-b", net.stack.bootstrap, "-C", "-t", "roadbook.lead.v1", "-o", "beginning", "-e", "-J", "-q"]
    seen: list[Seen] = []
    while len(seen) < 220:  # 100 leads of two events, 20 grades; the relay may still be at work
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
        seen = [read(json.loads(line)) for line in done.stdout.splitlines()]
    for message in seen:
        assert {f"ce_{name}" for name in ATTRIBUTES} <= set(message.headers)
        assert message.key == message.headers["ce_partitionkey"]
        assert len(message.headers["ce_sequence"]) == 10
    order = check_order(seen)
    assert sum(order.versions.values()) == 220
    print(f"\nkcat: {len(seen)} messages, {len(order.versions)} streams, each 1..n, {order.duplicates} repeats")


def read(line: dict[str, object]) -> Seen:
    flat = line["headers"]
    assert isinstance(flat, list)
    headers = dict(zip(flat[::2], flat[1::2], strict=True))
    value = str(line["payload"]).encode()
    return Seen(int(str(line["partition"])), int(str(line["offset"])), str(line["key"]), headers, value)
