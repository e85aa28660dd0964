"""Carries a plan out: one fault after another, each watched until little waits anywhere, each written down."""

import asyncio
import json
import random
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from run.client import Client
from run.context import Bite, Context
from run.eyes import Eyes
from run.faults import FAULTS
from run.ledger import Journal, now
from run.load import Load
from run.monitor import Monitor
from run.plan import Planned
from run.stand import SERVICES, Stand

RECOVERY = 60.0  # seconds after which what still waits is said to have no end


@dataclass
class Conductor:
    stand: Stand
    client: Client
    load: Load
    monitor: Monitor
    eyes: Eyes
    injected: Journal
    folder: Path
    say: Callable[[str], None]
    lines: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # for which there was no time: the machine is slow

    async def carry_out(self, planned: Sequence[Planned], started: float, until: float) -> None:
        """`started`: monotonic moment of the plan's zero; what could not begin before `until` is said."""
        for each in planned:
            wait = started + each.at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if time.monotonic() > until:
                self.left.append(each.fault)
                continue
            await self._one(each)

    async def _act(self, each: Planned, seed: int) -> tuple[Context, Bite]:
        ctx = Context(
            self.stand, self.client, self.load, self.monitor, self.eyes, self.injected,
            random.Random(seed), each.seconds, self.folder,
        )  # fmt: skip
        if FAULTS[each.fault].away:
            self.monitor.still.away(ctx.began)
        try:
            return ctx, await FAULTS[each.fault].act(ctx)
        except Exception as error:
            (self.folder / "errors.log").open("a").write(traceback.format_exc() + "\n")
            return ctx, Bite(False, {"error": f"{type(error).__name__}: {error}"}, [f"could not be made: {error!r}"])
        finally:
            self.monitor.still.back(time.monotonic())

    async def _one(self, each: Planned) -> None:
        begun, little = now(), self.monitor.usual(time.monotonic())
        ctx, bite = await self._act(each, each.seed)
        if not bite.bit and not bite.wrong:  # it met nobody: once more, and the proof says so
            for service in SERVICES:
                await self.stand.ready(service)
            ctx, bite = await self._act(each, each.seed + 1)
            bite.proof["tries"] = 2
        ended, over = now(), time.monotonic()
        for service in SERVICES:
            await self.stand.ready(service)
        recovered = await self.monitor.calm(over, RECOVERY, little)
        if recovered is None:
            bite.wrong.append(f"not recovered within {RECOVERY:.0f} s: {self.monitor.waiting()}")
        line = {
            "n": each.n, "fault": each.fault, "what": each.what, "begun": begun, "ended": ended,
            "seconds": round(over - ctx.began, 1), "bit": bite.bit and not bite.wrong, "wrong": bite.wrong,
            "proof": {**ctx.figures(), **bite.proof},
            "recovered_seconds": None if recovered is None else round(recovered, 1),
        }  # fmt: skip
        self.lines.append(line)
        self.wrong += [f"{each.fault}: {word}" for word in bite.wrong]
        with (self.folder / "faults.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.say(told(line))


def told(line: dict[str, Any]) -> str:
    """One line for whoever watches."""
    proof = ", ".join(f"{name} {value}" for name, value in line["proof"].items() if value not in (0, 0.0, None, ""))
    word = "bit" if line["bit"] else "WITHOUT EFFECT" if not line["wrong"] else f"WRONG ({'; '.join(line['wrong'])})"
    recovered = "-" if line["recovered_seconds"] is None else f"{line['recovered_seconds']} s"
    return (
        f"{line['n']:3} {line['fault']:4} {line['what']}: {word} in {line['seconds']} s, recovered {recovered}; {proof}"
    )
