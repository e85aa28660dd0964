"""Facts that a sender wrote only as `Key: value` lines, in English or Chinese.

They fill what the structure left empty, never replace it, and the text they came from stays where it was.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from lead.adf.fields import phone_of
from lead.adf.model import Contact, ContactEmail, ContactPhone, Customer, Name, NamePart, Vehicle
from lead.adf.values import fold, read_year
from roadbook.identifiers import check_vin, normalise_email, split_phones

_MARKUP = re.compile(r"<[^<>]{0,500}>")
_LONGEST_KEY = 40
_LONGEST_VALUE = 400
_KEYS = {
    **dict.fromkeys(("name", "full name", "fullname", "customer name", "customer", "姓名", "客户姓名", "客户"), "full"),
    **dict.fromkeys(("first name", "firstname", "given name"), "first"),
    **dict.fromkeys(("last name", "lastname", "surname", "family name"), "last"),
    **dict.fromkeys(
        ("phone", "phone number", "telephone", "tel", "mobile", "mobile phone", "cell", "cell phone"), "phone"
    ),
    **dict.fromkeys(
        ("contact number", "day phone", "home phone", "手机", "手机号", "手机号码", "电话", "联系电话"), "phone"
    ),
    **dict.fromkeys(("email", "e-mail", "email address", "mail", "邮箱", "电子邮箱", "电子邮件"), "email"),
    **dict.fromkeys(("make", "brand", "品牌"), "make"),
    **dict.fromkeys(("model", "vehicle", "vehicle of interest", "car", "车型", "意向车型", "车系"), "model"),
    **dict.fromkeys(("year", "model year", "年款"), "year"),
    **dict.fromkeys(("vin", "车架号", "vin码"), "vin"),
    **dict.fromkeys(("stock", "stock number", "stock #", "stock no"), "stock"),
}


def complete(
    customer: Customer, vehicles: tuple[Vehicle, ...], texts: Iterable[str], region: str
) -> tuple[Customer, tuple[Vehicle, ...], tuple[str, ...]]:
    """The two with empty fields filled from `texts`, and the list of the fields that were."""
    found = _read_lines(texts)
    contact = customer.contacts[0] if customer.contacts else Contact()
    filled: list[str] = []
    if not any(each.names for each in customer.contacts) and (names := _names(found)):
        contact = replace(contact, names=names)
        filled.append("customer.contacts[0].names")
    if not any(each.phones for each in customer.contacts) and (phones := _phones(found, region)):
        contact = replace(contact, phones=phones)
        filled.append("customer.contacts[0].phones")
    if not any(each.emails for each in customer.contacts) and (emails := _emails(found)):
        contact = replace(contact, emails=emails)
        filled.append("customer.contacts[0].emails")
    if filled:
        customer = replace(customer, contacts=(contact, *customer.contacts[1:]))
    vehicle, changed = _vehicle(vehicles[0] if vehicles else Vehicle(), found)
    if changed:
        vehicles = (vehicle, *vehicles[1:])
    return customer, vehicles, (*filled, *changed)


def _read_lines(texts: Iterable[str]) -> dict[str, str]:
    """First value of each known key."""
    found: dict[str, str] = {}
    for text in texts:
        for line in _MARKUP.sub("\n", text).splitlines():
            key, colon, value = line.replace("：", ":", 1).replace("=", ":", 1).partition(":")
            known = _KEYS.get(fold(key).lower().strip(" *-•")) if colon and len(key) <= _LONGEST_KEY else None
            if known and 0 < len(value.strip()) <= _LONGEST_VALUE:
                found.setdefault(known, value.strip())
    return found


def _names(found: dict[str, str]) -> tuple[Name, ...]:
    if "full" in found:
        return (Name(found["full"], "full"),)
    parts: tuple[NamePart, ...] = ("first", "last")
    return tuple(Name(found[part], part) for part in parts if part in found)


def _phones(found: dict[str, str], region: str) -> tuple[ContactPhone, ...]:
    raw = found.get("phone", "")
    return tuple(phone_of(part, raw, region) for part in split_phones(raw) if any(map(str.isdigit, part)))


def _emails(found: dict[str, str]) -> tuple[ContactEmail, ...]:
    email = normalise_email(found.get("email", ""))
    return (ContactEmail(found["email"], email),) if email.valid else ()


def _vehicle(vehicle: Vehicle, found: dict[str, str]) -> tuple[Vehicle, tuple[str, ...]]:
    """Only a vehicle that the structure left without make, model and VIN: a half-told one is not mixed with
    a line."""
    if vehicle.make or vehicle.model or vehicle.vin:
        return vehicle, ()
    if not {"make", "model", "vin"} & found.keys():
        return vehicle, ()
    filled = replace(
        vehicle,
        make=found.get("make"),
        model=found.get("model"),
        year=vehicle.year or read_year(found.get("year", "")),
        vin=check_vin(found["vin"]) if "vin" in found else None,
        stock=vehicle.stock or found.get("stock"),
    )
    names = ("make", "model", "year", "vin", "stock")
    return filled, tuple(f"vehicles[0].{name}" for name in names if getattr(filled, name) != getattr(vehicle, name))
