"""Values and words that events of several services hold."""

from collections.abc import Callable, Mapping
from typing import Any

STAFF = ("staff-1", "staff-2", "staff-3")
MODELS = ("volkswagen-lavida", "volkswagen-id3", "audi-a4l")
REASONS = ("price", "timing", "他")
OTHERS = ("dealer-sh-01", "dealer-sh-02", "dealer-sh-03")
Chance = Any  # the history that asks: `here` is the stream that it is at
Told = dict[str, Any]


Maker = Callable[[Chance], Told]
Machine = Mapping[str, Mapping[str, str]]  # state -> event -> next state


def staff(h: Chance) -> Any:
    return h.one([*STAFF, None])


def vehicles(h: Chance) -> list[Told]:
    return [
        {
            "interest": h.one(["buy", "trade-in"]),
            "model": h.one([*MODELS, None]),
            "year": h.one([None, 2025, 2026]),
            "vin": h.one([None, *h.vins]),
        }
        for _ in range(h.chance.randint(0, 2))
    ]


def budget(h: Chance) -> Any:
    return h.maybe(lambda: {"currency": "CNY", "minimum": h.one([None, 10_000_000]), "maximum": 16_000_000})


def window(h: Chance) -> Any:
    return h.maybe(lambda: {"earliest": h.one([None, "2026-02-01"]), "latest": h.one([None, "2026-04-30"])})


def points(h: Chance) -> list[Told]:
    found = []
    for key in h.some(["phone/1", "phone/2", "email/1", "address/1"], 3):
        point = {
            "key": key,
            "kind": {"p": "mobile", "e": "email", "a": "address"}[key[0]],
            "valid": h.one([True, True, False]),
        }
        found.append(point | h.one([{}, {"linkable": False}, {"preferred": True}]))
    return found


def consents(h: Chance) -> list[Told]:
    return [
        {
            "purpose": h.one(["marketing", "service"]),
            "channel": h.one(["phone", "sms"]),
            "granted": h.one([True, False]),
            "wording": h.one(["privacy-1", "privacy-2"]),
            "brand": h.one([None, "volkswagen"]),
        }
        for _ in range(h.chance.randint(0, 2))
    ]


def needs(h: Chance) -> list[Told]:
    kinds = h.some(["use", "family"], 2)
    return [
        {"kind": kind, "value": h.one(["commute", "children"]), "source": h.one(["survey", "call"])} for kind in kinds
    ]
