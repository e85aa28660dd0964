"""(c) The record is the independent fold, byte for byte; (e) a dealer sees what it holds or was given, nothing else."""

import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from checker.oracles.components import Components
from checker.oracles.folder import Line, lines_of, table
from checker.oracles.kafka import Dump
from checker.oracles.verdict import Verdict
from checker.record import World, canonical, digest, record
from checker.table import ROWS
from checker.topics import Event, instant

RECORDS, SAMPLES, SUMMARIES = (
    "c records equal to the fold",
    "c records during the run equal to the fold",
    "c summaries equal to the fold",
)
SCOPED, CANARIES = "e dealers' records in their scope", "e canaries in what dealers read"
CANARY: Final = re.compile(r"CNRY-[A-Za-z0-9-]*[0-9]", re.IGNORECASE)
_STREAM: Final = re.compile(rf"\b(?:{'|'.join(ROWS)})/[0-9A-Za-z-]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADQUARTERS: Final = ("", "*", "hq", "headquarters", None)


def judge(run: Path, dump: Dump, forged: Mapping[tuple[str, int, int], Line], verdict: Verdict) -> None:
    verdict.n.update(dict.fromkeys((RECORDS, SCOPED), 0))
    components = Components(dump, forged)
    rows = _Rows(run, dump, components)
    homes = _homes(run)
    for shard in range(-1, components.shards):
        streams = components.events(shard)
        world = World(event for events in streams.values() for event in events)
        for viewer in rows.viewers:
            _Viewer(world, viewer, homes, verdict).judge(rows, shard)
        for line in rows.of("samples", shard):
            _sample(streams, line, verdict)


class _Rows:
    """Records, samples and summaries, each with its shard: read once, asked for by shard."""

    def __init__(self, run: Path, dump: Dump, components: Components) -> None:
        self._raw = dump.raw
        self._raw.execute("DROP TABLE IF EXISTS lines")
        self._raw.execute("CREATE TEMP TABLE lines (kind TEXT, shard INT, viewer TEXT, line TEXT)")
        self.read_as: set[str | None] = {None}
        self.summarised = (run / "stores" / "projection.summaries.jsonl").exists()
        for kind, found in (("records", run / "records.jsonl"), ("samples", run / "samples.jsonl")):
            self._fill(kind, lines_of(found), components)
        self._fill("summaries", table(run, "projection", "summaries") or iter(()), components)
        self._raw.execute("CREATE INDEX temp.of_shard ON lines (kind, shard, viewer)")

    def _fill(self, kind: str, lines: Iterator[Line], components: Components) -> None:
        def rows() -> Iterator[tuple[Any, ...]]:
            for line in lines:
                viewer = line.get("scope") if kind == "summaries" else line.get("viewer")
                viewer = None if viewer in _HEADQUARTERS else viewer
                self.read_as.add(viewer)
                shard = components.shard_of(line.get("customer") or line["customer_id"])
                yield kind, shard, viewer or "", json.dumps(line)

        self._raw.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", rows())

    @property
    def viewers(self) -> Sequence[str | None]:
        return sorted(self.read_as, key=lambda viewer: viewer or "")

    def of(self, kind: str, shard: int, viewer: str | None = "*") -> list[Line]:
        sql, wanted = "SELECT line FROM lines WHERE kind = ? AND shard = ?", [kind, shard]
        if viewer != "*":
            sql, wanted = sql + " AND viewer = ?", [*wanted, viewer or ""]
        return [json.loads(text) for (text,) in self._raw.execute(sql, wanted)]


class _Viewer:
    """One shard of the world as one viewer sees it. Time moves what is shared: groups are made anew when it has."""

    def __init__(self, world: World, viewer: str | None, homes: Mapping[str, set[str]], verdict: Verdict) -> None:
        self.world, self.viewer, self.homes, self.verdict = world, viewer, homes, verdict
        shares = [each for stream in world.today.values() for each in stream.entry.get("shares", [])]
        self.turns = sorted(each["until"] for each in shares if viewer is not None and each["dealer"] == viewer)
        self.turn: int | None = None
        self.groups: dict[str, Any] = {}
        self.owner: dict[str, str] = {}

    def at(self, moment: datetime) -> None:
        turn = bisect_right(self.turns, moment)
        if turn != self.turn:
            self.turn, self.groups = turn, self.world.groups(self.viewer, moment)
            self.owner = {ref: customer for customer, parts in self.groups.items() for ref in parts[2]}

    def judge(self, rows: _Rows, shard: int) -> None:
        records = rows.of("records", shard, self.viewer)
        found = sorted(((_moment(line), n) for n, line in enumerate(records)))
        last, read = datetime.now(UTC), set()
        for last, number in found:
            self.at(last)
            read.add(self.owner.get(records[number]["customer"]))
            self._record(records[number], last)
        self.at(last)
        missing = sorted(set(self.groups) - read) if self.viewer is None else []
        for customer in missing:
            self.verdict.note("unseen", RECORDS, f"customer {customer} has no record")
        if rows.summarised:
            self._summaries(rows.of("summaries", shard, self.viewer), last)

    def _record(self, line: Line, at: datetime) -> None:
        customer = self.owner.get(line["customer"])
        who = f"customer {line['customer']} as {self.viewer or 'headquarters'}"
        self.verdict.n[RECORDS] += 1
        if line["hash"] is None or customer is None:
            if line["hash"] is not None:
                self.verdict.note(
                    "leak" if self.viewer else "record_differs", RECORDS, f"{who} is shown, the fold has none"
                )
            elif customer is not None:
                self.verdict.note("unseen", RECORDS, f"{who} is not found, the fold has it")
            return
        facts = record(*self.groups[customer], at)
        if digest(facts) != line["hash"]:
            self.verdict.note("record_differs", RECORDS, f"{who}: {difference(facts, line.get('body'))}")
        if self.viewer is not None and line.get("body"):
            self._scope(who, customer, facts, line["body"])

    def _scope(self, who: str, customer: str, facts: Any, body: Any) -> None:
        """What a dealer was shown, word by word: streams, references and canaries."""
        self.verdict.n[SCOPED] += 1
        streams, _, refs, _ = self.groups[customer]
        text, told = json.dumps(body, ensure_ascii=False), canonical(facts).decode()
        own = {stream.name for stream in streams} | {*_STREAM.findall(told)}
        for name in {*_STREAM.findall(text)} - own:
            if name in self.world.today:
                self.verdict.note("leak", SCOPED, f"{who}: {name}")
        others = {stream.ref for stream in self.world.today.values()} - {*refs} - {*_UUID.findall(told)}
        for ref in {*_UUID.findall(text)} & others:
            self.verdict.note("leak", SCOPED, f"{who}: reference {ref}")
        readable = {stream.name for stream in streams if stream.person}
        for canary in {*CANARY.findall(text)}:
            self.verdict.n[CANARIES] += 1
            homes = self.homes.get(canary.lower())
            if homes is not None and not homes & readable:
                self.verdict.note("leak", CANARIES, f"{who}: {canary} of {', '.join(sorted(homes))}")

    def _summaries(self, lines: Sequence[Line], at: datetime) -> None:
        kept = {line["customer_id"]: line for line in lines}
        for customer in sorted({*kept, *self.groups}):
            self.verdict.n[SUMMARIES] += 1
            who = f"the summary of {customer} for {self.viewer or 'headquarters'}"
            if customer not in kept:
                self.verdict.note("unseen", SUMMARIES, f"{who} is not there")
            elif customer not in self.groups:
                self.verdict.note("leak" if self.viewer else "record_differs", SUMMARIES, f"{who}: the fold has none")
            else:
                head = record(*self.groups[customer], at)["head"]
                for name in ("record_version", "stage", "party_refs"):
                    if name in kept[customer] and kept[customer][name] != head[name]:
                        what = f"{who}: {name} {kept[customer][name]!r}, fold {head[name]!r}"
                        self.verdict.note("record_differs", SUMMARIES, what)


def _moment(line: Line) -> datetime:
    """When the record is derived at; of one that was not found, when it was asked for."""
    told = line.get("as_of") or ((line.get("body") or {}).get("head") or {}).get("as_of") or line.get("t")
    return instant(told) if told else datetime.now(UTC)


def _sample(streams: Mapping[str, Sequence[Event]], line: Line, verdict: Verdict) -> None:
    """A record of the run's middle: the fold of the versions that the projection had then."""
    verdict.n[SAMPLES] += 1
    events = [e for name, version in line["versions"].items() for e in streams.get(name, ()) if e.version <= version]
    viewer = None if line["viewer"] in _HEADQUARTERS else line["viewer"]
    groups = World(events).groups(viewer, instant(line["as_of"]))
    found = next((parts for parts in groups.values() if line["customer"] in parts[2]), None)
    expected = None if found is None else digest(record(*found, instant(line["as_of"])))
    if expected != line["hash"]:
        what = f"customer {line['customer']} as {viewer or 'headquarters'} at {line['as_of']}"
        verdict.note("record_differs", SAMPLES, f"{what}, {len(events)} events: {line['hash']}, fold {expected}")


def _homes(run: Path) -> dict[str, set[str]]:
    """Of every canary the streams whose personal data it is part of."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((run / "stores").glob("*.personal.jsonl")):
        for line in lines_of(path):
            for canary in CANARY.findall(json.dumps(line.get("value"), ensure_ascii=False)):
                found[canary.lower()].add("/".join(line["key"].split("/")[:2]))
    return dict(found)


def difference(facts: Any, body: Any) -> str:
    """Where the body that was shown says something else than the fold; the shown one has more words in places."""
    if not isinstance(body, dict):
        return "another hash"
    found = Counter[str]()
    expected = json.loads(canonical(facts))
    for section in sorted({*expected} & {*body}):
        _compare(expected[section], body[section], section, found)
    return ", ".join(list(found)[:4]) or "another hash, nothing shown differs"


def _compare(fold: Any, shown: Any, path: str, found: Counter[str]) -> None:
    if isinstance(fold, dict) and isinstance(shown, dict):
        for key in sorted({*fold} & {*shown}):
            _compare(fold[key], shown[key], f"{path}/{key}", found)
    elif isinstance(fold, list) and isinstance(shown, list) and len(fold) == len(shown):
        for number, (one, other) in enumerate(zip(fold, shown, strict=True)):
            _compare(one, other, f"{path}/{number}", found)
    elif isinstance(fold, list) and isinstance(shown, list):
        found[f"{path} has {len(shown)}, fold {len(fold)}"] += 1
    elif fold != shown and not _same_instant(fold, shown):
        found[f"{path} {str(shown)[:60]!r}, fold {str(fold)[:60]!r}"] += 1


def _same_instant(one: Any, other: Any) -> bool:
    try:
        return instant(one) == instant(other)
    except (AttributeError, TypeError, ValueError):
        return False
