"""One whole stack for the tests of the command line: every service a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roadbook_cli.stack import Stack

Roadbook = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("whole stack") / "home")
    try:
        made.up()
        yield made
    finally:
        made.down(wipe=True)


def command(home: Path) -> Roadbook:
    """Runs `roadbook …` as a person would, on the stack of `home`."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "roadbook"), *arguments],
            env={**os.environ, "ROADBOOK_HOME": str(home), "COLUMNS": "300", **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def roadbook(whole_stack: Stack) -> Roadbook:
    return command(whole_stack.home)


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)
