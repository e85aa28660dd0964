"""From events to customers, and from a customer's streams to the facts of its record."""

# fmt: off
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from checker import stage
from checker.lead import consequences, end_shares, pending
from checker.table import FIRST, ROWS, Data, carry_out, shaped
from checker.topics import Event, streams_of

COMPLETE = ("name", "contact_point", "address", "model", "budget", "window", "needs", "consent")
# Facts that are nobody's record; streams whose holder works nobody.
KEPT_ONLY = {"groupbuy", "campaign", "showroomday", "mediaspend", "commission", "salestarget", "forecast"}
UNHELD = {"partyref", "consent", "quote", "contract", "tradein", "accessorysale"}
KNOWN = {name for rows in ROWS.values() for name in rows}
TOLD = "status_reports scores online_experiences showroom_visits lost reopened converted recycled outcomes"
Datas = list[Data]
OPEN_LEAD = "captured_at source campaign dealer_wish region needs grade reasons vehicles budget window first_contact_at"


def canonical(tree: Any) -> bytes:
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":"),
                      default=lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")).encode()


def digest(tree: Any) -> str:
    return hashlib.sha256(canonical(tree)).hexdigest()


def without(entry: Data, *names: str) -> Data:
    return {key: value for key, value in entry.items() if key not in names}


def only(entry: Data, *names: str) -> Data:
    return {name: entry[name] for name in names}


class Stream:
    """What its events make of it: `entry` is empty until it begins as it should. `person`: that side may be seen."""

    def __init__(self, name: str, events: Sequence[Event]) -> None:
        self.name, self.kind, self.events, self.person = name, name.partition("/")[0], events, True
        self.entry, self.holders, self.marks = dict[str, Any](), list[Any](), list[stage.Mark]()
        for event in events:
            self._take(event)
        self.ref = next((event.party_ref for event in reversed(events) if event.party_ref), None)
        self.unknown = sum(event.name not in KNOWN for event in events) * (self.kind not in KEPT_ONLY)

    def _take(self, event: Event) -> None:
        first, name = FIRST.get(self.kind), event.name
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
        for each in data.get("consents", []):
            state = "granted" if each["granted"] else "refused"
            self.entry["words"].append({**without(each, "granted"), "at": data["at"], "state": state})
        if name in stage.MARKS:
            dimension, value = stage.MARKS[name]
            self.marks.append((data["at"], self.name, len(self.marks), dimension, data.get("grade", value)))

    def seen_by(self, dealer: str | None, at: datetime) -> bool:
        """All of one's own; of another's what is shared, without the person unless that is shared too."""
        shares = [] if self.entry.get("binned") else self.entry.get("shares", [])
        given = [each for each in shares if not each["ended"] and each["dealer"] == dealer and at < each["until"]]
        own = dealer is None or self.events[-1].dealer == dealer
        self.person = own or bool(given and given[-1]["scope"] == "contact")
        return own or bool(given)


def intervals_of(vehicle: str, events: Sequence[Event], dealer: str | None) -> Datas:
    """Who owned it when; for a dealer only what it made itself. `ids` are the events that say so."""
    moves = [event for event in events if event.name == "ownership_transferred"]
    sales = {event.version + 1: event for event in events if event.name == "used_vehicle_sold"}
    found = []
    for event, next_ in zip(moves, [*moves[1:], None], strict=False):
        owner, used = event.data["party_ref"], event.data["cause"] == "used_sale"
        if owner is None or dealer not in (None, event.dealer):
            continue
        end = next_ if next_ and dealer in (None, next_.dealer) else None
        sale = sales.get(event.version)
        sale = sale if sale and used and sale.data["party_ref"] == owner and dealer in (None, sale.dealer) else None
        found.append({
            **only(event.data, "party_ref", "cause", "source", "odometer_km"), "dealer": event.dealer,
            "from": event.data["at"], "until": end and end.data["at"], "ended_by": end and end.data["cause"],
            "price": sale and sale.data["price"], "currency": sale and sale.data["currency"],
            "vehicle": vehicle, "version": event.version, "ids": {each.id for each in (event, end, sale) if each},
        })
    return found


class World:
    """All events there are. A viewer is a dealer, or None for headquarters."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.streams = streams_of(events)
        self.today = {name: Stream(name, told) for name, told in self.streams.items()}

    def customers(self, dealer: str | None, now: datetime, as_of: Any = None, known_at: Any = None) -> dict[str, Data]:
        """Customer id -> facts: of what may be seen now, what had happened by `as_of` and was known by `known_at`."""
        return {ref: record(*own, as_of or now) for ref, own in self.groups(dealer, now, as_of, known_at).items()}

    def groups(self, dealer: str | None, now: datetime, as_of: Any = None, known_at: Any = None) -> dict[str, Any]:
        """Customer id -> what `record` makes its facts of, but for the moment."""
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
                today = self.today[name]
                stream = Stream(name, told) if len(told) < len(today.events) else today
                if stream.ref and today.seen_by(dealer, now):
                    stream.person = today.person
                    seen.append(stream)
        refs = {stream.ref for stream in seen} | {each["party_ref"] for each in intervals}
        groups = {ref: {ref} for ref in refs if ref}
        links = [pair for pair in links if pair[0] in groups and pair[1] in groups]
        for one, other in links:
            groups.update(dict.fromkeys(together := groups[one] | groups[other], together))
        own: dict[str, tuple[list[Stream], Datas]] = {min(each): ([], []) for each in groups.values()}
        for ref, sort, each in [*((s.ref, 0, s) for s in seen), *((i["party_ref"], 1, i) for i in intervals)]:
            own[min(groups[ref])][sort].append(each)
        return {ref: (*own[ref], sorted(groups[ref]), links) for ref in own}


def record(streams: Sequence[Stream], intervals: Datas, refs: list[str], links: list[Any], at: datetime) -> Data:
    of = {kind: [stream for stream in streams if stream.kind == kind and stream.entry] for kind in ROWS}
    leads, held = of["lead"], [stream for stream in streams if stream.kind not in UNHELD]

    def entries(kind: str, section: str = "", shown: Callable[[Data], Data] = dict) -> Datas:
        """Of the streams of a kind: what they are, or what is listed in them."""
        return [{"stream": s.name, **shown(each)} for s in of[kind]
                for each in (s.entry.get(section, []) if section else [s.entry])]

    def timed(entry: Data, state: str, until: str, then: str, *, key: str = "state") -> Data:
        """What time alone has made of it."""
        return {**entry, key: then if entry[key] == state and entry[until] <= at else entry[key]}

    used = [(i["from"], f"{i['vehicle']}#{i['version']}", 0, "status", "acquired") for i in intervals
            if i["cause"] == "used_sale"]
    name, since, dormant = stage.headline([*used, *(mark for stream in streams for mark in stream.marks)], at)
    kinds = [(e["since"], s.name, n, e) for s in of["partyref"] for n, e in enumerate(s.entry.get("owner_kinds", []))]
    trade_ins = entries("tradein", "", lambda each: timed(each, "appraised", "valid_until", "expired"))
    quotes = entries("quote", "", lambda each: timed(each, "issued", "valid_until", "expired"))
    contracts, orders, sold = entries("contract"), entries("order"), entries("accessorysale")
    bought = purchases(orders, intervals, sold, trade_ins, {each["stream"]: each for each in [*quotes, *contracts]}, at)
    names, known = {s.name for s in streams}, {item for s in leads for item in known_items(s.entry, s.person)}
    version = sum(len(stream.events) for stream in streams) + len({i for each in intervals for i in each["ids"]})
    return {
        "head": {
            "customer_id": refs[0], "party_refs": refs, "record_version": version, "rules": "record-4",
            "merged_from": [ref for ref in refs[1:] if any(ref in pair for pair in links)],
            "stage": name, "stage_since": since, "unknown_events": sum(stream.unknown for stream in streams),
            "overlays": [{"overlay": "dormant", "since": dormant}] if dormant else [],
            "completeness": {"percent": 100 * len(known) // 8, "known": [item for item in COMPLETE if item in known],
                             "missing": [item for item in COMPLETE if item not in known]},
        },
        "contact_points": [point for s in leads if s.person for point in s.entry["contact_points"]],
        "removed_contact_points": [key for s in leads if s.person for key in s.entry["removed"]],
        "consent": consent([*leads, *of["consent"]]),
        "restrictions": entries("consent", "restrictions"),
        "profile": {"needs": entries("lead", "needs"), "recorded": entries("partyref", "recorded")},
        "parties": entries("partyref", "registered", lambda each: without(each, "once")),
        "owner_kind": max(kinds, key=lambda each: each[:3])[3] if kinds else None,
        "relationships": entries("partyref", "relationships"),
        "verification": entries("partyref", "verification", lambda each: {
            **each, "origin": each["origin"] if "/".join((each["origin"] or "").split("/")[:2]) in names else None}),
        "opportunities": entries("opportunity"), "quotes": quotes, "contracts": contracts, "purchases": bought,
        "accessories": [each for each in sold if each["order"] not in {order["stream"] for order in orders}],
        "trade_ins": trade_ins, "vehicles": vehicles(intervals, bought, trade_ins, at),
        "responsibility": {
            "current": [current(stream, at) for stream in held],
            "history": [{"stream": stream.name, "dealer": dealer, "since": since, "until": until} for stream in held
                        for (dealer, since), (_, until) in zip(stream.holders, stream.holders[1:], strict=False)],
            "routings": entries("lead", "routings", lambda each: without(
                timed(each, "waiting", "accept_by", "overdue"), "action")),
            "reassigned": entries("lead", "reassigned"),
            "shares": [{"stream": s.name, **without(each, "ended"), "state": each["ended"] or (
                "expired" if each["until"] <= at else "suspended" if s.entry["binned"] else "active")}
                for s in leads for each in s.entry["shares"]],
        },
        "intent": {"open_leads": [{"stream": s.name, **open_lead(s.entry, at)} for s in leads
                                  if s.entry["status"] == "open" and not s.entry["binned"]]},
        "journey": {
            "follow_ups": entries("lead", "follow_ups", lambda each: {
                **timed(without(each, "assignee", "over"), "planned", "due", "missed", key="outcome"),
                "late": each["outcome"] == "done" and each["closed_at"] > each["due"]}),
            "test_drives": entries("testdrive", "", lambda each: without(
                timed(each, "booked", "report_by", "missed"), "report_by")),
            **{section: entries("lead", section) for section in TOLD.split()},
        },
    }


def known_items(lead: Data, person: bool) -> set[str]:
    points = lead["contact_points"] if person else []
    there = {
        "name": person and {"name", "family_name", "given_name"} & {*lead["fields"]},
        "address": any(point["kind"] == "address" for point in points),
        "contact_point": any(point["kind"] != "address" and point["valid"] for point in points),
        "model": any(vehicle["model"] or vehicle["vin"] for vehicle in lead["vehicles"]),
        **only(lead, "budget", "window", "needs"), "consent": lead["words"],
    }
    return {item for item, value in there.items() if value}


def consent(streams: Sequence[Stream]) -> Datas:
    """Per purpose, channel and brand the latest word, and since when it stands without another."""
    said = [(word["at"], s.name, n, word) for s in streams for n, word in enumerate(s.entry.get("words", []))]
    latest: dict[tuple[str, str, str], Data] = {}
    for at, _, _, word in sorted(said, key=lambda each: each[:3]):
        key = (word["purpose"], word["channel"], word["brand"] or "")
        state = word["state"] if word["state"] in ("granted", "refused") else "withdrawn"
        before = latest.get(key, {"state": None, "wording": "", "since": at})
        since = before["since"] if before["state"] == state else at
        wording = before["wording"] if word["wording"] is None else word["wording"]
        latest[key] = {**without(word, "at"), "state": state, "since": since, "wording": wording}
    return [latest[key] for key in sorted(latest)]


def purchases(orders: Datas, intervals: Datas, sold: Datas, trade_ins: Datas, papers: Data, at: datetime) -> Datas:
    acquired = [(each["delivered_at"], each["stream"]) for each in orders if each["state"] == "delivered"]
    acquired += [(each["from"], each["vehicle"]) for each in intervals if each["cause"] == "used_sale"]
    found = []
    for order in sorted(orders, key=lambda each: (each["placed_at"], each["stream"])):
        stream, delivered = order["stream"], order["state"] == "delivered"
        cancelled = order["cancellations"][-1] if order["state"] == "cancelled" else None
        quote = papers.get(papers.get(order["contract"], {}).get("quote"), {"lines": []})
        discounts = [line["amount"] for line in quote["lines"] if line["kind"] == "discount"]
        of_vin = [each for each in intervals if each["vehicle"] == f"vehicle/{order['vin']}"]
        taken = min((each["stream"] for each in trade_ins if each["order"] == stream), default=None)
        name, since = ("cancelled", cancelled["at"]) if cancelled else ("on_order", order["placed_at"])
        found.append({
            **without(order, "cancellations"), "cancelled": cancelled, "trade_in": order["trade_in"] or taken,
            "discount": sum(discounts) if discounts else None, "stage": name, "stage_since": since,
            "repurchase": delivered and (order["delivered_at"], stream) != min(acquired),
            "accessories": [each for each in sold if each["order"] == stream],
        } | (owned(order["delivered_at"], of_vin, at) if delivered else {}))
    return found


def owned(since: datetime, intervals: Datas, at: datetime) -> Data:
    """The stage of one vehicle, by the last of its intervals."""
    last = max(intervals, key=lambda each: (each["from"], each["version"]), default={"until": None})
    name, began = ("former", last["until"]) if last["until"] else stage.owner(since, at)
    return {"stage": name, "stage_since": began}


def vehicles(intervals: Datas, bought: Datas, trade_ins: Datas, at: datetime) -> Datas:
    found = []
    for name in sorted({each["vehicle"] for each in intervals}):
        own = sorted((i for i in intervals if i["vehicle"] == name), key=lambda each: (each["from"], each["version"]))
        vin = name.partition("/")[2]
        models = [each["model"] for each in [*bought, *trade_ins] if each["vin"] == vin and each["model"]]
        about = {"vin": vin, "model": models[0] if models else None, **owned(own[-1]["from"], own, at)}
        found.append({**about, "intervals": [without(each, "vehicle", "version", "ids") for each in own]})
    return found


def current(stream: Stream, at: datetime) -> Data:
    held: Data = {"stream": stream.name, "dealer": stream.holders[-1][0], "since": stream.holders[-1][1]}
    if stream.kind != "lead" or not stream.entry:
        return {**held, "staff": stream.entry.get("staff"), "pooled": False, "protection": None, "feedback": None}
    lead, due, protection = stream.entry, stream.entry["feedback_due"], stream.entry["protection"]
    feedback = due and {"due": due, "overdue": lead["feedback_missed"] or due <= at}
    held |= {"staff": lead["owner"], "pooled": lead["pooled"], "feedback": feedback}
    return {**held, "protection": protection and only(protection, "staff", "until")}


def open_lead(lead: Data, at: datetime) -> Data:
    action, reports, scores = pending(lead), lead.get("status_reports"), lead.get("scores")
    last = lead["routings"][-1] if lead["routings"] else None
    late = last and last["state"] == "waiting" and last["accept_by"] <= at
    return {
        **only(lead, *OPEN_LEAD.split()), "score": scores[-1] if scores else None,
        "reported_status": reports[-1]["status"] if reports else None,
        "routing": last and {**only(last, "dealer", "by", "accept_by"), "state": "overdue" if late else last["state"]},
        "next_action": action and {**only(action, "kind", "due", "assignee"),
                                   "overdue": action["outcome"] == "missed" or action["due"] <= at},
    }
