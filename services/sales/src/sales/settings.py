"""Sales' settings, and the network as sales needs it: staff, the catalogue and the rules.

Until the network service exists these come from a versioned seed file behind the port `Network` (DESIGN §10).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from roadbook import settings as kit
from roadbook.settings import SettingsError
from sales.domain.rules import SalesRules


class Settings(kit.Settings):
    """`reactions_start`: leads converted before it open no opportunity here (T15)."""

    reactions_start: datetime = datetime.fromisoformat("2020-01-01T00:00:00Z")


class Network(Protocol):
    def rules(self) -> SalesRules:
        """The rule pack in force; a decision pins its version."""
        ...

    @property
    def time_zone(self) -> ZoneInfo:
        """What a day and a month mean to the dealers."""
        ...

    def is_dealer(self, code: str) -> bool: ...

    def is_staff(self, code: str, dealer: str | None) -> bool:
        """Whether `code` works for `dealer` (None: for headquarters or any dealer)."""
        ...

    def is_model(self, code: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class SeedNetwork:
    """The port over one seed file."""

    dealers: frozenset[str]
    staff: Mapping[str, str | None]
    codes: frozenset[str]
    time_zone: ZoneInfo
    pack: SalesRules

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Raises `SettingsError` when there is no file or it does not hold what sales needs."""
        if path is None:
            raise SettingsError("ROADBOOK_SEED_FILE is not set")
        try:
            seed = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                dealers=frozenset(dealer["id"] for dealer in seed["dealers"]),
                staff={person["id"]: person["dealer"] for person in seed["staff"]},
                codes=frozenset(entry["code"] for entry in seed["catalogue"]),
                time_zone=ZoneInfo(seed["time_zone"]),
                pack=_rules(seed["rules"], seed["catalogue"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"ROADBOOK_SEED_FILE cannot be used ({type(error).__name__})") from None

    def rules(self) -> SalesRules:
        return self.pack

    def is_dealer(self, code: str) -> bool:
        return code in self.dealers

    def is_staff(self, code: str, dealer: str | None) -> bool:
        return code in self.staff and (dealer is None or self.staff[code] == dealer)

    def is_model(self, code: str) -> bool:
        return code in self.codes


def _rules(rules: Mapping[str, Any], catalogue: list[Mapping[str, Any]]) -> SalesRules:
    sales = rules["sales"]
    return SalesRules(
        version=rules["version"],
        quote_valid=timedelta(days=sales["quote_valid_days"]),
        priorities=dict(sales["allocation_priorities"]),
        tender_models=frozenset(entry["code"] for entry in catalogue if entry.get("tender", False)),
    )
