"""The contracts as a commit has them, read from git and never checked out."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

JUDGED = ("openapi/", "asyncapi/", "events/")  # the client beside them is made of these


@dataclass(frozen=True, slots=True)
class Base:
    """`files` None: there is nothing to compare with, and `said` tells why."""

    said: str
    files: dict[str, bytes] | None = None


def on_disk(folder: Path) -> dict[str, bytes]:
    """Path below `folder` -> content; not what Python leaves beside the client."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def judged(files: dict[str, bytes]) -> dict[str, bytes]:
    return {file: content for file, content in files.items() if file.startswith(JUDGED)}


def find(root: Path, current: dict[str, bytes]) -> Base:
    """The last commit whose contracts are others than `current`: HEAD, or its parent where HEAD has these already
    (that is so in CI, and right after a commit)."""
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
        return Base("no git history here: nothing to compare with")
    head = _contracts(root, "HEAD")
    if head is None:
        return Base("the last commit has no contracts: nothing to compare with")
    if judged(head) != judged(current):
        return Base("compared with the last commit", head)
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD^1") is None:
        shallow = (_git(root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true"
        why = "its parent is not in this shallow clone" if shallow else "it is the first"
        return Base(f"nothing changed since the last commit, and {why}: nothing to compare with")
    parent = _contracts(root, "HEAD^1")
    if parent is None:
        return Base("the commit before the last has no contracts: nothing to compare with")
    return Base("compared with the commit before the last", parent)


def _contracts(root: Path, commit: str) -> dict[str, bytes] | None:
    if not _git(root, "ls-tree", commit, "contracts"):
        return None
    archive = _git(root, "archive", "--format=tar", commit, "contracts")
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        return {
            member.name.removeprefix("contracts/"): found.read()
            for member in members
            if (found := tar.extractfile(member)) is not None
        }


def _git(root: Path, *arguments: str) -> bytes | None:
    """Its output; None when it fails or is not installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False, env=environment)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
