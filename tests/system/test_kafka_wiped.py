"""Kafka loses everything: consumers fail loudly, the relay is rewound, and the records are as before (F15)."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Net, check_leads, post_leads, until

from roadbook_cli.stack import Stack


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """A stack of its own: what others stored would have to be published again too."""
    stack = Stack(tmp_path_factory.mktemp("wiped") / "home")
    try:
        stack.up()
        yield Net(stack)
    finally:
        stack.down(wipe=True)


async def test_everything_is_published_again(net: Net) -> None:
    posted = await post_leads(net, range(600_000, 600_100))

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained)
    await check_leads(net, posted)  # names too: a consumer that has read nothing yet has nothing to be wound back
    projection = net.stack.service("projection")
    kafka = net.stack.kafka
    await asyncio.to_thread(kafka.down)
    await asyncio.to_thread(shutil.rmtree, kafka.folder / "node-1")
    await asyncio.to_thread(kafka.up)
    gone = await asyncio.to_thread(projection.wait_gone, 60)
    assert gone, "a consumer must not go on as if nothing had happened"
    assert "TopicReplaced" in projection.log.read_text()

    started = time.monotonic()
    for service, what in (
        ("lead", "relay:facts"),
        ("lead", "relay:personal"),
        ("projection", "projection"),
        ("projection", "projection-personal"),
    ):
        await asyncio.to_thread(roadbook, net, "rewind", service, what)
    projection.start()
    await asyncio.to_thread(projection.wait_ready)
    await until(drained, 120)
    await check_leads(net, posted)
    print(f"\nKafka wiped: everything published again and applied in {time.monotonic() - started:.1f} s")


def roadbook(net: Net, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("roadbook")), *arguments]
    environment = {"ROADBOOK_HOME": str(net.stack.home), "PATH": "/usr/bin:/bin", "HOME": str(net.stack.home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
