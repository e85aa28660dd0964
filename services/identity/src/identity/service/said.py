"""A contact point as somebody wrote it: its kind and whether it is good for anything, and the personal value."""

from dataclasses import dataclass, field
from typing import Any

from identity.domain.party_ref import Family
from roadbook.identifiers import normalise_email, parse_phone


@dataclass(frozen=True, slots=True)
class Said:
    """`value` has the shapes that every service uses: {"raw", "e164", "extension", "kind"}, {"raw", "address",
    "key"}, {"lines", "city", …}."""

    family: Family
    kind: str
    valid: bool
    linkable: bool
    value: dict[str, Any] = field(repr=False)


def phone(raw: str) -> Said:
    read = parse_phone(raw)
    value = {"raw": raw, "e164": read.e164, "extension": read.extension, "kind": read.kind}
    return Said("phone", read.kind, read.valid, read.linkable, value)


def email(raw: str) -> Said:
    read = normalise_email(raw)
    return Said("email", "email", read.valid, read.valid, {"raw": raw, "address": read.value, "key": read.key})


def address(value: dict[str, Any]) -> Said:
    return Said("address", "address", True, False, {name: part for name, part in value.items() if part})
