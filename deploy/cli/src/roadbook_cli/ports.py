"""Ports: given ones are checked, others are chosen free and then kept, so that a restarted process is found again."""

from __future__ import annotations

import random
import socket

from roadbook_cli.project import StackError

# Below the kernel's range for outgoing connections (32768+ on Linux): no client socket of ours or of anybody else's
# takes the port between choosing it and listening on it.
_RANGE = (20000, 32000)
_TRIES = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a listener could bind `host:port` now; TIME_WAIT remains of an earlier listener do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens there (by connecting: a probe that binds could take the port from a starting server)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def choose(name: str, *, given: int | None = None, kept: int | None = None, taken: set[int] | None = None) -> int:
    """A port for `name`: the given one, else the one kept from last time, else a random free one.

    `taken` holds ports this stack already promised to others and is extended with the answer.
    Raises StackError when a given port is occupied; a kept one that somebody took meanwhile is replaced.
    """
    taken = set() if taken is None else taken
    if given is not None:
        if given in taken or not is_free(given):
            raise StackError(f"port {given} for {name} is in use; give another with --ports {name}=PORT")
        port = given
    elif kept is not None and kept not in taken and is_free(kept):
        port = kept
    else:
        candidates = (random.randrange(*_RANGE) for _ in range(_TRIES))
        port = next((p for p in candidates if p not in taken and is_free(p)), 0)
        if not port:
            raise StackError(f"no free port found for {name} between {_RANGE[0]} and {_RANGE[1]}")
    taken.add(port)
    return port
