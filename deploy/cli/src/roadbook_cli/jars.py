"""Kafka's jars: fetched through jgo, checked against `deploy/kafka.lock`, never trusted without their SHA-256.

    python -m roadbook_cli.jars lock  <lock> <libs>    resolve the roots anew and write the lock (a developer's job)
    python -m roadbook_cli.jars fetch <lock> <libs>    download what is missing, verify everything

jgo's resolver walks ~300 POMs to find 92 jars. The lock already names them, so `fetch` asks jgo for exactly those
files, eight at a time, and reads no POM. jgo's EnvironmentBuilder is not used: to sort jars into class path and module
path it downloads a JDK 11, which we need for nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOTS = (
    "org.apache.kafka:kafka_2.13:4.3.0",
    "org.apache.kafka:kafka-tools:4.3.0",
    "org.slf4j:slf4j-simple:1.7.36",
)
_PARALLEL = 8
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 60


class JarError(RuntimeError):
    """A jar could not be fetched or is not the locked one; the message says which and what to do."""


@dataclass(frozen=True)
class Jar:
    """One locked file: `group:artifact:version` and the SHA-256 of its bytes, hex."""

    coordinate: str
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def read_lock(lock: Path) -> list[Jar]:
    """The jars of a lock file; lines are `<sha256>  <group:artifact:version>`, `#` starts a comment."""
    jars = []
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        digest, _, coordinate = line.partition("  ")
        if len(digest) != 64 or coordinate.count(":") != 2:
            raise JarError(f"{lock.name}:{number}: not `<sha256>  <group:artifact:version>`; restore the file from git")
        jars.append(Jar(coordinate.strip(), digest))
    return jars


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(jars: Iterable[Jar], libs: Path) -> None:
    """Refuse a folder that is not exactly the lock: a changed, missing or extra jar would end up on the class path."""
    jars = list(jars)
    for jar in jars:
        path = libs / jar.filename
        if not path.is_file():
            raise JarError(f"Kafka jar {jar.filename} is missing from {libs}; run `make up` to fetch it again")
        if sha256(path) != jar.sha256:
            raise JarError(
                f"Kafka jar {path} is not the one locked in deploy/kafka.lock (SHA-256 differs): refused; "
                "delete that file and run `make up` to fetch it again"
            )
    extra = {path.name for path in libs.glob("*.jar")} - {jar.filename for jar in jars}
    if extra:
        raise JarError(f"unknown jars in {libs}: {', '.join(sorted(extra))}; delete them")


def fetch(lock: Path, libs: Path) -> int:
    """Bring `libs` to the state of `lock`; returns how many jars were downloaded. Resumes what was interrupted."""
    jars = read_lock(lock)
    libs.mkdir(parents=True, exist_ok=True)
    wanted = {jar.filename for jar in jars}
    for path in libs.glob("*.jar"):  # of an older lock
        if path.name not in wanted:
            path.unlink()
    missing = [jar for jar in jars if not (libs / jar.filename).is_file()]
    # A folder of this process alone: jgo would take the half files of a killed one for whole jars.
    _remove_leftovers(libs.parent)
    scratch = libs.parent / f"download-{os.getpid()}"
    try:
        if missing:
            with ThreadPoolExecutor(_PARALLEL) as pool:
                list(pool.map(lambda jar: _download(jar, scratch, libs), missing))
        verify(jars, libs)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return len(missing)


def _remove_leftovers(folder: Path) -> None:
    """The download folders of processes that were killed."""
    for path in folder.glob("download-*"):
        if not psutil.pid_exists(int(path.name.rpartition("-")[2])):
            shutil.rmtree(path, ignore_errors=True)


def _download(jar: Jar, scratch: Path, libs: Path) -> None:
    """One jar through jgo into `scratch`; moved into `libs` only once its bytes are the locked ones."""
    from requests import RequestException  # jgo's HTTP client: proxies and certificates come from the environment

    artifact = _context(scratch).create_dependency(jar.coordinate).artifact
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            path = Path(artifact.resolve())
        except (RequestException, OSError, RuntimeError) as error:
            if artifact.cached_path is not None:
                artifact.cached_path.unlink(missing_ok=True)
            if attempt == _ATTEMPTS:
                raise JarError(
                    f"could not download {jar.coordinate} ({type(error).__name__}); check the network, the proxy "
                    "variables and Maven Central's availability, then run the same command again: it resumes"
                ) from error
            continue
        if sha256(path) != jar.sha256:
            path.unlink()
            raise JarError(
                f"{jar.coordinate}: the downloaded jar is not the one locked in deploy/kafka.lock (SHA-256 differs): "
                "refused, nothing of it was installed; the repository or a proxy on the way serves a changed file"
            )
        os.replace(path, libs / jar.filename)
        return


def _context(cache: Path):  # type: ignore[no-untyped-def]  # jgo's MavenContext; imported late, it is slow to load
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    repositories = GlobalSettings.load().repositories  # the user's own mirrors, where jgo is configured
    return MavenContext(
        resolver=PythonResolver(),
        repo_cache=cache,
        remote_repos=repositories or None,
        timeout=_TIMEOUT_SECONDS,
    )


def lock(lock_file: Path, libs: Path) -> int:
    """Resolve `ROOTS` with jgo and write the lock; returns the number of jars."""
    scratch = libs.parent / "resolve"
    context = _context(scratch)
    inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in ROOTS])
    wanted = {dep.artifact.key: dep.artifact for dep in inputs}
    wanted |= {dep.artifact.key: dep.artifact for dep in transitive if dep.scope in ("compile", "runtime")}
    with ThreadPoolExecutor(_PARALLEL) as pool:
        paths = list(pool.map(lambda artifact: Path(artifact.resolve()), wanted.values()))
    lines = sorted(f"{key[0]}:{key[1]}:{key[2]} {sha256(path)}" for key, path in zip(wanted, paths, strict=True))
    header = (
        "# Apache Kafka 4.3 and everything it runs on; written by `make lock`: <sha256>  <group:artifact:version>\n"
    )
    body = "".join(f"{line.split()[1]}  {line.split()[0]}\n" for line in lines)
    lock_file.write_text(header + body, encoding="utf-8")
    shutil.rmtree(scratch)
    return len(lines)


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["lock", lock_file, libs]:
            print(f"locked {lock(Path(lock_file), Path(libs))} jars")
        case ["fetch", lock_file, libs]:
            try:
                count = fetch(Path(lock_file), Path(libs))
            except JarError as error:
                print(f"roadbook: {error}", file=sys.stderr)
                return 1
            print(f"Kafka jars: {count} downloaded, all verified")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
