"""(b) Stored => on Kafka: first occurrences 1..n per stream, the same bytes, in the partition of the key."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from checker.oracles.folder import Line, Stored, Stores, services_of, table
from checker.oracles.kafka import PERSONAL, Dump, Message
from checker.oracles.verdict import Verdict
from checker.topics import instant

PUBLISHED, ORDER, PLACED, SAME = (
    "b stored events on Kafka, with their bytes",
    "b streams with first occurrences 1..n",
    "b messages in the partition of their key",
    "b repeats byte-identical",
)
PERSONLESS: Final = "e facts without personal data"
PERSONAL_DATA: Final = "b personal values on Kafka as last stored"
_MULTIPLIER, _MASK = 0x5BD1E995, 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash of Kafka's own partitioner, from its description (Austin Appleby's MurmurHash2, seed 0x9747b28c)."""
    hashed = (0x9747B28C ^ len(data)) & _MASK
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        k = (k ^ (k >> 24)) * _MULTIPLIER & _MASK
        hashed = (hashed * _MULTIPLIER & _MASK) ^ k
    tail = data[whole:]
    if tail:
        hashed = (hashed ^ int.from_bytes(tail, "little")) * _MULTIPLIER & _MASK
    hashed = (hashed ^ (hashed >> 13)) * _MULTIPLIER & _MASK
    return hashed ^ (hashed >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class Facts:
    """What a walk over all facts finds out. `own`: the places that the run forged, which are nobody's word."""

    def __init__(self, stores: Stores, forged: Mapping[tuple[str, int, int], Line], verdict: Verdict) -> None:
        self.stores, self.forged, self.verdict = stores, forged, verdict
        self.versions: Counter[str] = Counter()
        self.first: dict[tuple[str, int], bytes] = {}
        self.seen: set[str] = set()
        self.repeats: Counter[str] = Counter()
        self.forged_repeats = 0
        self.partitions: dict[bytes, int] = {}

    def take(self, message: Message, count: int) -> None:
        forged = self.forged.get(message.place)
        if forged is not None and forged["expect"] != "duplicate":
            return
        headers = dict(message.headers)
        stream, version = headers.get("ce_subject", ""), int(headers.get("ce_sequence") or 0)
        self._placed(message, count)
        if b"CNRY" in (message.value or b"") or any("CNRY" in text for _, text in message.headers):
            self.verdict.note("leak", PERSONLESS, f"a canary in the fact at {where(message)}")
        content = hashlib.sha256(repr((message.partition, *message[3:])).encode("utf-8", "replace")).digest()
        known = self.first.get((stream, version))
        if known is not None:
            self._repeat(message, headers, known == content, forged is not None)
            return
        self.first[stream, version] = content
        if version != self.versions[stream] + 1:
            self.verdict.note(
                "order_violation", ORDER, f"{stream}: v{version} after v{self.versions[stream]} in {where(message)}"
            )
        self.versions[stream] = max(version, self.versions[stream])
        self._stored(message, headers, stream, version)

    def _placed(self, message: Message, count: int) -> None:
        self.verdict.n[PLACED] += 1
        self.verdict.n[PERSONLESS] += 1
        if message.key is None or self.partitions.get(message.key) == message.partition:
            if message.key is None:
                self.verdict.note("wrong_partition", PLACED, f"no key at {where(message)}")
            return
        self.partitions[message.key] = message.partition
        expected = partition_of(message.key, count)
        if message.partition != expected:
            self.verdict.note(
                "wrong_partition", PLACED, f"{message.key!r} at {where(message)}, its hash says {expected}"
            )

    def _repeat(self, message: Message, headers: Mapping[str, str], same: bool, forged: bool) -> None:
        self.verdict.n[SAME] += 1
        self.forged_repeats += forged
        if not forged:
            self.repeats[headers.get("ce_id", "")] += 1
        if not same:
            told = f"{headers.get('ce_subject')} v{headers.get('ce_sequence')}"
            self.verdict.note("repeat_differs", SAME, f"{told} at {where(message)} is not what stood there first")

    def _stored(self, message: Message, headers: Mapping[str, str], stream: str, version: int) -> None:
        event = self.stores.by_id.get(headers.get("ce_id", ""))
        if event is None or (event.stream, event.version) != (stream, version):
            self.verdict.note(
                "invented", PUBLISHED, f"{stream} v{version} {headers.get('ce_id')} at {where(message)} is in no store"
            )
            return
        self.seen.add(event.id)
        differing = differences(event, message, headers)
        if differing:
            self.verdict.note("hash_mismatch", PUBLISHED, f"{stream} v{version}: {', '.join(differing)}")


def differences(event: Stored, message: Message, headers: Mapping[str, str]) -> list[str]:
    """Which parts of a message are not what the store has."""
    pairs = {
        "data": (hashlib.sha256(message.value or b"").hexdigest(), event.sha),
        "key": ((message.key or b"").decode("utf-8", "replace"), event.key),
        "type": (headers.get("ce_type"), event.type),
        "actor": (headers.get("ce_actor"), event.actor),
        "correlation": (headers.get("ce_correlationid"), event.correlation),
        "causation": (headers.get("ce_causationid"), event.causation),
        "dealer": (headers.get("ce_dealer"), event.dealer),
        "party_ref": (headers.get("ce_partyref"), event.party_ref),
    }
    times = {"time": ("ce_time", event.time), "recorded": ("ce_recordedtime", event.recorded)}
    found = [name for name, (here, there) in pairs.items() if here != there]
    return found + [name for name, (header, told) in times.items() if instant(headers[header]) != instant(told)]


def where(message: Message) -> str:
    return f"{message.topic}/{message.partition}/{message.offset}"


def judge(
    run: Path, dump: Dump, stores: Stores, forged: Mapping[tuple[str, int, int], Line], verdict: Verdict
) -> Facts:
    verdict.n.update(dict.fromkeys((PUBLISHED, ORDER, PLACED, SAME), 0))
    facts, counts = Facts(stores, forged, verdict), dump.partitions
    messages = 0
    for message in dump.facts():
        messages += 1
        facts.take(message, counts[message.topic])
    verdict.n[ORDER] += len(facts.versions)
    for event in stores.by_id.values():
        verdict.n[PUBLISHED] += 1
        if event.id not in facts.seen:
            verdict.note("unpublished", PUBLISHED, f"{event.stream} v{event.version} {event.id} of {event.service}")
    repeats = sum(facts.repeats.values())
    share = f"{repeats / max(1, len(stores.by_id)):.2%}"
    most = max(facts.repeats.values(), default=0)
    verdict.figures["messages of facts on Kafka"] = messages
    verdict.figures["duplicates delivered"] = (
        f"{repeats} ({share} of events, one {most} times); {facts.forged_repeats} forged"
    )
    _personal(run, dump, counts.get(PERSONAL, 0), verdict)
    return facts


def _personal(run: Path, dump: Dump, count: int, verdict: Verdict) -> None:
    """The highest version of each key on the compacted topic is the store's row."""
    highest: dict[str, int] = defaultdict(int)
    for message in dump.personal():
        headers, key = dict(message.headers), message.key or b""
        highest[key.decode()] = max(highest[key.decode()], int(headers.get("sequence") or 0))
        verdict.n[PLACED] += 1
        if message.partition != partition_of(key, count):
            verdict.note("wrong_partition", PLACED, f"a personal value at {where(message)}")
    for service in services_of(run):
        for row in table(run, service, "personal") or ():
            verdict.n[PERSONAL_DATA] += 1
            key = f"{row['party_ref']}/{service}/{row['key']}"
            if highest.get(key, 0) < int(row["version"]):
                verdict.note("unpublished", PERSONAL_DATA, f"{key} v{row['version']}")
            elif highest[key] > int(row["version"]):
                verdict.note("invented", PERSONAL_DATA, f"{key} v{highest[key]}, stored is v{row['version']}")
