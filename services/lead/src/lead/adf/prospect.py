"""One `<prospect>` node to a `Prospect`; None where nothing in it says who the customer is."""

import hashlib
import json
from datetime import datetime

from lead.adf import facts
from lead.adf.fields import (
    take,
    take_blocks,
    take_child,
    take_choice,
    take_contacts,
    take_ids,
    take_line,
    take_organisation,
)
from lead.adf.model import Customer, Identifier, Note, Prospect, Status, Timeframe
from lead.adf.tree import Leaf, Node
from lead.adf.values import read_date, read_instant
from lead.adf.vehicle import COMMENTS, take_vehicle

_STATUSES = {"new": "new", "resend": "resend"}
SHARED = ("requestdate", "vehicle", "customer", "vendor", "provider")


def read_prospect(
    node: Node, index: int, received: datetime, region: str, beside: dict[str, list[Node]]
) -> Prospect | None:
    """`beside`: by name, the parts a lone prospect has next to it in the envelope instead of inside it."""
    parts = {name: node.nodes(name) or beside.get(name, []) for name in SHARED}
    leaves = [*node.leaves(), *(leaf for nodes in beside.values() for part in nodes for leaf in part.leaves())]
    content = _content_digest(node, leaves)
    notes: list[Note] = []
    status: Status = take_choice(node, "status", _STATUSES, "status") or "new"
    request_raw, request_date, request_note = _take_request(parts["requestdate"], received)
    ids = take_ids(node, "ids")
    vehicles = tuple(take_vehicle(part, f"vehicles[{i}]", notes) for i, part in enumerate(parts["vehicle"]))
    person = parts["customer"][0] if parts["customer"] else None
    customer = _take_customer(person or node, node, region)
    comments = take_blocks(node, "comments", *COMMENTS)
    vendor = take_organisation(next(iter(parts["vendor"]), None), "vendor", region)
    provider = take_organisation(next(iter(parts["provider"]), None), "provider", region)
    said = [*customer.comments, *comments, *(text for vehicle in vehicles for text in vehicle.comments)]
    said += _loose_texts([node, *parts["vehicle"]], person or node)
    customer, vehicles, from_text = facts.complete(customer, vehicles, said, region)
    if not (customer.contacts or customer.comments or any(identifier.value for identifier in customer.ids)):
        return None
    missing = [name for name, part in (("vehicle", vehicles), ("vendor", vendor)) if not part]
    codes = ["status_unknown" if status == "other" else None, request_note, *(f"{name}_missing" for name in missing)]
    return Prospect(
        index=index,
        status=status,
        identity_digest=_identity_digest(ids, provider.name() if provider else None) or content,
        content_digest=content,
        ids=ids,
        request_date=request_date,
        request_date_raw=request_raw,
        vehicles=vehicles,
        customer=customer,
        vendor=vendor,
        provider=provider,
        comments=comments,
        notes=(*(Note(code, node.path) for code in codes if code), *notes),
        from_text=from_text,
        remainder=tuple((leaf.path, leaf.text) for leaf in leaves if leaf.field is None),
        account=tuple((leaf.path, leaf.field) for leaf in leaves if leaf.field is not None),
    )


def _take_request(nodes: list[Node], received: datetime) -> tuple[str | None, datetime | None, str | None]:
    """(text, time, note code) of the first request date that has text."""
    raw = next(filter(None, (take_line(node, "request_date_raw") for node in nodes)), None)
    return (raw, *read_instant(raw, received)) if raw else (None, None, "request_date_missing")


def _take_customer(person: Node, prospect: Node, region: str) -> Customer:
    """`person` is the `<customer>`, or the prospect itself where a dialect puts the contact there."""
    inside = person is not prospect
    contacts = take_contacts(person, "customer.contacts", region)
    timeframes = [*person.nodes("timeframe"), *(prospect.nodes("timeframe") if inside else [])]
    comments = take_blocks(person, "customer.comments", *COMMENTS) if inside else ()
    for contact in person.nodes("contact"):
        comments += take_blocks(contact, "customer.comments", *COMMENTS, start=len(comments))
    return Customer(
        take_ids(person, "customer.ids") if inside else (),
        contacts,
        _take_timeframe(timeframes[0]) if timeframes else None,
        comments,
    )


def _take_timeframe(node: Node) -> Timeframe | None:
    at = "customer.timeframe"
    description = take_child(node, f"{at}.description", "description") or take_line(node, f"{at}.description")
    dates = {}
    for part in ("earliest", "latest"):
        for child in node.nodes(f"{part}date"):
            texts = child.texts()
            if len(texts) == 1 and (day := read_date(texts[0].text)) and part not in dates:
                dates[part] = day
                take(texts[0], f"{at}.{part}")
    return Timeframe(description, dates.get("earliest"), dates.get("latest")) if description or dates else None


def _loose_texts(parts: list[Node], person: Node) -> list[str]:
    """Text beside the elements, read for `Key: value` lines: some senders put everything into one CDATA section."""
    nodes = dict.fromkeys([*parts, person, *person.nodes("contact")])
    return [leaf.text for node in nodes for leaf in node.texts()]


def _identity_digest(ids: tuple[Identifier, ...], provider: str | None) -> str | None:
    named = sorted([(identifier.source or "").casefold(), identifier.value] for identifier in ids if identifier.value)
    return _digest(["ids", (provider or "").casefold(), named]) if named else None


def _content_digest(node: Node, leaves: list[Leaf]) -> str:
    """Over everything the prospect says but its status; layout, letter case of tags and XML comments do not
    count."""
    status = node.attribute("status")
    said = [
        [leaf.path.removeprefix(node.path).lower(), " ".join(leaf.text.split())]
        for leaf in leaves
        if leaf is not status and (leaf.is_text or "/@" in leaf.path)
    ]
    return _digest(["content", sorted(said)])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
