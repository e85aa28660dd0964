"""`roadbook doctor`: what the stack needs and whether it is so, each finding with what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from roadbook_cli import jars, java, kafka, project
from roadbook_cli.postgres import postgres_programs
from roadbook_cli.project import StackError
from roadbook_cli.stack import Stack, migrations
from roadbook_cli.status import parts

_DISK_MB = 500


@dataclass(frozen=True)
class Finding:
    """`level`: ok, warn (works, look at it) or fail."""

    check: str
    level: str
    detail: str


def examine(stack: Stack) -> list[Finding]:
    """All checks; a check that itself breaks is a finding, never an exception."""
    checks: list[tuple[str, Callable[[Stack], Iterator[Finding]]]] = [
        ("python", _python), ("java", _java), ("kafka jars", _jars), ("postgresql", _postgres), ("disk", _disk),
        ("processes", _processes), ("migrations", _migrations), ("topics", _topics),
    ]  # fmt: skip
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += list(check(stack))
        except (StackError, jars.JarError, OSError, KafkaError, subprocess.SubprocessError) as error:
            found.append(Finding(name, "fail", str(error)))
    return found


def as_json(findings: list[Finding]) -> list[dict[str, object]]:
    return [asdict(finding) for finding in findings]


def _python(_: Stack) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    stamp = Path(sys.prefix) / "roadbook-stamp.json"
    if stamp.is_file():
        yield Finding("python", "ok", f"{version} in {sys.prefix}, as locked")
    else:
        yield Finding(
            "python", "warn", f"{version} in {sys.prefix}, not made by `make`: versions may differ from the lock"
        )


def _java(_: Stack) -> Iterator[Finding]:
    found = java.find()
    yield Finding("java", "ok", f"{found.version} at {found.program}")


def _jars(_: Stack) -> Iterator[Finding]:
    locked = jars.read_lock(project.root() / "deploy" / "kafka.lock")
    jars.verify(locked, project.downloads() / "kafka" / "libs")
    yield Finding("kafka jars", "ok", f"{len(locked)} jars, every SHA-256 as locked")


def _postgres(_: Stack) -> Iterator[Finding]:
    done = subprocess.run(
        [str(postgres_programs() / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=30
    )
    yield Finding("postgresql", "ok", done.stdout.strip())


def _disk(stack: Stack) -> Iterator[Finding]:
    place = stack.home if stack.home.is_dir() else project.root()
    free = shutil.disk_usage(place).free // 1_000_000
    level = "ok" if free > _DISK_MB else "warn"
    yield Finding("disk", level, f"{free} MB free at {place}" + ("" if level == "ok" else ": make room"))


def _processes(stack: Stack) -> Iterator[Finding]:
    found = parts(stack)
    if not found:
        yield Finding("processes", "warn", "the stack is not up; `make up` starts it")
    for part in found:
        level = {"ready": "ok", "external": "ok", "running": "warn"}.get(part.state, "fail")
        hint = {"warn": f"; see {part.log}", "fail": "; `roadbook up` starts it again"}.get(level, "")
        yield Finding(part.name, level, f"{part.state} at {part.address}{hint}")


def _migrations(stack: Stack) -> Iterator[Finding]:
    for name, urls in stack.endpoints.get("services", {}).items():
        if not urls["owner_database_url"]:
            yield Finding(f"migrations {name}", "warn", "no owner database URL given: not checked")
            continue
        folders = [option for folder in migrations(name) for option in ("--migrations-dir", str(folder))]
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbmate"), *folders, "status", "--exit-code"],
            env={**os.environ, "DATABASE_URL": urls["owner_database_url"]},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        head = (done.stdout.strip().splitlines() or ["cannot read them"])[-1]
        hint = "" if done.returncode == 0 else "; `roadbook up` migrates"
        yield Finding(f"migrations {name}", "ok" if done.returncode == 0 else "fail", head + hint)


def _topics(stack: Stack) -> Iterator[Finding]:
    if not stack.endpoints:
        return
    described = kafka.run_apart(lambda: _describe(stack.bootstrap))
    for name, wanted in kafka.TOPICS.items():
        partitions, settings = described[name]
        wrong = [
            f"{key}={settings.get(key)} (wanted {value})" for key, value in wanted.items() if settings.get(key) != value
        ]
        if partitions != kafka.PARTITIONS:
            wrong.append(f"{partitions} partitions (wanted {kafka.PARTITIONS}: keys would move, recreate the topic)")
        detail = ", ".join(wrong) or f"{partitions} partitions, {json.dumps(wanted)}"
        yield Finding(f"topic {name}", "fail" if wrong else "ok", detail)


async def _describe(bootstrap: str) -> dict[str, tuple[int, dict[str, str]]]:
    """Topic -> (partitions, settings)."""
    resource: Any = ConfigResource
    async with kafka.admin(bootstrap) as client:
        topics: list[dict[str, Any]] = await client.describe_topics(list(kafka.TOPICS))
        wanted = [resource(ConfigResourceType.TOPIC, name) for name in kafka.TOPICS]
        settings: dict[str, dict[str, str]] = {}
        for response in await client.describe_configs(wanted):
            for _code, _message, _kind, name, entries in response.resources:
                settings[name] = {entry[0]: entry[1] for entry in entries}
    return {t["topic"]: (len(t["partitions"]), settings.get(t["topic"], {})) for t in topics}
