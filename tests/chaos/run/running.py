"""One run from the empty folder to the verdict."""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from run import report
from run.client import Client
from run.conductor import Conductor
from run.dumps import dump_records, dump_stores
from run.eyes import PERSONAL, TOPICS, Eyes
from run.faults.requests import readings
from run.known import DEALERS
from run.ledger import Journal, now
from run.load import Load
from run.monitor import Monitor
from run.plan import Planned
from run.quiet import quiet
from run.samples import Samples
from run.scans import read_whole
from run.stand import SERVICES, Stand

GRACE = 60.0  # seconds that the plan may run over, beside half of its own
PROBE_SECONDS = 0.5


class Running:
    def __init__(
        self, folder: Path, asked: argparse.Namespace, planned: Sequence[Planned], seconds: float,
        about: dict[str, Any], required: int,
    ) -> None:  # fmt: skip
        self.folder, self.asked, self.planned, self.seconds = folder, asked, planned, seconds
        self.about, self.required = about, max(1, required)
        self.stand = Stand(folder / "home", asked.brokers)
        self.wrong: list[str] = []
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f}  {text}")

    def note(self, **more: Any) -> None:
        self.about |= {"services": list(SERVICES), "topics": [*TOPICS, PERSONAL], **more}
        (self.folder / "run.json").write_text(json.dumps(self.about, indent=2, ensure_ascii=False), encoding="utf-8")

    async def go(self) -> list[str]:
        """What was wrong; nothing if all is well."""
        await self.stand.up()
        self.say(f"the stack is up: {self.asked.brokers} broker(s), {len(self.stand.proxies.ports)} proxies")
        self.note(started=now())
        stand = self.stand
        eyes = Eyes(stand.bootstrap)
        eyes.start()
        client = Client(stand.urls(), stand.stack.issuer, self.folder, patience=240)
        try:
            await self._under_load(client, eyes)
            await self._at_rest(client)
        finally:
            eyes.stop()
            await client.close()
        return self.wrong

    async def _under_load(self, client: Client, eyes: Eyes) -> None:
        monitor = Monitor(self.stand, eyes, self.folder)
        load = Load(client, self.asked.seed, self.asked.rate, lambda: monitor.lag)
        injected = Journal(self.folder / "injected.jsonl")
        samples = Samples(self.stand, client, load.known, self.folder, min(30.0, self.seconds / 4))
        conductor = Conductor(self.stand, client, load, monitor, eyes, injected, self.folder, self.say)
        ending, started = asyncio.Event(), time.monotonic()
        beside = [
            asyncio.create_task(work)
            for work in (
                monitor.run(ending),
                samples.run(ending),
                self._probing(client, load, ending),
                self._ticks(client, monitor, ending),
            )
        ]
        loading = asyncio.create_task(load.run())
        until = started + 1.5 * self.seconds + GRACE
        conducting = asyncio.create_task(conductor.carry_out(self.planned, started, until))
        try:
            await asyncio.wait({conducting, loading}, return_when=asyncio.FIRST_COMPLETED)
            if not loading.done():  # else it fell: faults would meet nobody
                await conducting
                await asyncio.wait({loading}, timeout=max(0.0, started + self.seconds - time.monotonic()))
        except asyncio.CancelledError:
            for task in (*beside, loading):
                task.cancel()
            raise
        finally:
            conducting.cancel()
            load.ending.set()
            client.patience = 60.0
        loaded = time.monotonic() - started
        await asyncio.wait({conducting, loading}, timeout=300)
        self.say(f"the load is over, {len(client.figures.open)} operations open")
        ending.set()
        self.note(loaded_seconds=round(loaded, 1), callers_commands=client.figures.commands)
        await asyncio.gather(*beside)
        await injected.close()
        if not loading.done():
            self.wrong.append("callers did not end")
            loading.cancel()
        elif loading.exception() is not None:
            self.wrong.append(f"the load failed: {loading.exception()!r}")
        print(f"stood still     {monitor.still.told()}")
        self.wrong += monitor.still.wrong()
        self._told(client, conductor, samples, loaded)

    def _told(self, client: Client, conductor: Conductor, samples: Samples, loaded: float) -> None:
        print(*report.figures(client.figures, loaded), *report.of_faults(conductor.lines), sep="\n")
        print(f"samples         {samples.taken} records in {samples.rounds} rounds ({samples.moved} moved while read)")
        print(f"probes          {client.probes['sent']} of another dealer's ids, {client.probes['leaks']} leaks")
        print(f"deaths          kills {dict(self.stand.kills)}, starts again {dict(self.stand.restarts)}")
        self.wrong += conductor.wrong + self.stand.said + report.in_vain(client.figures)
        self.wrong += [f"{line['fault']} had no effect: {line['what']}" for line in conductor.lines
                       if not line["bit"] and not line["wrong"]]  # fmt: skip
        if conductor.left:
            print(f"no time left    for {', '.join(conductor.left)}")
        self.wrong += [f"no time was left for {fault}" for fault in conductor.left if self.asked.faults]
        kinds = len({line["fault"] for line in conductor.lines})
        if kinds < self.required:
            self.wrong.append(f"{kinds} different faults, {self.required} wanted")
        if client.figures.open:
            self.wrong.append(f"{len(client.figures.open)} operations never became definite")
        if client.probes["leaks"]:
            self.wrong.append(f"{client.probes['leaks']} probes leaked")
        broken = sum(each.status == 500 for each in client.figures.answers)
        if broken:
            self.wrong.append(f"{broken} answers 500")

    async def _at_rest(self, client: Client) -> None:
        for service in SERVICES:
            await self.stand.ready(service)
        took, left = await quiet(self.stand, self.asked.quiet)
        self.say(f"at rest after {took:.1f} s" if not left else f"NOT at rest after {took:.0f} s: {left}")
        if left:
            self.wrong.append(f"not at rest within {took:.0f} s: {left}")
        print(f"read whole      {await read_whole(self.stand)}")
        events = await dump_stores(self.stand, self.folder)
        records = await dump_records(self.stand, client, self.folder)
        self.note(ended=now())
        self.say(f"dumped {events} events, {records} records")
        await self._judged()

    async def _judged(self) -> None:
        if importlib.util.find_spec("checker.judge") is None:
            self.wrong.append("not judged: there is no checker.judge")
            return
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "checker.judge", str(self.folder), "--bootstrap", self.stand.bootstrap
        )
        if await process.wait() != 0:
            self.wrong.append("the judge found violations")
        print(f"not tested      {report.NOT_TESTED}")

    # ── Beside the load ─────────────────────────────────────────────────────────────────────────────────────────
    async def _probing(self, client: Client, load: Load, ending: asyncio.Event) -> None:
        """Another dealer's eyes, all the time."""
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), PROBE_SECONDS)
            known = list(load.known.things)[-200:]
            if not known:
                continue
            thing = load.random.choice(known)
            if any(id_ in thing.path for id_ in load.known.shared):
                continue
            dealer = load.random.choice([each for each in DEALERS if each != thing.dealer])
            path, never = load.random.choice(readings(thing.path))
            await client.probe(dealer, thing.service, path, never)

    async def _ticks(self, client: Client, monitor: Monitor, ending: asyncio.Event) -> None:
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), 15.0)
            answers = client.figures.since(time.monotonic() - 15.0)
            ok = sum(each.class_ == "ok" for each in answers)
            waits = "" if ending.is_set() else f", {monitor.waiting()}"
            self.say(f"    {ok / 15:.0f} commands/s accepted, {len(client.figures.open)} in the air{waits}")

    async def down(self) -> None:
        await self.stand.down()
