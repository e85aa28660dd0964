"""Peers: what a Python team would take instead. Each runs in an environment of its own (`requirements.lock`), as a
process that reads a line of JSON and answers with one."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stage import HERE


@dataclass(frozen=True, slots=True)
class Peer:
    process: asyncio.subprocess.Process

    async def ask(self, order: dict[str, Any]) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the peer ended")
        answer: dict[str, float] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True)
class Peers:
    """`python` of their environment."""

    python: Path

    @asynccontextmanager
    async def process(self, module: str, **environment: str) -> AsyncIterator[Peer]:
        process = await asyncio.create_subprocess_exec(
            str(self.python), str(HERE / f"{module}.py"), env={"PATH": os.defpath, **environment},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield Peer(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()
