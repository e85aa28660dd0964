"""From streams to customers, and from a customer's streams to the facts of its record."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from checker.lead import TOLD, Data, Drive, Lead
from checker.topics import Event, plain, streams_of

RULES = "record-2"
COMPLETE = ("name", "contact_point", "address", "model", "budget", "window", "needs", "consent")
STAGES = ("unknown", "prospect", "hot_prospect", "in_purchase")
FOLDS: dict[str, type] = {"lead": Lead, "testdrive": Drive}
# Facts that are nobody's record: no event of theirs is missing.
KEPT_ONLY = ("groupbuy", "campaign", "showroomday", "mediaspend")
KNOWN = {("lead", name) for fold in FOLDS.values() for name in vars(fold) if name[:5] in ("lead_", "test_", "follo")}
KNOWN |= {("lead", n) for n in ("customer_shared", "share_revoked", "online_experience_recorded")}
KNOWN |= {("lead", "showroom_visit_recorded")}


def canonical(tree: Any) -> bytes:
    return json.dumps(plain(tree), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(tree: Any) -> str:
    return hashlib.sha256(canonical(tree)).hexdigest()


class Stream:
    """What its events up to two dates make of it. `person`: its personal side may be looked at."""

    def __init__(self, name: str, events: Iterable[Event]) -> None:
        self.name, self.kind, self.person = name, name.partition("/")[0], True
        self.version = self.unknown = 0
        self.party_ref: str | None = None
        self.dealer: str | None = None
        self.holders: list[tuple[str | None, datetime]] = []
        self.body = FOLDS[self.kind]() if self.kind in FOLDS else None
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        known = (event.service, event.name) in KNOWN
        self.version, self.dealer = event.version, event.dealer
        self.party_ref = event.party_ref or self.party_ref
        self.unknown += not known and self.kind not in KEPT_ONLY
        if not self.holders or self.holders[-1][0] != event.dealer:
            if self.holders and self.body is not None:
                self.body.moved()
            self.holders.append((event.dealer, event.time))
        if known and self.body is not None:
            self.body.take(event.name, event.data)

    @property
    def lead(self) -> Lead | None:
        return self.body if isinstance(self.body, Lead) and self.body.captured is not None else None

    @property
    def drive(self) -> Drive | None:
        return self.body if isinstance(self.body, Drive) and self.body.booked is not None else None

    def seen_by(self, dealer: str | None, at: datetime) -> bool:
        """All of one's own; of another's what is shared, without the person unless that is shared too."""
        self.person = True
        if dealer is None or self.dealer == dealer:
            return True
        if self.lead is None or self.lead.binned:
            return False
        given = [each for each in self.lead.shares if each["ended"] is None and each["dealer"] == dealer]
        self.person = bool(given) and given[-1]["scope"] == "contact"
        return bool(given) and at < given[-1]["until"]


class World:
    """All events there are. A viewer is a dealer, or None for headquarters."""

    def __init__(self, events: Iterable[Event], links: Iterable[tuple[str, str]] = ()) -> None:
        self.streams, self.links = streams_of(events), list(links)

    def customers(
        self, dealer: str | None, at: datetime, as_of: datetime | None = None, known_at: datetime | None = None
    ) -> dict[str, Any]:
        """Customer id -> facts, at the date `at`, of what had happened by `as_of` and was known by `known_at`."""
        seen = []
        for name in sorted(self.streams):
            told = [e for e in self.streams[name] if not ((as_of and e.time > as_of) or (known_at and e.recorded > known_at))]
            stream = Stream(name, told)
            if stream.party_ref is not None and stream.seen_by(dealer, at):
                seen.append(stream)
        groups = {ref: {ref} for ref in sorted({stream.party_ref for stream in seen if stream.party_ref})}
        links = [pair for pair in self.links if pair[0] in groups and pair[1] in groups]
        for one, other in links:
            together = groups[one] | groups[other]
            groups.update(dict.fromkeys(together, together))
        return {
            min(refs): record([s for s in seen if s.party_ref in refs], sorted(refs), links, at)
            for refs in {id(refs): refs for refs in groups.values()}.values()
        }


# ── The record ────────────────────────────────────────────────────────────────────────────────────────────────
def record(streams: Sequence[Stream], refs: Sequence[str], links: Sequence[tuple[str, str]], at: datetime) -> Data:
    leads = [(stream, stream.lead) for stream in streams if stream.lead is not None]
    stage, since, dormant = stage_of(leads)
    known = known_items(leads)
    return {
        "head": {
            "customer_id": refs[0],
            "party_refs": refs,
            "merged_from": [ref for ref in refs[1:] if any(ref in pair for pair in links)],
            "stage": stage,
            "stage_since": since,
            "overlays": [{"overlay": "dormant", "since": dormant}] if dormant else [],
            "completeness": {
                "percent": 100 * len(known) // len(COMPLETE),
                "known": [item for item in COMPLETE if item in known],
                "missing": [item for item in COMPLETE if item not in known],
            },
            "record_version": sum(stream.version for stream in streams),
            "unknown_events": sum(stream.unknown for stream in streams),
            "rules": RULES,
        },
        "contact_points": [point for stream, lead in leads if stream.person for point in lead.points],
        "removed_contact_points": [key for stream, lead in leads if stream.person for key in lead.removed],
        "consent": consent(leads),
        "profile": {"needs": [{"stream": s.name, **need} for s, lead in leads for need in lead.needs]},
        "responsibility": responsibility(streams, leads, at),
        "intent": {"open_leads": [open_lead(s, lead, at) for s, lead in leads if is_open(lead)]},
        "journey": journey(streams, leads, at),
    }


def is_open(lead: Lead) -> bool:
    return lead.status == "open" and not lead.binned


def late(action: Data, at: datetime) -> bool:
    return action["outcome"] == "missed" or (action["outcome"] == "planned" and action["due"] <= at)


def without(entry: Data, *names: str) -> Data:
    return {key: value for key, value in entry.items() if key not in names}


def stage_of(leads: Sequence[tuple[Stream, Lead]]) -> tuple[str, datetime | None, datetime | None]:
    """Its name, since when, and since when every intent is lost. At each moment it is that of the record as of then."""
    moments = sorted((m[0], s.name, n, m[1], m[2]) for s, lead in leads for n, m in enumerate(lead.marks))
    said: dict[str, dict[str, tuple[int, Any]]] = {}
    level, since, dormant = 0, None, None
    for at, stream, number, dimension, value in moments:
        lead = said.setdefault(stream, {})
        if number == 0:
            lead["captured"] = (0, True)
        lead[dimension] = max(lead.get(dimension, (-1, None)), (number, value), key=lambda each: each[0])
        levels = {name: _level({key: told for key, (_, told) in each.items()}) for name, each in said.items()}
        if max(levels.values()) != level:
            level, since = max(levels.values()), at
        there = [said[name]["status"][1] for name in levels if levels[name]]
        asleep = bool(there) and set(there) == {"lost"}
        dormant = (dormant or at) if asleep else None
    return STAGES[level], since, dormant


def _level(said: Data) -> int:
    if "captured" not in said or said.get("bin"):
        return 0
    if said["status"] == "converted":
        return 3
    return 2 if said["status"] == "open" and said.get("grade") == "hot" else 1


def known_items(leads: Sequence[tuple[Stream, Lead]]) -> set[str]:
    known: set[str] = set()
    for stream, lead in leads:
        if stream.person:
            known |= {"name"} if lead.fields & {"name", "family_name", "given_name"} else set()
            known |= {"address" for point in lead.points if point["kind"] == "address"}
            known |= {"contact_point" for point in lead.points if point["kind"] != "address" and point["valid"]}
        known |= {"model" for vehicle in lead.vehicles if vehicle["model"] or vehicle["vin"]}
        there = {"budget": lead.budget, "window": lead.window, "needs": lead.needs, "consent": lead.consents}
        known |= {item for item, value in there.items() if value}
    return known


def consent(leads: Sequence[tuple[Stream, Lead]]) -> list[Data]:
    said = sorted(
        ((at, stream.name, number, given) for stream, lead in leads for number, (at, given) in enumerate(lead.consents)),
        key=lambda entry: entry[:3],
    )
    latest: dict[tuple[str, str, str], Data] = {}
    for at, _, _, given in said:
        key = (given["purpose"], given["channel"], given["brand"] or "")
        state, before = "granted" if given["granted"] else "refused", latest.get(key)
        since = before["since"] if before and before["state"] == state else at
        latest[key] = {**without(given, "granted"), "state": state, "since": since}
    return [latest[key] for key in sorted(latest)]


def responsibility(streams: Sequence[Stream], leads: Sequence[tuple[Stream, Lead]], at: datetime) -> Data:
    return {
        "current": [current(stream, at) for stream in streams if stream.holders],
        "history": [
            {"stream": stream.name, "dealer": dealer, "since": since, "until": until}
            for stream in streams
            for (dealer, since), (_, until) in zip(stream.holders, stream.holders[1:], strict=False)
        ],
        "routings": [{"stream": s.name, **routing(each, at)} for s, lead in leads for each in lead.routings],
        "reassigned": [{"stream": s.name, **each} for s, lead in leads for each in lead.reassigned],
        "shares": [
            {"stream": s.name, **without(each, "ended"), "state": share_state(lead, each, at)}
            for s, lead in leads
            for each in lead.shares
        ],
    }


def share_state(lead: Lead, share: Data, at: datetime) -> str:
    if share["ended"] or share["until"] <= at:
        return str(share["ended"] or "expired")
    return "suspended" if lead.binned else "active"


def current(stream: Stream, at: datetime) -> Data:
    held: Data = {"stream": stream.name, "dealer": stream.holders[-1][0], "since": stream.holders[-1][1]}
    lead, staff, feedback = stream.lead, None, None
    if lead is None:
        staff = stream.drive.about["staff"] if stream.drive else None
        return {**held, "staff": staff, "pooled": False, "protection": None, "feedback": None}
    if lead.feedback_due is not None:
        feedback = {"due": lead.feedback_due, "overdue": lead.feedback_missed or lead.feedback_due <= at}
    protection = lead.protection and without(lead.protection, "period")
    return {**held, "staff": lead.owner, "pooled": lead.pooled, "protection": protection, "feedback": feedback}


def routing(each: Data, at: datetime) -> Data:
    overdue = each["state"] == "waiting" and each["accept_by"] <= at
    return {**without(each, "action"), "state": "overdue" if overdue else each["state"]}


def open_lead(stream: Stream, lead: Lead, at: datetime) -> Data:
    reports, scores, action = lead.told["status_reports"], lead.told["scores"], lead.pending()
    last = routing(lead.routings[-1], at) if lead.routings else None
    return {
        "stream": stream.name,
        "captured_at": lead.captured,
        **lead.about,
        "needs": lead.needs,
        "grade": lead.grade,
        "reasons": lead.reasons,
        "score": scores[-1] if scores else None,
        "vehicles": lead.vehicles,
        "budget": lead.budget,
        "window": lead.window,
        "first_contact_at": lead.first_contact,
        "reported_status": reports[-1]["status"] if reports else None,
        "routing": last and {key: last[key] for key in ("dealer", "by", "accept_by", "state")},
        "next_action": action
        and {"overdue": late(action, at), **{key: action[key] for key in ("kind", "due", "assignee")}},
    }


def journey(streams: Sequence[Stream], leads: Sequence[tuple[Stream, Lead]], at: datetime) -> Data:
    told = {
        section: [{"stream": s.name, **each} for s, lead in leads for each in lead.told[section]] for section in TOLD
    }
    return {
        "follow_ups": [{"stream": s.name, **follow_up(each, at)} for s, lead in leads for each in lead.follow_ups],
        "test_drives": [drive(stream, stream.drive, at) for stream in streams if stream.drive is not None],
        "recycled": [{"stream": s.name, **each} for s, lead in leads for each in lead.recycled],
        **told,
    }


def follow_up(each: Data, at: datetime) -> Data:
    slow = each["outcome"] == "done" and each["closed_at"] > each["due"]
    outcome = "missed" if late(each, at) else each["outcome"]
    return {**without(each, "assignee", "over"), "outcome": outcome, "late": slow}


def drive(stream: Stream, it: Drive, at: datetime) -> Data:
    missed = it.status == "booked" and it.slot["report_by"] <= at
    state = {"booked_at": it.booked, "state": "missed" if missed else it.status}
    return {"stream": stream.name, **it.about, **it.ended, **without(it.slot, "report_by"), **state}
