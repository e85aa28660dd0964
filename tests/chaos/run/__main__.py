"""`python -m run SEED [--minutes M] [--brokers 1|3]`: a chaos run.

Exit code 0: every fault bit, and nothing was violated. 1: not so. 2: ended from outside.
"""

import argparse
import asyncio
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
ROOT = HERE.parents[3]


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m run", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--seconds", type=float, help="instead of --minutes")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--rate", type=float, default=200.0, help="commands a second at most")
    parser.add_argument("--faults", default="", help="only these: F13,F26; none: load alone")
    parser.add_argument("--folder", type=Path, help="of the run; .roadbook/chaos/<seed> if not given")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree whose services are run")
    parser.add_argument("--quiet", type=float, default=120.0, help="seconds within which everything must come to rest")
    parser.add_argument("--plan", action="store_true", help="print the plan and end")
    return parser.parse_args(argv)


def elsewhere(root: Path) -> None:
    """The same command with another tree's code: its folders come before what is installed."""
    folders = [root / "shared/src", *sorted((root / "services").glob("*/src")), root / "contracts/client/src"]
    folders += [root / "deploy/cli/src", root / "tests/chaos", root / "tests/support"]
    path = os.pathsep.join(map(str, folders))
    os.chdir(root)
    os.execve(sys.executable, [sys.executable, "-m", "run", *sys.argv[1:]], {**os.environ, "PYTHONPATH": path})


async def ended_in_order(asked: argparse.Namespace) -> int:
    """SIGTERM, as `timeout` sends it, is an end like Ctrl-C: what was started is ended."""
    run = asyncio.ensure_future(chaos(asked))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    try:
        return await run
    except asyncio.CancelledError:
        print("chaos: ended from outside")
        return 2


async def chaos(asked: argparse.Namespace) -> int:
    from run.plan import plan, required

    seconds = asked.seconds or asked.minutes * 60
    only = [code for code in asked.faults.split(",") if code]
    planned = [] if only == ["none"] else plan(asked.seed, seconds, asked.brokers, only)
    print(
        f"plan of seed {asked.seed}: {len(planned)} faults of {len({p.fault for p in planned})} kinds, {seconds:.0f} s"
    )
    for each in planned:
        print(f"  {each.at:7.1f} s  {each.fault:4} {each.seconds:5.1f} s  {each.what}")
    if asked.plan:
        return 0
    from run.running import Running

    folder = asked.folder or asked.root / ".roadbook" / "chaos" / str(asked.seed)
    forget(folder)
    about: dict[str, Any] = {
        "seed": asked.seed, "minutes": round(seconds / 60, 2), "brokers": asked.brokers, "commit": commit(asked.root),
        "versions": versions(), "plan": [vars(each) for each in planned], "rate": asked.rate,
    }  # fmt: skip
    begun = time.monotonic()
    running = Running(folder.resolve(), asked, planned, seconds, about, required(seconds) if not only else 0)
    try:
        wrong = await running.go()
    finally:
        await running.down()
    print(f"took            {time.monotonic() - begun:.0f} s in all")
    for word in wrong:
        print(f"FAILED: {word}")
    print(f"chaos: {'failed' if wrong else 'nothing was violated'} (seed {asked.seed}, folder {folder})")
    return 1 if wrong else 0


def forget(folder: Path) -> None:
    """An earlier run in the same folder, with whatever it left running."""
    from roadbook_cli.stack import Stack

    if (folder / "home").is_dir():
        Stack(folder / "home", brokers=0).down(wipe=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def commit(root: Path) -> str:
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def versions() -> dict[str, str]:
    names = ("asyncpg", "aiokafka", "fastapi", "uvicorn", "confluent-kafka", "aiohttp")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def main(argv: list[str]) -> int:
    import uvloop

    asked = arguments(argv)
    asked.root = asked.root.resolve()
    if asked.root != ROOT:
        elsewhere(asked.root)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(ended_in_order(asked))


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
