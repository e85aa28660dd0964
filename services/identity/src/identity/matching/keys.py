"""From a personal value to normalised keys, and from the keys of a reference to its profile."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from identity.matching import addresses, names
from identity.matching.names import Name
from roadbook.identifiers import normalise_email, parse_phone

Key = tuple[str, str]
"""(kind, key): the kinds are the fields of `Profile`, in the singular."""

LONGEST = 300
# Read by an office, not by a person.
_ROLES = frozenset(
    ["info", "sales", "service", "admin", "office", "contact", "kefu", "hr", "support", "postmaster", "webmaster"]
)
_ID = re.compile(r"\d{17}[\dX]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a reference that may tell who it is. `phones` are mobiles of one person, as far as a number
    tells; `lines` are other numbers, which nobody has alone. `dealer` holds it."""

    dealer: str | None = None
    names: tuple[Name, ...] = ()
    phones: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    births: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = field(default=(), repr=False)
    ids: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    vins: frozenset[str] = frozenset()


def keys_of(name: str, value: Any, secret: bytes) -> list[Key]:
    """`name` is the field (`name`, `phone/1`), `value` its JSON. What cannot be read gives nothing."""
    root = name.partition("/")[0]
    text = value if isinstance(value, str) else ""
    found: list[Key]
    match root:
        case "name" | "family_name" | "given_name":
            found = [(root, text)] if names.read(text) else []
        case "phone":
            found = _phone(value)
        case "email":
            found = _email(value)
        case "address":
            found = [("address", addresses.text_of(value))] if isinstance(value, Mapping) else []
        case "birth_date":
            found = [("birth_date", text)] if _is_date(text) else []
        case "id_number":
            found = _id(text, secret)
        case "member_number":
            found = [("member", _compact(text))]
        case _:
            found = []
    return [(kind, key[:LONGEST]) for kind, key in found if key and "\x00" not in key]


def _phone(value: Any) -> list[Key]:
    raw = _member(value, "e164", "raw")
    read = parse_phone(raw) if raw else None
    if read is None or read.e164 is None or read.kind in ("service", "unknown"):
        return []
    extension = value.get("extension") if isinstance(value, Mapping) else None
    if read.kind == "mobile" and read.linkable and not extension:
        return [("phone", read.e164)]
    return [("line", read.e164 + (f";{extension}" if extension else ""))]


def _email(value: Any) -> list[Key]:
    raw = _member(value, "address", "raw")
    key = normalise_email(raw).key if raw else None
    return [] if key is None or key.partition("@")[0] in _ROLES else [("email", key)]


def _id(text: str, secret: bytes) -> list[Key]:
    """The number itself is kept nowhere here. A resident's number says the birth date, too."""
    compact = _compact(text)
    if len(compact) < 6:
        return []
    found = [("id", hmac.digest(secret, compact.encode(), hashlib.sha256).hex())]
    if _ID.fullmatch(compact):
        if "10X98765432"[sum(int(d) * w for d, w in zip(compact, _WEIGHTS, strict=False)) % 11] != compact[17]:
            return []  # a slip of the pen is no identity
        born = f"{compact[6:10]}-{compact[10:12]}-{compact[12:14]}"
        found += [("birth_date", born)] if _is_date(born) else []
    return found


def _compact(text: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", text).upper())


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _member(value: Any, *wanted: str) -> str:
    if isinstance(value, str):
        return value
    found = [value.get(name) for name in wanted] if isinstance(value, Mapping) else []
    return next((text for text in found if isinstance(text, str)), "")


def profile(dealer: str | None, rows: Iterable[tuple[str, str, str]]) -> Profile:
    """`rows`: (where it was said, kind, key). Family and given name count where no whole name was said."""
    found: dict[str, dict[str, None]] = {}
    parts: dict[str, dict[str, str]] = {}
    for where, kind, key in rows:
        found.setdefault(kind, {})[key] = None
        if kind in ("name", "family_name", "given_name"):
            parts.setdefault(where, {})[kind] = key
    whole = [
        each.get("name") or each.get("family_name", "") + _between(each) + each.get("given_name", "")
        for each in parts.values()
    ]
    read = dict.fromkeys(name for name in map(names.read, sorted(whole)) if name is not None)
    sets = {plural: frozenset(found.get(kind, ())) for plural, kind in _KINDS}
    return Profile(dealer, names=tuple(read), addresses=tuple(sorted(found.get("address", ()))), **sets)


def _between(parts: Mapping[str, str]) -> str:
    return "" if any(ord(char) > 0x2E7F for char in "".join(parts.values())) else " "


_KINDS = (
    ("phones", "phone"),
    ("lines", "line"),
    ("emails", "email"),
    ("births", "birth_date"),
    ("ids", "id"),
    ("members", "member"),
    ("vins", "vin"),
)
