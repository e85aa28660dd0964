"""Named places where a process can be made to die: `CRASHPOINT=relay.after_ack:3` kills it there the third time.

The kill is SIGKILL: no handler, no flush, as a machine would fail.
"""

import os
import signal
import sys
from collections import Counter
from typing import Final

POINTS: Final = frozenset(
    {
        "cmd.before_commit",
        "cmd.after_commit",
        "sequencer.before_commit",
        "sequencer.after_commit",
        "relay.after_read",
        "relay.after_send",
        "relay.after_ack",
        "relay.after_mark",
        "personal.after_read",
        "personal.after_send",
        "personal.after_mark",
        "timer.after_claim",
        "timer.after_commit",
        "proj.in_tx",
        "proj.after_commit",
        "react.in_tx",
        "react.after_commit",
        "compose.in_tx",
        "compose.after_commit",
        "rebuild.begun",
        "rebuild.in_tx",
        "rebuild.after_commit",
        "rebuild.composed",
        "rebuild.compared",
        "rebuild.in_switch",
        "rebuild.after_switch",
        "rebuild.after_drop",
    }
)

_hits: Counter[str] = Counter()


def _armed() -> tuple[str, int] | None:
    setting = os.environ.get("CRASHPOINT")
    if not setting:
        return None
    name, _, nth = setting.partition(":")
    if name not in POINTS or not (nth or "1").isdigit():
        sys.exit(f"CRASHPOINT is <name>:<nth>, one of: {', '.join(sorted(POINTS))}")
    return name, int(nth or 1)


_ARMED = _armed()


def armed(name: str) -> bool:
    """Whether this process is to die at `name`: for what must be done only to make that death a real one."""
    return _ARMED is not None and _ARMED[0] == name


def crashpoint(name: str) -> None:
    """Does nothing unless armed for `name`; one comparison on the hot path."""
    if _ARMED is None or not armed(name):
        return
    _hits[name] += 1
    if _hits[name] == _ARMED[1]:
        os.kill(os.getpid(), signal.SIGKILL)
