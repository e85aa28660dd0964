"""One whole stack for all system tests: every service a process of its own."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from harness import Net

from roadbook_cli.stack import Stack


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    home = tmp_path_factory.mktemp("system") / "home"
    stack = Stack(home)
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("ROADBOOK_TRACES", f"file:{home / 'spans.jsonl'}")
            stack.up()
            yield Net(stack)
    finally:
        stack.down(wipe=True)


@pytest.fixture
async def lead(net: Net) -> AsyncIterator[httpx2.AsyncClient]:
    """The lead service, as a member of staff of the first dealer."""
    async with net.client("lead") as client:
        yield client


@pytest.fixture
async def record(net: Net) -> AsyncIterator[httpx2.AsyncClient]:
    """The projection service, as a member of staff of the first dealer."""
    async with net.client("projection") as client:
        yield client
