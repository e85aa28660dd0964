"""Processes are found again by pid and start time; ports are free ones."""

import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from roadbook_cli import ports, processes
from roadbook_cli.processes import Started
from roadbook_cli.project import StackError

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]


def spawn(tmp_path: Path, command: list[str] = SLEEPER) -> Started:
    return processes.spawn(
        command, environment=dict(os.environ), log=tmp_path / "a.log", record=tmp_path / "a.json", cwd=tmp_path
    )


def test_a_process_is_found_again_from_its_record(tmp_path: Path) -> None:
    started = spawn(tmp_path)
    found = processes.process(processes.load(tmp_path / "a.json"))
    assert found
    assert found.pid == started.pid
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600
    processes.stop(started, 10)
    assert processes.process(started) is None
    assert not psutil.pid_exists(started.pid)


def test_a_recycled_pid_is_never_signalled(tmp_path: Path) -> None:
    other = spawn(tmp_path)
    recycled = Started(other.pid, other.started - 60)  # our process had this pid, a minute before this one got it
    assert processes.process(recycled) is None
    processes.send(recycled, signal.SIGKILL)
    processes.stop(recycled, 1)
    assert processes.process(other) is not None
    processes.stop(other, 10)


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('awake', flush=True); time.sleep(600)"
    )
    started = spawn(tmp_path, [sys.executable, "-c", stubborn])
    processes.wait_until(lambda: "awake" in processes.tail(tmp_path / "a.log"), 10, "the child's first line")
    processes.stop(started, 0.2)
    assert not psutil.pid_exists(started.pid)


def test_an_ended_child_counts_as_gone_before_it_is_reaped(tmp_path: Path) -> None:
    started = spawn(tmp_path, [sys.executable, "-c", "pass"])
    processes.wait_until(lambda: processes.process(started) is None, 10, "the end of the child")
    assert processes.wait_gone(started, 1)
    assert not psutil.pid_exists(started.pid)


def test_a_program_that_is_missing_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="cannot start /no/such/program: No such file or directory; run `make up`"):
        spawn(tmp_path, ["/no/such/program"])


def test_ports_given_kept_and_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert ports.answers(port)
        assert not ports.is_free(port)
        with pytest.raises(StackError, match=f"port {port} for lead is in use; give another with --ports lead=PORT"):
            ports.choose("lead", given=port)
        assert ports.choose("lead", kept=port) != port
    assert not ports.answers(port)
    assert ports.choose("lead", given=port) == port
    assert ports.choose("lead", kept=port) == port


def test_ports_are_promised_once() -> None:
    taken: set[int] = set()
    chosen = [ports.choose("x", taken=taken) for _ in range(50)]
    assert len(set(chosen)) == 50
    assert taken == set(chosen)
    assert ports.choose("y", kept=chosen[0], taken=taken) != chosen[0]
