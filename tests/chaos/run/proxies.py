"""All proxies of a run in one process of their own, so that what passes through them does not wait for the load.

`python -m run.proxies` is that process: a JSON line in is an order, one out its answer. `Proxies` is its handle.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from run.proxy import Proxy


class Proxies:
    """By name: a service (its way to Postgres) or `kafka-<node>`."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self._targets: dict[str, int] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    def add(self, name: str, port: int, target: int) -> None:
        """Before `start`."""
        self.ports[name], self._targets[name] = port, target

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "run.proxies",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the run, which ends what goes through us first
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        await self._order({"listen": [[name, self.ports[name], self._targets[name]] for name in self.ports]})

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()

    @property
    def kafka(self) -> list[str]:
        return [name for name in self.ports if name.startswith("kafka-")]

    @property
    def postgres(self) -> list[str]:
        return [name for name in self.ports if not name.startswith("kafka-")]

    # ── Orders ──────────────────────────────────────────────────────────────────────────────────────────────────
    async def cut(self, names: Iterable[str]) -> int:
        """RST on every line; how many there were."""
        return int((await self._order({"cut": list(names)}))["cut"])

    async def silence(self, names: Iterable[str], silent: bool) -> None:
        """Nothing is passed on and nothing closed; lines of which bytes were swallowed are cut when it ends."""
        await self._order({"silence": list(names), "silent": silent})

    async def delay(self, names: Iterable[str], seconds: float) -> None:
        await self._order({"delay": list(names), "seconds": seconds})

    async def cut_at_commit(self, names: Iterable[str], share: float, seed: int = 0) -> None:
        """Of so many COMMITs the line is cut as soon as the server has them; 0 ends it."""
        await self._order({"cut_at_commit": list(names), "share": share, "seed": seed})

    async def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Sums of `accepted`, `cuts` and `swallowed` (bytes)."""
        return dict(await self._order({"counts": list(names)}))

    async def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        async with self._lock:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            line = await process.stdout.readline()
        answer: dict[str, Any] = json.loads(line)
        return answer


# ── The process ─────────────────────────────────────────────────────────────────────────────────────────────────
async def obey(proxies: dict[str, Proxy], order: dict[str, Any]) -> dict[str, Any]:
    """Carries out one order of `Proxies`."""
    what = next(iter(order))
    if what == "listen":
        for name, port, target in order["listen"]:
            proxies[name] = Proxy(port, target)
            await proxies[name].start()
        return {}
    named = [proxies[name] for name in order[what]]
    if what == "cut":
        return {"cut": sum(proxy.cut() for proxy in named)}
    if what == "counts":
        return {name: sum(getattr(proxy, name) for proxy in named) for name in ("accepted", "cuts", "swallowed")}
    for proxy in named:
        if what == "silence":
            proxy.silent = order["silent"]
            if not proxy.silent:
                proxy.speak()
        elif what == "delay":
            proxy.delay = order["seconds"]
        elif what == "cut_at_commit":
            proxy.cut_after = some_commits(order["share"], random.Random(order["seed"])) if order["share"] else None
    return {}


def some_commits(share: float, chance: random.Random) -> Any:
    return lambda data: b"COMMIT" in data and chance.random() < share


async def serve() -> None:
    """Until standard input ends: the run is over, or dead."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    proxies: dict[str, Proxy] = {}
    while line := await reader.readline():
        answer = await obey(proxies, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for proxy in proxies.values():
        await proxy.stop()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
