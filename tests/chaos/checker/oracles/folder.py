"""A run's folder as values. Big files are read line by line."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

Line = dict[str, Any]


def lines_of(path: Path) -> Iterator[Line]:
    """Nothing of a file that is not there. A last line cut off by a kill is no line."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for text in file:
            if text.endswith("\n") and text.strip():
                yield json.loads(text)


@dataclass(slots=True)
class Op:
    """One command of the ledger, with all its attempts. `answers`: the class of each, "unknown" where none came."""

    op: str
    invoke: Line
    attempts: set[int] = field(default_factory=set)
    answers: dict[int, Line] = field(default_factory=dict)

    @property
    def classes(self) -> list[str]:
        return [self.answers.get(each, {}).get("class", "unknown") for each in sorted(self.attempts)]

    @property
    def final(self) -> str:
        """ok as soon as one attempt was: what comes later can only repeat it."""
        classes = self.classes
        return "ok" if "ok" in classes else classes[-1] if classes else "unknown"

    @property
    def oks(self) -> list[Line]:
        return [line["answer"] or {} for _, line in sorted(self.answers.items()) if line["class"] == "ok"]

    @property
    def correlation(self) -> str:
        return str(self.invoke.get("correlation") or self.op)

    @property
    def scope(self) -> tuple[Any, ...] | None:
        """What an idempotency key is good for; None without one."""
        say = self.invoke.get
        return say("key") and (say("service"), say("actor"), say("dealer"), say("method"), say("path"), say("key"))

    def __str__(self) -> str:
        say = self.invoke.get
        classes = ", ".join(f"{len([*own])} x {name}" for name, own in groupby(self.classes))
        return f"op {self.op} ({say('kind')}: {say('method')} {say('path')}; {classes})"


def ledger(run: Path) -> dict[str, Op]:
    ops: dict[str, Op] = {}
    for line in lines_of(run / "ledger.jsonl"):
        op = ops.get(line["op"])
        if op is None:
            op = ops[line["op"]] = Op(line["op"], line)
        attempt = int(line.get("attempt", 1))
        op.attempts.add(attempt)
        if line["phase"] == "answer":
            op.answers[attempt] = line
        elif op.invoke["phase"] != "invoke":
            op.invoke = line
    return ops


class Stored(NamedTuple):
    """An event as its store has it. `content` tells equal effects: the data without their moment, and without the name
    that an entry of an account was given for itself."""

    service: str
    stream: str
    version: int
    id: str
    type: str
    sha: str
    key: str
    actor: str
    correlation: str
    causation: str | None
    dealer: str | None
    party_ref: str | None
    time: str
    recorded: str
    content: int


@dataclass
class Stores:
    """All services' events, by id and by stream."""

    by_id: dict[str, Stored] = field(default_factory=dict)
    streams: dict[tuple[str, str], dict[int, Stored]] = field(default_factory=lambda: defaultdict(dict))
    twice: list[Stored] = field(default_factory=list)

    def add(self, event: Stored) -> None:
        own = self.streams[event.service, event.stream]
        if event.id in self.by_id or event.version in own:
            self.twice.append(event)
        self.by_id.setdefault(event.id, event)
        own.setdefault(event.version, event)


def stored(service: str, line: Mapping[str, Any]) -> Stored:
    data = line["data"]
    tree = json.loads(data) if isinstance(data, str) else data
    content = hash(json.dumps({name: tree[name] for name in tree if name not in ("at", "entry")}, sort_keys=True))
    return Stored(
        intern(service),
        intern(line["stream"]),
        int(line["version"]),
        str(line["id"]),
        intern(line["type"]),
        line["data_sha256"],
        intern(line["key"]),
        intern(line["actor"]),
        intern(str(line["correlation"])),
        str(line["causation"]) if line["causation"] else None,
        line["dealer"] and intern(line["dealer"]),
        line["party_ref"] and intern(line["party_ref"]),
        str(line["time"]),
        str(line["recorded"]),
        content,
    )


def services_of(run: Path) -> Sequence[str]:
    return sorted({path.name.partition(".")[0] for path in (run / "stores").glob("*.jsonl")})


def stores(run: Path) -> Stores:
    found = Stores()
    for service in services_of(run):
        for line in lines_of(run / "stores" / f"{service}.jsonl"):
            found.add(stored(service, line))
    return found


def table(run: Path, service: str, name: str) -> Iterator[Line] | None:
    """The rows of a table of a service; None: the run did not dump it."""
    path = run / "stores" / f"{service}.{name}.jsonl"
    return lines_of(path) if path.exists() else None
