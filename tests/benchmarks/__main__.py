"""`python -m benchmarks [--quick] [--rows append,relay] [--json PATH]`: see `make bench`."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from benchmarks import append, http_command, imports, projection, read, rebuild, relay, results, visible
from benchmarks.frame import Report
from benchmarks.peers import Peers
from benchmarks.sizes import QUICK, REAL, Sizes
from benchmarks.stage import Stage
from roadbook import logs
from roadbook_cli import project

Row = Callable[[Stage, Sizes, Report, Peers], Awaitable[None]]
# The rebuild reads what stands on the services' own topic, so it comes before what publishes there.
ROWS: dict[str, Row] = {
    each.ROW: each.measure for each in (append, http_command, imports, relay, projection, read, rebuild, visible)
}


def main() -> int:
    folder = project.root() / ".roadbook" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    given = _arguments(folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a run that is ended ends its stack, too
    logs.setup("benchmarks", "ERROR", sys.stderr)
    report, began, load = Report(), time.monotonic(), results.load()
    stage = Stage(Path(tempfile.mkdtemp(prefix="stage-", dir=folder)))
    try:
        stage.up()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            for name in given.rows:
                start = time.monotonic()
                runner.run(ROWS[name](stage, QUICK if given.quick else REAL, report, Peers(given.peers)))
                results.write(given.json, report, quick=given.quick, merge=given.merge, load=load)
                print(f"{'':<14} {name}: {time.monotonic() - start:.0f} s", flush=True)
    finally:
        stage.down()
        shutil.rmtree(stage.home, ignore_errors=True)
    below = [line for line in report.lines if not line.met]
    print(
        f"{len(report.lines)} lines in {time.monotonic() - began:.0f} s, {len(below)} of them below goal: {given.json}"
    )
    return 0


def _arguments(folder: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: all rows in four minutes")
    parser.add_argument("--rows", type=lambda text: text.split(","), default=list(ROWS), help=", ".join(ROWS))
    parser.add_argument("--json", type=Path, default=folder / "results.json", help="where the results are written")
    parser.add_argument("--merge", action="store_true", help="keep the rows of that file that are not run now")
    parser.add_argument("--peers", type=Path, default=folder / "venv" / "bin" / "python", help="the peers' Python")
    given = parser.parse_args()
    unknown = set(given.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return given


if __name__ == "__main__":
    sys.exit(main())
