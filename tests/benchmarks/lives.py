"""Customers as they might be, in events as the lead service publishes them: written from the contract, so that a
million of them can be on a topic within a minute."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from benchmarks.stage import DEALER
from roadbook.bus import Message
from roadbook.events import Labels, NewEvent, Recorded, new_id
from roadbook.wire import rfc3339, to_message

FIRST = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
MODELS = ("volkswagen-lavida", "volkswagen-polo", "volkswagen-tiguan", "volkswagen-passat")
PER_CUSTOMER = 5


class Life:
    """One lead of one customer; its events are counted from 1 and come a minute after each other."""

    def __init__(self, number: int, party_ref: str | None = None) -> None:
        self.number = number
        self.party_ref = party_ref or new_id()
        self.stream = f"lead/{new_id()}"
        self.version = 0
        self.now = FIRST + timedelta(seconds=number)

    def event(self, name: str, data: Mapping[str, Any]) -> Recorded:
        self.version += 1
        self.now += timedelta(minutes=1)
        at = rfc3339(self.now)
        return Recorded(
            self.stream, self.version, new_id(), f"roadbook.lead.{name}.v1", self.now, self.now,
            orjson.dumps({**data, "at": at}).decode(), self.party_ref, Labels(DEALER, self.party_ref, None),
            "staff-1", new_id(),
        )  # fmt: skip

    def captured(self) -> Recorded:
        data = {
            "party_ref": self.party_ref, "source": "web", "dealer": DEALER, "dealer_wish": None,
            "vehicles": [{"interest": "buy", "model": MODELS[self.number % len(MODELS)]}], "budget": None,
            "window": None, "contact_points": [{"key": "phone/1", "kind": "mobile", "valid": True, "linkable": True}],
            "consents": [], "rules": "2026-1", "campaign": None, "personal_fields": ["name"],
        }  # fmt: skip
        return self.event("lead_captured", data)

    def qualified(self) -> Recorded:
        grade = ("hot", "warm", "cold")[self.number % 3]
        return self.event("lead_qualified", {"grade": grade, "reasons": ["budget", "window"], "rules": "2026-1"})

    def experienced(self) -> Recorded:
        data = {"model": MODELS[self.version % len(MODELS)], "feature": "interior_360", "seconds": 30 + self.version}
        return self.event("online_experience_recorded", {**data, "site": "lavida_site"})

    def scheduled(self) -> Recorded:
        due = rfc3339(self.now + timedelta(days=2))
        return self.event("follow_up_scheduled", {"kind": "call", "due": due, "assignee": "staff-7"})

    def completed(self) -> Recorded:
        return self.event("follow_up_completed", {"kind": "call", "outcome": "reached", "staff": "staff-7"})

    def visited(self) -> Recorded:
        return self.event("showroom_visit_recorded", {"purpose": "look_around", "persons": 2, "staff": "staff-7"})

    def personal(self, version: int) -> Iterator[Message]:
        """Their name and number, on the topic of personal data."""
        for place, (name, value) in enumerate((("name", f"测试 {self.number}"), ("phone/1", self._phone()))):
            key = f"{self.party_ref}/lead/{self.stream}/{name}"
            told = {"value": value, "source": "web", "recorded_at": rfc3339(FIRST), "verified_at": None}
            body = orjson.dumps({**told, "version": 2 * version + place + 1})
            yield Message(key.encode(), body, (("sequence", b"%010d" % (2 * version + place + 1)),))

    def _phone(self) -> dict[str, Any]:
        number = f"+86139{self.number % 10**8:08d}"
        return {"raw": number, "e164": number}


def events(count: int) -> Iterator[Recorded]:
    """`count` events of count / 5 customers, whose lives are told side by side, 100 at a time."""
    told = 0
    for first in range(0, count, 100 * PER_CUSTOMER):
        lives = [Life(first + n) for n in range(100)]
        for step in (Life.captured, Life.qualified, Life.experienced, Life.scheduled, Life.completed):
            for life in lives:
                if told == count:
                    return
                told += 1
                yield step(life)


def busy(number: int, total: int) -> Iterator[Recorded]:
    """One customer with `total` events in streams of 100."""
    party_ref = new_id()
    while total > 0:
        life = Life(number, party_ref)
        yield life.captured()
        for n in range(min(99, total - 1)):
            yield (life.experienced, life.scheduled, life.completed, life.visited)[n % 4]()
        total -= 100


def messages(count: int) -> Iterator[Message]:
    for event in events(count):
        yield to_message(event)


def new(event: Recorded) -> NewEvent:
    """As it was before it was stored."""
    return NewEvent(event.type, event.time, event.data, event.id)
