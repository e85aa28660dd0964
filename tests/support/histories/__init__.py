"""Generated histories: what all services might have published about a few people, valid or wild.

A valid history goes through plausible transitions; a wild one holds any event of a service at any place of any of its
streams, types nobody knows included. Both are well-formed: versions without holes, data of the published shapes, times
in order of recording.
`History(seed)` is the same for ever; `.events` stand in the order in which they were recorded.
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from histories import identity, lead, sales
from histories.values import STAFF
from roadbook.bus import Message
from roadbook.events import Labels, Recorded
from roadbook.wire import rfc3339, to_message

START = datetime(2026, 1, 1, tzinfo=UTC)
DEALERS = ("dealer-sh-01", "dealer-sh-02", "dealer-sh-03")
LEAD_KINDS = tuple(lead.TRANSITIONS)
IDENTITY_KINDS = ("partyref", "consent")  # links have a switch of their own
SALES_KINDS = tuple(sales.TRANSITIONS)
KINDS_OF = {"lead": LEAD_KINDS, "identity": IDENTITY_KINDS, "sales": SALES_KINDS}
ALL_KINDS = (*LEAD_KINDS, *IDENTITY_KINDS, *SALES_KINDS)
SERVICES = {"lead": lead, "identity": identity, "sales": sales}
MAKERS = {name: maker for service in SERVICES.values() for name, maker in service.EVENTS.items()}
SERVICE_OF = {name: service for service, module in SERVICES.items() for name in (*module.EVENTS, *module.TRANSITIONS)}
TRANSITIONS = {kind: machine for service in SERVICES.values() for kind, machine in service.TRANSITIONS.items()}
Logs = dict[tuple[str, int], list[Message]]  # topic and partition -> what stands there


@dataclass
class Stream:
    """`state` is where the valid transitions of its kind have got to."""

    kind: str
    name: str
    ref: str | None
    dealer: str | None
    version: int = 0
    state: str = ""
    vin: str | None = None
    last: datetime = START
    told: tuple[str, dict[str, Any]] = ("", {})


@dataclass
class History:
    """`people` with one to three references each, and `size` events about them in streams of these kinds."""

    seed: int
    people: int = 2
    size: int = 30
    wild: bool = False
    kinds: Sequence[str] = LEAD_KINDS
    links: bool = False
    events: list[Recorded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.now = START
        self.numbers = 0
        self.streams: dict[str, Stream] = {}
        self.refs = [self.id() for _ in range(self.people) for _ in range(self.chance.randint(1, 3))]
        self.dealers = DEALERS[: self.chance.randint(1, 3)]
        self.vins = [f"LSVAA49J{self.seed % 10**6:06d}{number:03d}" for number in range(3)]
        while len(self.events) < self.size:
            self._step()

    # ── what it is made of
    def id(self) -> str:
        """Like a UUIDv7, but told by the seed."""
        self.numbers += 1
        return f"{self.seed % 2**32:08x}-{self.numbers:04x}-7000-8000-{self.chance.getrandbits(48):012x}"

    def one(self, values: Sequence[Any]) -> Any:
        return self.chance.choice(values)

    def some(self, values: Sequence[Any], most: int) -> list[Any]:
        return self.chance.sample(values, self.chance.randint(0, min(most, len(values))))

    def maybe(self, value: Callable[[], Any]) -> Any:
        return value() if self.chance.random() < 0.5 else None

    def moment(self, days: float = 20) -> str:
        """Somewhere around now, to the minute: so that some are the same."""
        minutes = self.chance.randint(-int(days * 480), int(days * 1440)) // 60 * 60
        return rfc3339(self.now + timedelta(minutes=minutes))

    def stream_of(self, kind: str) -> str | None:
        """Any stream of that kind that there is."""
        names = [stream.name for stream in self.streams.values() if stream.kind == kind]
        return self.one(names) if names else None

    @property
    def end(self) -> datetime:
        return self.now

    # ── steps
    def _step(self) -> None:
        self.now += timedelta(seconds=self.chance.choice((0, 1, 60, 3600, 90_000, 600_000)))
        chance = self.chance.random()
        if self.links and len(self.refs) > 1 and chance < 0.15:
            self._link()
        elif not self.streams or chance < 0.35:
            self._begin(self.one(self.kinds))
        else:
            self._go_on(self.one(list(self.streams.values())))

    def _begin(self, kind: str) -> None:
        ref, dealer, vin = self.one(self.refs), self.one([*self.dealers, None]), None
        name = f"{kind}/{self.id()}"
        if kind in ("partyref", "consent"):
            name = f"{kind}/{ref}"
        elif kind == "vehicle":
            vin = self.one(self.vins)
            name, dealer = f"vehicle/{vin}", self.one(self.dealers)
        elif kind in sales.NOBODYS:
            name, ref = f"{kind}/{self.seed % 2**32:08x}-{self.one(STAFF)}", None
        self._go_on(self.streams.setdefault(name, Stream(kind, name, ref, dealer, vin=vin)))

    def _link(self) -> None:
        smaller, larger = sorted(self.chance.sample(self.refs, 2))
        name = f"link/{smaller}:{larger}"
        self._go_on(self.streams.setdefault(name, Stream("link", name, None, None)))

    def _go_on(self, stream: Stream) -> None:
        machine = TRANSITIONS[stream.kind]
        possible = machine.get(stream.state, {})
        if self.wild and (stream.version or self.chance.random() < 0.3):
            possible = {name: to for step in machine.values() for name, to in step.items()}
            if self.chance.random() < 0.1:
                possible = {self.one(["teleported", *SERVICES[SERVICE_OF[stream.kind]].EVENTS]): stream.state}
        if not possible:
            return
        name = self.one(list(possible))
        stream.state = possible[name]
        self._append(stream, name)

    def _append(self, stream: Stream, name: str) -> None:
        at = self.now
        if self.chance.random() < 0.2:  # told late
            at -= timedelta(minutes=self.chance.choice((1, 60, 6000, 60_000)))
        if stream.kind == "vehicle" and not self.wild:
            at = max(at, stream.last + timedelta(seconds=1))  # intervals of one vehicle follow each other
        stream.last = max(at, stream.last)
        self.now = max(self.now, at)
        self.here = stream
        told = MAKERS.get(name, lambda _: {})(self)
        self._relabel(stream, name, told)
        stream.told = (name, told)
        stream.version += 1
        self.events.append(
            Recorded(
                stream=stream.name,
                version=stream.version,
                id=self.id(),
                type=f"roadbook.{SERVICE_OF.get(name, SERVICE_OF[stream.kind])}.{name}.v1",
                time=at,
                recorded=self.now,
                data=json.dumps({**told, "at": rfc3339(at)}, ensure_ascii=False),
                key=key_of(stream),
                labels=Labels(stream.dealer, stream.ref, stream.vin),
                actor="staff-1",
                correlation=f"{self.seed}-{len(self.events)}",
            )
        )

    def _relabel(self, stream: Stream, name: str, told: dict[str, Any]) -> None:
        """The holder, owner and vehicle after this event."""
        if name in ("lead_routed", "party_ref_moved", "ownership_transferred", "used_vehicle_sold"):
            stream.dealer = told["dealer"]
        elif name in ("lead_declined",) or (name == "lead_feedback_overdue" and told["awaited"] == "acceptance"):
            stream.dealer = None
        elif self.wild and stream.kind in LEAD_KINDS and self.chance.random() < 0.1:
            stream.dealer = self.one([*self.dealers, None])
        if stream.kind == "vehicle":
            stream.ref = told.get("party_ref")
        elif stream.kind in ("order", "tradein", "testdrive") and told.get("vin"):
            stream.vin = told["vin"]


def key_of(stream: Stream) -> str:
    """The partition key, fixed for the stream's life."""
    if stream.kind in ("vehicle", "link"):
        return stream.name.partition("/")[2]
    return stream.name if stream.ref is None else stream.ref


def topic_of(event: Recorded) -> str:
    return f"roadbook.{event.type.split('.')[1]}.v1"


# ── The same history, told in another order ───────────────────────────────────────────────────────────────────
Messages = list[tuple[str, Message]]  # with their topics


def messages_of(events: Iterable[Recorded]) -> Messages:
    return [(topic_of(event), to_message(event)) for event in events]


def renamed(messages: Messages, history: History, seed: int) -> Messages:
    """The history as it would be of another seed: another world beside it, in which every name sorts as here."""
    changes = [(f"{history.seed % 2**32:08x}-", f"{seed:08x}-"), (f"J{history.seed % 10**6:06d}", f"J{seed:06d}")]

    def change(data: bytes) -> bytes:
        for old, new in changes:
            data = data.replace(old.encode(), new.encode())
        return data

    return [
        (topic, Message(change(m.key), change(m.value or b""), tuple((name, change(raw)) for name, raw in m.headers)))
        for topic, m in messages
    ]


def partitioned(messages: Messages, partition_of: Callable[[bytes, int], int], partitions: int) -> Logs:
    """What stands in each partition, in the order of recording."""
    logs: Logs = {}
    for topic, message in messages:
        logs.setdefault((topic, partition_of(message.key, partitions)), []).append(message)
    return logs


def repeated(logs: Logs, seed: int) -> Logs:
    """As relays that died and began again leave them: every now and then a confirmed part once more."""
    chance = random.Random(seed)
    found: Logs = {}
    for place, log in logs.items():
        out: list[Message] = []
        sent = 0
        while sent < len(log):
            upto = min(len(log), sent + chance.randint(1, 6))
            out += log[sent:upto]
            sent = chance.randint(max(0, upto - 5), upto) if chance.random() < 0.3 and upto < len(log) else upto
        found[place] = out
    return found


def interleaved(logs: Logs, seed: int) -> list[tuple[tuple[str, int], Message]]:
    """Any order over topics and partitions; inside a partition as it stands. A few are read twice, as after a crash."""
    chance = random.Random(seed)
    at = dict.fromkeys(sorted(logs), 0)
    out: list[tuple[tuple[str, int], Message]] = []
    while at:
        place = chance.choice(list(at))
        log, start = logs[place], at[place]
        upto = min(len(log), start + chance.choice((1, 1, 2, 5, 50)))
        out += [(place, message) for message in log[start:upto]]
        at[place] = max(0, upto - chance.randint(1, 3)) if chance.random() < 0.2 else upto
        if upto == len(log):
            del at[place]
    return out
