"""Processes the stack started: found again by pid *and* start time, so a recycled pid is never signalled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from roadbook_cli.project import StackError, read_json, write_json

# psutil derives the start time from the boot time, which the clock's corrections move by a little. A pid is not
# handed out again within two seconds of its first owner's start: the kernel goes round its whole range first.
_SAME_START_SECONDS = 2.0


@dataclass(frozen=True)
class Started:
    """A process as recorded: its pid and when it started (seconds since the epoch)."""

    pid: int
    started: float


# Popen warns when it is collected before its child ended. The stack's children outlive the command on purpose.
_children: dict[Started, subprocess.Popen[bytes]] = {}


def process(record: Started | None) -> psutil.Process | None:
    """The live process that this record means, or None (never started, ended, zombie, or the pid is another's now)."""
    if record is None:
        return None
    try:
        found = psutil.Process(record.pid)
        if abs(found.create_time() - record.started) > _SAME_START_SECONDS:
            return None
        return None if found.status() == psutil.STATUS_ZOMBIE else found
    except psutil.NoSuchProcess:
        return None


def listens(record: Started | None, port: int) -> bool:
    """Whether it is this very process that listens on the port: an answer alone may be a stranger's."""
    found = process(record)
    try:
        return found is not None and any(
            each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found.net_connections("tcp")
        )
    except psutil.NoSuchProcess:
        return False


def load(path: Path) -> Started | None:
    value = read_json(path)
    return Started(int(value["pid"]), float(value["started"])) if value else None


def spawn(command: Sequence[str], *, environment: Mapping[str, str], log: Path, record: Path, cwd: Path) -> Started:
    """Start a process in a session of its own (no terminal signal reaches it), output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise StackError(f"cannot start {command[0]}: {error.strerror}; run `make up` to set it up") from error
    finally:
        os.close(descriptor)
    started = Started(child.pid, psutil.Process(child.pid).create_time())
    _children[started] = child
    write_json(record, {"pid": started.pid, "started": started.started, "command": list(command)})
    return started


def send(record: Started | None, number: signal.Signals) -> None:
    """Signal exactly the recorded process; nothing happens when it is gone."""
    found = process(record)
    if found is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.send_signal(number)


def wait_gone(record: Started | None, seconds: float) -> bool:
    """Wait until the recorded process ended (a child of ours is reaped); False when it still runs.

    A zombie counts as gone: in a container nobody may ever reap it, so waiting for its pid to vanish could last.
    """
    deadline = time.monotonic() + seconds
    while process(record) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    _reap(record)
    return True


def _reap(record: Started | None) -> None:
    child = _children.pop(record, None) if record else None
    if child is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)


def stop(record: Started | None, seconds: float) -> None:
    """SIGTERM, and SIGKILL when the process has not ended after `seconds`."""
    send(record, signal.SIGTERM)
    if not wait_gone(record, seconds):
        send(record, signal.SIGKILL)
        wait_gone(record, 10)


def wait_until(condition: Callable[[], bool], seconds: float, what: str, *, every: float = 0.05) -> None:
    """Poll until `condition` holds; StackError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"{what} not seen within {seconds:.0f} s")
        time.sleep(every)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64_000))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return ""
