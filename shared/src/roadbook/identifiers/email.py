"""E-mail addresses: one spelling for storing and one for comparing. Shape only; nobody is asked whether it
exists."""

import re
import unicodedata
from dataclasses import dataclass, field

_LONGEST = 254  # RFC 5321, and a bound before the IDNA codec, whose time grows with the square of the label
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))+")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True)
class Email:
    """`value`: local part as written, domain lower-cased in its ASCII (IDNA) form; `key`: `value` wholly
    lower-cased.

    Both are None when the shape is wrong. Compare by `key`: no provider of note tells `Li@` from `li@`.
    """

    raw: str = field(repr=False)
    value: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    valid: bool = False


def normalise_email(raw: str) -> Email:
    """Read one address, also as `Name <address>` or `mailto:address`. Never raises on any str."""
    text = unicodedata.normalize("NFKC", raw[: 4 * _LONGEST]).translate(_INVISIBLE).strip()
    bracketed = _IN_BRACKETS.search(text)
    text = (bracketed[1] if bracketed else text).strip().removeprefix("mailto:").strip(" \t\r\n;,")
    local, at, domain = text.rpartition("@")
    ascii_domain = _ascii(domain.replace("。", ".").rstrip("."))
    if not at or len(text) > _LONGEST or ascii_domain is None:
        return Email(raw)
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return Email(raw)
    value = f"{local}@{ascii_domain}"
    return Email(raw, value, value.lower(), True)


def _ascii(domain: str) -> str | None:
    if not 0 < len(domain) <= _LONGEST:
        return None
    try:
        ascii_domain = domain.lower().encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return ascii_domain if _DOMAIN.fullmatch(ascii_domain) else None
