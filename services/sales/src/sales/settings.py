"""Sales' settings, and the network as sales needs it: staff, the catalogue and the rules.

Until the network service exists these come from a versioned seed file behind the port `Network` (DESIGN §10).
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from roadbook import settings as kit
from roadbook.settings import SettingsError
from sales.domain.commission_rules import CommissionRule, CommissionRules, Share
from sales.domain.pipeline import ForecastRules, StageRule
from sales.domain.rules import SalesRules


class Settings(kit.Settings):
    pass


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

    def dealer_codes(self) -> Set[str]: ...

    def manager(self, dealer: str) -> str | None:
        """Who has a part in what the dealer's staff earn."""
        ...

    def commission_rules(self) -> CommissionRules: ...

    def forecast_rules(self) -> ForecastRules: ...


@dataclass(frozen=True, slots=True)
class SeedNetwork:
    """The port over one seed file."""

    dealers: frozenset[str]
    staff: Mapping[str, str | None]
    codes: frozenset[str]
    time_zone: ZoneInfo
    pack: SalesRules
    managers: Mapping[str, str]
    commission: CommissionRules
    forecast: ForecastRules

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
                managers={p["dealer"]: p["id"] for p in seed["staff"] if p["role"] == "sales_manager"},
                commission=_commission(seed["rules"]),
                forecast=_forecast(seed["rules"]),
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

    def dealer_codes(self) -> Set[str]:
        return self.dealers

    def manager(self, dealer: str) -> str | None:
        return self.managers.get(dealer)

    def commission_rules(self) -> CommissionRules:
        return self.commission

    def forecast_rules(self) -> ForecastRules:
        return self.forecast


def _rules(rules: Mapping[str, Any], catalogue: list[Mapping[str, Any]]) -> SalesRules:
    sales = rules["sales"]
    return SalesRules(
        version=rules["version"],
        quote_valid=timedelta(days=sales["quote_valid_days"]),
        priorities=dict(sales["allocation_priorities"]),
        tender_models=frozenset(entry["code"] for entry in catalogue if entry.get("tender", False)),
    )


def _commission(rules: Mapping[str, Any]) -> CommissionRules:
    return CommissionRules(
        rules["version"],
        tuple(
            CommissionRule(
                name=rule["rule"],
                sale=rule["sale"],
                rate_bp=rule["rate_bp"],
                split=tuple(Share(share["part"], share["bp"]) for share in rule["split"]),
                models=tuple(rule.get("models", ())),
            )
            for rule in rules["sales"]["commission"]
        ),
    )


def _forecast(rules: Mapping[str, Any]) -> ForecastRules:
    forecast = rules["sales"]["forecast"]
    stages = {name: StageRule(stage["weight_permille"], stage["days"]) for name, stage in forecast["stages"].items()}
    return ForecastRules(rules["version"], forecast["currency"], stages)
