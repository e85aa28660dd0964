"""Lead's settings, and the network as lead needs it: dealers, staff, the catalogue and the rules.

Until the network service exists these come from a versioned seed file behind the port `Network` (DESIGN §10).
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from lead.domain.lead import Rules, ScoreRule
from lead.domain.test_drive import TestDriveRules
from roadbook import settings as kit
from roadbook.settings import SettingsError

_NOT_TELLING = re.compile(r"[\s\-_.·]+")


class Settings(kit.Settings):
    """`adf_retention_days`: how long raw documents and quarantined prospects are kept (they are personal data)."""

    adf_retention_days: int = Field(default=90, ge=1, le=3650)


class Network(Protocol):
    def rules(self) -> Rules:
        """The rule pack in force; a decision pins its version."""
        ...

    def test_drive_rules(self) -> TestDriveRules: ...

    @property
    def time_zone(self) -> ZoneInfo:
        """What "today" means to the dealers."""
        ...

    def is_dealer(self, code: str) -> bool: ...

    def is_staff(self, code: str, dealer: str | None) -> bool:
        """Whether `code` works for `dealer` (None: for headquarters or any dealer)."""
        ...

    def manager(self, dealer: str) -> str | None:
        """Who holds what nobody else at the dealer holds."""
        ...

    def is_region(self, code: str) -> bool: ...

    def region_of(self, dealer: str) -> str | None: ...

    def sellers(self, region: str | None) -> Sequence[tuple[str, int]]:
        """(dealer, square of its distance in km) of those that sell cars, nearest first; without a region all are 0."""
        ...

    def is_demonstrator(self, vin: str, dealer: str) -> bool: ...

    def demonstrator_model(self, vin: str) -> str | None: ...

    def is_model(self, code: str) -> bool: ...

    def find_model(self, make: str | None, model: str | None) -> str | None:
        """The catalogue code of a make and model as somebody wrote them; None when that is not certain."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Kilometres east and north of the centre."""

    east: int
    north: int


@dataclass(frozen=True, slots=True)
class Dealer:
    region: str
    sells: bool
    manager: str | None


@dataclass(frozen=True, slots=True)
class SeedNetwork:
    """The port over one seed file. `models` is keyed by (make, model) and ("", model) where that is unambiguous,
    `demonstrators` by VIN: (dealer, model)."""

    dealers: Mapping[str, Dealer]
    regions: Mapping[str, Place]
    staff: Mapping[str, str | None]
    codes: frozenset[str]
    models: Mapping[tuple[str, str], str]
    makes: frozenset[str]
    demonstrators: Mapping[str, tuple[str, str]]
    time_zone: ZoneInfo
    pack: Rules
    drives: TestDriveRules

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Raises `SettingsError` when there is no file or it does not hold what lead needs."""
        if path is None:
            raise SettingsError("ROADBOOK_SEED_FILE is not set")
        try:
            seed = json.loads(path.read_text(encoding="utf-8"))
            models, makes = _models(seed["catalogue"])
            managers = {p["dealer"]: p["id"] for p in seed["staff"] if p["role"] == "sales_manager"}
            return cls(
                dealers={
                    dealer["id"]: Dealer(
                        dealer["region"], "sales" in dealer["capabilities"], managers.get(dealer["id"])
                    )
                    for dealer in seed["dealers"]
                },
                regions={region["code"]: Place(region["east_km"], region["north_km"]) for region in seed["regions"]},
                staff={person["id"]: person["dealer"] for person in seed["staff"]},
                codes=frozenset(entry["code"] for entry in seed["catalogue"]),
                models=models,
                makes=makes,
                demonstrators={car["vin"]: (car["dealer"], car["model"]) for car in seed["demonstrators"]},
                time_zone=ZoneInfo(seed["time_zone"]),
                pack=_rules(seed["rules"]),
                drives=_drives(seed["rules"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"ROADBOOK_SEED_FILE cannot be used ({type(error).__name__})") from None

    def rules(self) -> Rules:
        return self.pack

    def test_drive_rules(self) -> TestDriveRules:
        return self.drives

    def is_dealer(self, code: str) -> bool:
        return code in self.dealers

    def is_staff(self, code: str, dealer: str | None) -> bool:
        return code in self.staff and (dealer is None or self.staff[code] == dealer)

    def manager(self, dealer: str) -> str | None:
        found = self.dealers.get(dealer)
        return found.manager if found else None

    def is_region(self, code: str) -> bool:
        return code in self.regions

    def region_of(self, dealer: str) -> str | None:
        found = self.dealers.get(dealer)
        return found.region if found else None

    def sellers(self, region: str | None) -> Sequence[tuple[str, int]]:
        here = self.regions.get(region or "")
        found = []
        for code, dealer in self.dealers.items():
            if dealer.sells:
                there = self.regions[dealer.region]
                found.append((code, (there.east - here.east) ** 2 + (there.north - here.north) ** 2 if here else 0))
        return sorted(found, key=lambda each: (each[1], each[0]))

    def is_demonstrator(self, vin: str, dealer: str) -> bool:
        return vin in self.demonstrators and self.demonstrators[vin][0] == dealer

    def demonstrator_model(self, vin: str) -> str | None:
        found = self.demonstrators.get(vin)
        return found[1] if found else None

    def is_model(self, code: str) -> bool:
        return code in self.codes

    def find_model(self, make: str | None, model: str | None) -> str | None:
        make_key, model_key = _key(make), _key(model)
        if not model_key:
            return None
        found = self.models.get((make_key, model_key))
        if found is None and make_key and model_key.startswith(make_key):
            found = self.models.get((make_key, model_key.removeprefix(make_key)))  # "Honda", "Honda Accord"
        if found is None and not make_key:
            known = next((m for m in self.makes if model_key.startswith(m)), "")
            found = self.models.get((known, model_key.removeprefix(known)))
        return found


def _rules(rules: Mapping[str, Any]) -> Rules:
    lead = rules["lead"]
    return Rules(
        version=rules["version"],
        first_contact=timedelta(hours=lead["first_contact_hours"]),
        follow_up=timedelta(days=lead["follow_up_days"]),
        accept=timedelta(hours=lead["accept_hours"]),
        feedback=timedelta(hours=lead["feedback_hours"]),
        protection=timedelta(days=lead["protection_days"]),
        window_near=timedelta(days=lead["window_near_days"]),
        consent_for=tuple(lead["consent_for_sources"]),
        required_hot=tuple(lead["required"]["hot"]),
        required_conversion=tuple(lead["required"]["conversion"]),
        complete=tuple(lead["complete"]),
        score=tuple(ScoreRule(signal, points) for signal, points in lead["score"].items()),
        route_by=tuple(rules["routing"]["order"]),
        disclosures_per_hour=lead["disclosures_per_hour"],
    )


def _drives(rules: Mapping[str, Any]) -> TestDriveRules:
    drives = rules["test_drive"]
    return TestDriveRules(
        version=rules["version"],
        slot=timedelta(minutes=drives["slot_minutes"]),
        longest=timedelta(minutes=drives["longest_minutes"]),
        grace=timedelta(minutes=drives["grace_minutes"]),
    )


def _key(text: str | None) -> str:
    """Case, width, blanks and punctuation do not tell models apart: `CR-V`, `cr v` and `ＣＲＶ` are one."""
    return _NOT_TELLING.sub("", unicodedata.normalize("NFKC", text or "").casefold())


def _models(catalogue: list[dict[str, object]]) -> tuple[dict[tuple[str, str], str], frozenset[str]]:
    models: dict[tuple[str, str], str] = {}
    without_make: dict[str, set[str]] = {}
    makes = set()
    for entry in catalogue:
        make, code = _key(str(entry["make"])), str(entry["code"])
        aliases = entry.get("aliases", [])
        names = [str(entry["model"]), *(map(str, aliases) if isinstance(aliases, list) else ())]
        makes.add(make)
        for name in map(_key, names):
            models[make, name] = code
            without_make.setdefault(name, set()).add(code)
    models |= {("", name): next(iter(codes)) for name, codes in without_make.items() if len(codes) == 1}
    return models, frozenset(makes)
