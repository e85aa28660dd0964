"""From events to customers, and from a customer's streams to the facts of its record."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from checker import stage
from checker.lead import consequences, end_shares, pending
from checker.table import FIRST, ROWS, Data, carry_out, shaped
from checker.topics import Event, streams_of

RULES = "record-3"
COMPLETE = ("name", "contact_point", "address", "model", "budget", "window", "needs", "consent")
# Facts that are nobody's record; streams whose holder works nobody.
KEPT_ONLY = {"groupbuy", "campaign", "showroomday", "mediaspend", "commission", "salestarget", "forecast"}
UNHELD = {"partyref", "consent", "vehicle", "quote", "contract", "tradein", "accessorysale"}
KNOWN = {name for rows in ROWS.values() for name in rows}
TOLD = (
    "status_reports",
    "scores",
    "online_experiences",
    "showroom_visits",
    "lost",
    "reopened",
    "converted",
    "recycled",
    "outcomes",
)


def canonical(tree: Any) -> bytes:
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_text).encode()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def digest(tree: Any) -> str:
    return hashlib.sha256(canonical(tree)).hexdigest()


def without(entry: Data, *names: str) -> Data:
    return {key: value for key, value in entry.items() if key not in names}


# ── Streams ───────────────────────────────────────────────────────────────────────────────────────────────────
class Stream:
    """What its events make of it: `entry` is empty until it begins as it should. `person`: that side may be seen."""

    def __init__(self, name: str, events: Sequence[Event]) -> None:
        self.name, self.kind, self.events, self.person = name, name.partition("/")[0], events, True
        self.entry: Data = {}
        self.holders: list[tuple[str | None, datetime]] = []
        self.marks: list[stage.Mark] = []
        for event in events:
            self._take(event)
        self.ref = next((event.party_ref for event in reversed(events) if event.party_ref), None)
        self.unknown = sum(event.name not in KNOWN for event in events) * (self.kind not in KEPT_ONLY)

    def _take(self, event: Event) -> None:
        first, name, at = FIRST.get(self.kind), event.name, event.data.get("at", event.time)
        if not self.holders or self.holders[-1][0] != event.dealer:
            self.holders.append((event.dealer, event.time))
            if self.kind == "lead" and self.entry:
                end_shares(self.entry)
        begins = name == first and (not self.entry or name == "trade_in_appraised")
        if name not in ROWS.get(self.kind, {}) or (first and not begins and (name == first or not self.entry)):
            return
        data = shaped(event.data)
        if self.kind == "lead" and self.entry:
            consequences(self.entry, name, data)
        for each in data["fields"] if name == "profile_recorded" else [{}]:
            carry_out(self.entry, ROWS[self.kind][name], {**data, **each})
        if self.kind == "lead":
            said = [{**without(c, "granted"), "at": at, "state": "granted" if c["granted"] else "refused"}
                    for c in data.get("consents") or []]  # fmt: skip
            self.entry["words"] = self.entry.get("words", []) + said
        if name in stage.MARKS:
            dimension, value = stage.MARKS[name]
            self.marks.append((at, self.name, len(self.marks), dimension, value or data.get("grade")))

    def seen_by(self, dealer: str | None, at: datetime) -> bool:
        """All of one's own; of another's what is shared, without the person unless that is shared too."""
        if dealer is None or self.events[-1].dealer == dealer:
            return True
        shares = [] if self.entry.get("binned") else self.entry.get("shares", [])
        given = [each for each in shares if each["ended"] is None and each["dealer"] == dealer]
        self.person = bool(given) and given[-1]["scope"] == "contact"
        return bool(given) and bool(at < given[-1]["until"])


def intervals_of(name: str, events: Sequence[Event], dealer: str | None) -> list[Data]:
    """Who owned a vehicle when; of a dealer's only what it made itself. `ids` are the events that say so."""
    moves = [event for event in events if event.name == "ownership_transferred"]
    sales = {event.version: event for event in events if event.name == "used_vehicle_sold"}
    found: list[Data] = []
    for event, end in zip(moves, [*moves[1:], None], strict=False):
        if dealer not in (None, event.dealer) or event.party_ref is None:
            continue
        end = end if end and dealer in (None, end.dealer) else None
        sale = sales.get(event.version - 1)
        bought = sale and event.data["cause"] == "used_sale" and sale.party_ref == event.party_ref
        sale = sale if bought and sale and dealer in (None, sale.dealer) else None
        interval = {key: event.data.get(key) for key in ("cause", "source", "odometer_km")}
        interval |= {"from": event.data["at"], "until": end and end.data["at"], "ended_by": end and end.data["cause"]}
        interval |= {key: sale and sale.data[key] for key in ("price", "currency")}
        about = {"party_ref": event.party_ref, "dealer": event.dealer, "version": event.version, "vehicle": name}
        found.append({**interval, **about, "ids": {each.id for each in (event, end, sale) if each}})
    return found


# ── Customers ─────────────────────────────────────────────────────────────────────────────────────────────────
class World:
    """All events there are. A viewer is a dealer, or None for headquarters."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.streams = streams_of(events)

    def customers(
        self, dealer: str | None, now: datetime, as_of: datetime | None = None, known_at: datetime | None = None
    ) -> dict[str, Data]:
        """Customer id -> facts: of what may be seen now, what had happened by `as_of` and was known by `known_at`."""
        seen, links, intervals = [], [], []
        for name in sorted(self.streams):
            known = [e for e in self.streams[name] if not known_at or e.recorded <= known_at]
            told = [e for e in known if not as_of or e.time <= as_of]
            if name.startswith("link/"):
                pair = Stream(name, known).entry
                links += [(pair["smaller"], pair["larger"])] if pair.get("linked") else []
            elif name.startswith("vehicle/"):
                intervals += intervals_of(name, told, dealer)
            elif told:
                today, stream = Stream(name, self.streams[name]), Stream(name, told)
                if stream.ref is not None and today.seen_by(dealer, now):
                    stream.person = today.person
                    seen.append(stream)
        refs = {stream.ref for stream in seen} | {each["party_ref"] for each in intervals}
        groups = {ref: {ref} for ref in sorted(ref for ref in refs if ref)}
        links = [pair for pair in links if pair[0] in groups and pair[1] in groups]
        for one, other in links:
            together = groups[one] | groups[other]
            groups.update(dict.fromkeys(together, together))
        found = {}
        for refs_ in {id(refs): refs for refs in groups.values()}.values():
            own = [each for each in intervals if each["party_ref"] in refs_]
            facts = record([s for s in seen if s.ref in refs_], own, sorted(refs_), links, as_of or now)
            found[min(refs_)] = facts
        return found


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
Streams = Sequence[Stream]


def record(
    streams: Streams, intervals: list[Data], refs: list[str], links: list[tuple[str, str]], at: datetime
) -> Data:
    of = {kind: [s for s in streams if s.kind == kind and s.entry] for kind in ROWS}
    leads, marks = of["lead"], [mark for stream in streams for mark in stream.marks]
    for name in {each["vehicle"] for each in intervals}:
        used = [each["from"] for each in intervals if each["vehicle"] == name and each["cause"] == "used_sale"]
        marks += [(since, f"{name}#{n}", 0, "status", "acquired") for n, since in enumerate(used)]
    name, since, dormant = stage.headline(marks, at)
    known = known_items(leads)

    def entries(kind: str, section: str | None = None, shown: Callable[[Data], Data] = dict) -> list[Data]:
        """Of the streams of a kind: what they are, or what is listed in them."""
        return [
            {"stream": s.name, **shown(e)}
            for s in of[kind]
            for e in (s.entry.get(section, []) if section else [s.entry])
        ]

    def by_time(kind: str, state: str) -> list[Data]:
        return [
            each | {"state": "expired" if each["state"] == state and each["valid_until"] <= at else each["state"]}
            for each in entries(kind)
        ]

    kinds = [(e["since"], s.name, n, e) for s in of["partyref"] for n, e in enumerate(s.entry.get("owner_kinds", []))]
    names = {stream.name for stream in streams}
    trade_ins, contracts, orders = by_time("tradein", "appraised"), entries("contract"), entries("order")
    sold, quotes = entries("accessorysale"), by_time("quote", "issued")
    bought = purchases(orders, intervals, sold, trade_ins, {e["stream"]: e for e in [*quotes, *contracts]}, at)
    return {
        "head": {
            "customer_id": refs[0],
            "party_refs": refs,
            "merged_from": [ref for ref in refs[1:] if any(ref in pair for pair in links)],
            "stage": name,
            "stage_since": since,
            "overlays": [{"overlay": "dormant", "since": dormant}] if dormant else [],
            "completeness": {
                "percent": 100 * len(known) // len(COMPLETE),
                "known": [item for item in COMPLETE if item in known],
                "missing": [item for item in COMPLETE if item not in known],
            },
            "record_version": sum(len(s.events) for s in streams) + len({i for each in intervals for i in each["ids"]}),
            "unknown_events": sum(stream.unknown for stream in streams),
            "rules": RULES,
        },
        "contact_points": [point for s in leads if s.person for point in s.entry["contact_points"]],
        "removed_contact_points": [key for s in leads if s.person for key in s.entry["removed"]],
        "consent": consent([*leads, *of["consent"]]),
        "restrictions": entries("consent", "restrictions"),
        "profile": {"needs": entries("lead", "needs"), "recorded": entries("partyref", "recorded")},
        "parties": entries("partyref", "registered", lambda each: without(each, "once")),
        "owner_kind": max(kinds, key=lambda each: each[:3])[3] if kinds else None,
        "relationships": entries("partyref", "relationships"),
        "verification": [
            each | {"origin": each["origin"] if "/".join((each["origin"] or "").split("/")[:2]) in names else None}
            for each in entries("partyref", "verification")
        ],
        "opportunities": entries("opportunity"),
        "quotes": quotes,
        "contracts": contracts,
        "purchases": bought,
        "accessories": [each for each in sold if each["order"] not in {order["stream"] for order in orders}],
        "trade_ins": trade_ins,
        "vehicles": vehicles(intervals, bought, trade_ins, at),
        "responsibility": {
            "current": [current(stream, at) for stream in streams if stream.kind not in UNHELD],
            "history": [
                {"stream": stream.name, "dealer": dealer, "since": since, "until": until}
                for stream in streams
                if stream.kind not in UNHELD
                for (dealer, since), (_, until) in zip(stream.holders, stream.holders[1:], strict=False)
            ],
            "routings": entries("lead", "routings", lambda each: routing(each, at)),
            "reassigned": entries("lead", "reassigned"),
            "shares": [
                {"stream": s.name, **without(each, "ended"), "state": share_state(s.entry, each, at)}
                for s in leads
                for each in s.entry["shares"]
            ],
        },
        "intent": {
            "open_leads": [open_lead(s, at) for s in leads if s.entry["status"] == "open" and not s.entry["binned"]]
        },
        "journey": {
            "follow_ups": entries("lead", "follow_ups", lambda each: follow_up(each, at)),
            "test_drives": entries("testdrive", None, lambda each: drive(each, at)),
            **{section: entries("lead", section) for section in TOLD},
        },
    }


def late(action: Data, at: datetime) -> bool:
    return bool(action["outcome"] == "missed" or (action["outcome"] == "planned" and action["due"] <= at))


def known_items(leads: Streams) -> set[str]:
    known: set[str] = set()
    for lead in [{**s.entry, "contact_points": s.entry["contact_points"] * s.person} for s in leads]:
        known |= {
            "address" if p["kind"] == "address" else "contact_point"
            for p in lead["contact_points"]
            if p["valid"] or p["kind"] == "address"
        }
        known |= {"model" for vehicle in lead["vehicles"] if vehicle["model"] or vehicle["vin"]}
        known |= {item for item in ("budget", "window", "needs") if lead[item]} | {"consent" for _ in lead["words"]}
    named = any(s.person and {"name", "family_name", "given_name"} & set(s.entry["fields"]) for s in leads)
    return known | ({"name"} if named else set())


def consent(streams: Streams) -> list[Data]:
    said = sorted(
        ((w["at"], s.name, n, w) for s in streams for n, w in enumerate(s.entry.get("words", []))), key=lambda w: w[:3]
    )
    latest: dict[tuple[str, str, str], Data] = {}
    for at, _, _, word in said:
        key = (word["purpose"], word["channel"], word["brand"] or "")
        state = word["state"] if word["state"] in ("granted", "refused") else "withdrawn"
        before = latest.get(key, {"state": None, "wording": ""})
        since = before["since"] if before["state"] == state else at
        wording = before["wording"] if word["wording"] is None else word["wording"]
        latest[key] = {**without(word, "at"), "state": state, "since": since, "wording": wording}
    return [latest[key] for key in sorted(latest)]


def purchases(
    orders: list[Data], intervals: list[Data], sold: list[Data], trade_ins: list[Data], papers: Data, at: datetime
) -> list[Data]:
    delivered = [(each["delivered_at"], each["stream"]) for each in orders if each["state"] == "delivered"]
    used = [(each["from"], each["vehicle"]) for each in intervals if each["cause"] == "used_sale"]
    first, found = min([*delivered, *used], default=None), []
    for order in sorted(orders, key=lambda each: (each["placed_at"], each["stream"])):
        state, stream = order["state"], order["stream"]
        cancelled = order["cancellations"][-1] if state == "cancelled" else None
        ends = [
            i["until"]
            for i in sorted(intervals, key=lambda i: (i["from"], i["version"]))
            if i["vehicle"] == f"vehicle/{order['vin']}"
        ]
        if state == "delivered":
            name, since = ("former", ends[-1]) if ends and ends[-1] else stage.owner(order["delivered_at"], at)
        else:
            name, since = ("cancelled", cancelled["at"]) if cancelled else ("on_order", order["placed_at"])
        quote = papers.get(papers.get(order["contract"], {}).get("quote"), {"lines": []})
        discounts = [line["amount"] for line in quote["lines"] if line["kind"] == "discount"]
        taken = min((each["stream"] for each in trade_ins if each["order"] == stream), default=None)
        found.append({
            **without(order, "cancellations"), "cancelled": cancelled, "discount": sum(discounts) if discounts else None,
            "accessories": [each for each in sold if each["order"] == stream], "trade_in": order["trade_in"] or taken,
            "repurchase": state == "delivered" and (order["delivered_at"], stream) != first, "stage": name, "stage_since": since,
        })  # fmt: skip
    return found


def vehicles(intervals: list[Data], bought: list[Data], trade_ins: list[Data], at: datetime) -> list[Data]:
    found = []
    for name in sorted({each["vehicle"] for each in intervals}):
        own = sorted((i for i in intervals if i["vehicle"] == name), key=lambda i: (i["from"], i["version"]))
        vin, last = name.removeprefix("vehicle/"), own[-1]
        models = [each["model"] for each in [*bought, *trade_ins] if each["vin"] == vin and each["model"]]
        state, since = ("former", last["until"]) if last["until"] else stage.owner(last["from"], at)
        shown = [without(each, "vehicle", "version", "ids") for each in own]
        about = {"vin": vin, "model": models[0] if models else None, "stage": state, "stage_since": since}
        found.append({**about, "intervals": shown})
    return found


# ── Responsibility, intent, journey ───────────────────────────────────────────────────────────────────────────
def share_state(lead: Data, share: Data, at: datetime) -> str:
    if share["ended"] or share["until"] <= at:
        return str(share["ended"] or "expired")
    return "suspended" if lead["binned"] else "active"


def current(stream: Stream, at: datetime) -> Data:
    held: Data = {"stream": stream.name, "dealer": stream.holders[-1][0], "since": stream.holders[-1][1]}
    lead, feedback = stream.entry, None
    if stream.kind != "lead" or not lead:
        return {**held, "staff": lead.get("staff"), "pooled": False, "protection": None, "feedback": None}
    if lead["feedback_due"] is not None:
        feedback = {"due": lead["feedback_due"], "overdue": lead["feedback_missed"] or lead["feedback_due"] <= at}
    protection = lead["protection"] and without(lead["protection"], "period")
    return {**held, "staff": lead["owner"], "pooled": lead["pooled"], "protection": protection, "feedback": feedback}


def routing(each: Data, at: datetime) -> Data:
    overdue = each["state"] == "waiting" and each["accept_by"] <= at
    return {**without(each, "action"), "state": "overdue" if overdue else each["state"]}


def open_lead(stream: Stream, at: datetime) -> Data:
    lead = stream.entry
    action, reports, scores = pending(lead), lead.get("status_reports"), lead.get("scores")
    last = routing(lead["routings"][-1], at) if lead["routings"] else None
    about = ("captured_at", "source", "campaign", "dealer_wish", "region", "needs", "grade", "reasons", "vehicles")
    shown = {key: lead[key] for key in (*about, "budget", "window", "first_contact_at")}
    return {
        "stream": stream.name,
        **shown,
        "score": scores[-1] if scores else None,
        "reported_status": reports[-1]["status"] if reports else None,
        "routing": last and {key: last[key] for key in ("dealer", "by", "accept_by", "state")},
        "next_action": action
        and {"overdue": late(action, at), **{key: action[key] for key in ("kind", "due", "assignee")}},
    }


def follow_up(each: Data, at: datetime) -> Data:
    slow = each["outcome"] == "done" and each["closed_at"] > each["due"]
    return {
        **without(each, "assignee", "over"),
        "outcome": "missed" if late(each, at) else each["outcome"],
        "late": slow,
    }


def drive(each: Data, at: datetime) -> Data:
    missed = each["state"] == "booked" and each["report_by"] <= at
    return {**without(each, "report_by"), "state": "missed" if missed else each["state"]}
