"""Invented purchase intents, the same ones for the same seed. Every name, number and address is made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Literal

from roadbook_client.lead import models

Grade = Literal["hot", "warm", "cold"]

_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑"
_GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "强",
    "磊",
    "洋",
    "艳",
    "勇",
    "杰",
    "秀英",
    "志强",
    "晓明",
    "海燕",
    "建国",
    "雨桐",
    "梓涵",
)
_LATIN_GIVEN = ("Anna", "Ben", "Clara", "David", "Elena", "Felix", "Grace", "Hugo", "Irene", "Jonas", "Karin", "Liam")
_LATIN_FAMILY = ("Müller", "Smith", "O'Neill", "García", "Nguyễn", "Kowalski", "Rossi", "Dubois", "Jensen", "Novák")
_SOURCES = ("web_form", "showroom", "call_centre", "test_drive_event", "social_wechat", "referral", "campaign_site")
_TEXTS = (
    "想要白色,有天窗",
    "家里两个孩子,想看七座",
    "wants a test drive at the weekend",
    "关心油耗和保养费用",
    "置换旧车",
)
_GRADES: tuple[Grade | None, ...] = ("hot", "warm", "cold", None)
_REASONS: dict[Grade, tuple[str, str]] = {
    "hot": ("test_drive", "budget_confirmed"),
    "warm": ("comparing", "window_known"),
    "cold": ("browsing", "no_window"),
}
_START = datetime(2025, 3, 1, 1, tzinfo=UTC)  # fixed: the same seed gives the same bytes on every day


@dataclass(frozen=True)
class Intent:
    """One intent: who takes it, the body of `POST /v1/leads`, and what the dealer does with it afterwards."""

    number: int
    dealer: str
    body: models.CaptureRequest
    grade: Grade | None
    reasons: tuple[str, ...]
    lost: str | None


def generate(seed: int, count: int, network: Path) -> list[Intent]:
    """`count` intents over the dealers and models of the seed file `network`."""
    known = json.loads(network.read_text(encoding="utf-8"))
    dealers = [dealer["id"] for dealer in known["dealers"]]
    own = [entry["code"] for entry in known["catalogue"] if entry["make"] == "Volkswagen"]
    others = [entry["code"] for entry in known["catalogue"] if entry["make"] != "Volkswagen"]
    random = Random(seed)
    return [_intent(random, number, dealers, own, others) for number in range(count)]


def _intent(random: Random, number: int, dealers: Sequence[str], own: Sequence[str], others: Sequence[str]) -> Intent:
    dealer = random.choice(dealers)
    at = _START + timedelta(minutes=random.randrange(200 * 24 * 60))
    low = random.randrange(8, 25) * 1_000_000
    vehicles: list[models.Vehicle] = [{"interest": "buy", "model": random.choice(own), "condition": "new"}]
    if random.random() < 0.25:
        used: models.Vehicle = {"interest": "trade-in", "model": random.choice(others), "condition": "used"}
        vehicles.append({**used, "year": random.randrange(2010, 2023), "odometer": random.randrange(20, 180) * 1000})
    body: models.CaptureRequest = {
        "source": random.choice(_SOURCES),
        "occurred_at": at.isoformat().replace("+00:00", "Z"),
        "person": _person(random),
        "consents": [
            {"purpose": "contact", "channel": "phone", "granted": True, "wording": "privacy-2025-01"},
            {"purpose": "marketing", "channel": "sms", "granted": random.random() < 0.6, "wording": "privacy-2025-01"},
        ],
        "vehicles": vehicles,
        "dealer_wish": dealer,
    }
    if random.random() < 0.7:
        body["budget"] = {"currency": "CNY", "minimum": low, "maximum": low + 4_000_000}
    if random.random() < 0.6:
        soon = (at + timedelta(days=random.randrange(10, 60))).date()
        body["window"] = {"earliest": soon.isoformat(), "latest": (soon + timedelta(days=90)).isoformat()}
    if random.random() < 0.4:
        body["interest_text"] = random.choice(_TEXTS)
    grade = random.choice(_GRADES)
    lost = random.choice(("bought_elsewhere", "no_budget", "not_reached")) if random.random() < 0.08 else None
    return Intent(number, dealer, body, grade, _REASONS[grade] if grade else (), lost)


def _person(random: Random) -> models.Person:
    if random.random() < 0.8:
        person: models.Person = {"name": random.choice(_FAMILY) + random.choice(_GIVEN)}
        phone = _chinese_phone(random)
    else:
        given, family = random.choice(_LATIN_GIVEN), random.choice(_LATIN_FAMILY)
        person = {"name": f"{given} {family}", "given_name": given, "family_name": family}
        phone = f"+49 151 {random.randrange(10_000_000, 99_999_999)}"
    person["phones"] = [{"value": phone, "preferred": True}]
    if random.random() < 0.5:
        person["emails"] = [{"value": f"customer{random.randrange(10**6):06}@example.com"}]
    return person


def _chinese_phone(random: Random) -> str:
    """Mobile numbers as people write them, some landlines with an extension, now and then one digit too few."""
    digits = random.choice(("138", "139", "150", "186", "199")) + f"{random.randrange(10**8):08}"
    form = random.random()
    if form < 0.5:
        return digits
    if form < 0.7:
        return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
    if form < 0.85:
        return f"+86-{digits}"
    if form < 0.97:
        return f"021-{random.randrange(5000, 6999)} {digits[-4:]} 转 {random.randrange(100, 999)}"
    return digits[:-1]
