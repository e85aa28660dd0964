"""Taking fields out of nodes: each function marks the leaves it used with the name of the field they became.

A leaf is marked only if the field says all that it said: a synonym mapped to a code, a number read out of
words, an unknown code read as "other" stay in the remainder as well.
"""

from collections.abc import Mapping
from typing import Any, cast

from lead.adf.model import (
    Address,
    Amount,
    Contact,
    ContactEmail,
    ContactPhone,
    Identifier,
    Name,
    NamePart,
    Organisation,
)
from lead.adf.tree import Leaf, Node
from lead.adf.values import fold, read_flag, read_money
from roadbook.identifiers import normalise_email, parse_phone, split_phones

MOST_CONTACT_POINTS = 20  # of one kind in one contact; a longer list is not a person's, and stays in the remainder
_REGIONS = {"canada": "CA", "usa": "US", "united states": "US", "china": "CN", "中国": "CN", "hong kong": "HK"}
_NAME_PARTS = {p: p for p in ("surname", "first", "middle", "last", "suffix", "full")} | {
    "given": "first",
    "family": "last",
}
_NAME_ELEMENTS = {
    "firstname": "first",
    "lastname": "last",
    "middlename": "middle",
    "fullname": "full",
    "surname": "surname",
}
_NAME_TYPES = {t: t for t in ("individual", "business")} | {"person": "individual", "company": "business"}
_PHONE_TYPES = {t: t for t in ("voice", "fax", "cellphone", "pager")} | {
    **dict.fromkeys(("phone", "home", "work", "day", "evening", "landline", "telephone", "固话"), "voice"),
    **dict.fromkeys(("cell", "mobile", "mobilephone", "sms", "text", "手机"), "cellphone"),
}
_PHONE_ELEMENTS = ("phone", "telephone", "phonenumber", "mobile", "cellphone", "cell")
_TIMES = {t: t for t in ("morning", "afternoon", "evening", "day", "nopreference")} | {"any": "nopreference"}
_ADDRESS_TYPES = {t: t for t in ("home", "work", "delivery")} | {"business": "work", "residence": "home"}
_ADDRESS_ELEMENTS = {
    "apartment": ("apartment", "unit", "suite"),
    "city": ("city", "town"),
    "region_code": ("regioncode", "region", "state", "province"),
    "postal_code": ("postalcode", "postcode", "zip", "zipcode"),
    "country": ("country",),
    "url": ("url",),
}


def take(leaf: Leaf, field: str) -> str:
    leaf.field = field
    return leaf.text


def take_line(node: Node, field: str) -> str | None:
    """The node's own text as one line; None if it has none."""
    return " ".join(" ".join(take(leaf, field).split()) for leaf in node.texts()) or None


def take_block(node: Node, field: str) -> str | None:
    """All text below the node with its line ends: comments may hold markup, CDATA and several pieces."""
    pieces = [take(leaf, field).strip() for leaf in node.leaves() if leaf.is_text and leaf.field is None]
    return "\n".join(pieces) or None


def take_child(node: Node, field: str, *names: str) -> str | None:
    """The first child of these names that has text; further ones stay in the remainder."""
    return next(filter(None, (take_line(child, field) for child in node.nodes(*names))), None)


def take_blocks(node: Node, field: str, *names: str, start: int = 0) -> tuple[str, ...]:
    blocks: list[str] = []
    for child in node.nodes(*names):
        if text := take_block(child, f"{field}[{start + len(blocks)}]"):
            blocks.append(text)
    return tuple(blocks)


def take_attribute(node: Node, field: str, *names: str) -> str | None:
    leaf = node.attribute(*names)
    return " ".join(take(leaf, field).split()) if leaf else None


def take_choice(node: Node, field: str, choices: Mapping[str, str], *names: str) -> Any:
    """An attribute with a list of codes: the code, "other" for an unknown one, None if absent.

    Any, because the Literal type of each field is narrower than str and its table holds exactly that type's
    values.
    """
    leaf = node.attribute(*names)
    if leaf is None:
        return None
    said = fold(leaf.text).lower()
    code = choices.get(said, "other")
    if code == said:
        leaf.field = field
    return code


def take_flag(node: Node, field: str, *names: str) -> bool | None:
    leaf = node.attribute(*names)
    flag = read_flag(leaf.text) if leaf else None
    if leaf and flag is not None:
        leaf.field = field
    return flag


def take_ids(node: Node, field: str) -> tuple[Identifier, ...]:
    ids: list[Identifier] = []
    for child in node.nodes("id"):
        at = f"{field}[{len(ids)}]"
        source = take_attribute(child, f"{at}.source", "source")
        sequence = take_attribute(child, f"{at}.sequence", "sequence")
        value = take_line(child, f"{at}.value")
        if source or sequence or value:
            ids.append(Identifier(value or "", source, sequence))
    return tuple(ids)


def take_amount(node: Node, field: str, types: Mapping[str, str]) -> Amount | None:
    raw = take_line(node, f"{field}.raw")
    if raw is None:
        return None
    delta = take_choice(node, f"{field}.delta", {c: c for c in ("absolute", "relative", "percentage")}, "delta")
    leaf = node.attribute("currency")
    minor, currency = read_money(raw, leaf.text if leaf else None)
    if leaf and fold(leaf.text).upper() == currency:
        leaf.field = f"{field}.currency"
    return Amount(
        raw,
        None if delta == "percentage" else minor,
        currency,
        take_choice(node, f"{field}.type", types, "type"),
        delta,
        take_choice(node, f"{field}.relative_to", {"msrp": "msrp", "invoice": "invoice"}, "relativeto"),
        take_choice(node, f"{field}.limit", {c: c for c in ("maximum", "minimum", "exact")}, "limit"),
        take_attribute(node, f"{field}.source", "source"),
    )


def take_contacts(node: Node, field: str, region: str) -> tuple[Contact, ...]:
    """The contacts of a customer, vendor or provider. Contact points outside a `<contact>` are a contact of
    their own."""
    contacts: list[Contact] = []
    for source in [node, *node.nodes("contact", "contacts")][: MOST_CONTACT_POINTS + 1]:
        contact = _take_contact(source, f"{field}[{len(contacts)}]", region)
        if contact.names or contact.emails or contact.phones or contact.addresses:
            contacts.append(contact)
        else:
            _release(source, f"{field}[{len(contacts)}].")
    return tuple(contacts)


def _release(node: Node, prefix: str) -> None:
    """Give leaves back to the remainder whose contact came to nothing (a flag without a contact point)."""
    for leaf in node.leaves():
        if leaf.field and leaf.field.startswith(prefix):
            leaf.field = None


def _take_contact(node: Node, at: str, region: str) -> Contact:
    addresses = tuple(_take_address(child, f"{at}.addresses[{i}]") for i, child in enumerate(node.nodes("address")))
    country = next((address.country for address in addresses if address.country), None)
    return Contact(
        take_flag(node, f"{at}.primary", "primarycontact", "primary"),
        _take_names(node, f"{at}.names"),
        _take_emails(node, f"{at}.emails"),
        _take_phones(node, f"{at}.phones", _region(country) or region),
        addresses,
    )


def _region(country: str | None) -> str | None:
    if country is None:
        return None
    plain = fold(country)
    return plain.upper() if len(plain) == 2 and plain.isascii() and plain.isalpha() else _REGIONS.get(plain.lower())


def _take_names(node: Node, field: str) -> tuple[Name, ...]:
    names: list[Name] = []
    for child in node.nodes("name", *_NAME_ELEMENTS):
        inner = child.nodes(*_NAME_ELEMENTS, "first", "last", "middle", "full")
        for element in inner or [child]:
            at = f"{field}[{len(names)}]"
            if value := take_line(element, f"{at}.value"):
                part = take_choice(element, f"{at}.part", _NAME_PARTS, "part")
                implied = _NAME_ELEMENTS.get(element.name) or _NAME_PARTS.get(element.name) or "full"
                name_type = take_choice(element, f"{at}.type", _NAME_TYPES, "type")
                names.append(Name(value, cast(NamePart, part or implied), name_type))
    return tuple(names)


def _take_emails(node: Node, field: str) -> tuple[ContactEmail, ...]:
    emails: list[ContactEmail] = []
    for child in node.nodes("email", "emailaddress"):
        at = f"{field}[{len(emails)}]"
        if len(emails) < MOST_CONTACT_POINTS and (raw := take_line(child, f"{at}.raw")):
            preferred = take_flag(child, f"{at}.preferred", "preferredcontact", "preferred")
            pieces = raw.replace("；", ";").replace("，", ",").replace(";", ",").split(",")
            addresses = [piece.strip() for piece in pieces if "@" in piece][:MOST_CONTACT_POINTS] or [raw]
            emails += [ContactEmail(raw, normalise_email(address), preferred) for address in addresses]
    return tuple(emails)


def _take_phones(node: Node, field: str, region: str) -> tuple[ContactPhone, ...]:
    phones: list[ContactPhone] = []
    for child in node.nodes(*_PHONE_ELEMENTS):
        at = f"{field}[{len(phones)}]"
        if len(phones) < MOST_CONTACT_POINTS and (raw := take_line(child, f"{at}.raw")):
            kind = take_choice(child, f"{at}.type", _PHONE_TYPES, "type")
            time = take_choice(child, f"{at}.time", _TIMES, "time")
            preferred = take_flag(child, f"{at}.preferred", "preferredcontact", "preferred")
            kind = kind or _PHONE_TYPES.get(child.name if child.name in ("mobile", "cell", "cellphone") else "")
            phones += [phone_of(part, raw, region, kind, time, preferred) for part in split_phones(raw) or [raw]]
    return tuple(phones)


def phone_of(
    part: str, raw: str, region: str, kind: Any = None, time: Any = None, preferred: bool | None = None
) -> ContactPhone:
    return ContactPhone(raw, parse_phone(part, region), kind, time, preferred)


def _take_address(node: Node, at: str) -> Address:
    lines: list[str] = []
    for child in node.nodes("street", "line", "line1", "line2", "address1", "address2"):
        if text := take_line(child, f"{at}.lines[{len(lines)}]"):
            lines.append(text)
    if text := take_line(node, f"{at}.lines[{len(lines)}]"):
        lines.append(text)
    parts = {part: take_child(node, f"{at}.{part}", *names) for part, names in _ADDRESS_ELEMENTS.items()}
    return Address(take_choice(node, f"{at}.type", _ADDRESS_TYPES, "type"), tuple(lines), **parts)


def take_organisation(node: Node | None, field: str, region: str) -> Organisation | None:
    if node is None:
        return None
    return Organisation(
        take_ids(node, f"{field}.ids"),
        take_child(node, f"{field}.vendor_name", "vendorname", "dealername", "dealer"),
        take_child(node, f"{field}.service", "service"),
        take_child(node, f"{field}.url", "url"),
        take_contacts(node, f"{field}.contacts", region),
    )
