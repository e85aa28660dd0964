"""The customer's headline stage: what it was at every moment, so since when it is what it is now."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

NEW = timedelta(days=90)
# Of two marks of one dimension of a stream the one that stands later in the stream counts.
MARKS: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(
        ("lead_captured", "lead_reopened", "opportunity_opened", "opportunity_reopened"), ("status", "open")
    ),
    "lead_lost": ("status", "lost"), "lead_converted": ("status", "converted"),
    "lead_recycled": ("bin", True), "lead_restored": ("bin", False), "lead_qualified": ("grade", None),
    "opportunity_won": ("status", "won"), "opportunity_lost": ("status", "lost"),
    "contract_signed": ("status", "signed"), "contract_cancelled": ("status", "cancelled"),
    "order_placed": ("status", "placed"), "order_cancelled": ("status", "cancelled"),
    "vehicle_delivered": ("status", "acquired"), "used_sale": ("status", "acquired"),
}
BUYING = {"opportunity": "open", "contract": "signed", "order": "placed"}
Mark = tuple[datetime, str, int, str, Any]  # at, stream, place in the stream, dimension, value
Said = dict[str, dict[str, tuple[int, Any, datetime]]]


def owner(since: datetime, at: datetime) -> tuple[str, datetime]:
    return ("owner_new", since) if at < since + NEW else ("owner_active", since + NEW)


def headline(marks: Iterable[Mark], at: datetime) -> tuple[str, datetime | None, datetime | None]:
    """Its name, since when, and since when every intent is lost."""
    said: Said = {}
    name, since, dormant = "unknown", None, None
    ordered = sorted(marks, key=lambda mark: mark[:3])
    for number, (moment, stream, place, dimension, value) in enumerate(ordered):
        known = said.setdefault(stream, {})
        if place == 0:
            known["begun"] = (0, True, moment)
        if dimension not in known or place > known[dimension][0]:
            known[dimension] = (place, value, moment)
        now = level(said, moment)
        if now != name:
            name, since = now, moment
        if name == "owner_new":  # the next mark, or the record's date, may come after it has become an old owner
            active = acquired(said)[0] + NEW
            if active <= (ordered[number + 1][0] if number + 1 < len(ordered) else at):
                name, since = "owner_active", active
        asleep = name == "prospect" and {status for status, _ in leads(said)} == {"lost"}
        dormant = (dormant or moment) if asleep else None
    return name, since, dormant


def leads(said: Said) -> Iterator[tuple[str, bool]]:
    """Status and heat of those that are there."""
    for stream, known in said.items():
        if stream.startswith("lead/") and "begun" in known and not ("bin" in known and known["bin"][1]):
            yield known["status"][1], "grade" in known and known["grade"][1] == "hot"


def acquired(said: Said) -> list[datetime]:
    return [known["status"][2] for known in said.values() if "begun" in known and known["status"][1] == "acquired"]


def level(said: Said, moment: datetime) -> str:
    own, there = acquired(said), list(leads(said))
    others = [(s.partition("/")[0], k["status"][1], k["status"][2]) for s, k in said.items() if "begun" in k]
    others = [each for each in others if each[0] in BUYING]
    if len(own) > 1:
        return "repeat_owner"
    buying = [(kind, since) for kind, status, since in others if BUYING[kind] == status]
    is_open = any(status == "open" for status, _ in there)
    if own:
        again = is_open or any(kind == "opportunity" or since > own[0] for kind, since in buying)
        return "repurchase_intent" if again else owner(own[0], moment)[0]
    if buying or any(status == "converted" for status, _ in there):
        return "in_purchase"
    if ("open", True) in there:
        return "hot_prospect"
    return "prospect" if there or others else "unknown"
