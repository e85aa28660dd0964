"""Search keys: the same spelling for what is stored and what is asked."""

import re
import unicodedata
from dataclasses import dataclass, field

from roadbook.identifiers import check_vin, compact_name_key, normalise_email, parse_phone

MAX_SEARCH_KEY = 100


@dataclass(frozen=True, slots=True, order=True)
class SearchKey:
    """`kind`: phone, email, name or vin. Personal data (the VIN apart): erasable rows, never a log or a URL."""

    kind: str
    key: str = field(repr=False)


def phone_key(raw: str) -> SearchKey | None:
    """E.164 where the number can be read, else its digits, so that it is found as it was written down."""
    phone = parse_phone(raw)
    if phone.e164 is not None:
        return SearchKey("phone", phone.e164)
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", raw))
    return SearchKey("phone", digits[:MAX_SEARCH_KEY]) if len(digits) >= 5 else None


def email_key(raw: str) -> SearchKey | None:
    key = normalise_email(raw).key
    return SearchKey("email", key[:254]) if key else None


def name_key(raw: str) -> SearchKey | None:
    key = compact_name_key(raw)[:MAX_SEARCH_KEY]
    return SearchKey("name", key) if key else None


def vin_key(raw: str) -> SearchKey | None:
    vin = check_vin(raw).value
    return SearchKey("vin", vin) if vin else None


def personal_keys(name: str, value: object) -> list[SearchKey]:
    """The keys of one personal value; `name` is its field: `name`, `phone/1`, `email/2` …"""
    root = name.partition("/")[0]
    if root in ("name", "family_name", "given_name") and isinstance(value, str):
        found = [name_key(value)]
    elif root == "vin" and isinstance(value, str):
        found = [vin_key(value)]
    elif root == "phone":
        found = [phone_key(text) for text in _texts(value, "e164", "raw")]
    elif root == "email":
        found = [email_key(text) for text in _texts(value, "address", "raw")]
    else:
        found = []
    return sorted({key for key in found if key is not None})


def _texts(value: object, *names: str) -> list[str]:
    """The first of these members that is a text, or the value itself if it is one."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for text in (value.get(name) for name in names) if isinstance(text, str)][:1]
    return []


def full_names(values: dict[str, str]) -> list[SearchKey]:
    """Family and given name in both orders: people type either."""
    family, given = values.get("family_name", ""), values.get("given_name", "")
    keys = (name_key(family + given), name_key(given + family)) if family and given else ()
    return [key for key in keys if key is not None]
