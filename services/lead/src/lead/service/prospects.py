"""One ADF prospect as what it says: facts where the shape is closed, everything else as personal data, nothing lost.

The row `adf` holds the prospect as it was read and `remainder` all text that fits no field; the other rows repeat what
people look for, in the shapes every lead has.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from lead import adf
from lead.domain.lead import VehicleInterest, Window
from lead.service.said import Contact, Said, address, email, phone
from lead.settings import Network
from roadbook.identifiers import Vin

SOURCE = "adf"
DIGESTS_KEPT = 20
_NOT_SAID = frozenset({"index", "identity_digest", "content_digest", "account", "remainder", "notes"})


def said_of(prospect: adf.Prospect, network: Network) -> Said:
    # Of a VIN we tell more than the reader's note does. A note's path stays here: tag names are the sender's words.
    warnings = [{"code": note.code} for note in prospect.notes if not note.code.startswith("vin_")]
    vehicles, lists = [], []
    for index, vehicle in enumerate(prospect.vehicles):
        vehicles.append(_vehicle(vehicle, network))
        if vehicle.vin is not None:
            if vehicles[-1].vin is None:
                lists.append(("vin", vehicle.vin.raw))
            warnings += vin_warnings(vehicle.vin, f"/vehicles/{index}/vin")
    contacts = list(_contacts(prospect.customer))
    warnings += [{"code": f"{contact.family}_invalid"} for contact in contacts if not contact.valid]
    timeframe = prospect.customer.timeframe
    window = Window(timeframe.earliest, timeframe.latest) if timeframe else None
    return Said(
        texts=_texts(prospect, network),
        lists=lists,
        contacts=contacts,
        vehicles=tuple(vehicles) or None,
        window=window if window != Window() else None,
        warnings=[dict(pair) for pair in dict.fromkeys(tuple(w.items()) for w in warnings)],
    )


def vin_warnings(vin: Vin, pointer: str) -> list[dict[str, str]]:
    return [{"code": p.code, "severity": p.severity, "pointer": pointer} for p in vin.problems]


def vin_fact(vin: Vin | None) -> str | None:
    """Only what is a VIN beyond doubt is a fact; a text that failed may be anything."""
    if vin is None or any(problem.severity == "error" for problem in vin.problems):
        return None
    return vin.value


def _vehicle(vehicle: adf.Vehicle, network: Network) -> VehicleInterest:
    odometer = vehicle.odometer
    return VehicleInterest(
        interest=vehicle.interest,
        model=network.find_model(vehicle.make, vehicle.model),
        year=vehicle.year,
        condition=vehicle.status,
        vin=vin_fact(vehicle.vin),
        odometer=odometer.value if odometer else None,
        odometer_unit=odometer.units if odometer else None,
    )


def _contacts(customer: adf.Customer) -> Iterator[Contact]:
    """Of the first contact only: another contact of the prospect is another person, who stays in the row `adf`."""
    for contact in customer.contacts[:1]:
        for each in contact.phones:
            yield phone(each.phone, preferred=each.preferred, type=each.type, time=each.time)
        for mail in contact.emails:
            yield email(mail.email, preferred=mail.preferred)
        for place in contact.addresses:
            lines = [*place.lines, *([place.apartment] if place.apartment else [])]
            value = {
                "lines": lines,
                "city": place.city,
                "region": place.region_code,
                "postal_code": place.postal_code,
                "country": place.country,
                "type": place.type,
            }
            yield address({name: part for name, part in value.items() if part})


def _texts(prospect: adf.Prospect, network: Network) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    for contact in prospect.customer.contacts[:1]:
        parts = {name.part: name.value for name in contact.names}
        texts["name"] = contact.full_name()
        texts["given_name"] = parts.get("first")
        texts["family_name"] = parts.get("last") or parts.get("surname")
    texts["comments"] = "\n".join([*prospect.comments, *prospect.customer.comments])
    texts["interest_text"] = "; ".join(
        " ".join(str(part) for part in (v.year, v.make, v.model, v.trim) if part)
        for v in prospect.vehicles
        if network.find_model(v.make, v.model) is None and (v.make or v.model)
    )
    texts["adf"] = plain(prospect)
    texts["remainder"] = [list(pair) for pair in prospect.remainder]
    return {name: value for name, value in texts.items() if value}


def plain(value: Any) -> Any:
    """Dataclasses as JSON, without what is empty."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in _NOT_SAID}
        return {name: member for name, member in members.items() if member not in (None, "", [], {})}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def intake_row(document: str, digest: str, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row `intake`: where the lead came from, and the digests of what was read into it, newest last."""
    digests = [known for known in (before or {}).get("digests", []) if known != digest]
    return {"document": document, "digests": [*digests, digest][-DIGESTS_KEPT:]}
