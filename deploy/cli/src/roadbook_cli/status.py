"""`roadbook status`: what runs, where, since when, with how much memory."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from roadbook_cli import ports
from roadbook_cli.project import StackError
from roadbook_cli.stack import Stack


@dataclass(frozen=True)
class Part:
    """One process of the stack. `state`: ready, running (answers not yet or no more), stopped, external."""

    name: str
    state: str
    address: str
    pid: int | None = None
    memory_mb: int | None = None
    uptime_seconds: int | None = None
    log: str | None = None


def parts(stack: Stack) -> list[Part]:
    """Every part of the stack; an empty list when it was never started."""
    known = stack.endpoints
    found = []
    if known.get("postgres") or stack.postgres.pid:
        port = stack.postgres.port
        found.append(
            _part("postgres", stack.postgres.pid, f"127.0.0.1:{port}", ports.answers(port), stack.postgres.log)
        )
    elif known:
        found.append(Part("postgres", "external", "by ROADBOOK_<SERVICE>_DATABASE_URL"))
    if known and not known["kafka"]["embedded"]:
        found.append(Part("kafka", "external", known["kafka"]["bootstrap"]))
    elif stack.kafka.state and (known or any(stack.kafka.pid(node) for node in stack.kafka.nodes)):
        for node in stack.kafka.nodes:
            port = stack.kafka.state["ports"][str(node)][0]
            found.append(
                _part(
                    f"kafka-{node}",
                    stack.kafka.pid(node),
                    f"127.0.0.1:{port}",
                    ports.answers(port),
                    stack.kafka.log(node),
                )
            )
    for name in known.get("services", {}):
        service = stack.service(name)
        pid = service.pid
        found.append(_part(name, pid, service.url, pid is not None and service.ready(), service.log))
    return found


def _part(name: str, pid: int | None, address: str, answers: bool, log: Path) -> Part:
    if pid is None:
        return Part(name, "stopped", address, log=str(log))
    try:
        process = psutil.Process(pid)
        memory = round(process.memory_info().rss / 1e6)
        uptime = round(time.time() - process.create_time())
    except psutil.Error:
        return Part(name, "stopped", address, log=str(log))
    return Part(name, "ready" if answers else "running", address, pid, memory, uptime, str(log))


def as_json(found: list[Part]) -> list[dict[str, object]]:
    return [asdict(part) for part in found]


def log_files(stack: Stack, name: str | None) -> dict[str, Path]:
    """Name -> log file; of one part when named. StackError for a name without a log."""
    folder = stack.home / "logs"
    files = {path.stem: path for path in sorted(folder.glob("*.log"))} if folder.is_dir() else {}
    if name is None:
        return files
    chosen = {key: path for key, path in files.items() if key == name or key.startswith(f"{name}-")}
    if not chosen:
        raise StackError(f"no log of {name!r}; there are: {', '.join(files) or 'none, the stack was never started'}")
    return chosen
