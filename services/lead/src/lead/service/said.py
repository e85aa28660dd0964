"""What somebody said, split in two: facts, which live for ever, and personal data, which can be erased.

A fact has a closed shape (catalogue code, year, VIN, enum, number, time). Everything typed about a person, and every
text, becomes an erasable row `<stream>/<field>`; a fact names it by its field, relative to the stream:

    name given_name family_name birth_date comments interest_text      text
    phone/<n>    {"raw", "e164", "extension", "kind", …}               address/<n>  {"lines", "city", …}
    email/<n>    {"raw", "address", "key"}                              note/<n>     {"about", "text"}
    vin/<n>      text that failed as a VIN                              adf remainder intake   what a document said
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lead.domain.lead import Budget, Consent, ContactPoint, Need, VehicleInterest, Window
from roadbook.identifiers import Email, Phone
from roadbook.personal_data import PersonalRow
from roadbook.store.port import PersonalValue


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach somebody. `family` is the row's prefix; `same` is equal for two writings of one value;
    `preferred` None: nothing was said."""

    family: str
    kind: str
    value: Mapping[str, Any] = field(repr=False)
    same: Any = field(repr=False)
    valid: bool = True
    linkable: bool = False
    preferred: bool | None = None


def phone(read: Phone, *, preferred: bool | None = None, **more: str | None) -> Contact:
    value = {
        "raw": read.raw,
        "e164": read.e164,
        "extension": read.extension,
        "kind": read.kind,
        **{name: text for name, text in more.items() if text is not None},
    }
    same = (read.e164, read.extension) if read.e164 else read.raw
    return Contact("phone", read.kind, value, same, read.valid, read.linkable, preferred)


def email(read: Email, *, preferred: bool | None = None) -> Contact:
    value = {"raw": read.raw, "address": read.value, "key": read.key}
    return Contact("email", "email", value, read.key or read.raw, read.valid, read.valid, preferred)


def address(value: Mapping[str, Any], *, preferred: bool | None = None) -> Contact:
    return Contact("address", "address", value, dict(value), preferred=preferred)


_SAME: Mapping[str, Callable[[Any], Any]] = {
    "phone": lambda value: (value["e164"], value["extension"]) if value["e164"] else value["raw"],
    "email": lambda value: value["key"] or value["raw"],
}


@dataclass(frozen=True, slots=True)
class Said:
    """One intent as it was told. None: nothing was said about it. `texts` are personal values by field; `lists` are
    those that may come several times (`note`, `vin`); `warnings` are codes with a place, never content."""

    texts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    lists: Sequence[tuple[str, Any]] = field(default=(), repr=False)
    contacts: Sequence[Contact] = field(default=(), repr=False)
    vehicles: tuple[VehicleInterest, ...] | None = None
    budget: Budget | None = None
    window: Window | None = None
    consents: tuple[Consent, ...] = ()
    region: str | None = None
    needs: tuple[Need, ...] = ()
    warnings: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """`values` are only those that change something."""

    contact_points: tuple[ContactPoint, ...]
    personal_fields: tuple[str, ...]
    values: Sequence[tuple[str, Any]] = field(repr=False)

    def personal(self, party_ref: str, stream: str) -> list[PersonalValue]:
        return [PersonalValue(party_ref, f"{stream}/{key}", value) for key, value in self.values]


def split(said: Said, stream: str, known: Sequence[PersonalRow] = (), points: Sequence[ContactPoint] = ()) -> Split:
    """Keys for what was said: a value that is known already keeps its key, a new one gets the next number.

    A contact point said again, in whatever writing, stays as it was first written and preferred as it was.
    """
    rows: dict[str, Any] = {row.key.removeprefix(stream + "/"): row.value for row in known}
    preferred = {point.key: point.preferred for point in points}
    values: dict[str, Any] = {}
    said_points: dict[str, ContactPoint] = {}
    for contact in said.contacts:
        key = _place({**rows, **values}, contact.family, contact.same)
        values[key] = {**contact.value, **(values.get(key) or rows.get(key) or {})}
        if contact.preferred is not None:
            preferred[key] = contact.preferred
        said_points[key] = ContactPoint(key, contact.kind, contact.valid, contact.linkable, preferred.get(key, False))
    listed = []
    for family, value in said.lists:
        key = _place({**rows, **values}, family, value)
        values[key] = value
        listed.append(key)
    values |= said.texts
    changed = [(key, value) for key, value in values.items() if key not in rows or rows[key] != value]
    return Split(tuple(said_points.values()), (*said.texts, *dict.fromkeys(listed)), changed)


def _place(rows: Mapping[str, Any], family: str, same: Any) -> str:
    """The key that holds an equal value, else the next free one. A removed value's number is never given again."""
    compare = _SAME.get(family, lambda value: value)
    numbers = [0]
    for key, value in rows.items():
        prefix, _, number = key.rpartition("/")
        if prefix == family:
            numbers.append(int(number))
            if value is not None and compare(value) == same:
                return key
    return f"{family}/{max(numbers) + 1}"


def removed(keys: Iterable[str], party_ref: str, stream: str, known: Sequence[PersonalRow]) -> list[PersonalValue]:
    """Removals of contact points; a key that holds nothing is passed over."""
    held = {row.key for row in known if row.value is not None}
    wanted = [f"{stream}/{key}" for key in dict.fromkeys(keys)]
    return [PersonalValue(party_ref, key, None) for key in wanted if key in held]
