"""`python -m selftest`: does the judge see? Each patch of `bugs/` is a defect, applied to a copy of the tree, one at a
time; a short chaos run is made with it and judged as any other. An alarm on every one, and none on clean runs.

A patch begins with `# breaks:`, `# seen by:` (for readers), `# faults:` (without which the defect does not show) and
`# seed:`. The judge is not told which it is: it gets the folder. A fault that failed to bite is no alarm here.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from checker.judge import examine
from checker.oracles import Dump, Verdict
from checker.oracles.kafka import FILE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUGS = HERE / "bugs"
NO_ALARM = frozenset({"no_bite", "not_judged"})  # of the run itself, not of what it ran
MOST_SECONDS: Final = 420
CLEAN_FAULTS = ("F5,F26", "F1,F40")


@dataclass(frozen=True)
class Bug:
    """`patch` None: nothing is broken. `faults`: as `python -m run --faults` takes them."""

    name: str
    patch: Path | None
    faults: str
    seed: int
    breaks: str = ""


@dataclass(frozen=True)
class Found:
    """`alarm`: names of what the judge found; None: the run came to no verdict."""

    bug: Bug
    alarm: Sequence[str] | None
    seconds: float

    @property
    def right(self) -> bool:
        return self.alarm is not None and bool(self.alarm) == (self.bug.patch is not None)


def header(text: str) -> dict[str, str]:
    lines = [line[2:].partition(": ") for line in text.splitlines() if line.startswith("# ")]
    return {name: value.strip() for name, _, value in lines}


def bugs() -> list[Bug]:
    found = []
    for path in sorted(BUGS.glob("*.patch")):
        says = header(path.read_text(encoding="utf-8"))
        found.append(Bug(path.stem, path, says["faults"], int(says["seed"]), says["breaks"]))
    return found


def clean(runs: int) -> list[Bug]:
    return [Bug(f"clean-{n + 1}", None, CLEAN_FAULTS[n % len(CLEAN_FAULTS)], 2001 + n) for n in range(runs)]


@contextmanager
def tree() -> Iterator[Path]:
    """A copy of what git tracks, as it is here. What was downloaded is not copied."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    with tempfile.TemporaryDirectory(prefix="roadbook-selftest-") as made:
        copy = Path(made)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        (copy / ".roadbook").symlink_to(ROOT / ".roadbook")
        yield copy


@contextmanager
def broken(copy: Path, bug: Bug) -> Iterator[None]:
    """One copy serves all: what is compiled of the rest stays."""
    if bug.patch is None:
        yield
        return
    subprocess.run(["git", "apply", str(bug.patch)], cwd=copy, check=True)
    try:
        yield
    finally:
        subprocess.run(["git", "apply", "--reverse", str(bug.patch)], cwd=copy, check=True)


def tried(bug: Bug, copy: Path, folder: Path, seconds: float, rate: float) -> Found:
    """One run, and what the judge says of its folder."""
    begun, run = time.monotonic(), folder / bug.name
    shutil.rmtree(run, ignore_errors=True)
    with broken(copy, bug), (folder / f"{bug.name}.log").open("w", encoding="utf-8") as log:
        asked = [str(bug.seed), "--seconds", str(seconds), "--rate", str(rate), "--faults", bug.faults]
        command = [sys.executable, "-m", "run", *asked, "--folder", str(run), "--root", str(copy)]
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        with contextlib.suppress(subprocess.TimeoutExpired):
            ended_in_time(command, environment, log)
    verdict = judged(run)
    (folder / f"{bug.name}.verdict").write_text("\n".join(verdict.lines()) if verdict else "none", encoding="utf-8")
    alarm = None if verdict is None else sorted({*verdict.names} - NO_ALARM)
    return Found(bug, alarm, time.monotonic() - begun)


def ended_in_time(command: Sequence[str], environment: Mapping[str, str], log: TextIO) -> None:
    """A run that does not end is told to: it takes down what it started."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        process.wait(MOST_SECONDS)
    finally:
        process.terminate()
        process.wait(120)


def judged(run: Path) -> Verdict | None:
    """None: the run broke off before everything was written down."""
    return examine(run, Dump(run)) if (run / FILE).exists() and (run / "records.jsonl").exists() else None


def row(found: Found) -> str:
    word = "no verdict" if found.alarm is None else ", ".join(found.alarm) or "none"
    mark = "" if found.right else "  << WRONG"
    return f"{found.bug.name:<32} {found.bug.faults:<9} {found.seconds:5.0f} s  {word}{mark}"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m selftest", description=__doc__)
    parser.add_argument("only", nargs="*", help="beginnings of names: 07 clean")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load in each run")
    parser.add_argument("--rate", type=float, default=40.0, help="commands a second at most")
    parser.add_argument("--clean", type=int, default=2, help="runs in which nothing is broken")
    parser.add_argument("--folder", type=Path, default=ROOT / ".roadbook" / "selftest")
    asked = parser.parse_args(argv)
    asked.folder.mkdir(parents=True, exist_ok=True)
    wanted = [bug for bug in (*clean(asked.clean), *bugs()) if not asked.only or bug.name.startswith(tuple(asked.only))]
    results = []
    with tree() as copy:
        for bug in wanted:
            results.append(tried(bug, copy, asked.folder.resolve(), asked.seconds, asked.rate))
            print(row(results[-1]), flush=True)
    seeded = [found for found in results if found.bug.patch is not None]
    sound = [found for found in results if found.bug.patch is None]
    print(f"\nalarms on {sum(found.right for found in seeded)} of {len(seeded)} defects,", end=" ")
    print(f"none on {sum(found.right for found in sound)} of {len(sound)} clean runs")
    return 0 if all(found.right for found in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
