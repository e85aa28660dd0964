"""The customer's headline stage: what it was at every moment, so since when it is what it is now."""

# fmt: off
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

NEW = timedelta(days=90)
# event -> dimension and value; of two of one dimension and stream the one that stands later in the stream counts.
MARKS: dict[str, tuple[str, Any]] = {
    "lead_captured": ("status", "open"), "lead_lost": ("status", "lost"), "lead_reopened": ("status", "open"),
    "lead_converted": ("status", "converted"), "lead_recycled": ("bin", True), "lead_restored": ("bin", False),
    "lead_qualified": ("grade", None), "opportunity_opened": ("status", "open"), "opportunity_won": ("status", "won"),
    "opportunity_lost": ("status", "over"), "opportunity_reopened": ("status", "open"),
    "contract_signed": ("status", "signed"), "contract_cancelled": ("status", "over"),
    "order_placed": ("status", "placed"), "order_cancelled": ("status", "over"),
    "vehicle_delivered": ("status", "acquired"),
}
BUYING = {"opportunity": "open", "contract": "signed", "order": "placed"}
Mark = tuple[datetime, str, int, str, Any]  # at, stream, place in the stream, dimension, value
Said = dict[str, dict[str, tuple[int, Any, datetime]]]


def owner(since: datetime, at: datetime) -> tuple[str, datetime]:
    return ("owner_new", since) if at < since + NEW else ("owner_active", since + NEW)


def headline(marks: Iterable[Mark], at: datetime) -> tuple[str, datetime | None, datetime | None]:
    """Its name, since when, and since when every lead is lost."""
    said: Said = {}
    name, since, dormant = "unknown", None, None
    ordered = sorted(marks, key=lambda mark: mark[:3])
    for number, (moment, stream, place, dimension, value) in enumerate(ordered, 1):
        known = said.setdefault(stream, {})
        known |= {"begun": (0, True, moment)} if place == 0 else {}
        if dimension not in known or place > known[dimension][0]:
            known[dimension] = (place, value, moment)
        now, acquired, states = level(said, moment)
        name, since = (name, since) if now == name else (now, moment)
        until = ordered[number][0] if number < len(ordered) else at
        if name == "owner_new" and acquired[0] + NEW <= until:  # by time alone, before anything else happens
            name, since = "owner_active", acquired[0] + NEW
        dormant = (dormant or moment) if name == "prospect" and states == {"lost"} else None
    return name, since, dormant


def level(said: Said, moment: datetime) -> tuple[str, list[datetime], set[str]]:
    """The stage at a moment; when vehicles were acquired; in what states leads are."""
    there = [(stream.partition("/")[0], told) for stream, told in said.items() if "begun" in told]
    there = [(kind, told) for kind, told in there if not ("bin" in told and told["bin"][1])]
    leads = [(told["status"][1], told.get("grade", (0, None))[1]) for kind, told in there if kind == "lead"]
    acquired = [told["status"][2] for _, told in there if told["status"][1] == "acquired"]
    states = {status for status, _ in leads}
    if len(acquired) > 1:
        name = "repeat_owner"
    elif acquired:
        wanted = [told["status"] for kind, told in there if told["status"][1] in ("open", BUYING.get(kind))]
        again = any(since > acquired[0] for _, _, since in wanted)
        name = "repurchase_intent" if again else owner(acquired[0], moment)[0]
    else:
        bought = "converted" in states or any(BUYING.get(kind) == told["status"][1] for kind, told in there)
        name = "in_purchase" if bought else "hot_prospect" if ("open", "hot") in leads else "prospect"
    return name if there else "unknown", acquired, states
