"""Class-data archive: Kafka on JDK 17 to 24 is ready in 0.6 s instead of 1.1 s once its classes are in one.

The first broker of a project writes it when it ends in good order (1 s, once); every later start maps it. On JDK 25 it
brings nothing (measured), so none is made there. The JVM itself checks that archive, JVM and jars belong together.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from roadbook_cli import java, project

_VERSIONS = range(17, 25)
_QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xshare:auto")


def _shared() -> Path:
    """The project's archive for this Java and these jars."""
    found = java.find()
    lock = (project.root() / "deploy" / "kafka.lock").read_bytes()
    key = hashlib.sha256(f"{found.program.resolve()} {found.version}".encode() + lock).hexdigest()[:16]
    return project.downloads() / "kafka" / f"classes-{key}.jsa"


def _own(folder: Path) -> Path:
    return folder / "classes.jsa"


def options(folder: Path, *, write: bool) -> list[str]:
    """JVM options that use the archive, or, while there is none and `write`, make one in `folder` at the end."""
    if java.find().version not in _VERSIONS:
        return []
    shared = _shared()
    if shared.is_file():
        return [f"-XX:SharedArchiveFile={shared}", *_QUIET]
    return [f"-XX:ArchiveClassesAtExit={_own(folder)}", *_QUIET] if write else []


def adopt(folder: Path) -> None:
    """After the broker of `folder` ended in good order: what it wrote becomes the project's."""
    own = _own(folder)
    if not own.is_file():
        return
    shared = _shared()
    if shared.exists() or own.stat().st_dev != shared.parent.stat().st_dev:  # only a rename is atomic
        own.unlink()
    else:
        os.replace(own, shared)


def discard(folder: Path) -> None:
    """After the broker was killed: it may have written half an archive."""
    _own(folder).unlink(missing_ok=True)
