"""Which streams can meet in one record. A run is folded by components, so that it may be larger than memory."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.oracles.folder import Line
from checker.oracles.kafka import PERSONAL, Dump, Message
from checker.topics import Event, event_of

DERIVED: Final = "roadbook.derived.v1"
SIZE: Final = 20_000
"""Events that are folded at a time, if no component is larger."""


class Components:
    """Streams and references joined by party references, links (undone ones too) and vehicles. What the run forged
    is left out, but for repeats and for events of types nobody knows, which a record counts."""

    def __init__(self, dump: Dump, forged: Mapping[tuple[str, int, int], Line]) -> None:
        self._dump, self._parent = dump, dict[str, str]()
        self._left_out = {place for place, line in forged.items() if line["expect"] == "parked"}
        sizes = self._joined()
        self._shard: dict[str, int] = {}
        filled, self.shards = 0, 1
        for root, size in sizes.items():
            if filled and filled + size > SIZE:
                filled, self.shards = 0, self.shards + 1
            self._shard[root] = self.shards - 1
            filled += size
        rows = [(name.removeprefix("stream "), self.shard_of(name)) for name in self._parent if name[:7] == "stream "]
        dump.raw.execute("DROP TABLE IF EXISTS shards")
        dump.raw.execute("CREATE TEMP TABLE shards (stream TEXT PRIMARY KEY, shard INT)")
        dump.raw.executemany("INSERT INTO shards VALUES (?, ?)", rows)
        dump.raw.execute("CREATE INDEX temp.by_shard ON shards (shard)")

    def shard_of(self, name: str) -> int:
        """-1: no event is of this reference."""
        return self._shard[self._root(name)] if name in self._parent else -1

    def events(self, shard: int) -> dict[str, list[Event]]:
        """By stream, the first occurrence of each version, as far as there is no hole."""
        found: dict[str, dict[int, Event]] = defaultdict(dict)
        sql = (
            'SELECT m.topic, m.partition, m."offset", m.headers, m.value'
            " FROM shards s JOIN messages m ON m.stream = s.stream"
            " WHERE s.shard = ? AND m.topic NOT IN (?, ?) ORDER BY 1, 2, 3"
        )
        for topic, partition, offset, headers, value in self._dump.raw.execute(sql, (shard, PERSONAL, DERIVED)):
            told = dict(json.loads(headers))
            version = int(told["ce_sequence"]) if told.get("ce_sequence", "").isdigit() else 0
            own = found[told["ce_subject"]]
            if version and version not in own and (topic, partition, offset) not in self._left_out:
                own[version] = event_of(told, value)
        return {stream: list(_dense(own)) for stream, own in found.items() if 1 in own}

    def _joined(self) -> Counter[str]:
        """How many events each component has, by its root."""
        own: Counter[str] = Counter()
        for message in self._dump.facts():
            headers = dict(message.headers)
            stream = headers.get("ce_subject")
            if stream is None or message.topic == DERIVED or message.place in self._left_out:
                continue
            own["stream " + stream] += 1
            for ref in {headers.get("ce_partyref"), *_refs(stream, message)} - {None}:
                self._join("stream " + stream, str(ref))
        sizes: Counter[str] = Counter()
        for name, size in own.items():
            sizes[self._root(name)] += size
        return sizes

    def _root(self, name: str) -> str:
        parent = self._parent
        root = parent.setdefault(name, name)
        while parent[root] != root:
            root = parent[root]
        while parent[name] != root:
            parent[name], name = root, parent[name]
        return root

    def _join(self, one: str, other: str) -> None:
        self._parent[self._root(one)] = self._root(other)


def _dense(own: Mapping[int, Event]) -> Iterator[Event]:
    version = 1
    while version in own:
        yield own[version]
        version += 1


def _refs(stream: str, message: Message) -> set[Any]:
    """References that only the data name."""
    if stream.partition("/")[0] not in ("link", "vehicle"):
        return set()
    data = json.loads(message.value or b"{}")
    return {data.get("smaller"), data.get("larger"), data.get("party_ref")}
