"""How many examples, and how the independent fold sees what was told."""

import json
import os
from collections.abc import Iterable

import checker

from projection.domain.record import canonical
from roadbook.bus import Message
from roadbook.events import Recorded
from roadbook.wire import to_message


def examples(number: int) -> int:
    """The number an issue asks for; a hundredth of it for each percent of PROPERTIES."""
    return max(1, number * int(os.environ.get("PROPERTIES", "100")) // 100)


def told(messages: Iterable[Message]) -> checker.World:
    """By the independent fold, from the messages alone."""
    return checker.World(
        checker.event_of({name: raw.decode() for name, raw in message.headers}, message.value or b"")
        for message in messages
    )


def world_of(events: Iterable[Recorded]) -> checker.World:
    return told(to_message(event) for event in events)


def explained(where: str, ours: object, theirs: object) -> str:
    """Where two records differ, for a message that can be read."""
    one, other = json.loads(canonical(ours)), json.loads(checker.canonical(theirs))
    return "\n".join([where, *differences(one, other)])


def differences(ours: object, theirs: object, where: str = "") -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs = [(key, ours.get(key, "nothing"), theirs.get(key, "nothing")) for key in sorted({*ours, *theirs})]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(str(number), one, other) for number, (one, other) in enumerate(zip(ours, theirs, strict=True))]
    else:
        return [] if ours == theirs else [f"{where}: projection {ours!r}, checker {theirs!r}"]
    return [line for key, one, other in pairs for line in differences(one, other, f"{where}/{key}")]
