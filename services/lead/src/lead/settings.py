"""Lead's settings, and the network as lead needs it: dealers, staff, the catalogue and the rules.

Until the network service exists these come from a versioned seed file behind the port `Network` (DESIGN §10).
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, Self

from pydantic import Field

from lead.domain.lead import Rules
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

    def is_dealer(self, code: str) -> bool: ...

    def is_staff(self, code: str, dealer: str | None) -> bool:
        """Whether `code` works for `dealer` (None: for headquarters or any dealer)."""
        ...

    def is_model(self, code: str) -> bool: ...

    def find_model(self, make: str | None, model: str | None) -> str | None:
        """The catalogue code of a make and model as somebody wrote them; None when that is not certain."""
        ...


@dataclass(frozen=True, slots=True)
class SeedNetwork:
    """The port over one seed file. `models` is keyed by (make, model) and ("", model) where that is unambiguous."""

    dealers: frozenset[str]
    staff: Mapping[str, str | None]
    codes: frozenset[str]
    models: Mapping[tuple[str, str], str]
    makes: frozenset[str]
    pack: Rules

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Raises `SettingsError` when there is no file or it does not hold what lead needs."""
        if path is None:
            raise SettingsError("ROADBOOK_SEED_FILE is not set")
        try:
            seed = json.loads(path.read_text(encoding="utf-8"))
            models, makes = _models(seed["catalogue"])
            rules = seed["rules"]
            return cls(
                dealers=frozenset(dealer["id"] for dealer in seed["dealers"]),
                staff={person["id"]: person["dealer"] for person in seed["staff"]},
                codes=frozenset(entry["code"] for entry in seed["catalogue"]),
                models=models,
                makes=makes,
                pack=Rules(rules["version"], timedelta(hours=rules["lead"]["first_contact_hours"])),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"ROADBOOK_SEED_FILE cannot be used ({type(error).__name__})") from None

    def rules(self) -> Rules:
        return self.pack

    def is_dealer(self, code: str) -> bool:
        return code in self.dealers

    def is_staff(self, code: str, dealer: str | None) -> bool:
        return code in self.staff and (dealer is None or self.staff[code] == dealer)

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
