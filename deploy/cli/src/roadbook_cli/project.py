"""Where things are: the project's folder, its shared downloads, and the home of one stack."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class StackError(RuntimeError):
    """Something the operator can act on; the message is one line and says what to do."""


def root() -> Path:
    """The project's folder: the one that holds `deploy/kafka.lock`.

    Found from this file (editable install), else upwards from the working directory.
    Raises StackError when there is none, because the embedded stack needs its migrations and locks.
    """
    for start in (Path(__file__).resolve(), Path.cwd().resolve() / "_"):
        for folder in start.parents:
            if (folder / "deploy" / "kafka.lock").is_file():
                return folder
    raise StackError("no Roadbook project here: run the command inside the project's folder")


def _services() -> tuple[str, ...]:
    """Whoever has a folder in `services/` is started, migrated, published and documented; nothing else lists them."""
    try:
        folders = (root() / "services").iterdir()
    except StackError:  # one module of ours alone, in a container
        return ()
    return tuple(sorted(folder.name for folder in folders if (folder / "pyproject.toml").is_file()))


SERVICES = _services()


def publishers() -> tuple[str, ...]:
    """The services that publish events: those with golden samples of their own."""
    return tuple(name for name in SERVICES if (root() / "contracts" / "events" / name / "examples").is_dir())


def topic(publisher: str) -> str:
    """Where a service publishes its events. The projection's are not facts of a service but derived from all of
    theirs, so they stand on a topic of another name."""
    return "roadbook.derived.v1" if publisher == "projection" else f"roadbook.{publisher}.v1"


def downloads() -> Path:
    """Jars and Java: one copy per project, shared by every stack (also by the tests' own)."""
    return root() / ".roadbook"


def home() -> Path:
    """State of the default stack: `ROADBOOK_HOME`, else `.roadbook/` in the project."""
    given = os.environ.get("ROADBOOK_HOME")
    return Path(given).expanduser().resolve() if given else root() / ".roadbook"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all (a reader never sees half of it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)


def write_json(path: Path, value: object) -> None:
    write_private(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, `{}` when the file does not exist."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(value, dict):
        raise StackError(f"{path} is not a JSON object; `roadbook down --wipe` starts afresh")
    return value
