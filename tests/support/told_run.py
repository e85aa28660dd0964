"""The folder of a run made up from a generated history: what the judge reads, without a stack. Tests doctor it."""

import copy
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from checker import World, digest, event_of
from checker.judge import examine
from checker.oracles import Dump, Message, Verdict
from checker.oracles.kafka import PERSONAL
from checker.record import record
from histories import ALL_KINDS, History, topic_of

from roadbook.events import Recorded
from roadbook.kafka import partition_of
from roadbook.wire import rfc3339, to_message

PARTITIONS = 3
AT = datetime(2027, 6, 1, tzinfo=UTC)
Line = dict[str, Any]
_SPACE = UUID("0199aaaa-0000-7000-8000-000000000000")


@dataclass
class ToldRun:
    """`files` are the lines by their file; `messages` what stands on Kafka, by topic and partition in order."""

    files: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[tuple[str, int], list[Message]] = field(default_factory=lambda: defaultdict(list))

    def judged(self, run: Path) -> Verdict:
        for name, lines in self.files.items():
            path = run / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        topics = {PERSONAL, *(topic for topic, _ in self.messages)}
        everything = [message for _, own in sorted(self.messages.items()) for message in own]
        return examine(run, Dump.of(run, everything, dict.fromkeys(topics, PARTITIONS)))

    # ── what tests ask and do
    def stored(self, name: str) -> Line:
        """The last event of that name, in its store."""
        return [line for line in self._events() if line["type"].split(".")[2] == name][-1]

    def op_of(self, event: Line) -> tuple[Line, Line]:
        """Who asked for it: the invoke and the answer line."""
        lines = [line for line in self.files["ledger.jsonl"] if line["op"] == event["correlation"]]
        return lines[0], lines[1]

    def store_of(self, event: Line) -> list[Line]:
        return self.files[f"stores/{event['type'].split('.')[1]}.jsonl"]

    def place_of(self, event: Line) -> tuple[list[Message], int]:
        """The partition and the place in it where it stands first."""
        for own in self.messages.values():
            for number, message in enumerate(own):
                if dict(message.headers).get("ce_id") == event["id"]:
                    return own, number
        raise LookupError(event["id"])

    def send(self, event: Line, **changes: Any) -> Message:
        """Once more at the end of its partition, with these changes."""
        own, number = self.place_of(event)
        message = own[number]._replace(offset=own[-1].offset + 1, **changes)
        own.append(message)
        return message

    def store(self, event: Line, **changes: Any) -> Line:
        """A copy of an event as a further one of its stream, stored and published as it should be."""
        own = [line for line in self._events() if line["stream"] == changes.get("stream", event["stream"])]
        version = len(own) + 1
        new = {
            **copy.deepcopy(event),
            "id": str(uuid5(_SPACE, f"{event['id']}{version}")),
            "version": version,
            **changes,
        }
        message = self.place_of(event)[0][self.place_of(event)[1]]
        told = {"ce_id": new["id"], "ce_sequence": str(version).zfill(10), "ce_subject": new["stream"]}
        told |= {"ce_actor": new["actor"], "ce_correlationid": new["correlation"], "ce_recordedtime": new["recorded"]}
        told |= {"ce_causationid": new["causation"]} if new["causation"] else {}
        headers = {**dict(message.headers), **told}
        if not new["causation"]:
            headers.pop("ce_causationid", None)
        self.store_of(event).append(new)
        self.send(event, headers=tuple(headers.items()))
        return new

    def unrecorded(self) -> Line:
        """An event of a stream that is in no record."""
        nobodys = [line for line in self._events() if line["party_ref"] is None]
        return next(line for line in reversed(nobodys) if not line["stream"].startswith(("link/", "vehicle/")))

    def reacted(self, cause: str) -> Line:
        """What a reaction wrote, and its outcome."""
        event = self.store(self.unrecorded(), actor="system:tells", causation=cause, correlation="any")
        row = {"reaction": "tells", "event": cause, "outcome": "done"}
        self.files[f"stores/{event['type'].split('.')[1]}.reactions.jsonl"].append(row)
        return event

    def followed(self) -> Line:
        """The first event of a stream that has more."""
        streams = {line["stream"] for line in self._events() if line["version"] == 2}
        return next(line for line in self._events() if line["stream"] in streams)

    def neighbours(self) -> tuple[list[Message], int, int]:
        """Two versions of one stream in their partition."""
        first = self.followed()
        event = next(line for line in self._events() if line["stream"] == first["stream"] and line["version"] == 2)
        own, place = self.place_of(first)
        return own, place, self.place_of(event)[1]

    def moved(self, event: Line) -> None:
        """A whole stream to the next partition."""
        own, _ = self.place_of(event)
        topic, partition = own[0].topic, (own[0].partition + 1) % PARTITIONS
        gone = [message for message in own if dict(message.headers)["ce_subject"] == event["stream"]]
        there = self.messages[topic, partition]
        for message in gone:
            own.remove(message)
            there.append(message._replace(partition=partition, offset=len(there)))

    def forged(self, event: Line, expect: str) -> None:
        """A second version of a stream that has no first."""
        own, place = self.place_of(event)
        headers = {**dict(own[place].headers), "ce_subject": "lead/forged", "ce_sequence": "0000000002", "ce_id": "f"}
        message = self.send(event, headers=tuple(headers.items()))
        where = dict(zip(("topic", "partition", "offset"), message.place, strict=True))
        self.files["injected.jsonl"].append(
            {"fault": "F29", **where, "stream": "lead/forged", "version": 2, "expect": expect}
        )

    def personal(self, key: str, version: int) -> None:
        topic, partition = PERSONAL, partition_of(key.encode(), PARTITIONS)
        own = self.messages[topic, partition]
        headers = (("sequence", str(version).zfill(10)),)
        own.append(Message(topic, partition, len(own), key.encode(), headers, b"{}"))

    def customer(self) -> str:
        return str(self.files["records.jsonl"][0]["customer"])

    def foreign(self, viewer: str) -> str:
        """A lead that this dealer does not see."""
        own = {name for line in self.files["samples.jsonl"] if line["viewer"] == viewer for name in line["versions"]}
        return next(
            str(line["stream"])
            for line in self._events()
            if line["stream"][:5] == "lead/" and line["stream"] not in own
        )

    def _events(self) -> list[Line]:
        return [line for name in ("lead", "identity", "sales") for line in self.files[f"stores/{name}.jsonl"]]

    # ── how it is made
    def tell(self, event: Recorded) -> None:
        service, sent = event.type.split(".")[1], to_message(event)
        labels = event.labels
        self.files[f"stores/{service}.jsonl"].append(
            {
                "stream": event.stream,
                "version": event.version,
                "id": event.id,
                "type": event.type,
                "time": rfc3339(event.time),
                "recorded": rfc3339(event.recorded),
                "data_sha256": hashlib.sha256(event.data.encode()).hexdigest(),
                "data": json.loads(event.data),
                "key": event.key,
                "dealer": labels.dealer,
                "party_ref": labels.party_ref,
                "correlation": event.correlation,
                "causation": event.causation,
                "actor": event.actor,
                "position": len(self.files["ledger.jsonl"]),
            }
        )
        topic, partition = topic_of(event), partition_of(sent.key, PARTITIONS)
        headers = tuple((name, raw.decode()) for name, raw in sent.headers)
        own = self.messages[topic, partition]
        own.append(Message(topic, partition, len(own), sent.key, headers, sent.value))
        if event.actor.startswith("system"):
            row = {"reaction": event.actor.removeprefix("system:"), "event": event.causation, "outcome": "done"}
            self.files[f"stores/{service}.reactions.jsonl"].append(row)
        else:
            self._asked(event, service)

    def _asked(self, event: Recorded, service: str) -> None:
        op, answer = event.correlation, {"stream": event.stream, "version": event.version, "events": [event.id]}
        asked = {"method": "POST", "path": "/v1/x", "service": service, "key": f"k-{op}", "dealer": None, "kind": "any"}
        here = {"op": op, "attempt": 1, "t": rfc3339(event.recorded)}
        told = {"class": "ok", "status": 201, "problem": None, "answer": answer}
        self.files["ledger.jsonl"] += [{"phase": "invoke", **here, **asked}, {"phase": "answer", **here, **told}]
        row = {"key": op, "status": 201, "answer": {"body": answer, "location": None}, "stream": event.stream}
        self.files[f"stores/{service}.idempotency.jsonl"].append(row)


def told_run(seed: int = 20_260_115, size: int = 120) -> ToldRun:
    """A run in which nothing went wrong; some events of identity answer the one before."""
    history = History(seed, people=3, size=size, kinds=ALL_KINDS, links=True)
    run, causes = ToldRun(), list(history.events)
    for number, event in enumerate(history.events):
        by = {}
        if event.stream.startswith(("partyref/", "consent/")) and number % 2:
            by = {"actor": "system:identity-party-refs", "causation": causes[number - 1].id}
        run.tell(replace(event, correlation=str(uuid5(_SPACE, event.id)), **by))
    world = World(event_of(dict(message.headers), message.value or b"") for message in _in_order(run))
    for viewer in (None, *history.dealers):
        for customer, parts in world.groups(viewer, AT).items():
            facts = record(*parts, AT)
            head = {"customer_id": customer, "as_of": rfc3339(AT)}
            told = {"viewer": viewer, "customer": customer, "hash": digest(facts)}
            run.files["records.jsonl"].append({**told, "body": {"head": head}})
            versions = {stream.name: len(stream.events) for stream in parts[0]}
            links = {name: len(own) for name, own in world.streams.items() if name.startswith(("link/", "vehicle/"))}
            sample = {**told, "as_of": rfc3339(AT), "versions": {**versions, **links}}
            run.files["samples.jsonl"].append(sample)
            summary = {name: facts["head"][name] for name in ("stage", "record_version", "party_refs")}
            row = {"scope": viewer or "*", "customer_id": customer, **summary}
            run.files["stores/projection.summaries.jsonl"].append(row)
    run.files["stores/projection.held.jsonl"] = []
    run.files["faults.jsonl"].append({"fault": "F5", "what": "none", "bit": True, "proof": {}, "recovered_seconds": 1})
    return run


def _in_order(run: ToldRun) -> list[Message]:
    return [message for own in run.messages.values() for message in own]
