"""`python -m roadbook_cli.contracts`: write contracts/ from the code, unless that would break somebody.

`--check` writes nothing: it fails when contracts/ is not what the code says, or breaks what was published.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from roadbook_cli import project
from roadbook_cli.contracts import base, breaking
from roadbook_cli.contracts.generate import Incomplete, generated

WRITTEN = re.compile(
    r"openapi/[^/]+\.json|asyncapi/[^/]+\.yaml|events/[^/]+/[^/]+\.schema\.json|client/src/roadbook_client/[^/]+/[^/]+\.py"
)
USAGE = "usage: python -m roadbook_cli.contracts [--check]"


def main(arguments: list[str], root: Path | None = None, make: Callable[[Path], dict[str, bytes]] = generated) -> int:
    """0 fine, 1 refused, 2 usage."""
    if arguments not in ([], ["--check"]):
        print(USAGE, file=sys.stderr)
        return 2
    root = root or project.root()
    folder = root / "contracts"
    try:
        made = make(folder)
    except (Incomplete, ValueError) as error:
        return _refuse([str(error)])
    present = base.on_disk(folder)
    wanted = {**_kept(present, made), **made}
    before = base.find(root, wanted)
    found = breaking.breaks(before.files, wanted) if before.files is not None else []
    if found:
        words = "A change readers could trip over is a new version of the type or a new route (ADR 0011)."
        return _refuse([f"breaking change: {line}" for line in found] + [words])
    changed = drift(present, wanted)
    if arguments and changed:
        return _refuse([*changed, "contracts/ is not what the code says: run `make contracts` and commit it"])
    _write(folder, wanted, present)
    print(f"contracts: {len(made)} documents, {len(changed)} changed; {before.said}")
    for line in changed:
        print(f"  {line}")
    return 0


def drift(present: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    """One line for each file that is not as it should be."""
    return [
        f"contracts/{file}: {'new' if file not in present else 'obsolete' if file not in wanted else 'changed'}"
        for file in sorted(present.keys() | wanted.keys())
        if present.get(file) != wanted.get(file)
    ]


def _kept(present: dict[str, bytes], made: dict[str, bytes]) -> dict[str, bytes]:
    """What no code writes: golden samples, notes, and the schemas of older versions of a type."""
    newest = {_type(file): _version(file) for file in made if file.endswith(".schema.json")}
    return {
        file: content
        for file, content in present.items()
        if not WRITTEN.fullmatch(file) or _version(file) < newest.get(_type(file), 0)
    }


def _type(file: str) -> str:
    return file.rpartition(".v")[0]


def _version(file: str) -> int:
    digits = file.rpartition(".v")[2].partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _write(folder: Path, wanted: dict[str, bytes], present: dict[str, bytes]) -> None:
    for file, content in wanted.items():
        if present.get(file) != content:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
    for file in present.keys() - wanted.keys():
        (folder / file).unlink()


def _refuse(lines: list[str]) -> int:
    for line in lines:
        print(f"contracts: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
