"""`roadbook logs`: the last lines of the logs, and those that follow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from roadbook_cli.processes import tail

_POLL_SECONDS = 0.2


def last(files: dict[str, Path], lines: int) -> Iterator[str]:
    for name, path in files.items():
        for line in tail(path, lines).splitlines():
            yield _labelled(files, name, line)


def follow(files: dict[str, Path], lines: int) -> Iterator[str]:
    """The last lines, then whatever is appended, for ever. A replaced or emptied file is read from its start."""
    positions = {name: path.stat().st_size if path.exists() else 0 for name, path in files.items()}
    yield from last(files, lines)
    while True:
        for name, path in files.items():
            size = path.stat().st_size if path.exists() else 0
            if size < positions[name]:
                positions[name] = 0
            if size > positions[name]:
                with path.open("rb") as file:
                    file.seek(positions[name])
                    chunk = file.read(size - positions[name])
                whole = chunk[: chunk.rfind(b"\n") + 1]  # the rest of a line comes next time
                positions[name] += len(whole)
                for line in whole.decode("utf-8", "replace").splitlines():
                    yield _labelled(files, name, line)
        time.sleep(_POLL_SECONDS)


def _labelled(files: dict[str, Path], name: str, line: str) -> str:
    return line if len(files) == 1 else f"{name} | {line}"
